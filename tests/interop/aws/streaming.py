"""Uploads as current SDKs send them over HTTPS: aws-chunked within HTTP's chunks, with trailers.

usage: streaming.py URL KEY_ID SECRET MODE     MODE: trailer, signed, tampered, wrong-crc
Puts 200000 bytes to /updates/streamed and prints the HTTP status and the body of an error.
"""
import base64, datetime, hashlib, hmac, http.client, sys, urllib.parse, zlib

url, key_id, secret, mode = sys.argv[1:5]
host = urllib.parse.urlparse(url).netloc
content = bytes(i * 7 % 251 for i in range(200000))
now = datetime.datetime.utcnow().strftime("%Y%m%dT%H%M%SZ")
scope = now[:8] + "/us-east-1/s3/aws4_request"
signed = mode in ("signed", "tampered")


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


key = ("AWS4" + secret).encode()
for part in scope.split("/"):
    key = mac(key, part)

headers = {
    "host": host,
    "content-encoding": "aws-chunked",
    "x-amz-date": now,
    "x-amz-decoded-content-length": str(len(content)),
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" if signed
    else "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
}
if not signed:
    headers["x-amz-trailer"] = "x-amz-checksum-crc32"
names = ";".join(sorted(headers))
canonical = "PUT\n/updates/streamed\n\n" + "".join(
    "%s:%s\n" % (name, headers[name]) for name in sorted(headers)) + "\n%s\n%s" % (
        names, headers["x-amz-content-sha256"])
to_sign = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (now, scope, hashlib.sha256(canonical.encode()).hexdigest())
signature = mac(key, to_sign).hex()
headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
    key_id, scope, names, signature)
headers["expect"] = "100-continue"


def chunk(data):
    global signature
    if not signed:
        return b"%x\r\n" % len(data) + data + (b"\r\n" if data else b"")
    signature = mac(key, "AWS4-HMAC-SHA256-PAYLOAD\n%s\n%s\n%s\n%s\n%s" % (
        now, scope, signature, hashlib.sha256(b"").hexdigest(), hashlib.sha256(data).hexdigest())).hex()
    return b"%x;chunk-signature=%s\r\n" % (len(data), signature.encode()) + data + b"\r\n"


body = b"".join(chunk(content[at:at + 65536]) for at in range(0, len(content), 65536)) + chunk(b"")
if not signed:
    crc = zlib.crc32(content) ^ (1 if mode == "wrong-crc" else 0)
    body += b"x-amz-checksum-crc32:" + base64.b64encode(crc.to_bytes(4, "big")) + b"\r\n\r\n"
if mode == "tampered":
    body = body.replace(content[1000:1010], b"0123456789", 1)

connection = http.client.HTTPConnection(host)
# HTTP's own chunks have other borders than those within
pieces = (body[at:at + 10007] for at in range(0, len(body), 10007))
connection.request("PUT", "/updates/streamed", pieces, headers, encode_chunked=True)
reply = connection.getresponse()
print(reply.status, reply.read().decode())
