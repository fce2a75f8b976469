"""A fleet in front of `otter cloud`: the cloud as a process that may be killed, simulated devices
(bench/swarm), and all that an update of them needs, made by the APIs. Used by bench/cloud.py and
by tests in tests/e2e."""
import base64, json, os, re, signal, socket, subprocess, time, urllib.parse

import aws

FAMILY = "fleet-"
GROUP = "fleet"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}
VERSIONING = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                 "Principal": {"Service": "iot.amazonaws.com"}}]}


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def otter(program, *words):
    """What `otter cloud` WORDS ends with, and says."""
    done = subprocess.run([program, "cloud", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cloud:
    """`otter cloud` on ports that stay the same when it is started again."""

    def __init__(self, otter, folder, *options):
        self.otter, self.folder, self.dir = otter, folder, os.path.join(folder, "cloud")
        self.options = ["--page-port", str(free_port()), "--mqtt-port", str(free_port()), "--api-port", str(free_port()), *options]
        self.process = None
        self.start()

    def start(self):
        facts = os.path.join(self.dir, "cloud.json")
        if os.path.exists(facts):
            os.unlink(facts)
        with open(os.path.join(self.folder, "cloud.log"), "a") as log:
            self.process = subprocess.Popen([self.otter, "cloud", "--dir", self.dir, *self.options],
                                            stdout=log, stderr=log, preexec_fn=aws.end_with_parent)
        while not os.path.exists(facts):
            if self.process.poll() is not None:
                raise aws.Failed("the cloud did not start:\n" + self.log())
            time.sleep(0.02)
        with open(facts) as file:
            self.facts = json.load(file)
        self.url = self.facts["api_url"]
        self.keys = self.facts["access_key_id"], self.facts["secret_access_key"]
        self.root = self.facts["root_ca"]

    def log(self):
        with open(os.path.join(self.folder, "cloud.log")) as file:
            return file.read()

    def kill(self, with_broker=False):
        """As nothing can prepare for. With the broker: as when the machine goes, but for its disk."""
        if with_broker:
            self.process.send_signal(signal.SIGSTOP) # or it would start another one
            os.kill(self.broker(), signal.SIGKILL)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def broker(self):
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as file:
            return int(file.read().split()[0])

    def kib(self):
        """Memory of cloud and broker that no one else has."""
        return sum(private_kib(pid) for pid in (self.process.pid, self.broker()))

    def raw(self, service, method, path, query="", body=b"", headers=None):
        return aws.ask(self.url, aws.sign(self.url, self.keys, service, method, path, query, body, headers))

    def iot(self, method, path, members=None, query=""):
        return self.raw("iot", method, path, query, json.dumps(members or {}).encode(),
                        {"content-type": "application/json"})

    def arn(self, what):
        return "arn:aws:iot:%s:%s:%s" % (aws.REGION, self.facts["account"], what)

    def register(self, work):
        """Key and certificate that all devices share, which may do all."""
        key, cert = os.path.join(work, "key.pem"), os.path.join(work, "cert.pem")
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=fleet")
        with open(cert) as file:
            arn = self.iot("POST", "/certificate/register-no-ca",
                           {"certificatePem": file.read(), "status": "ACTIVE"})["certificateArn"]
        self.iot("POST", "/policies/fleet", {"policyDocument": json.dumps(POLICY)})
        self.iot("PUT", "/target-policies/fleet", {"target": arn})
        return key, cert

    def make_things(self, count):
        """In one group."""
        self.iot("POST", "/thing-groups/" + GROUP)
        requests = [aws.sign(self.url, self.keys, "iot", "POST", "/things/%s%d" % (FAMILY, i), body=b"{}")
                    for i in range(count)]
        requests += [aws.sign(self.url, self.keys, "iot", "PUT", "/thing-groups/addThingToThingGroup", body=json.dumps(
            {"thingName": "%s%d" % (FAMILY, i), "thingGroupName": GROUP}).encode()) for i in range(count)]
        for at in range(0, 2 * count, count): # those that join must be there
            aws.rate(self.url, requests[at:at + count])

    def make_signer(self, work):
        """Signing profile, role and bucket; gives the file with the signer's public key."""
        key, cert, public = (os.path.join(work, name) for name in ("signer.key", "signer.crt", "signer.pub"))
        run("openssl", "req", "-new", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=signer", "-addext", "keyUsage=digitalSignature",
            "-addext", "extendedKeyUsage=codeSigning", "-keyout", key, "-out", cert)
        run("openssl", "pkey", "-in", key, "-pubout", "-out", public)
        text = {name: base64.b64encode(open(path, "rb").read()).decode()
                for name, path in (("Certificate", cert), ("PrivateKey", key))}
        arn = self.raw("acm", "POST", "/", body=json.dumps(text).encode(),
                       headers={"x-amz-target": "CertificateManager.ImportCertificate"})["CertificateArn"]
        self.raw("signer", "PUT", "/signing-profiles/fleet", body=json.dumps({
            "platformId": "AmazonFreeRTOS-Default", "signingParameters": {"certname": "ota_signer_pub"},
            "signingMaterial": {"certificateArn": arn}}).encode())
        self.raw("iam", "POST", "/", body=urllib.parse.urlencode({
            "Action": "CreateRole", "Version": "2010-05-08", "RoleName": "fleet",
            "AssumeRolePolicyDocument": json.dumps(TRUST)}).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"})
        self.raw("s3", "PUT", "/fleet")
        self.raw("s3", "PUT", "/fleet", "versioning=", VERSIONING)
        return public

    def create_update(self, name, version, path):
        """The file at `path` for the whole group."""
        with open(path, "rb") as file:
            self.raw("s3", "PUT", "/fleet/" + version, body=file.read())
        found = self.raw("s3", "GET", "/fleet", "versions=")
        number = re.search(rb"<Key>%s</Key><VersionId>([^<]+)" % version.encode(), found).group(1).decode()
        self.iot("POST", "/otaUpdates/" + name, {
            "targets": [self.arn("thinggroup/" + GROUP)], "targetSelection": "SNAPSHOT",
            "roleArn": "arn:aws:iam::%s:role/fleet" % self.facts["account"],
            "files": [{"fileName": version, "fileVersion": version,
                       "fileLocation": {"s3Location": {"bucket": "fleet", "key": version, "version": number}},
                       "codeSigning": {"startSigningJobParameter": {
                           "signingProfileName": "fleet",
                           "destination": {"s3Destination": {"bucket": "fleet"}}}}}]})

    def executions(self, job):
        """Of all things: {name: (status, execution number)}."""
        found, token = {}, ""
        while True:
            page = self.iot("GET", "/jobs/%s/things" % job, query="maxResults=250" + token)
            for one in page["executionSummaries"]:
                summary = one["jobExecutionSummary"]
                found[one["thingArn"].split("/")[-1]] = summary["status"], summary["executionNumber"]
            if "nextToken" not in page:
                return found
            token = "&nextToken=" + urllib.parse.quote(page["nextToken"], safe="")


def private_kib(pid):
    with open("/proc/%d/smaps_rollup" % pid) as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))


class Swarm:
    """bench/swarm as a process; see its main.c for what it can be told."""

    def __init__(self, program, cloud, key, cert, image, signer, count, *options):
        self.process = subprocess.Popen(
            [program, "--port", str(cloud.facts["mqtt_port"]), "--root", cloud.root, "--key", key, "--cert", cert,
             "--image", image, "--signer", signer, "--count", str(count), "--prefix", FAMILY, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        word, *pairs = line.split() or ["FAILED"]
        facts = {name: float(value) for name, value in (pair.split("=") for pair in pairs)}
        if word != "OK":
            raise aws.Failed("the swarm says: " + (line or "nothing"))
        return facts

    def begin(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def tell(self, line):
        self.begin(line)
        return self.answer()

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def make_image(otter, key, work, version, size):
    """A signed image whose program is noise: no device of a swarm runs it."""
    payload, image = os.path.join(work, "payload"), os.path.join(work, version + ".bin")
    with open(payload, "wb") as file:
        file.write(os.urandom(size))
    run(otter, "sign", "-k", key, "--align", "4", "-v", version + "+0", "--header-size", "4096", "--pad-header",
        "-S", "0x40000", payload, image)
    return image
