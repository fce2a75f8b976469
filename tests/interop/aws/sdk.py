"""boto3 against the cloud's HTTP APIs: what all test classes of this folder share.

usage: sdk.py API_SERVER [unittest arguments]
Every test class has a server of its own (`Cloud`); all of them run in this one process, because
starting an interpreter with botocore costs more than most tests.
"""
import base64, contextlib, http.client, json, os, re, shutil, subprocess, sys, tempfile, time
import unittest, urllib.parse

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

REGION, ACCOUNT = "us-east-1", "123456789012"
API_SERVER = None  # set by main


def arn(service, rest):
    return "arn:aws:%s:%s:%s:%s" % (service, REGION, ACCOUNT, rest)


def unknown_members(value, shape, path=""):
    """What is in an answer as it came, but not in the model."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        known = {member.serialization.get("name", name): member
                 for name, member in shape.members.items()}
        for name, inner in value.items():
            if name not in known:
                yield "%s.%s" % (path, name)
            else:
                yield from unknown_members(inner, known[name], path + "." + name)
    elif kind == "list" and isinstance(value, list):
        for inner in value:
            yield from unknown_members(inner, shape.member, path + "[]")
    elif kind == "map" and isinstance(value, dict):
        for inner in value.values():
            yield from unknown_members(inner, shape.value, path + "{}")
    elif (kind in ("structure", "map")) != isinstance(value, dict) and value is not None:
        yield path + " is of another type"


def check_shape(http_response, model, **more):
    """Each answer of each test: what its model requires, and nothing that it does not know."""
    shape = model.output_shape
    if http_response.status_code >= 300 or not shape or "payload" in shape.serialization:
        return
    body = json.loads(http_response.content or b"{}")
    wrong = list(unknown_members(body, shape))
    wrong += ["%s is missing" % name for name in shape.required_members
              if shape.members[name].serialization.get("location") is None
              and shape.members[name].serialization.get("name", name) not in body]
    if wrong:
        raise AssertionError("%s does not answer as its model says: %s" % (model.name, wrong))


class Server:
    """An api_server on a folder; may be stopped and started again on the same one."""

    def __init__(self, *arguments):
        self.folder = tempfile.mkdtemp(prefix="otter-sdk-")
        self.arguments = arguments
        self.start()

    def start(self):
        facts = os.path.join(self.folder, "cloud.json")
        with contextlib.suppress(FileNotFoundError):
            os.remove(facts)
        self.log = open(os.path.join(self.folder, "server.log"), "a")
        self.process = subprocess.Popen([API_SERVER, self.folder, *self.arguments],
                                        stdout=self.log, stderr=self.log)
        for _ in range(600):
            if os.path.exists(facts):
                break
            time.sleep(0.05)
        self.facts = json.load(open(facts))
        self.url = self.facts["api_url"]
        self.host = urllib.parse.urlparse(self.url).netloc

    def stop(self):
        self.process.terminate()
        code = self.process.wait()
        self.log.close()
        if code != 0:
            raise AssertionError("the server ended badly: " +
                                 open(os.path.join(self.folder, "server.log")).read())

    def remove(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder)

    def client(self, service, **options):
        options.setdefault("aws_access_key_id", self.facts["access_key_id"])
        options.setdefault("aws_secret_access_key", self.facts["secret_access_key"])
        options.setdefault("region_name", REGION)
        config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"},
                        parameter_validation=False, signature_version=options.pop("signing", None))
        client = boto3.client(service, endpoint_url=self.url, config=config, **options)
        if client.meta.service_model.metadata["protocol"] in ("rest-json", "json"):
            client.meta.events.register("after-call", check_shape)
        return client

    def signed(self, service, method, path, headers=None, body=b""):
        """Header names and values of a signed request, made by hand."""
        request = AWSRequest(method, self.url + path, headers or {}, body)
        keys = Credentials(self.facts["access_key_id"], self.facts["secret_access_key"])
        (S3SigV4Auth if service == "s3" else SigV4Auth)(keys, service, REGION).add_auth(request)
        return dict(request.headers.items())

    def send(self, service, method, path, headers=None, body=b""):
        """A signed request that no SDK would make: (status, headers, body)."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        signed = self.signed(service, method, path, headers, body)
        connection.request(method, path, body, signed)
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        return reply.status, reply.headers, content


class CloudTest(unittest.TestCase):
    """A server and clients for each class. `refused` names the error that AWS's model has."""

    ARGUMENTS = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.ARGUMENTS)
        cls.addClassCleanup(cls.server.remove)
        cls.clients()

    @classmethod
    def clients(cls):
        """Called again after a restart, which brings another port."""

    @classmethod
    def restart(cls):
        cls.server.stop()
        cls.server.start()
        cls.clients()

    @contextlib.contextmanager
    def refused(self, name, words=None):
        with self.assertRaises(ClientError) as caught:
            yield
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], name, error)
        if words:
            self.assertIn(words, error["Message"])

    def status(self, answer):
        return answer["ResponseMetadata"]["HTTPStatusCode"]

    def headers(self, answer):
        return answer["ResponseMetadata"]["HTTPHeaders"]

    def run_tool(self, *arguments, data=None):
        return subprocess.run(arguments, input=data, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout

    def make_certificate(self, subject):
        """(certificate, key), both PEM text; P-256."""
        key = os.path.join(self.server.folder, "made.key")
        certificate = self.run_tool(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "3650", "-subj", "/CN=" + subject,
            "-addext", "keyUsage=critical,digitalSignature",
            "-addext", "extendedKeyUsage=codeSigning", "-keyout", key)
        return certificate.decode(), open(key).read()


def main():
    global API_SERVER
    sys.modules["sdk"] = sys.modules["__main__"]  # one copy of this module for the test files
    API_SERVER = sys.argv.pop(1)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy",
                 "all_proxy", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null",
                      AWS_EC2_METADATA_DISABLED="true")
    here = os.path.dirname(os.path.abspath(__file__))
    modules = sorted(name[:-3] for name in os.listdir(here) if name.startswith("sdk_"))
    suite = unittest.TestLoader().loadTestsFromNames(modules)
    chosen = sys.argv[1:]
    if chosen:
        suite = unittest.TestSuite(test for test in flat(suite)
                                   if any(word in test.id() for word in chosen))
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    sys.exit(not result.wasSuccessful() or result.testsRun == 0)


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


if __name__ == "__main__":
    main()
