"""What turns text around (U+202E) or is not seen is refused by name wherever people's texts are taken."""
from sdk import ACCOUNT, CloudTest, arn

ROLE = "arn:aws:iam::%s:role/any-role-of-this" % ACCOUNT
BAD = ("harmless\u202egnp.exe", "two\nlines", "bell\x07", "zero\u200bwidth")


class Words(CloudTest):
    @classmethod
    def clients(cls):
        cls.iot, cls.data = cls.server.client("iot"), cls.server.client("iot-jobs-data")
        cls.iot.create_thing(thingName="words")

    def refused_each(self, field, call, code="InvalidRequestException"):
        for text in BAD:
            with self.subTest(field=field, text=text), self.refused(code, field):
                call(text)

    def test_jobs(self):
        target = [arn("iot", "thing/words")]
        self.refused_each("description", lambda text: self.iot.create_job(
            jobId="w", targets=target, document="{}", description=text))
        self.iot.create_job(jobId="w", targets=target, document="{}", description="Grüße, 世界")
        self.refused_each("description", lambda text: self.iot.update_job(jobId="w", description=text))
        self.refused_each("description", lambda text: self.iot.create_job_template(
            jobTemplateId="w", document="{}", description=text))
        self.refused_each("statusDetails", lambda text: self.data.update_job_execution(
            jobId="w", thingName="words", status="IN_PROGRESS", statusDetails={"reason": text}))
        self.refused_each("statusDetails", lambda text: self.iot.cancel_job_execution(
            jobId="w", thingName="words", statusDetails={"reason": text}))
        self.refused_each("comment", lambda text: self.iot.cancel_job(jobId="w", comment=text))
        self.refused_each("reasonCode", lambda text: self.iot.cancel_job(jobId="w", reasonCode=text))
        self.assertEqual(self.iot.describe_job(jobId="w")["job"]["description"], "Grüße, 世界")
        self.iot.cancel_job(jobId="w", reasonCode="NOT_WANTED", comment="Grüße")

    def test_updates_and_streams(self):
        self.refused_each("description", lambda text: self.iot.create_ota_update(
            otaUpdateId="w", targets=[arn("iot", "thing/words")], roleArn=ROLE, files=[{}], description=text))
        self.refused_each("description", lambda text: self.iot.create_stream(
            streamId="w", files=[], roleArn=ROLE, description=text))

    def test_things_types_and_groups(self):
        self.refused_each("thingGroupDescription", lambda text: self.iot.create_thing_group(
            thingGroupName="w", thingGroupProperties={"thingGroupDescription": text}))
        self.refused_each("thingTypeDescription", lambda text: self.iot.create_thing_type(
            thingTypeName="w", thingTypeProperties={"thingTypeDescription": text}))
        self.refused_each("Attribute a", lambda text: self.iot.update_thing(
            thingName="words", attributePayload={"attributes": {"a": text}}))

    def test_templates_and_defender(self):
        self.refused_each("description", lambda text: self.iot.create_provisioning_template(
            templateName="w", templateBody="{}", provisioningRoleArn=ROLE, description=text))
        self.refused_each("securityProfileDescription", lambda text: self.iot.create_security_profile(
            securityProfileName="w", securityProfileDescription=text))
        self.refused_each("displayName", lambda text: self.iot.create_custom_metric(
            metricName="w", metricType="number", displayName=text, clientRequestToken="w"))
