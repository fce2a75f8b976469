"""Large objects: nobody waits for them, and nothing of them is kept in memory for long."""
import contextlib, http.client, os, socket

from sdk import CloudTest

SIZE = 20 * 1000 * 1000 + 17


def resident_kib(pid):
    with open("/proc/%d/status" % pid) as status:
        return int([line for line in status if line.startswith("VmRSS")][0].split()[1])


@contextlib.contextmanager
def lean_sanitizer():
    """AddressSanitizer keeps hundreds of megabytes that were freed; not where memory is measured."""
    before = os.environ.get("ASAN_OPTIONS")
    os.environ["ASAN_OPTIONS"] = (before + ":" if before else "") + "quarantine_size_mb=1"
    yield
    if before is None:
        del os.environ["ASAN_OPTIONS"]
    else:
        os.environ["ASAN_OPTIONS"] = before


class Large(CloudTest):
    @classmethod
    def setUpClass(cls):
        with lean_sanitizer():
            super().setUpClass()
        cls.s3.create_bucket(Bucket="large")
        cls.content = os.urandom(SIZE)
        cls.s3.put_object(Bucket="large", Key="k", Body=cls.content)

    @classmethod
    def clients(cls):
        cls.s3 = cls.server.client("s3", signing="s3v4")

    def url(self):
        return self.s3.generate_presigned_url("get_object", {"Bucket": "large", "Key": "k"})

    def test_a_large_object_comes_back_whole_and_in_parts(self):
        self.assertEqual(self.s3.get_object(Bucket="large", Key="k")["Body"].read(), self.content)
        for first, last in ((0, 0), (262143, 262145), (SIZE - 3, SIZE - 1), (5000000, 9999999)):
            part = self.s3.get_object(Bucket="large", Key="k", Range="bytes=%d-%d" % (first, last))
            self.assertEqual(part["Body"].read(), self.content[first:last + 1])

    def test_parts_that_are_large_are_joined(self):
        upload = self.s3.create_multipart_upload(Bucket="large", Key="joined")["UploadId"]
        cuts, parts = [0, 6000000, 12000000, SIZE], []
        for number in (1, 2, 3):
            tag = self.s3.upload_part(Bucket="large", Key="joined", UploadId=upload,
                                      PartNumber=number,
                                      Body=self.content[cuts[number - 1]:cuts[number]])["ETag"]
            parts.append({"PartNumber": number, "ETag": tag})
        self.s3.complete_multipart_upload(Bucket="large", Key="joined", UploadId=upload,
                                          MultipartUpload={"Parts": parts})
        body = self.s3.get_object(Bucket="large", Key="joined")["Body"]
        self.assertEqual(body.read(), self.content)

    def test_who_reads_an_object_gets_all_of_it_though_another_takes_its_place(self):
        for end in (lambda: self.s3.put_object(Bucket="large", Key="gone", Body=b"new"),
                    lambda: self.s3.delete_object(Bucket="large", Key="gone")):
            self.s3.put_object(Bucket="large", Key="gone", Body=self.content)
            body = self.s3.get_object(Bucket="large", Key="gone")["Body"]
            begun = body.read(1 << 20)
            end()
            self.assertEqual(begun + body.read(), self.content)

    def open_get(self):
        connection = socket.create_connection(self.server.host.split(":"))
        target = self.url().split(self.server.host, 1)[1]
        connection.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" %
                            (target, self.server.host)).encode())
        self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 200"))
        return connection

    def test_answers_are_made_as_they_are_taken(self):
        before = resident_kib(self.server.process.pid)
        connections = [self.open_get() for _ in range(10)]  # and nobody reads on
        self.s3.head_object(Bucket="large", Key="k")
        grown = resident_kib(self.server.process.pid) - before
        for connection in connections:
            connection.close()  # in the middle of it
        self.s3.head_object(Bucket="large", Key="k")
        self.assertLess(grown, 80000)  # 200,000 if all of them lay in memory

    def test_a_client_that_leaves_in_the_middle_of_an_upload_harms_nobody(self):
        connection = http.client.HTTPConnection(self.server.host)
        url = self.s3.generate_presigned_url("put_object", {"Bucket": "large", "Key": "never"})
        connection.putrequest("PUT", url.split(self.server.host, 1)[1])
        connection.putheader("Content-Length", str(SIZE))
        connection.endheaders()
        connection.send(self.content[:1000000])
        connection.close()
        connection = http.client.HTTPConnection(self.server.host)
        connection.request("PUT", url.split(self.server.host, 1)[1], body=self.content)
        connection.close()  # before the answer
        self.assertEqual(self.s3.get_object(Bucket="large", Key="k")["ContentLength"], SIZE)
