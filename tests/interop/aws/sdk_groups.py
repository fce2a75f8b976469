"""iot: thing groups, roll-outs to them, templates, documents from S3, tags."""
import datetime
import json
import urllib.request

from sdk import CloudTest, arn

ROLE = "arn:aws:iam::123456789012:role/presign"


class Groups(CloudTest):
    @classmethod
    def clients(cls):
        cls.iot = cls.server.client("iot")
        cls.data = cls.server.client("iot-jobs-data")
        cls.s3 = cls.server.client("s3")
        cls.s3.create_bucket(Bucket="scripts")
        cls.server.client("iam").create_role(
            RoleName="presign", AssumeRolePolicyDocument=json.dumps({"Statement": {
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"Service": "iot.amazonaws.com"}}}))

    def fleet(self, name, count):
        self.iot.create_thing_group(thingGroupName=name)
        things = ["%s-%d" % (name, i) for i in range(count)]
        for thing in things:
            self.iot.create_thing(thingName=thing)
            self.iot.add_thing_to_thing_group(thingGroupName=name, thingName=thing)
        return arn("iot", "thinggroup/" + name), things

    def test_groups_answer_as_aws_does(self):
        root = self.iot.create_thing_group(
            thingGroupName="root", tags=[{"Key": "k", "Value": "v"}], thingGroupProperties={
                "thingGroupDescription": "all of it",
                "attributePayload": {"attributes": {"a": "1"}}})
        self.assertEqual(root["thingGroupArn"], arn("iot", "thinggroup/root"))
        self.iot.create_thing_group(thingGroupName="leaf", parentGroupName="root")
        self.iot.create_thing(thingName="one")
        self.iot.add_thing_to_thing_group(thingGroupArn=arn("iot", "thinggroup/leaf"),
                                          thingArn=arn("iot", "thing/one"))
        leaf = self.iot.describe_thing_group(thingGroupName="leaf")
        self.assertEqual(leaf["thingGroupMetadata"]["rootToParentThingGroups"],
                         [{"groupName": "root", "groupArn": root["thingGroupArn"]}])
        self.assertIsInstance(leaf["thingGroupMetadata"]["creationDate"], datetime.datetime)
        shown = self.iot.describe_thing_group(thingGroupName="root")
        self.assertEqual(shown["thingGroupProperties"]["attributePayload"],
                         {"attributes": {"a": "1"}})
        self.assertEqual(self.iot.list_things_in_thing_group(thingGroupName="root")["things"], [])
        self.assertEqual(self.iot.list_things_in_thing_group(
            thingGroupName="root", recursive=True)["things"], ["one"])
        self.assertEqual([g["groupName"] for g in self.iot.list_thing_groups_for_thing(
            thingName="one")["thingGroups"]], ["leaf"])
        self.assertEqual([g["groupName"] for g in self.iot.list_thing_groups(
            parentGroup="root")["thingGroups"]], ["leaf"])
        self.assertEqual(self.iot.update_thing_group(
            thingGroupName="leaf", expectedVersion=1,
            thingGroupProperties={"thingGroupDescription": "new"})["version"], 2)
        with self.refused("VersionConflictException"):
            self.iot.update_thing_group(thingGroupName="leaf", expectedVersion=1,
                                        thingGroupProperties={})
        with self.refused("ResourceAlreadyExistsException"):
            self.iot.create_thing_group(thingGroupName="leaf")
        with self.refused("InvalidRequestException", "below"):
            self.iot.delete_thing_group(thingGroupName="root")
        with self.refused("ResourceNotFoundException"):
            self.iot.list_things_in_thing_group(thingGroupName="nothing")
        self.iot.update_thing_groups_for_thing(thingName="one", thingGroupsToRemove=["leaf"],
                                               thingGroupsToAdd=["root"])
        self.assertEqual(self.iot.list_things_in_thing_group(thingGroupName="root")["things"],
                         ["one"])
        self.iot.tag_resource(resourceArn=root["thingGroupArn"], tags=[{"Key": "x", "Value": "y"}])
        self.iot.untag_resource(resourceArn=root["thingGroupArn"], tagKeys=["k"])
        self.assertEqual(self.iot.list_tags_for_resource(
            resourceArn=root["thingGroupArn"])["tags"], [{"Key": "x", "Value": "y"}])
        self.iot.delete_thing_group(thingGroupName="leaf")
        self.iot.delete_thing_group(thingGroupName="root")

    def test_a_continuous_job_follows_its_groups(self):
        group, things = self.fleet("follow", 2)
        self.iot.create_job(jobId="follow", targets=[group], document="{}",
                            targetSelection="CONTINUOUS", tags=[{"Key": "team", "Value": "a"}])
        self.assertEqual(self.iot.list_tags_for_resource(
            resourceArn=arn("iot", "job/follow"))["tags"], [{"Key": "team", "Value": "a"}])
        self.iot.create_thing(thingName="late")
        self.iot.add_thing_to_thing_group(thingGroupName="follow", thingName="late")
        self.assertEqual(len(self.data.get_pending_job_executions(thingName="late")["queuedJobs"]),
                         1)
        self.iot.remove_thing_from_thing_group(thingGroupName="follow", thingName=things[0])
        details = self.iot.describe_job(jobId="follow")["job"]["jobProcessDetails"]
        self.assertEqual((details["numberOfQueuedThings"], details["numberOfRemovedThings"]),
                         (2, 1))
        more, _ = self.fleet("more", 1)
        self.assertEqual(self.iot.associate_targets_with_job(
            jobId="follow", targets=[more])["jobId"], "follow")
        job = self.iot.describe_job(jobId="follow")["job"]
        self.assertEqual(job["targets"], [group, more])
        self.assertEqual([j["jobId"] for j in self.iot.list_jobs(thingGroupName="more")["jobs"]],
                         ["follow"])

    def test_a_roll_out_waits_for_its_minute_and_stops_at_its_threshold(self):
        group, things = self.fleet("slow", 4)
        config = {"maximumPerMinute": 10, "exponentialRate": {
            "baseRatePerMinute": 2, "incrementFactor": 1.5,
            "rateIncreaseCriteria": {"numberOfSucceededThings": 2}}}
        abort = {"criteriaList": [{"failureType": "ALL", "action": "CANCEL",
                                   "thresholdPercentage": 50.0, "minNumberOfExecutedThings": 2}]}
        self.iot.create_job(jobId="slow", targets=[group], document="{}", abortConfig=abort,
                            jobExecutionsRolloutConfig=config)
        job = self.iot.describe_job(jobId="slow")["job"]
        self.assertEqual((job["jobExecutionsRolloutConfig"], job["abortConfig"]), (config, abort))
        self.assertEqual((job["isConcurrent"], job["jobProcessDetails"]["processingTargets"]),
                         (True, [group]))
        self.assertEqual(job["jobProcessDetails"]["numberOfQueuedThings"], 2)
        self.data.update_job_execution(jobId="slow", thingName=things[0], status="REJECTED")
        job = self.iot.describe_job(jobId="slow")["job"]
        self.assertEqual((job["status"], job["reasonCode"], job["isConcurrent"]),
                         ("CANCELED", "ABORT_CRITERIA_MET", False))
        with self.refused("InvalidRequestException", "1000"):
            self.iot.create_job(jobId="fast", targets=[group], document="{}",
                                jobExecutionsRolloutConfig={"maximumPerMinute": 1001})

    def test_events_are_switched_on_where_they_are_offered(self):
        self.iot.update_event_configurations(eventConfigurations={"JOB": {"Enabled": True}})
        shown = self.iot.describe_event_configurations()
        self.assertEqual((shown["eventConfigurations"]["JOB"]["Enabled"],
                          shown["eventConfigurations"]["THING"]["Enabled"]), (True, False))
        self.assertIsInstance(shown["lastModifiedDate"], datetime.datetime)
        with self.refused("InvalidRequestException", "THING"):
            self.iot.update_event_configurations(eventConfigurations={"THING": {"Enabled": True}})

    def test_a_schedule_is_kept_and_shown(self):
        group, _ = self.fleet("later", 1)
        start = datetime.datetime.utcnow() + datetime.timedelta(hours=2)
        scheduling = {"startTime": start.strftime("%Y-%m-%d %H:%M"),
                      "endTime": (start + datetime.timedelta(hours=1)).strftime("%Y-%m-%d %H:%M"),
                      "endBehavior": "CANCEL"}
        self.iot.create_job(jobId="later", targets=[group], document="{}",
                            schedulingConfig=scheduling)
        job = self.iot.describe_job(jobId="later")["job"]
        self.assertEqual((job["status"], job["schedulingConfig"]), ("SCHEDULED", scheduling))
        self.assertEqual([j["jobId"] for j in self.iot.list_jobs(status="SCHEDULED")["jobs"]],
                         ["later"])

    def test_windows_are_kept_by_template_and_job_for_clients_that_know_them(self):
        group, _ = self.fleet("windows", 1)
        window = {"startTime": "cron(0 18 ? * MON *)", "durationInMinutes": 60}
        for path, body in (
                ("/job-templates/windows", {"description": "d", "document": "{}",
                                            "maintenanceWindows": [window]}),
                ("/jobs/windows", {"targets": [group], "targetSelection": "CONTINUOUS",
                                   "jobTemplateArn": arn("iot", "jobtemplate/windows")})):
            status, _, content = self.server.send("iot", "PUT", path, {}, json.dumps(body).encode())
            self.assertEqual(status, 200, content)
        status, _, content = self.server.send("iot", "GET", "/jobs/windows")
        job = json.loads(content)["job"]
        self.assertEqual(job["schedulingConfig"], {"maintenanceWindows": [window]})
        self.assertEqual([w["startTime"][11:] for w in job["scheduledJobRollouts"]],
                         ["18:00"] * 7)

    def test_a_template_gives_what_the_request_leaves_out(self):
        group, _ = self.fleet("templated", 1)
        timeout = {"inProgressTimeoutInMinutes": 7}
        made = self.iot.create_job_template(
            jobTemplateId="base", description="the usual", document='{"from":"template"}',
            timeoutConfig=timeout, tags=[{"Key": "a", "Value": "b"}])
        self.assertEqual(made["jobTemplateArn"], arn("iot", "jobtemplate/base"))
        shown = self.iot.describe_job_template(jobTemplateId="base")
        self.assertEqual((shown["document"], shown["timeoutConfig"]),
                         ('{"from":"template"}', timeout))
        self.iot.create_job(jobId="of-template", targets=[group], targetSelection="CONTINUOUS",
                            jobTemplateArn=made["jobTemplateArn"])
        job = self.iot.describe_job(jobId="of-template")["job"]
        self.assertEqual((job["jobTemplateArn"], job["timeoutConfig"], job["description"]),
                         (made["jobTemplateArn"], timeout, "the usual"))
        self.iot.create_job(jobId="own-document", targets=[group], document='{"from":"request"}',
                            jobTemplateArn=made["jobTemplateArn"])
        self.assertEqual(self.iot.get_job_document(jobId="own-document")["document"],
                         '{"from":"request"}')
        self.iot.create_job_template(jobTemplateId="copy", description="d",
                                     jobArn=arn("iot", "job/of-template"))
        self.assertEqual(self.iot.describe_job_template(jobTemplateId="copy")["timeoutConfig"],
                         timeout)
        self.assertEqual({t["jobTemplateId"] for t in
                          self.iot.list_job_templates()["jobTemplates"]}, {"base", "copy"})
        with self.refused("ConflictException"):
            self.iot.create_job_template(jobTemplateId="base", description="d", document="{}")
        self.iot.delete_job_template(jobTemplateId="copy")
        with self.refused("ResourceNotFoundException"):
            self.iot.describe_job_template(jobTemplateId="copy")

    def test_a_document_comes_from_s3_and_its_placeholders_become_urls(self):
        group, things = self.fleet("fetched", 1)
        self.s3.put_object(Bucket="scripts", Key="dir/run me.sh", Body=b"#!/bin/sh\n")
        placeholder = ("${aws:iot:s3-presigned-url:"
                       "https://s3.us-east-1.amazonaws.com/scripts/dir/run%20me.sh}")
        self.s3.put_object(Bucket="scripts", Key="job.json",
                           Body=json.dumps({"run": placeholder}).encode())
        source = "https://scripts.s3.amazonaws.com/job.json"
        with self.refused("InvalidRequestException", "roleArn"):
            self.iot.create_job(jobId="fetched", targets=[group], documentSource=source)
        self.iot.create_job(jobId="fetched", targets=[group], documentSource=source,
                            presignedUrlConfig={"roleArn": ROLE, "expiresInSec": 300})
        self.assertEqual(self.iot.describe_job(jobId="fetched")["documentSource"], source)
        self.assertEqual(json.loads(self.iot.get_job_document(jobId="fetched")["document"]),
                         {"run": placeholder})
        document = json.loads(self.data.start_next_pending_job_execution(
            thingName=things[0])["execution"]["jobDocument"])
        self.assertIn("X-Amz-Expires=300", document["run"])
        with urllib.request.urlopen(document["run"]) as reply:
            self.assertEqual(reply.read(), b"#!/bin/sh\n")
        for bad in ("https://example.com/job.json", "https://scripts.s3.amazonaws.com/none.json"):
            with self.refused("InvalidRequestException", "documentSource"):
                self.iot.create_job(jobId="bad", targets=[group], documentSource=bad)
