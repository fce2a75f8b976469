"""The door: who is let in, how requests must be signed, and how each protocol refuses."""
import json, urllib.parse

from sdk import CloudTest


class Refusals(CloudTest):
    def ask(self, service, **options):
        client = self.server.client(service, **options)
        calls = {"iot": "list_things", "s3": "list_buckets", "sts": "get_caller_identity",
                 "acm": "list_certificates", "signer": "list_signing_profiles"}
        getattr(client, calls[service])()

    def test_a_wrong_secret_key_id_or_region_is_refused_in_each_protocol(self):
        right = self.server.facts["access_key_id"]
        wrong = {"aws_secret_access_key": "wrong"}
        nobody = {"aws_access_key_id": "AKIANOBODY0000000001"}
        for service, options, name in (
                ("iot", wrong, "InvalidSignatureException"), ("s3", wrong, "SignatureDoesNotMatch"),
                ("sts", wrong, "SignatureDoesNotMatch"), ("acm", wrong, "InvalidSignatureException"),
                ("signer", wrong, "InvalidSignatureException"),
                ("iot", nobody, "UnrecognizedClientException"),
                ("s3", nobody, "InvalidAccessKeyId"), ("sts", nobody, "InvalidClientTokenId"),
                ("iot", {"region_name": "eu-west-1"}, "InvalidSignatureException")):
            with self.refused(name):
                self.ask(service, **options)
        for service in ("iot", "s3", "sts", "acm", "signer"):
            self.ask(service, aws_access_key_id=right)

    def test_what_is_not_signed_is_refused(self):
        from botocore import UNSIGNED
        with self.refused("MissingAuthenticationTokenException"):
            self.ask("iot", signing=UNSIGNED)
        with self.refused("AccessDenied"):
            self.ask("s3", signing=UNSIGNED)

    def test_a_presigned_url_is_good_until_it_is_changed(self):
        s3 = self.server.client("s3", signing="s3v4")
        s3.create_bucket(Bucket="shared")
        s3.put_object(Bucket="shared", Key="a file", Body=b"content")
        link = s3.generate_presigned_url("get_object", {"Bucket": "shared", "Key": "a file"},
                                         ExpiresIn=60)
        self.assertEqual(self.fetch(link), (200, b"content"))
        self.assertEqual(self.fetch(link.replace("Expires=60", "Expires=6000"))[0], 403)
        self.assertEqual(self.fetch(link.split("?")[0])[0], 403)

    def fetch(self, url, **headers):
        import http.client
        connection = http.client.HTTPConnection(self.server.host, timeout=60)
        parts = urllib.parse.urlsplit(url)
        connection.request("GET", parts.path + ("?" + parts.query if parts.query else ""),
                           headers=headers)
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        return reply.status, content

    def test_signatures_of_version_2_are_named_as_such(self):
        s3 = self.server.client("s3", signing="s3")
        link = s3.generate_presigned_url("get_object", {"Bucket": "shared", "Key": "k"})
        self.assertIn("AWSAccessKeyId", link)
        status, content = self.fetch(link)
        self.assertEqual(status, 400)
        self.assertIn(b"<Code>InvalidRequest</Code>", content)
        self.assertIn(b"Signature Version 2", content)
        status, content = self.fetch(self.server.url + "/b/k", Authorization="AWS AKIA:abc=")
        self.assertIn(b"Signature Version 2", content)

    def test_services_that_are_not_offered_are_named_in_their_own_protocol(self):
        for service, call, known in (
                ("dynamodb", lambda c: c.list_tables(), "iot-jobs-data"),
                ("sqs", lambda c: c.list_queues(), "service sqs"),
                ("sns", lambda c: c.list_topics(), "service sns"),
                ("lambda", lambda c: c.list_functions(), "service lambda")):
            with self.refused("UnknownOperationException", known):
                call(self.server.client(service))

    def test_operations_that_are_not_offered_are_named(self):
        with self.refused("UnknownOperationException", "POST /thing-groups/g"):
            self.server.client("iot").create_thing_group(thingGroupName="g")
        with self.refused("UnknownOperationException", "RequestCertificate"):
            self.server.client("acm").request_certificate(DomainName="example.com")
        with self.refused("InvalidAction", "ListUsers"):
            self.server.client("iam").list_users()
