"""s3: buckets, versions, ranges, lists, uploads in parts; what is not offered is refused by name."""
import hashlib, os, random
import xml.etree.ElementTree as xml

from sdk import ACCOUNT, CloudTest

KEY = "fw/a b+c=ü.bin"


class Objects(CloudTest):
    @classmethod
    def clients(cls):
        cls.s3 = cls.server.client("s3")

    def bucket(self, versions=True):
        """A bucket of this test's own."""
        name = "b-" + self.id().rsplit(".", 1)[1].replace("_", "-")[:60].rstrip("-")
        self.s3.create_bucket(Bucket=name)
        if versions:
            self.s3.put_bucket_versioning(Bucket=name,
                                          VersioningConfiguration={"Status": "Enabled"})
        return name

    def put(self, bucket, key, body=b"content", **more):
        return self.s3.put_object(Bucket=bucket, Key=key, Body=body, **more)

    def get(self, bucket, key, **more):
        return self.s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()

    def error(self, answer):
        """(HTTP status, code, message) of an answer to `send`."""
        status, _, body = answer
        root = xml.fromstring(body)
        return status, root.findtext("Code"), root.findtext("Message")

    # ---- buckets ----

    def test_a_bucket_can_be_made_again_by_its_owner(self):
        name = self.bucket()
        self.s3.create_bucket(Bucket=name)
        self.s3.head_bucket(Bucket=name)
        self.assertIn(name, [b["Name"] for b in self.s3.list_buckets()["Buckets"]])
        with self.refused("404"):
            self.s3.head_bucket(Bucket="nothing-here")
        self.assertEqual(self.error(self.server.send("s3", "PUT", "/no..dots"))[:2],
                         (400, "InvalidBucketName"))

    def test_versioning_is_off_until_it_is_set(self):
        name = self.bucket(versions=False)
        self.assertNotIn("Status", self.s3.get_bucket_versioning(Bucket=name))
        answer = self.put(name, "early", b"one")
        self.assertEqual(answer["ETag"], '"%s"' % hashlib.md5(b"one").hexdigest())
        self.assertNotIn("VersionId", answer)
        listed = self.s3.list_object_versions(Bucket=name)["Versions"]
        self.assertEqual([v["VersionId"] for v in listed], ["null"])
        self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        self.assertEqual(self.s3.get_bucket_versioning(Bucket=name)["Status"], "Enabled")

    def test_a_bucket_with_anything_in_it_stays(self):
        name = self.bucket()
        self.put(name, "k")
        with self.refused("BucketNotEmpty"):
            self.s3.delete_bucket(Bucket=name)
        with self.refused("NoSuchBucket"):
            self.put("nothing-here", "k")

    # ---- what is not offered ----

    def test_a_sub_resource_that_is_not_offered_does_nothing_and_is_named(self):
        name = self.bucket()
        self.put(name, "k")
        for method, path, resource in (
                ("DELETE", "/%s?analytics&id=1", "analytics"),
                ("DELETE", "/%s?inventory&id=1", "inventory"),
                ("DELETE", "/%s?intelligent-tiering&id=1", "intelligent-tiering"),
                ("DELETE", "/%s?metrics&id=1", "metrics"),
                ("GET", "/%s?accelerate", "accelerate"),
                ("GET", "/%s?policyStatus", "policyStatus"),
                ("GET", "/%s?session", "session"),
                ("GET", "/%s?uploads", "uploads"),
                ("GET", "/%s?made-up-tomorrow", "made-up-tomorrow"),
                ("PUT", "/unborn-bucket?requestPayment", "requestPayment"),
                ("PUT", "/unborn-bucket?accelerate", "accelerate"),
                ("PUT", "/%s/k?acl", "acl"),
                ("PUT", "/%s/k?retention", "retention"),
                ("PUT", "/%s/k?partNumber=1", "partNumber"),
                ("GET", "/%s/k?uploadId=1", "uploadId"),
                ("GET", "/%s/k?attributes", "attributes"),
                ("POST", "/%s/k?restore", "restore"),
                ("POST", "/%s/k?select&select-type=2", "select"),
                ("DELETE", "/%s/k?made-up-tomorrow", "made-up-tomorrow")):
            path = path % name if "%s" in path else path
            status, code, message = self.error(self.server.send("s3", method, path))
            self.assertEqual((status, code), (501, "NotImplemented"), path)
            self.assertIn(resource, message)
        self.assertNotIn("unborn-bucket", [b["Name"] for b in self.s3.list_buckets()["Buckets"]])
        self.assertEqual(self.get(name, "k"), b"content")
        with self.refused("NotImplemented"):
            self.s3.delete_bucket_analytics_configuration(Bucket=name, Id="1")
        with self.refused("NotImplemented"):
            self.s3.get_bucket_acl(Bucket=name)
        self.s3.head_bucket(Bucket=name)

    def test_a_header_that_asks_for_more_than_is_done_is_refused_by_name(self):
        name = self.bucket()
        for header, value in (("x-amz-copy-source", "/b/k"), ("x-amz-acl", "public-read"),
                              ("x-amz-grant-read", "id=1"), ("x-amz-storage-class", "GLACIER"),
                              ("x-amz-server-side-encryption", "aws:kms"),
                              ("x-amz-object-lock-mode", "COMPLIANCE"),
                              ("x-amz-website-redirect-location", "/there")):
            status, code, message = self.error(
                self.server.send("s3", "PUT", "/%s/k" % name, {header: value}, b"x"))
            self.assertEqual((status, code), (501, "NotImplemented"), header)
            self.assertIn(header, message)
        self.put(name, "k", ACL="private", StorageClass="STANDARD", ExpectedBucketOwner=ACCOUNT)
        with self.refused("AccessDenied"):
            self.put(name, "k", ExpectedBucketOwner="999999999999")
        self.assertEqual(len(self.s3.list_object_versions(Bucket=name)["Versions"]), 1)

    # ---- conditions ----

    def conditional(self, method, bucket, key, header, value, body=b""):
        answer = self.server.send("s3", method, "/%s/%s" % (bucket, key), {header: value}, body)
        return answer[0] if answer[0] < 300 else self.error(answer)[:2]

    def test_if_match_writes_only_over_what_it_names(self):
        name = self.bucket()
        tag = self.put(name, "k", b"one")["ETag"]
        gone = (412, "PreconditionFailed")
        self.assertEqual(self.conditional("PUT", name, "k", "If-Match", '"other"', b"two"), gone)
        self.assertEqual(self.conditional("PUT", name, "new", "If-Match", tag, b"two"),
                         (404, "NoSuchKey"))
        self.assertEqual(self.get(name, "k"), b"one")
        self.assertEqual(self.conditional("PUT", name, "k", "If-Match", tag, b"two"), 200)
        self.assertEqual(self.conditional("PUT", name, "k", "If-None-Match", "*", b"three"), gone)
        self.assertEqual(self.conditional("PUT", name, "new", "If-None-Match", "*", b"three"), 200)
        self.assertEqual(self.conditional("PUT", name, "k", "If-None-Match", tag, b"4"),
                         (501, "NotImplemented"))
        self.assertEqual(self.get(name, "k"), b"two")

    def test_if_match_deletes_only_what_it_names(self):
        name = self.bucket()
        tag = self.put(name, "k", b"one")["ETag"]
        self.assertEqual(self.conditional("DELETE", name, "k", "If-Match", '"other"'),
                         (412, "PreconditionFailed"))
        self.assertEqual(self.conditional("DELETE", name, "none", "If-Match", "*"),
                         (404, "NoSuchKey"))
        self.assertEqual(self.get(name, "k"), b"one")
        self.assertEqual(self.conditional("DELETE", name, "k", "If-Match", tag), 204)
        with self.refused("NoSuchKey"):
            self.get(name, "k")

    # ---- versions ----

    def test_each_version_comes_back_as_it_was_put(self):
        name = self.bucket()
        contents = [os.urandom(100000), os.urandom(200001)]
        first = self.put(name, KEY, contents[0], Metadata={"board": "m467"})["VersionId"]
        second = self.put(name, KEY, contents[1])["VersionId"]
        self.assertNotEqual(first, second)
        self.assertEqual(self.get(name, KEY), contents[1])
        self.assertEqual(self.get(name, KEY, VersionId=first), contents[0])
        head = self.s3.head_object(Bucket=name, Key=KEY, VersionId=first)
        self.assertEqual(head["Metadata"], {"board": "m467"})
        self.assertEqual(self.s3.head_object(Bucket=name, Key=KEY)["ContentLength"], 200001)
        with self.refused("NoSuchVersion"):
            self.get(name, KEY, VersionId="nope")

    def test_a_delete_marker_hides_and_can_be_taken_away(self):
        name = self.bucket()
        self.put(name, "early", b"one")
        marker = self.s3.delete_object(Bucket=name, Key="early")
        self.assertTrue(marker["DeleteMarker"])
        with self.refused("NoSuchKey"):
            self.get(name, "early")
        listed = self.s3.list_object_versions(Bucket=name)["DeleteMarkers"]
        self.assertEqual([m["VersionId"] for m in listed], [marker["VersionId"]])
        self.s3.delete_object(Bucket=name, Key="early", VersionId=marker["VersionId"])
        self.assertEqual(self.get(name, "early"), b"one")

    def test_ranges_are_cut_from_both_ends(self):
        name = self.bucket()
        self.put(name, "early", b"one")
        self.assertEqual(self.get(name, "early", Range="bytes=1-1"), b"n")
        self.assertEqual(self.get(name, "early", Range="bytes=-2"), b"ne")
        self.assertEqual(self.get(name, "early", Range="bytes=2-99"), b"e")
        with self.refused("InvalidRange"):
            self.get(name, "early", Range="bytes=9-")

    # ---- lists ----

    def test_lists_go_by_page_and_by_folder(self):
        name = self.bucket()
        keys = ["early", KEY, "fw/x/one", "fw/x/two", "last&<key>"]
        for key in random.sample(keys, len(keys)):
            self.put(name, key)
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=name, PaginationConfig={"PageSize": 1})
        self.assertEqual([c["Key"] for page in pages for c in page.get("Contents", [])], keys)
        folders = self.s3.list_objects_v2(Bucket=name, Delimiter="/")
        self.assertEqual([p["Prefix"] for p in folders["CommonPrefixes"]], ["fw/"])
        folders = self.s3.list_objects_v2(Bucket=name, Delimiter="/", Prefix="fw/")
        self.assertEqual([p["Prefix"] for p in folders["CommonPrefixes"]], ["fw/x/"])
        self.put(name, "early")
        pages = self.s3.get_paginator("list_object_versions").paginate(
            Bucket=name, PaginationConfig={"PageSize": 1})
        self.assertEqual(len([v for page in pages for v in page.get("Versions", [])]), 6)

    # ---- uploads in parts ----

    def begin(self, bucket, key):
        return self.s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]

    def test_parts_become_one_object(self):
        name = self.bucket()
        parts = [os.urandom(5 << 20), os.urandom(1000)]
        upload = self.begin(name, "parts")
        tags = [self.s3.upload_part(Bucket=name, Key="parts", UploadId=upload, PartNumber=i + 1,
                                    Body=part)["ETag"] for i, part in enumerate(parts)]
        listed = [{"PartNumber": i + 1, "ETag": tag} for i, tag in enumerate(tags)]
        with self.refused("InvalidPart"):
            self.s3.complete_multipart_upload(
                Bucket=name, Key="parts", UploadId=upload,
                MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "abc"}]})
        self.s3.complete_multipart_upload(Bucket=name, Key="parts", UploadId=upload,
                                          MultipartUpload={"Parts": listed})
        self.assertTrue(self.s3.head_object(Bucket=name, Key="parts")["ETag"].endswith('-2"'))
        self.assertEqual(self.get(name, "parts"), b"".join(parts))
        with self.refused("NoSuchUpload"):
            self.s3.abort_multipart_upload(Bucket=name, Key="parts", UploadId=upload)

    def test_an_upload_belongs_to_its_bucket_and_key(self):
        name = self.bucket()
        self.s3.create_bucket(Bucket="another-bucket")
        upload = self.begin(name, "mine")
        for bucket, key in ((name, "other"), ("another-bucket", "mine")):
            where = {"Bucket": bucket, "Key": key, "UploadId": upload}
            with self.refused("NoSuchUpload"):
                self.s3.upload_part(PartNumber=1, Body=b"x", **where)
            with self.refused("NoSuchUpload"):
                self.s3.complete_multipart_upload(
                    MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "a"}]}, **where)
            with self.refused("NoSuchUpload"):
                self.s3.abort_multipart_upload(**where)
        self.s3.abort_multipart_upload(Bucket=name, Key="mine", UploadId=upload)
