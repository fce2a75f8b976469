"""iot: Device Defender: custom metrics, security profiles, what is asked of what was found."""
import datetime

from sdk import CloudTest, arn

ALL = arn("iot", "all/things")


def behavior(name="b", metric="aws:all-bytes-out", **criteria):
    criteria = {"comparisonOperator": "less-than", "value": {"count": 1}, "durationSeconds": 300,
                **criteria}
    return {"name": name, "metric": metric, "criteria": criteria}


class Defender(CloudTest):
    @classmethod
    def clients(cls):
        cls.iot = cls.server.client("iot")

    def test_custom_metrics(self):
        made = self.iot.create_custom_metric(metricName="battery", metricType="number",
                                             displayName="Battery", clientRequestToken="1")
        self.assertEqual(made["metricArn"], arn("iot", "custommetric/battery"))
        self.iot.create_custom_metric(metricName="battery", metricType="number",
                                      displayName="Battery", clientRequestToken="1")
        with self.refused("ResourceAlreadyExistsException", "battery"):
            self.iot.create_custom_metric(metricName="battery", metricType="number",
                                          clientRequestToken="2")
        with self.refused("InvalidRequestException", "aws:"):
            self.iot.create_custom_metric(metricName="aws:mine", metricType="number",
                                          clientRequestToken="1")
        self.iot.update_custom_metric(metricName="battery", displayName="V")
        known = self.iot.describe_custom_metric(metricName="battery")
        self.assertEqual((known["displayName"], known["metricType"]), ("V", "number"))
        self.assertIsInstance(known["creationDate"], datetime.datetime)
        self.iot.create_security_profile(securityProfileName="uses", behaviors=[{
            "name": "b", "metric": "battery", "criteria": {
                "comparisonOperator": "greater-than", "value": {"number": 3.1}}}])
        found = self.iot.list_security_profiles(metricName="battery")
        self.assertEqual(found["securityProfileIdentifiers"],
                         [{"name": "uses", "arn": arn("iot", "securityprofile/uses")}])
        with self.refused("InvalidRequestException", "uses"):
            self.iot.delete_custom_metric(metricName="battery")
        self.iot.delete_security_profile(securityProfileName="uses")
        self.iot.delete_custom_metric(metricName="battery")
        self.assertEqual(self.iot.list_custom_metrics()["metricNames"], [])
        with self.refused("ResourceNotFoundException", "battery"):
            self.iot.describe_custom_metric(metricName="battery")

    def test_security_profiles(self):
        self.iot.create_security_profile(
            securityProfileName="p", securityProfileDescription="d", behaviors=[behavior()],
            additionalMetricsToRetainV2=[{"metric": "aws:all-packets-in"}])
        with self.refused("ResourceAlreadyExistsException", "p"):
            self.iot.create_security_profile(securityProfileName="p")
        self.server.stop()
        self.server.start()
        type(self).clients()
        known = self.iot.describe_security_profile(securityProfileName="p")
        self.assertEqual((known["version"], known["securityProfileDescription"]), (1, "d"))
        self.assertEqual(known["behaviors"], [behavior()])
        with self.refused("VersionConflictException", "p"):
            self.iot.update_security_profile(securityProfileName="p", expectedVersion=4)
        known = self.iot.update_security_profile(securityProfileName="p", expectedVersion=1,
                                                 deleteBehaviors=True)
        self.assertEqual((known["version"], known.get("behaviors")), (2, None))
        self.iot.attach_security_profile(securityProfileName="p", securityProfileTargetArn=ALL)
        self.assertEqual(self.iot.list_targets_for_security_profile(
            securityProfileName="p")["securityProfileTargets"], [{"arn": ALL}])
        mapping, = self.iot.list_security_profiles_for_target(
            securityProfileTargetArn=ALL)["securityProfileTargetMappings"]
        self.assertEqual((mapping["securityProfileIdentifier"]["name"], mapping["target"]),
                         ("p", {"arn": ALL}))
        self.iot.detach_security_profile(securityProfileName="p", securityProfileTargetArn=ALL)
        with self.refused("InvalidRequestException", "all/things"):
            self.iot.attach_security_profile(securityProfileName="p",
                                             securityProfileTargetArn=arn("iot", "thing/t"))
        with self.refused("ResourceNotFoundException", "none"):
            self.iot.attach_security_profile(securityProfileName="none",
                                             securityProfileTargetArn=ALL)
        for i in range(5):
            self.iot.create_security_profile(securityProfileName="p%d" % i)
            self.iot.attach_security_profile(securityProfileName="p%d" % i,
                                             securityProfileTargetArn=ALL)
        with self.refused("LimitExceededException", "5"):
            self.iot.attach_security_profile(securityProfileName="p", securityProfileTargetArn=ALL)
        for i in range(5):
            self.iot.delete_security_profile(securityProfileName="p%d" % i)
        self.iot.delete_security_profile(securityProfileName="p")

    def test_behaviors_are_validated_and_what_is_not_offered_is_said(self):
        good = self.iot.validate_security_profile_behaviors(behaviors=[
            behavior(), behavior("c", "aws:num-listening-tcp-ports", durationSeconds=None)])
        self.assertEqual((good["valid"], good["validationErrors"]), (True, []))
        for wrong, said in (
                (behavior(metric="aws:num-messages-sent"), "aws:num-messages-sent"),
                (behavior(durationSeconds=301), "durationSeconds"),
                (behavior(value={"number": 1}), "count"),
                (behavior(comparisonOperator="in-set"), "less-than"),
                (behavior(consecutiveDatapointsToAlarm=11), "consecutiveDatapointsToAlarm"),
                (behavior(mlDetectionConfig={"confidenceLevel": "LOW"}), "mlDetectionConfig"),
                ({**behavior(), "metricDimension": {"dimensionName": "d"}}, "metricDimension"),
                ({"name": "b"}, "metric")):
            bad = self.iot.validate_security_profile_behaviors(behaviors=[wrong])
            self.assertFalse(bad["valid"], wrong)
            self.assertIn(said, bad["validationErrors"][0]["errorMessage"])
            with self.refused("InvalidRequestException", said):
                self.iot.create_security_profile(securityProfileName="wrong", behaviors=[wrong])
        with self.refused("InvalidRequestException", "alertTargets"):
            self.iot.create_security_profile(securityProfileName="wrong", alertTargets={
                "SNS": {"alertTargetArn": "arn:aws:sns:r:a:t", "roleArn": "arn:aws:iam::a:role/r"}})

    def test_what_was_found_is_asked_by_time(self):
        span = {"startTime": datetime.datetime(2026, 1, 31, 10), "endTime": 1800000000}
        self.assertEqual(self.iot.list_violation_events(**span)["violationEvents"], [])
        self.assertEqual(self.iot.list_active_violations(thingName="t")["activeViolations"], [])
        self.assertEqual(self.iot.list_metric_values(
            thingName="t", metricName="aws:all-bytes-in", **span)["metricDatumList"], [])
        with self.refused("InvalidRequestException", "endTime"):
            self.iot.list_violation_events(startTime=2, endTime=1)
        status, _, _ = self.server.send("iot", "GET", "/violation-events?startTime=x&endTime=1")
        self.assertEqual(status, 400)
        with self.refused("InvalidRequestException", "violation"):
            self.iot.put_verification_state_on_violation(violationId="x",
                                                         verificationState="UNKNOWN")
