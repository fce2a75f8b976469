"""Uploads as current SDKs send them over HTTPS: aws-chunked within HTTP's chunks, with trailers."""
import base64, datetime, hashlib, hmac, http.client, zlib

from sdk import REGION, CloudTest

CONTENT = bytes(i * 7 % 251 for i in range(200000))


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Upload:
    """One upload to /updates/streamed, its chunks signed or with a checksum behind them."""

    def __init__(self, server, signed, wrong_checksum=False, tampered=False):
        self.server, self.signed = server, signed
        self.now = datetime.datetime.utcnow().strftime("%Y%m%dT%H%M%SZ")
        self.scope = "%s/%s/s3/aws4_request" % (self.now[:8], REGION)
        self.key = ("AWS4" + server.facts["secret_access_key"]).encode()
        for part in self.scope.split("/"):
            self.key = mac(self.key, part)
        headers = self.headers()
        body = b"".join(self.chunk(CONTENT[at:at + 65536])
                        for at in range(0, len(CONTENT), 65536)) + self.chunk(b"")
        if not signed:
            crc = zlib.crc32(CONTENT) ^ wrong_checksum
            body += b"x-amz-checksum-crc32:%s\r\n\r\n" % base64.b64encode(crc.to_bytes(4, "big"))
        if tampered:
            body = body.replace(CONTENT[1000:1010], b"0123456789", 1)
        self.send(headers, body)

    def headers(self):
        headers = {
            "host": self.server.host, "content-encoding": "aws-chunked", "x-amz-date": self.now,
            "x-amz-decoded-content-length": str(len(CONTENT)),
            "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" if self.signed
                                    else "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
        if not self.signed:
            headers["x-amz-trailer"] = "x-amz-checksum-crc32"
        names = ";".join(sorted(headers))
        canonical = "PUT\n/updates/streamed\n\n%s\n%s\n%s" % (
            "".join("%s:%s\n" % (name, headers[name]) for name in sorted(headers)), names,
            headers["x-amz-content-sha256"])
        self.signature = mac(self.key, "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (
            self.now, self.scope, hashlib.sha256(canonical.encode()).hexdigest())).hex()
        headers["authorization"] = (
            "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
                self.server.facts["access_key_id"], self.scope, names, self.signature))
        headers["expect"] = "100-continue"
        return headers

    def chunk(self, data):
        if not self.signed:
            return b"%x\r\n" % len(data) + data + (b"\r\n" if data else b"")
        self.signature = mac(self.key, "AWS4-HMAC-SHA256-PAYLOAD\n%s\n%s\n%s\n%s\n%s" % (
            self.now, self.scope, self.signature, hashlib.sha256(b"").hexdigest(),
            hashlib.sha256(data).hexdigest())).hex()
        return b"%x;chunk-signature=%s\r\n" % (len(data), self.signature.encode()) + data + b"\r\n"

    def send(self, headers, body):
        connection = http.client.HTTPConnection(self.server.host, timeout=60)
        # HTTP's own chunks have other borders than those within
        pieces = (body[at:at + 10007] for at in range(0, len(body), 10007))
        connection.request("PUT", "/updates/streamed", pieces, headers, encode_chunked=True)
        reply = connection.getresponse()
        self.status, self.reply = reply.status, reply.read()
        connection.close()


class Streaming(CloudTest):
    @classmethod
    def clients(cls):
        cls.s3 = cls.server.client("s3")
        cls.s3.create_bucket(Bucket="updates")

    def test_framed_uploads_arrive_as_they_were_before_framing(self):
        for signed in (False, True):
            upload = Upload(self.server, signed)
            self.assertEqual((upload.status, upload.reply), (200, b""))
            got = self.s3.get_object(Bucket="updates", Key="streamed")["Body"].read()
            self.assertEqual(got, CONTENT)
            self.s3.delete_object(Bucket="updates", Key="streamed")

    def test_framed_uploads_that_were_changed_on_the_way_are_refused(self):
        upload = Upload(self.server, signed=True, tampered=True)
        self.assertEqual(upload.status, 403)
        self.assertIn(b"SignatureDoesNotMatch", upload.reply)
        upload = Upload(self.server, signed=False, wrong_checksum=True)
        self.assertEqual(upload.status, 400)
        self.assertIn(b"BadDigest", upload.reply)
        with self.refused("404"):
            self.s3.head_object(Bucket="updates", Key="streamed")
