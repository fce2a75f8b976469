"""Requests written to sockets: what an SDK does only by chance, here on purpose."""
import os, signal, socket

from sdk import CloudTest


class Sockets(CloudTest):
    @classmethod
    def clients(cls):
        cls.s3 = cls.server.client("s3")

    def connect(self):
        host, port = self.server.host.split(":")
        connection = socket.create_connection((host, int(port)), timeout=60)
        self.addCleanup(connection.close)
        return connection

    def request(self, method, path, headers=None, body=b""):
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + self.server.host]
        lines += ["%s: %s" % pair for pair in
                  self.signed("s3", method, path, headers, body).items() if pair[0] != "Host"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def signed(self, *request):
        return self.server.signed(*request)

    def reply(self, stream):
        """(status line, headers, body) of the next reply."""
        line, headers = stream.readline().decode().strip(), {}
        while True:
            name, _, value = stream.readline().decode().strip().partition(": ")
            if not name:
                break
            headers[name.lower()] = value
        return line, headers, stream.read(int(headers.get("content-length", 0)))

    def test_who_asks_whether_to_go_on_is_answered_even_with_an_empty_body(self):
        """botocore asks with each object, and loses its place in the connection otherwise."""
        self.s3.create_bucket(Bucket="empty-bodies")
        with self.connect().makefile("rwb") as stream:
            for body in (b"", b"full", b""):
                asks = {"Expect": "100-continue", "Content-Length": str(len(body))}
                request = self.request("PUT", "/empty-bodies/k", asks, body)
                stream.write(request[:len(request) - len(body)])
                stream.flush()
                self.assertEqual(self.reply(stream)[0], "HTTP/1.1 100 Continue", body)
                stream.write(body)
                stream.flush()
                self.assertEqual(self.reply(stream)[0], "HTTP/1.1 200 OK", body)
            stream.write(self.request("GET", "/empty-bodies/k"))
            stream.flush()
            self.assertEqual(self.reply(stream)[0], "HTTP/1.1 200 OK")

    def crossing(self, requests):
        """The replies to requests that all lie there when the server next looks."""
        streams = [self.connect().makefile("rwb") for _ in requests]
        for stream in streams:  # so that evhttp waits for each
            stream.write(self.request("GET", "/"))
            stream.flush()
            self.reply(stream)
        os.kill(self.server.process.pid, signal.SIGSTOP)
        try:
            for stream, request in zip(streams, requests):
                stream.write(request)
                stream.flush()
        finally:
            os.kill(self.server.process.pid, signal.SIGCONT)
        return [self.reply(stream) for stream in streams]

    def test_a_get_that_meets_a_put_or_a_delete_of_the_object_is_answered(self):
        self.s3.create_bucket(Bucket="crossings")
        opens = self.request("PUT", "/crossings/other", {"Content-Length": "1"}, b"x")
        for _ in range(5):  # whose commit the reply to the GET then waits for
            self.s3.put_object(Bucket="crossings", Key="k", Body=b"before")
            get = self.request("GET", "/crossings/k")
            put = self.request("PUT", "/crossings/k", {"Content-Length": "5"}, b"after")
            _, found, stored = self.crossing([opens, get, put])
            self.assertEqual((found[0], stored[0]), ("HTTP/1.1 200 OK",) * 2)
            self.assertIn(found[2], (b"before", b"after"))
            self.assertEqual(found[1]["content-length"], str(len(found[2])))
            _, found, removed = self.crossing(
                [opens, get, self.request("DELETE", "/crossings/k")])
            self.assertEqual(removed[0], "HTTP/1.1 204 No Content")
            self.assertIn(found[0], ("HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"))
