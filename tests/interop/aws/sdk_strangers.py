"""Those who cannot sign: they cost little memory, are told why, and do not hold on for ever."""
import socket

from sdk import CloudTest
from sdk_large import lean_sanitizer, resident_kib

CLAIM = ("PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
         "X-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 "
         "Credential=AKIASTRANGER/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, "
         "Signature=0\r\n\r\n")


class Strangers(CloudTest):
    ARGUMENTS = ("1",)  # seconds of patience

    @classmethod
    def setUpClass(cls):
        with lean_sanitizer():
            super().setUpClass()

    def connect(self):
        connection = socket.create_connection(self.server.host.split(":"))
        connection.settimeout(60)
        return connection

    def test_a_large_body_without_our_key_is_refused_before_it_is_taken(self):
        before = resident_kib(self.server.process.pid)
        most, connections, piece = before, [], b"x" * 1000000
        for _ in range(8):
            connections.append(self.connect())
            connections[-1].sendall((CLAIM % 66000000).encode())
        for _ in range(20):
            for connection in connections:
                try:
                    connection.sendall(piece)
                except OSError:
                    pass  # it has seen enough
            most = max(most, resident_kib(self.server.process.pid))
        for connection in connections:
            reply = b""
            try:
                while data := connection.recv(4096):
                    reply += data
            except OSError:
                pass
            connection.close()
            self.assertTrue(reply.startswith(b"HTTP/1.1 403"), reply)
            self.assertIn(b"InvalidAccessKeyId", reply)
        self.assertLess(most - before, 60000)  # 160,000 if it were kept

    def drip(self, first):
        """Sends a byte now and then until the other side has had enough."""
        with self.connect() as connection:
            connection.sendall(first)
            connection.settimeout(0.1)
            for _ in range(600):
                try:
                    if connection.recv(4096) == b"":
                        return True
                except TimeoutError:
                    pass
                except OSError:
                    return True
                try:
                    connection.sendall(b"x")
                except OSError:
                    return True
        return False

    def test_a_head_that_drips_is_ended(self):
        self.assertTrue(self.drip(b"GET / HTTP/1.1\r\nHost: x"))

    def test_a_body_that_drips_is_ended(self):
        self.assertTrue(self.drip((CLAIM % 60000).encode()))

    def test_a_small_body_without_our_key_is_answered_in_its_protocol(self):
        with self.connect() as connection:
            connection.sendall((CLAIM % 3).encode() + b"abc")
            self.assertIn(b"InvalidAccessKeyId", connection.recv(4096))
