"""create-ota-update in its three ways of code signing, and the job and stream that come of it."""
import base64, json, os, time, urllib.error, urllib.request

import sdk_signing
from sdk import CloudTest, arn

ROLE = "arn:aws:iam::123456789012:role/ota"


class Updates(CloudTest):
    verify = sdk_signing.Signing.verify
    imported = sdk_signing.Signing.imported

    @classmethod
    def clients(cls):
        for name in ("iot", "iam", "acm", "signer", "s3"):
            setattr(cls, name, cls.server.client(name))
        cls.data = cls.server.client("iot-jobs-data")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.iot.create_thing(thingName="sensor-1")
        cls.target = arn("iot", "thing/sensor-1")
        cls.iam.create_role(RoleName="ota", AssumeRolePolicyDocument=sdk_signing.TRUST)
        cls.s3.create_bucket(Bucket="updates")
        cls.s3.put_bucket_versioning(Bucket="updates",
                                     VersioningConfiguration={"Status": "Enabled"})
        cls.firmware = os.urandom(54321)
        cls.version = cls.s3.put_object(Bucket="updates", Key="fw.bin",
                                        Body=cls.firmware)["VersionId"]

    def setUp(self):
        self.certificate = self.imported()

    def name(self):
        return self.id().rsplit(".", 1)[1][5:50]

    def profile(self):
        name = "p_" + self.name()
        self.signer.put_signing_profile(
            profileName=name, platformId="AmazonFreeRTOS-Default",
            signingMaterial={"certificateArn": self.certificate},
            signingParameters={"certname": "ota_signer_pub"})
        return name

    def file(self, key="fw.bin", **signing):
        return {"fileName": "fw.bin", "fileType": 0, "fileVersion": "1.0.1",
                "fileLocation": {"s3Location": {"bucket": "updates", "key": key,
                                                "version": self.version}},
                "codeSigning": signing}

    def started(self, profile, **parameter):
        start = {"signingProfileName": profile,
                 "destination": {"s3Destination": {"bucket": "updates", "prefix": "signed/"}}}
        if parameter:
            start["signingProfileParameter"] = parameter
        return self.file(startSigningJobParameter=start)

    def create(self, name, files, **more):
        return self.iot.create_ota_update(**{
            "otaUpdateId": name, "targets": [self.target], "roleArn": ROLE, "files": files, **more})

    def end(self, name):
        """What the update says when its creation has ended."""
        for _ in range(200):
            info = self.iot.get_ota_update(otaUpdateId=name)["otaUpdateInfo"]
            if info["otaUpdateStatus"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                break
            time.sleep(0.05)
        return info

    def document(self, name):
        text = self.iot.get_job_document(jobId="AFR_OTA-" + name)["document"]
        return json.loads(text)["afr_ota"]

    def completed(self, name):
        info = self.end(name)
        self.assertEqual(info["otaUpdateStatus"], "CREATE_COMPLETE", info)
        document = self.document(name)
        self.verify(base64.b64decode(document["files"][0]["sig-sha256-ecdsa"]), self.firmware)
        return info, document

    def test_an_update_starts_a_signing_job_and_ends_with_what_the_device_says(self):
        name = self.name()
        made = self.create(name, [self.started(self.profile())], description="first",
                           protocols=["MQTT"], targetSelection="SNAPSHOT",
                           awsJobTimeoutConfig={"inProgressTimeoutInMinutes": 30},
                           awsJobExecutionsRolloutConfig={"maximumPerMinute": 10},
                           additionalParameters={"kept": "as it is"})
        self.assertEqual(made["otaUpdateStatus"], "CREATE_PENDING")
        info, document = self.completed(name)
        self.assertEqual((info["awsIotJobId"], info["additionalParameters"]),
                         ("AFR_OTA-" + name, {"kept": "as it is"}))
        file = document["files"][0]
        self.assertEqual(document["protocols"], ["MQTT"])
        self.assertEqual([file[k] for k in ("filepath", "filesize", "fileid", "certfile",
                                            "fileType")],
                         ["fw.bin", 54321, 0, "ota_signer_pub", 0])
        stream = self.iot.describe_stream(streamId=document["streamname"])["streamInfo"]
        self.assertEqual((stream["files"][0]["s3Location"]["bucket"],
                          stream["files"][0]["s3Location"]["key"]), ("updates", "fw.bin"))
        self.assertIn(document["streamname"],
                      [s["streamId"] for s in self.iot.list_streams()["streams"]])
        with self.refused("ResourceAlreadyExistsException"):
            self.create(name, [self.started("p_" + self.name())])
        where = {"jobId": "AFR_OTA-" + name, "thingName": "sensor-1"}
        with self.refused("InvalidRequestException"):
            self.iot.delete_ota_update(otaUpdateId=name)
        self.data.update_job_execution(status="SUCCEEDED", statusDetails={"reason": "accepted"},
                                       **where)
        execution = self.iot.describe_job_execution(**where)["execution"]
        self.assertEqual((execution["status"], execution["statusDetails"]["detailsMap"]),
                         ("SUCCEEDED", {"reason": "accepted"}))
        self.iot.delete_ota_update(otaUpdateId=name, deleteStream=True)
        with self.refused("ResourceNotFoundException"):
            self.iot.get_ota_update(otaUpdateId=name)
        with self.refused("ResourceNotFoundException"):
            self.iot.describe_stream(streamId=document["streamname"])

    def test_a_finished_signing_job_is_used_again(self):
        self.create("once", [self.started(self.profile())])
        info, _ = self.completed("once")
        job = info["otaUpdateFiles"][0]["codeSigning"]["awsSignerJobId"]
        self.create("again", [{"fileName": "fw.bin", "codeSigning": {"awsSignerJobId": job}}])
        self.completed("again")

    def test_a_profile_described_in_the_request_is_made_once(self):
        parameter = {"certificateArn": self.certificate, "platform": "AmazonFreeRTOS-Default",
                     "certificatePathOnDevice": "on_device"}
        for name in ("made-1", "made-2"):
            self.create(name, [self.started("described", **parameter)])
            _, document = self.completed(name)
            self.assertEqual(document["files"][0]["certfile"], "on_device")
        parameter["certificateArn"] = self.imported()
        self.create("made-3", [self.started("described", **parameter)])
        info = self.end("made-3")
        self.assertEqual(info["otaUpdateStatus"], "CREATE_FAILED")
        self.assertIn("already exists", info["errorInfo"]["message"])

    def test_a_signature_of_ones_own_goes_with_a_stream_of_ones_own(self):
        self.iot.create_stream(streamId="own-stream", roleArn=ROLE, files=[{
            "fileId": 3, "s3Location": {"bucket": "updates", "key": "fw.bin",
                                        "version": self.version}}])
        paths = [os.path.join(self.server.folder, name) for name in ("own.key", "own.bin")]
        for path, data in zip(paths, (self.key.encode(), self.firmware)):
            with open(path, "wb") as file:
                file.write(data)
        signature = self.run_tool("openssl", "dgst", "-sha256", "-sign", *paths)
        self.create("own", [{
            "fileName": "fw.bin", "fileLocation": {"stream": {"streamId": "own-stream",
                                                              "fileId": 3}},
            "codeSigning": {"customCodeSigning": {
                "hashAlgorithm": "SHA256", "signatureAlgorithm": "ECDSA",
                "signature": {"inlineDocument": signature},
                "certificateChain": {"certificateName": "my_key"}}}}])
        _, document = self.completed("own")
        self.assertEqual((document["streamname"], document["files"][0]["fileid"],
                          document["files"][0]["certfile"]), ("own-stream", 3, "my_key"))
        self.iot.delete_ota_update(otaUpdateId="own", forceDeleteAWSJob=True, deleteStream=True)
        self.iot.delete_stream(streamId="own-stream")

    def test_what_goes_wrong_is_told_at_once_or_in_error_info(self):
        profile = self.profile()
        gone = self.started(profile)
        gone["fileLocation"]["s3Location"]["key"] = "gone.bin"
        self.create("bad", [gone])
        info = self.end("bad")
        self.assertEqual((info["otaUpdateStatus"], info["errorInfo"]["code"]),
                         ("CREATE_FAILED", "ResourceNotFoundException"))
        self.create("norole", [self.started(profile)],
                    roleArn="arn:aws:iam::123456789012:role/nobody")
        self.assertEqual(self.end("norole")["otaUpdateStatus"], "CREATE_FAILED")
        with self.refused("InvalidRequestException"):
            self.create("x", [{"fileName": "f"}], targets=["thing"])
        with self.refused("ResourceNotFoundException"):
            self.iot.get_ota_update(otaUpdateId="nothing")

    def test_an_update_over_http_gets_urls_that_work_until_they_expire(self):
        profile = self.profile()
        for protocols in (["HTTP"], ["MQTT", "HTTP"]):
            name = "http-%d" % len(protocols)
            self.create(name, [self.started(profile)], protocols=protocols,
                        awsJobPresignedUrlConfig={"expiresInSec": 60},
                        awsJobAbortConfig={"abortCriteriaList": [{
                            "failureType": "FAILED", "action": "CANCEL",
                            "thresholdPercentage": 10, "minNumberOfExecutedThings": 1}]},
                        tags=[{"Key": "a", "Value": "b"}])
            info, document = self.completed(name)
            self.assertEqual((info["protocols"], document["protocols"]), (protocols, protocols))
            self.assertEqual("streamname" in document, "MQTT" in protocols)
            file = document["files"][0]
            self.assertEqual(file["auth_scheme"], "aws.s3.presigned")
            self.assertTrue(file["update_data_url"].startswith("${aws:iot:s3-presigned-url:"))
            job = self.iot.describe_job(jobId="AFR_OTA-" + name)["job"]
            self.assertEqual(job["presignedUrlConfig"]["expiresInSec"], 60)
            self.assertEqual(len(job["abortConfig"]["criteriaList"]), 1)
            told = json.loads(self.data.describe_job_execution(
                jobId="AFR_OTA-" + name, thingName="sensor-1")["execution"]["jobDocument"])
            url = told["afr_ota"]["files"][0]["update_data_url"]
            self.assertIn("X-Amz-Expires=60&", url)
            self.assertLess(len(url), 512)
            request = urllib.request.Request(url, headers={"Range": "bytes=100-199"})
            with urllib.request.urlopen(request) as reply:
                self.assertEqual((reply.status, reply.read()), (206, self.firmware[100:200]))
                self.assertEqual(reply.headers["Content-Range"], "bytes 100-199/54321")
            with urllib.request.urlopen(url) as reply:
                self.assertEqual(reply.read(), self.firmware)
            for wrong in (url[:-1] + ("1" if url[-1] == "0" else "0"),
                          url.replace("fw.bin", "other.bin"),
                          url.replace("Expires=60", "Expires=61")):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(wrong)
                self.assertEqual(refused.exception.code, 403)
                refused.exception.close()
            self.iot.cancel_job(jobId="AFR_OTA-" + name, force=True)
        for bad in (["FTP"], ["HTTP", "HTTP"]):
            with self.refused("InvalidRequestException", "protocols"):
                self.create("bad", [self.started("p")], protocols=bad)
        tags = self.iot.list_tags_for_resource(resourceArn=arn("iot", "otaupdate/http-1"))["tags"]
        self.assertEqual(tags, [{"Key": "a", "Value": "b"}])
