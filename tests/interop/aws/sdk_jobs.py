"""iot and iot-jobs-data: jobs, their executions, and what of AWS's settings is not offered."""
import json

from sdk import CloudTest, arn

DOCUMENT = '{"do":"this"}'


class Jobs(CloudTest):
    @classmethod
    def clients(cls):
        cls.iot = cls.server.client("iot")
        cls.data = cls.server.client("iot-jobs-data")

    def things(self, count):
        names = ["%s-%d" % (self.id().rsplit(".", 1)[1][:100], i) for i in range(count)]
        for name in names:
            self.iot.create_thing(thingName=name)
        return names

    def job(self, name, things, **more):
        more.setdefault("document", DOCUMENT)
        return self.iot.create_job(jobId=name, targets=[arn("iot", "thing/" + t) for t in things],
                                   **more)

    def put_job(self, name, body):
        """A create-job whose members no installed SDK need know: (status, error, message)."""
        status, headers, content = self.server.send("iot", "PUT", "/jobs/" + name, {},
                                                    json.dumps(body).encode())
        content = json.loads(content)
        return status, headers.get("x-amzn-ErrorType"), content.get("message", "")

    # ---- what is not offered ----

    def test_a_setting_that_is_not_carried_out_is_refused_by_name(self):
        thing, = self.things(1)
        for name, value in (
                ("abortConfig", {"criteriaList": [{
                    "failureType": "FAILED", "action": "CANCEL", "thresholdPercentage": 10,
                    "minNumberOfExecutedThings": 1}]}),
                ("schedulingConfig", {"startTime": "2030-01-01 10:00"}),
                ("presignedUrlConfig", {"roleArn": "arn:aws:iam::123456789012:role/r"}),
                ("namespaceId", "green"), ("tags", [{"Key": "a", "Value": "b"}]),
                ("jobTemplateArn", arn("iot", "jobtemplate/t")),
                ("documentParameters", {"a": "b"}), ("documentSource", "https://s3/b/k"),
                ("destinationPackageVersions", ["arn:aws:iot:r:a:package/p/version/1"]),
                ("somethingNew", 1)):
            body = {"targets": [arn("iot", "thing/" + thing)], "document": DOCUMENT, name: value}
            status, error, message = self.put_job("refused", body)
            self.assertEqual((status, error), (400, "InvalidRequestException"), name)
            self.assertIn(name, message)
        self.assertNotIn("refused", [job["jobId"] for job in self.iot.list_jobs()["jobs"]])

    def test_a_placeholder_that_nobody_would_replace_is_refused(self):
        thing, = self.things(1)
        for text in ("${aws:iot:s3-presigned-url:https://s3.amazonaws.com/b/k}",
                     "${aws:iot:parameter:pathToScript}"):
            with self.refused("InvalidRequestException", "${aws:iot:"):
                self.job("placeholder", [thing], document=json.dumps({"url": text}))

    def test_a_roll_out_is_taken_only_if_it_asks_for_what_is_done(self):
        things = self.things(3)
        with self.refused("InvalidRequestException", "jobExecutionsRolloutConfig"):
            self.job("slow", things, jobExecutionsRolloutConfig={"maximumPerMinute": 2})
        with self.refused("InvalidRequestException", "jobExecutionsRolloutConfig"):
            self.job("slow", things, jobExecutionsRolloutConfig={
                "maximumPerMinute": 50, "exponentialRate": {
                    "baseRatePerMinute": 1, "incrementFactor": 2,
                    "rateIncreaseCriteria": {"numberOfNotifiedThings": 10}}})
        with self.refused("InvalidRequestException", "1000"):
            self.job("slow", things, jobExecutionsRolloutConfig={"maximumPerMinute": 1001})
        self.job("at-once", things, jobExecutionsRolloutConfig={"maximumPerMinute": 3})
        shown = self.iot.describe_job(jobId="at-once")["job"]
        self.assertEqual(shown["jobExecutionsRolloutConfig"], {"maximumPerMinute": 3})
        self.assertEqual(shown["jobProcessDetails"]["numberOfQueuedThings"], 3)

    def test_a_filter_that_is_not_applied_is_refused_by_name(self):
        thing, = self.things(1)
        for name, ask in (
                ("thingGroupName", lambda: self.iot.list_jobs(thingGroupName="g")),
                ("namespaceId", lambda: self.iot.list_jobs(namespaceId="n")),
                ("jobId", lambda: self.iot.list_job_executions_for_thing(thingName=thing,
                                                                         jobId="j")),
                ("usePrefixAttributeValue", lambda: self.iot.list_things(
                    attributeName="a", attributeValue="b", usePrefixAttributeValue=True)),
                ("billingGroupName", lambda: self.iot.create_thing(thingName="x",
                                                                   billingGroupName="b")),
                ("tags", lambda: self.iot.create_policy(
                    policyName="p", policyDocument="{}", tags=[{"Key": "a", "Value": "b"}]))):
            with self.refused("InvalidRequestException", name):
                ask()
        self.iot.list_things(usePrefixAttributeValue=False)
        with self.refused("InvalidParameterException", "SortBy"):
            self.server.client("acm").list_certificates(SortBy="CREATED_AT", SortOrder="ASCENDING")
        with self.refused("ValidationException", "platformId"):
            self.server.client("signer").list_signing_profiles(platformId="p")
        with self.refused("ValidationError", "PermissionsBoundary"):
            self.server.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}",
                                                  PermissionsBoundary="arn:aws:iam::aws:policy/x")
