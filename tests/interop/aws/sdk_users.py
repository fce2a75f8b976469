"""iam: users, their keys and policies; and what a user may not is refused as each service says it."""
import json

from sdk import ACCOUNT, CloudTest, arn

AWS = "arn:aws:iam::aws:policy/"


class Users(CloudTest):
    @classmethod
    def clients(cls):
        cls.iam, cls.iot = cls.server.client("iam"), cls.server.client("iot")

    def name(self):
        return self.id().rsplit(".", 1)[1][5:69]

    def user(self, *policies):
        """Makes a user with these managed policies: a function that gives clients with its key."""
        self.iam.create_user(UserName=self.name())
        for policy in policies:
            self.iam.attach_user_policy(UserName=self.name(), PolicyArn=AWS + policy)
        key = self.iam.create_access_key(UserName=self.name())["AccessKey"]
        return lambda service: self.server.client(
            service, aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"])

    def test_a_user_is_made_shown_and_ends_without_keys_and_policies(self):
        name = self.name()
        made = self.iam.create_user(UserName=name, Path="/team/")["User"]
        self.assertEqual(made["Arn"], "arn:aws:iam::%s:user/team/%s" % (ACCOUNT, name))
        self.assertEqual(self.iam.get_user(UserName=name)["User"], made)
        self.assertIn(made, self.iam.list_users()["Users"])
        with self.refused("EntityAlreadyExists"):
            self.iam.create_user(UserName=name)
        with self.refused("NoSuchEntity"):
            self.iam.attach_user_policy(UserName=name, PolicyArn=AWS + "AWSNoSuchPolicy")
        with self.refused("MalformedPolicyDocument"):
            self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument="{")
        self.iam.attach_user_policy(UserName=name, PolicyArn=AWS + "AWSIoTFullAccess")
        self.assertEqual(self.iam.list_attached_user_policies(UserName=name)["AttachedPolicies"],
                         [{"PolicyName": "AWSIoTFullAccess",
                           "PolicyArn": AWS + "AWSIoTFullAccess"}])
        keys = [self.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
                for _ in range(2)]
        with self.refused("LimitExceeded"):
            self.iam.create_access_key(UserName=name)
        with self.refused("DeleteConflict"):
            self.iam.delete_user(UserName=name)
        listed = self.iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
        self.assertEqual(sorted(k["AccessKeyId"] for k in listed), sorted(keys))
        for key in keys:
            self.iam.delete_access_key(UserName=name, AccessKeyId=key)
        self.iam.detach_user_policy(UserName=name, PolicyArn=AWS + "AWSIoTFullAccess")
        self.iam.delete_user(UserName=name)
        with self.refused("NoSuchEntity"):
            self.iam.get_user(UserName=name)

    def test_a_reader_reads_and_changes_nothing(self):
        client = self.user("AWSIoTReadOnlyAccess")
        self.iot.create_thing(thingName=self.name()[:60])
        self.assertEqual(client("iot").describe_thing(thingName=self.name()[:60])["version"], 1)
        client("iot").list_jobs()
        with self.refused("AccessDeniedException", "iot:CreateThing on resource: " +
                          arn("iot", "thing/x")):
            client("iot").create_thing(thingName="x")
        with self.refused("ResourceNotFoundException"):
            self.iot.describe_thing(thingName="x")
        with self.refused("ForbiddenException", "iot:Publish"):
            client("iot-data").publish(topic="a/b", payload=b"x")
        with self.refused("AccessDenied", "s3:ListAllMyBuckets"):
            client("s3").list_buckets()
        with self.refused("AccessDenied", "iam:CreateUser"):
            client("iam").create_user(UserName="y")
        with self.refused("AccessDeniedException", "acm:ListCertificates"):
            client("acm").list_certificates()
        with self.refused("AccessDeniedException", "signer:ListSigningProfiles"):
            client("signer").list_signing_profiles()
        with self.refused("AccessDeniedException"):
            client("iot-jobs-data").start_next_pending_job_execution(thingName=self.name()[:60])

    def test_who_signs_is_told_even_to_those_who_may_nothing(self):
        client = self.user()
        self.assertEqual(client("sts").get_caller_identity()["Arn"],
                         "arn:aws:iam::%s:user/%s" % (ACCOUNT, self.name()))
        with self.refused("AccessDeniedException"):
            client("iot").list_things()

    def test_full_rights_of_iot_are_none_of_iam(self):
        client = self.user("AWSIoTFullAccess")
        client("iot").create_thing(thingName="made-by-user")
        client("iot-data").publish(topic="a/b", payload=b"x", retain=True)
        with self.refused("AccessDenied"):
            client("iam").create_user(UserName="y")

    def test_a_policy_of_its_own_may_name_resources_and_deny(self):
        client = self.user("AWSIoTFullAccess")
        self.iam.put_user_policy(UserName=self.name(), PolicyName="not-these",
                                 PolicyDocument=json.dumps({
                                     "Version": "2012-10-17", "Statement": {
                                         "Effect": "Deny", "Action": "iot:DeleteThing",
                                         "Resource": arn("iot", "thing/kept-*")}}))
        for name in ("kept-1", "other-1"):
            self.iot.create_thing(thingName=name)
        client("iot").delete_thing(thingName="other-1")
        with self.refused("AccessDeniedException"):
            client("iot").delete_thing(thingName="kept-1")
        self.assertEqual(self.iam.get_user_policy(UserName=self.name(), PolicyName="not-these")
                         ["PolicyDocument"]["Statement"]["Effect"], "Deny")
        self.iam.delete_user_policy(UserName=self.name(), PolicyName="not-these")
        client("iot").delete_thing(thingName="kept-1")

    def test_all_but_what_a_policy_names_is_meant_by_not_action(self):
        client = self.user("AWSIoTFullAccess")
        self.iam.put_user_policy(UserName=self.name(), PolicyName="power",
                                 PolicyDocument=json.dumps({
                                     "Version": "2012-10-17", "Statement": [
                                         {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
                                         {"Effect": "Deny", "Action": "iot:DeleteThing",
                                          "NotResource": arn("iot", "thing/mine-*")}]}))
        client("s3").create_bucket(Bucket="of-one-with-power")
        for name in ("mine-1", "yours-1"):
            client("iot").create_thing(thingName=name)
        client("iot").delete_thing(thingName="mine-1")
        with self.refused("AccessDeniedException"):
            client("iot").delete_thing(thingName="yours-1")
        with self.refused("AccessDenied"):
            client("iam").create_user(UserName="y")
        with self.refused("MalformedPolicyDocument"):
            self.iam.put_user_policy(UserName=self.name(), PolicyName="both",
                                     PolicyDocument=json.dumps({
                                         "Version": "2012-10-17", "Statement": {
                                             "Effect": "Allow", "Action": "*", "NotAction": "*",
                                             "Resource": "*"}}))

    def test_objects_are_read_and_written_by_those_who_may(self):
        reader, owner = self.user("AmazonS3ReadOnlyAccess")("s3"), self.server.client("s3")
        owner.create_bucket(Bucket="for-readers")
        owner.put_object(Bucket="for-readers", Key="k", Body=b"bytes")
        self.assertEqual(reader.get_object(Bucket="for-readers", Key="k")["Body"].read(), b"bytes")
        with self.refused("AccessDenied", "s3:PutObject"):
            reader.put_object(Bucket="for-readers", Key="k", Body=b"others")

    def test_a_key_that_is_inactive_or_gone_does_not_sign(self):
        client = self.user("AWSIoTFullAccess")
        key = self.iam.list_access_keys(UserName=self.name())["AccessKeyMetadata"][0]["AccessKeyId"]
        client("iot").list_things()
        self.iam.update_access_key(UserName=self.name(), AccessKeyId=key, Status="Inactive")
        with self.refused("UnrecognizedClientException"):
            client("iot").list_things()
        self.iam.update_access_key(UserName=self.name(), AccessKeyId=key, Status="Active")
        client("iot").list_things()
        self.iam.delete_access_key(UserName=self.name(), AccessKeyId=key)
        with self.refused("UnrecognizedClientException"):
            client("iot").list_things()

    def limited(self, *statements):
        """A user whose own policy has these statements alone: (actions, resources)."""
        client = self.user()
        self.iam.put_user_policy(UserName=self.name(), PolicyName="own", PolicyDocument=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resources}
                          for actions, resources in statements]}))
        return client

    def test_groups_are_joined_by_those_who_may_both_thing_and_group(self):
        for name in ("rg-mine", "rg-yours"):
            self.iot.create_thing_group(thingGroupName=name)
            self.iot.create_thing(thingName=name)
        client = self.limited(("iot:*", [arn("iot", "thing/rg-*"), arn("iot", "thinggroup/rg-mine*")]))("iot")
        denied = "on resource: " + arn("iot", "thinggroup/rg-yours")
        client.add_thing_to_thing_group(thingGroupName="rg-mine", thingName="rg-yours")
        for group in ({"thingGroupName": "rg-yours"}, {"thingGroupArn": arn("iot", "thinggroup/rg-yours")}):
            with self.refused("AccessDeniedException", denied):
                client.add_thing_to_thing_group(thingName="rg-mine", **group)
            with self.refused("AccessDeniedException", denied):
                client.remove_thing_from_thing_group(thingName="rg-mine", **group)
        for change in ({"thingGroupsToAdd": ["rg-mine", "rg-yours"]}, {"thingGroupsToRemove": ["rg-yours"]}):
            with self.refused("AccessDeniedException", denied):
                client.update_thing_groups_for_thing(thingName="rg-mine", **change)
        with self.refused("AccessDeniedException", denied):
            client.create_thing_group(thingGroupName="rg-mine-2", parentGroupName="rg-yours")
        self.assertEqual(self.iot.list_things_in_thing_group(thingGroupName="rg-yours")["things"], [])
        client.create_thing_group(thingGroupName="rg-mine-2", parentGroupName="rg-mine")

    def test_jobs_go_to_targets_that_the_user_may_send_to(self):
        for name in ("rj-mine", "rj-yours"):
            self.iot.create_thing(thingName=name)
        self.iot.create_thing_group(thingGroupName="rj-group")
        client = self.limited(("iot:*", [arn("iot", "thing/rj-mine"), arn("iot", "thinggroup/rj-group"),
                                         arn("iot", "job/*")]))("iot")
        mine, yours, group = arn("iot", "thing/rj-mine"), arn("iot", "thing/rj-yours"), arn("iot", "thinggroup/rj-group")
        with self.refused("AccessDeniedException", "iot:CreateJob on resource: " + yours):
            client.create_job(jobId="rj", targets=[mine, yours], document="{}")
        client.create_job(jobId="rj", targets=[group], document="{}", targetSelection="CONTINUOUS")
        with self.refused("AccessDeniedException", "iot:AssociateTargetsWithJob on resource: " + yours):
            client.associate_targets_with_job(jobId="rj", targets=[yours])
        client.associate_targets_with_job(jobId="rj", targets=[group])
        with self.refused("AccessDeniedException", "iot:CancelJobExecution on resource: " + yours):
            client.cancel_job_execution(jobId="rj", thingName="rj-yours")
        with self.refused("AccessDeniedException", "iam:PassRole on resource: arn:aws:iam::%s:role/r" % ACCOUNT):
            client.create_job(jobId="rj2", targets=[mine], document="{}", presignedUrlConfig={
                "roleArn": "arn:aws:iam::%s:role/r" % ACCOUNT, "expiresInSec": 60})

    def test_an_execution_is_of_a_job_too(self):
        self.iot.create_thing(thingName="re")
        self.iot.create_job(jobId="re-yours", targets=[arn("iot", "thing/re")], document="{}")
        client = self.limited(("iot:*", [arn("iot", "thing/*"), arn("iot", "job/re-mine")]))("iot")
        with self.refused("AccessDeniedException", "on resource: " + arn("iot", "job/re-yours")):
            client.cancel_job_execution(jobId="re-yours", thingName="re")

    def test_updates_need_their_targets_and_the_role(self):
        role = "arn:aws:iam::%s:role/ru" % ACCOUNT
        ask = {"otaUpdateId": "ru", "targets": [arn("iot", "thing/ru-yours")], "roleArn": role,
               "files": [{"fileName": "f"}]}
        client = self.limited(("iot:*", [arn("iot", "otaupdate/*"), arn("iot", "thing/ru-mine")]))("iot")
        with self.refused("AccessDeniedException", "iot:CreateJob on resource: " + ask["targets"][0]):
            client.create_ota_update(**ask)
        ask["targets"] = [arn("iot", "thing/ru-mine")]
        with self.refused("AccessDeniedException", "iam:PassRole on resource: " + role):
            client.create_ota_update(**ask)
        self.iam.put_user_policy(UserName=self.name(), PolicyName="pass", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Action": "iam:PassRole", "Resource": role,
                "Condition": {"StringEquals": {"iam:PassedToService": "iot.amazonaws.com"}}}}))
        with self.refused("InvalidRequestException"):
            client.create_ota_update(**ask)  # of its files: it may

    def test_rules_hand_on_the_roles_of_each_of_their_actions(self):
        client = self.limited(("iot:*", "*"))("iot")
        role = "arn:aws:iam::%s:role/rr" % ACCOUNT
        with self.refused("AccessDeniedException", "iam:PassRole on resource: " + role):
            client.create_topic_rule(ruleName="rr", topicRulePayload={
                "sql": "SELECT * FROM 'a'", "actions": [{"republish": {"topic": "b", "roleArn": role}}]})

    def test_policies_are_attached_to_certificates_that_the_user_may_change(self):
        self.iot.create_policy(policyName="rp", policyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}}))
        mine, yours = (self.iot.create_keys_and_certificate()["certificateArn"] for _ in range(2))
        self.iot.create_thing(thingName="rp")
        client = self.limited(("iot:*", [mine, arn("iot", "policy/*"), arn("iot", "thing/*")]))("iot")
        client.attach_policy(policyName="rp", target=mine)
        client.attach_thing_principal(thingName="rp", principal=mine)
        client.list_attached_policies(target=mine)
        for ask in (lambda: client.attach_policy(policyName="rp", target=yours),
                    lambda: client.detach_policy(policyName="rp", target=yours),
                    lambda: client.attach_thing_principal(thingName="rp", principal=yours),
                    lambda: client.list_attached_policies(target=yours)):
            with self.refused("AccessDeniedException", "on resource: " + yours):
                ask()

    def test_tags_and_the_index_are_resources_too(self):
        client = self.limited(("iot:*", [arn("iot", "job/*"), arn("iot", "index/AWS_Things")]))("iot")
        self.iot.create_thing_group(thingGroupName="rt")
        with self.refused("AccessDeniedException", "iot:TagResource on resource: " + arn("iot", "thinggroup/rt")):
            client.tag_resource(resourceArn=arn("iot", "thinggroup/rt"), tags=[{"Key": "a", "Value": "b"}])
        with self.refused("ResourceNotFoundException"):
            client.search_index(queryString="thingName:x")  # there is none: it may
        with self.refused("AccessDeniedException"):
            client.get_statistics(queryString="thingName:x", indexName="other")

    def test_of_many_objects_only_those_are_deleted_that_the_user_may(self):
        owner = self.server.client("s3")
        owner.create_bucket(Bucket="delete-some")
        for key in ("mine/1", "mine/2", "yours/1"):
            owner.put_object(Bucket="delete-some", Key=key, Body=b"x")
        client = self.limited(("s3:DeleteObject", "arn:aws:s3:::delete-some/mine/*"))("s3")
        result = client.delete_objects(Bucket="delete-some", Delete={"Objects": [
            {"Key": key} for key in ("mine/1", "yours/1", "mine/2")]})
        self.assertEqual([one["Key"] for one in result["Deleted"]], ["mine/1", "mine/2"])
        self.assertEqual([(one["Key"], one["Code"]) for one in result["Errors"]], [("yours/1", "AccessDenied")])
        self.assertEqual([one["Key"] for one in owner.list_objects_v2(Bucket="delete-some")["Contents"]], ["yours/1"])
        with self.refused("AccessDenied", "s3:DeleteObjectVersion"):
            client.delete_object(Bucket="delete-some", Key="mine/1", VersionId="null")

    def test_users_keys_and_rights_last(self):
        client = self.user("AWSIoTReadOnlyAccess")
        self.restart()
        client("iot").list_things()
        with self.refused("AccessDeniedException"):
            client("iot").create_thing(thingName="x")
