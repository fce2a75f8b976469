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
                              ("x-amz-checksum-sha512", "AAAA"), ("x-amz-checksum-md5", "AAAA"),
                              ("x-amz-checksum-xxhash64", "AAAA"),
                              ("x-amz-object-ownership", "BucketOwnerPreferred"),
                              ("x-amz-website-redirect-location", "/there")):
            status, code, message = self.error(
                self.server.send("s3", "PUT", "/%s/k" % name, {header: value}, b"x"))
            self.assertEqual((status, code), (501, "NotImplemented"), header)
            self.assertIn(header, message)
        self.put(name, "k", ACL="private", StorageClass="STANDARD", ExpectedBucketOwner=ACCOUNT)
        with self.refused("AccessDenied"):
            self.put(name, "k", ExpectedBucketOwner="999999999999")
        self.assertEqual(len(self.s3.list_object_versions(Bucket=name)["Versions"]), 1)

    def test_a_bucket_s_setting_that_is_not_kept_is_refused_by_name(self):
        name = self.bucket()
        status, code, message = self.error(self.server.send(
            "s3", "PUT", "/with-tags", body=b"<CreateBucketConfiguration><Tags><Tag><Key>a</Key>"
            b"<Value>b</Value></Tag></Tags></CreateBucketConfiguration>"))
        self.assertEqual((status, code), (501, "NotImplemented"))
        self.assertIn("Tags", message)
        with self.refused("404"):
            self.s3.head_bucket(Bucket="with-tags")
        with self.refused("NotImplemented", "MfaDelete"):
            self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={
                "Status": "Suspended", "MFADelete": "Enabled"})
        self.assertEqual(self.s3.get_bucket_versioning(Bucket=name)["Status"], "Enabled")

    def test_parts_are_joined_only_to_what_their_sender_expects(self):
        name = self.bucket()
        upload = {"Bucket": name, "Key": "k"}
        upload["UploadId"] = self.s3.create_multipart_upload(**upload)["UploadId"]
        tag = self.s3.upload_part(**upload, PartNumber=1, Body=b"five!")["ETag"]
        path = "/%s/k?uploadId=%s" % (name, upload["UploadId"])
        body = ("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part>"
                "</CompleteMultipartUpload>" % tag).encode()
        for header, value, error in (("x-amz-mp-object-size", "6", (400, "InvalidRequest")),
                                     ("x-amz-mp-object-size", "5x", (400, "InvalidRequest")),
                                     ("x-amz-checksum-crc32", "AAAA", (501, "NotImplemented"))):
            answer = self.server.send("s3", "POST", path, {header: value}, body)
            self.assertEqual(self.error(answer)[:2], error)
        with self.refused("404"):
            self.s3.head_object(Bucket=name, Key="k")
        answer = self.server.send("s3", "POST", path, {"x-amz-mp-object-size": "5"}, body)
        self.assertEqual(answer[0], 200)

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

    # ---- S3's own errors ----

    def test_wrong_checksums_are_bad_digests(self):
        name = self.bucket()
        for header, value, code in (
                ("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==", "BadDigest"),
                ("Content-MD5", "short", "InvalidDigest"),
                ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest"),
                ("x-amz-checksum-sha256", "AAAA", "BadDigest")):
            answer = self.server.send("s3", "PUT", "/%s/k" % name, {header: value}, b"content")
            self.assertEqual(self.error(answer)[:2], (400, code), header)
        self.assertNotIn("Versions", self.s3.list_object_versions(Bucket=name))

    def test_keys_have_at_most_1024_bytes_of_utf8(self):
        name = self.bucket()
        self.put(name, "k" * 1024)
        self.put(name, "ü" * 512)
        with self.refused("KeyTooLongError"):
            self.put(name, "ü" * 513)
        with self.refused("KeyTooLongError"):
            self.begin(name, "k" * 1025)
        for path in ("/%s/%%ff", "/%s/%%c3", "/%s/a%%ed%%a0%%80", "/%s/a%%00b"):
            self.assertEqual(self.error(self.server.send("s3", "PUT", path % name, {}, b"x"))[:2],
                             (400, "InvalidURI"), path)

    def test_xml_that_does_not_fit_is_malformed(self):
        name = self.bucket()
        upload = self.begin(name, "k")
        many = b"".join(b"<Object><Key>k%d</Key></Object>" % i for i in range(1001))
        for method, path, body in (
                ("PUT", "/%s?versioning", b"<VersioningConfiguration><Status>On</Status>"
                                          b"</VersioningConfiguration>"),
                ("PUT", "/%s?versioning", b"<VersioningConfiguration>"),
                ("POST", "/%s?delete", b"<Delete></Delete>"),
                ("POST", "/%s?delete", b"<Delete><Object><VersionId>1</VersionId></Object></Delete>"),
                ("POST", "/%s?delete", b"<Delete>" + many + b"</Delete>"),
                ("POST", "/%s/k?uploadId=" + upload, b"<CompleteMultipartUpload/>"),
                ("PUT", "/%s/k?tagging", b"nonsense")):
            answer = self.server.send("s3", method, path % name, {}, body)
            self.assertEqual(self.error(answer)[:2], (400, "MalformedXML"), body[:60])

    # ---- lists, version 1 and markers ----

    def test_version_1_of_the_list_goes_on_from_its_markers(self):
        name = self.bucket()
        for key in ("a", "fw/1", "fw/2", "fw/x/3", "g", "z/1"):
            self.put(name, key)
        first = self.s3.list_objects(Bucket=name, Delimiter="/", MaxKeys=2)
        self.assertEqual(([c["Key"] for c in first["Contents"]], first["CommonPrefixes"],
                          first["NextMarker"], first["Marker"], first["IsTruncated"]),
                         (["a"], [{"Prefix": "fw/"}], "fw/", "", True))
        self.assertNotIn("KeyCount", first)
        self.assertEqual(first["Contents"][0]["Owner"]["ID"], ACCOUNT)
        second = self.s3.list_objects(Bucket=name, Delimiter="/", MaxKeys=2, Marker="fw/")
        self.assertEqual(([c["Key"] for c in second["Contents"]], second["CommonPrefixes"],
                          second["Marker"], second["IsTruncated"]),
                         (["g"], [{"Prefix": "z/"}], "fw/", False))
        plain = self.s3.list_objects(Bucket=name, MaxKeys=2)
        self.assertNotIn("NextMarker", plain)
        pages = self.s3.get_paginator("list_objects").paginate(
            Bucket=name, Prefix="fw/", PaginationConfig={"PageSize": 1})
        self.assertEqual([c["Key"] for page in pages for c in page["Contents"]],
                         ["fw/1", "fw/2", "fw/x/3"])

    def test_version_2_of_the_list_pages_over_folders_and_shows_where_it_began(self):
        name = self.bucket()
        for key in ("a", "fw/1", "fw/2", "g"):
            self.put(name, key)
        pages = list(self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=name, Delimiter="/", PaginationConfig={"PageSize": 1}))
        self.assertEqual([page["KeyCount"] for page in pages], [1, 1, 1])
        self.assertEqual([p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])],
                         ["fw/"])
        answer = self.s3.list_objects_v2(Bucket=name, StartAfter="fw/1", FetchOwner=True)
        self.assertEqual(answer["StartAfter"], "fw/1")
        self.assertEqual([c["Key"] for c in answer["Contents"]], ["fw/2", "g"])
        self.assertEqual(answer["Contents"][0]["Owner"]["ID"], ACCOUNT)
        self.assertNotIn("Owner", self.s3.list_objects_v2(Bucket=name)["Contents"][0])
        for bad in ({"MaxKeys": "x"}, {"MaxKeys": -1}, {"ContinuationToken": "!"},
                    {"EncodingType": "base64"}):
            with self.refused("InvalidArgument"):
                self.s3.list_objects_v2(Bucket=name, **bad)
        self.assertEqual(self.s3.list_objects_v2(Bucket=name, MaxKeys=0)["IsTruncated"], False)

    def test_versions_go_on_within_a_key(self):
        name = self.bucket()
        ids = [self.put(name, "k")["VersionId"] for _ in range(3)][::-1]
        self.put(name, "l/m")
        first = self.s3.list_object_versions(Bucket=name, MaxKeys=2, Delimiter="/")
        self.assertEqual([v["VersionId"] for v in first["Versions"]], ids[:2])
        self.assertEqual((first["NextKeyMarker"], first["NextVersionIdMarker"]), ("k", ids[1]))
        second = self.s3.list_object_versions(Bucket=name, Delimiter="/", KeyMarker="k",
                                              VersionIdMarker=ids[1])
        self.assertEqual([v["VersionId"] for v in second["Versions"]], ids[2:])
        self.assertEqual(second["CommonPrefixes"], [{"Prefix": "l/"}])
        behind = self.s3.list_object_versions(Bucket=name, Delimiter="/", KeyMarker="l/")
        self.assertNotIn("CommonPrefixes", behind)
        with self.refused("InvalidArgument"):
            self.s3.list_object_versions(Bucket=name, VersionIdMarker=ids[0])

    # ---- deleting many ----

    def test_deleting_many_tells_each_unless_quiet(self):
        name = self.bucket()
        version = self.put(name, "a")["VersionId"]
        self.put(name, "b")
        objects = [{"Key": "a", "VersionId": version}, {"Key": "gone"}]
        answer = self.s3.delete_objects(Bucket=name, Delete={"Objects": objects})
        self.assertEqual({d["Key"]: d.get("VersionId") for d in answer["Deleted"]},
                         {"a": version, "gone": None})
        self.assertEqual(answer["Deleted"][1]["DeleteMarker"], True)
        quiet = self.s3.delete_objects(Bucket=name, Delete={
            "Quiet": True, "Objects": [{"Key": "c"}, {"Key": "b"}]})
        self.assertNotIn("Deleted", quiet)
        body = b"<Delete><Quiet>true</Quiet><Object><Key>d</Key></Object><Object><Key>none</Key>" \
               b"<ETag>x</ETag></Object></Delete>"
        self.put(name, "d")
        _, _, content = self.server.send("s3", "POST", "/%s?delete" % name, {}, body)
        self.assertEqual(content.count(b"<Error>"), 1)
        self.assertIn(b"<Key>none</Key><Code>NoSuchKey</Code><Message>", content)
        self.assertNotIn(b"<Deleted>", content)
        with self.refused("NoSuchBucket"):
            self.s3.delete_objects(Bucket="nothing-here", Delete={"Objects": [{"Key": "k"}]})

    # ---- conditions, headers and tags of an object ----

    def test_reading_is_conditional_by_tag_and_by_date(self):
        name = self.bucket()
        tag = self.put(name, "k")["ETag"]
        past, future = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2038 00:00:00 GMT"
        for headers, status in (
                ({"If-Match": tag}, 200), ({"If-Match": '"x"'}, 412),
                ({"If-None-Match": tag}, 304), ({"If-None-Match": '"x"'}, 200),
                ({"If-Modified-Since": past}, 200), ({"If-Modified-Since": future}, 304),
                ({"If-Unmodified-Since": past}, 412), ({"If-Unmodified-Since": future}, 200),
                ({"If-Match": tag, "If-Unmodified-Since": past}, 200),
                ({"If-None-Match": '"x"', "If-Modified-Since": future}, 200),
                ({"If-Modified-Since": "yesterday"}, 200)):
            for method in ("GET", "HEAD"):
                answer = self.server.send("s3", method, "/%s/k" % name, headers)
                self.assertEqual(answer[0], status, (method, headers))

    def test_headers_come_back_as_they_were_put_or_as_the_reader_asks(self):
        name = self.bucket()
        given = {"CacheControl": "max-age=60", "ContentDisposition": 'attachment; filename="f.bin"',
                 "ContentEncoding": "gzip", "ContentLanguage": "de", "ContentType": "x/firmware",
                 "Metadata": {"board": "m467", "expires": "user's own"}}
        self.put(name, "k", **given)
        head = self.s3.head_object(Bucket=name, Key="k")
        self.assertEqual({key: head[key] for key in given}, given)
        asked = self.s3.get_object(Bucket=name, Key="k", ResponseContentType="text/plain",
                                   ResponseContentDisposition="inline",
                                   ResponseCacheControl="no-store")
        self.assertEqual((asked["ContentType"], asked["ContentDisposition"], asked["CacheControl"]),
                         ("text/plain", "inline", "no-store"))
        upload = self.s3.create_multipart_upload(Bucket=name, Key="p", CacheControl="no-cache")
        part = self.s3.upload_part(Bucket=name, Key="p", UploadId=upload["UploadId"], PartNumber=1,
                                   Body=b"x")
        self.s3.complete_multipart_upload(
            Bucket=name, Key="p", UploadId=upload["UploadId"],
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        self.assertEqual(self.s3.head_object(Bucket=name, Key="p")["CacheControl"], "no-cache")
        with self.refused("MetadataTooLarge"):
            self.put(name, "k", Metadata={"a": "x" * 2100})
        _, headers, _ = self.server.send("s3", "PUT", "/%s/framed" % name,
                                         {"Content-Encoding": "gzip,aws-chunked"}, b"x")
        self.assertEqual(self.s3.head_object(Bucket=name, Key="framed")["ContentEncoding"], "gzip")

    def tags(self, bucket, **where):
        answer = self.s3.get_object_tagging(Bucket=bucket, Key="k", **where)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def test_each_version_has_tags_of_its_own(self):
        name = self.bucket()
        first = self.put(name, "k", Tagging="board=m467&stage=test%20bench")["VersionId"]
        self.put(name, "k")
        self.assertEqual(self.tags(name), {})
        self.assertEqual(self.tags(name, VersionId=first), {"board": "m467", "stage": "test bench"})
        head = self.s3.get_object(Bucket=name, Key="k", VersionId=first)
        self.assertEqual(head["TagCount"], 2)
        self.s3.put_object_tagging(Bucket=name, Key="k", Tagging={
            "TagSet": [{"Key": "a", "Value": "ü"}, {"Key": "b", "Value": ""}]})
        self.assertEqual(self.tags(name), {"a": "ü", "b": ""})
        self.s3.delete_object_tagging(Bucket=name, Key="k")
        self.assertEqual(self.tags(name), {})
        many = [{"Key": str(i), "Value": "v"} for i in range(11)]
        for bad in (many, [{"Key": "a", "Value": "1"}] * 2, [{"Key": "x" * 129, "Value": ""}],
                    [{"Key": "a", "Value": "x" * 257}]):
            with self.refused("InvalidTag"):
                self.s3.put_object_tagging(Bucket=name, Key="k", Tagging={"TagSet": bad})
        with self.refused("InvalidTag"):
            self.put(name, "k", Tagging="&".join("%d=v" % i for i in range(11)))
        with self.refused("NoSuchKey"):
            self.s3.get_object_tagging(Bucket=name, Key="none")
        with self.refused("NotImplemented"):
            self.s3.create_multipart_upload(Bucket=name, Key="k", Tagging="a=b")
