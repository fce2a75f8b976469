"""The door: who is let in, how requests must be signed, and how each protocol refuses."""
import http.client, socket, urllib.parse

from botocore.exceptions import ClientError

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
        with self.refused("UnknownOperationException", "POST /billing-groups/g"):
            self.server.client("iot").create_billing_group(billingGroupName="g")
        with self.refused("UnknownOperationException", "RequestCertificate"):
            self.server.client("acm").request_certificate(DomainName="example.com")
        with self.refused("InvalidAction", "ListGroups"):
            self.server.client("iam").list_groups()


class Heads(CloudTest):
    """Heads of requests that two readers could read in two ways."""

    def raw(self, *pieces):
        """What the server answers until it closes; pieces go out one by one."""
        host, port = self.server.host.split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                connection.sendall(piece)
            answer = b""
            while True:
                more = connection.recv(65536)
                if not more:
                    return answer
                answer += more

    def request(self, *lines, body=b"", more=b""):
        head = [b"PUT /bucket-of-heads HTTP/1.1", b"Host: h", *lines]
        return b"\r\n".join(head) + b"\r\n\r\n" + body + more

    def test_a_head_that_can_be_read_in_two_ways_is_refused_and_ends_the_connection(self):
        smuggled = self.request(b"Content-Length: 0")
        for lines, word in (
                ([b"Content-Length: 4", b"Content-Length: 4"], b"one Content-Length"),
                ([b"Content-Length: 4", b"Content-Length: 44"], b"one Content-Length"),
                ([b"Content-Length: 4", b"Transfer-Encoding: chunked"], b"one Content-Length"),
                ([b"Content-Length: +4"], b"digits alone"),
                ([b"Content-Length : 4"], b"token"),
                ([b"Content-Length: 4", b"Host: other"], b"one Host"),
                ([b"Content-Length: 4", b"X-Amz-Meta-A: b\0c"], b"NUL")):
            answer = self.raw(self.request(*lines, body=b"abcd", more=smuggled))
            self.assertTrue(answer.startswith(b"HTTP/1.1 400"), (lines, answer))
            self.assertEqual(answer.count(b"HTTP/1.1"), 1, lines)
            self.assertIn(word, answer)

    def test_a_nul_is_seen_wherever_the_head_is_cut_and_in_later_requests_too(self):
        bad = self.request(b"Content-Length: 0", b"X-Amz-Meta-A: b\0c")
        at = bad.index(b"\0")
        for pieces in ((bad[:at], bad[at:]), (bad[:at + 1], bad[at + 1:]),
                       (self.request(b"Content-Length: 4", body=b"a\0\0b"), bad)):
            answer = self.raw(*pieces)
            self.assertIn(b"must not hold a NUL", answer)

    def test_a_body_that_is_too_large_is_refused_so_that_a_client_can_read_it(self):
        s3 = self.server.client("s3")
        s3.create_bucket(Bucket="large")
        size = (64 << 20) + 65537
        with self.refused("EntityTooLarge", "in parts"):
            s3.put_object(Bucket="large", Key="k", Body=bytes(size))
        # a client that does not wait to be told sends all of it, and can still read the answer
        headers = self.server.signed("s3", "PUT", "/large/k", {}, b"")
        headers["Content-Length"] = str(size)
        connection = http.client.HTTPConnection(self.server.host, timeout=60)
        connection.request("PUT", "/large/k", bytes(size), headers)
        reply = connection.getresponse()
        self.assertEqual(reply.status, 400)
        self.assertIn(b"<Code>EntityTooLarge</Code>", reply.read())
        connection.close()
        self.assertNotIn("Contents", s3.list_objects_v2(Bucket="large"))
