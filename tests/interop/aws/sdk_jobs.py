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
                ("namespaceId", "green"), ("documentParameters", {"a": "b"}),
                ("destinationPackageVersions", ["arn:aws:iot:r:a:package/p/version/1"]),
                ("somethingNew", 1)):
            body = {"targets": [arn("iot", "thing/" + thing)], "document": DOCUMENT, name: value}
            status, error, message = self.put_job("refused", body)
            self.assertEqual((status, error), (400, "InvalidRequestException"), name)
            self.assertIn(name, message)
        self.assertNotIn("refused", [job["jobId"] for job in self.iot.list_jobs()["jobs"]])

    def test_a_placeholder_that_nobody_would_replace_is_refused(self):
        thing, = self.things(1)
        with self.refused("InvalidRequestException", "${aws:iot:"):
            self.job("placeholder", [thing],
                     document=json.dumps({"url": "${aws:iot:parameter:pathToScript}"}))

    def test_a_filter_that_is_not_applied_is_refused_by_name(self):
        thing, = self.things(1)
        for name, ask in (
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

    # ---- what operators do ----

    def test_a_job_is_listed_described_and_cancelled(self):
        thing, = self.things(1)
        self.job("plain", [thing])
        self.assertEqual(self.iot.get_job_document(jobId="plain")["document"], DOCUMENT)
        self.assertIn("plain", [job["jobId"] for job in self.iot.list_jobs()["jobs"]])
        self.assertEqual(self.iot.describe_job(jobId="plain")["job"]["status"], "IN_PROGRESS")
        listed = self.iot.list_job_executions_for_job(jobId="plain")["executionSummaries"]
        self.assertEqual([e["thingArn"] for e in listed], [arn("iot", "thing/" + thing)])
        listed = self.iot.list_job_executions_for_thing(thingName=thing)["executionSummaries"]
        self.assertEqual([e["jobId"] for e in listed], ["plain"])
        self.iot.cancel_job(jobId="plain")
        self.assertEqual(self.iot.describe_job(jobId="plain")["job"]["status"], "CANCELED")

    def execution(self, job, thing):
        return self.iot.describe_job_execution(jobId=job, thingName=thing)["execution"]

    def start(self, job, thing, status="IN_PROGRESS"):
        return self.data.update_job_execution(jobId=job, thingName=thing, status=status)

    def test_an_execution_that_is_not_over_is_deleted_only_by_force(self):
        queued, running = self.things(2)
        self.job("two", [queued, running])
        self.start("two", running)
        for thing in (queued, running):
            with self.refused("InvalidStateTransitionException"):
                self.iot.delete_job_execution(jobId="two", thingName=thing, executionNumber=1)
        for number in (0, 2, "x"):
            error = "ResourceNotFoundException" if number == 2 else "InvalidRequestException"
            with self.refused(error):
                self.iot.delete_job_execution(jobId="two", thingName=queued,
                                              executionNumber=number, force=True)
        self.iot.delete_job_execution(jobId="two", thingName=queued, executionNumber=1, force=True)
        self.assertEqual(self.iot.describe_job(jobId="two")["job"]["status"], "IN_PROGRESS")

    def test_a_job_whose_last_open_execution_is_deleted_is_completed(self):
        thing, = self.things(1)
        self.job("last", [thing])
        self.iot.delete_job_execution(jobId="last", thingName=thing, executionNumber=1, force=True)
        job = self.iot.describe_job(jobId="last")["job"]
        self.assertEqual(job["status"], "COMPLETED")
        self.assertIn("completedAt", job)

    def test_update_job_changes_what_it_is_given(self):
        thing, = self.things(1)
        self.job("changing", [thing], description="one",
                 timeoutConfig={"inProgressTimeoutInMinutes": 5})
        self.iot.update_job(jobId="changing", description="two")
        job = self.iot.describe_job(jobId="changing")["job"]
        self.assertEqual((job["description"], job["timeoutConfig"]),
                         ("two", {"inProgressTimeoutInMinutes": 5}))
        retry = {"criteriaList": [{"failureType": "FAILED", "numberOfRetries": 1}]}
        self.iot.update_job(jobId="changing", timeoutConfig={"inProgressTimeoutInMinutes": 9},
                            jobExecutionsRetryConfig=retry)
        self.start("changing", thing)
        self.assertLessEqual(self.execution("changing", thing)["approximateSecondsBeforeTimedOut"],
                             540)
        self.start("changing", thing, "FAILED")
        self.assertEqual(self.execution("changing", thing)["executionNumber"], 2)
        for bad in ({"timeoutConfig": {"inProgressTimeoutInMinutes": 0}},
                    {"description": "x" * 2029}, {"abortConfig": {"criteriaList": [{}]}},
                    {"jobExecutionsRetryConfig": {"criteriaList": [
                        {"failureType": "ALL", "numberOfRetries": 11}]}}):
            with self.refused("InvalidRequestException"):
                self.iot.update_job(jobId="changing", **bad)
        with self.refused("ResourceNotFoundException"):
            self.iot.update_job(jobId="nothing", description="x")
        self.iot.cancel_job(jobId="changing")
        with self.refused("InvalidRequestException"):
            self.iot.update_job(jobId="changing", description="three")

    def test_force_cancels_what_a_plain_cancel_left_running(self):
        thing, = self.things(1)
        self.job("forced", [thing])
        self.start("forced", thing)
        self.iot.cancel_job(jobId="forced", reasonCode="WRONG", comment="first")
        self.assertEqual(self.execution("forced", thing)["status"], "IN_PROGRESS")
        with self.refused("InvalidRequestException"):
            self.iot.cancel_job(jobId="forced")
        self.iot.cancel_job(jobId="forced", force=True)
        self.assertEqual(self.execution("forced", thing)["status"], "CANCELED")
        job = self.iot.describe_job(jobId="forced")["job"]
        self.assertEqual((job["forceCanceled"], job["reasonCode"]), (True, "WRONG"))

    def test_garbage_in_lists_is_refused(self):
        thing, = self.things(1)
        for ask, page in ((self.iot.list_things, "nextToken"), (self.iot.list_jobs, "nextToken"),
                          (self.iot.list_certificates, "marker"), (self.iot.list_policies, "marker"),
                          (self.iot.list_ota_updates, "nextToken"),
                          (self.iot.list_streams, "nextToken")):
            for token in ("garbage", "-1", "12x", " 1", "99999999999999999999"):
                with self.refused("InvalidRequestException", page):
                    ask(**{page: token})
        for size in (0, 251, "x"):
            with self.refused("InvalidRequestException", "maxResults"):
                self.iot.list_things(maxResults=size)
        with self.refused("ValidationException", "nextToken"):
            self.server.client("signer").list_signing_profiles(nextToken="garbage")
        self.job("listed", [thing])
        for ask in (lambda: self.iot.list_jobs(status="DONE"),
                    lambda: self.iot.list_jobs(status="IN"),
                    lambda: self.iot.list_jobs(targetSelection="ALL"),
                    lambda: self.iot.list_job_executions_for_job(jobId="listed", status="DONE"),
                    lambda: self.iot.list_job_executions_for_thing(thingName=thing, status="DONE"),
                    lambda: self.iot.list_ota_updates(otaUpdateStatus="DONE")):
            with self.refused("InvalidRequestException"):
                ask()

    def test_more_than_a_hundred_targets_are_refused(self):
        with self.refused("InvalidRequestException", "100"):
            self.job("many", ["t"] * 101)

    # ---- what devices do ----

    def test_errors_of_the_data_plane_have_its_models_names(self):
        thing, = self.things(1)
        self.job("told", [thing])
        where = {"jobId": "told", "thingName": thing}
        with self.refused("InvalidStateTransitionException", "version 1"):
            self.data.update_job_execution(status="IN_PROGRESS", expectedVersion=7, **where)
        with self.refused("InvalidRequestException"):
            self.data.update_job_execution(status="QUEUED", **where)
        with self.refused("ResourceNotFoundException"):
            self.data.describe_job_execution(jobId="nothing", thingName=thing)
        self.start("told", thing, "SUCCEEDED")
        with self.refused("TerminalStateException"):
            self.data.describe_job_execution(**where)
        with self.refused("InvalidStateTransitionException"):
            self.start("told", thing)
