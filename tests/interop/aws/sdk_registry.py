"""iot and sts: things, certificates, policies and their versions, what is attached to what."""
import hashlib, os, ssl

from sdk import ACCOUNT, CloudTest, arn

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}'


class Registry(CloudTest):
    @classmethod
    def clients(cls):
        cls.iot = cls.server.client("iot")

    def name(self):
        return self.id().rsplit(".", 1)[1][5:]

    def certificate(self, status="ACTIVE"):
        pem, _ = self.make_certificate(self.name())
        return self.iot.register_certificate_without_ca(certificatePem=pem, status=status), pem

    def test_the_account_and_the_endpoint_are_told(self):
        self.assertEqual(self.server.client("sts").get_caller_identity()["Account"], ACCOUNT)
        endpoint = self.iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
        self.assertEqual(endpoint, "localhost")

    # ---- things ----

    def test_a_thing_can_be_made_again_only_as_it_is(self):
        made = {"thingName": self.name(),
                "attributePayload": {"attributes": {"room": "kitchen"}}}
        self.assertEqual(self.iot.create_thing(**made)["thingArn"],
                         arn("iot", "thing/" + self.name()))
        self.iot.create_thing(**made)
        with self.refused("ResourceAlreadyExistsException"):
            self.iot.create_thing(thingName=self.name())
        shown = self.iot.describe_thing(thingName=self.name())
        self.assertEqual((shown["attributes"], shown["version"]), ({"room": "kitchen"}, 1))
        with self.refused("ResourceNotFoundException"):
            self.iot.describe_thing(thingName="nobody")

    def test_things_are_listed_by_page_and_by_attribute(self):
        names = ["a:%s" % self.name(), "b_%s" % self.name()]
        for name in names:
            self.iot.create_thing(thingName=name,
                                  attributePayload={"attributes": {"listed": name[0]}})
        pages = self.iot.get_paginator("list_things").paginate(
            attributeName="listed", PaginationConfig={"PageSize": 1})
        self.assertEqual([[t["thingName"] for t in page["things"]] for page in pages],
                         [[name] for name in names])
        found = self.iot.list_things(attributeName="listed", attributeValue="b")["things"]
        self.assertEqual([t["thingName"] for t in found], names[1:])

    def test_update_thing_replaces_or_merges_attributes_and_counts_versions(self):
        name = self.name()
        self.iot.create_thing(thingName=name, attributePayload={"attributes": {"a": "1"}})

        def update(attributes, merge=False, **more):
            self.iot.update_thing(thingName=name, attributePayload={
                "attributes": attributes, "merge": merge}, **more)
            shown = self.iot.describe_thing(thingName=name)
            return shown["attributes"], shown["version"]

        self.assertEqual(update({"b": "2"}, merge=True), ({"a": "1", "b": "2"}, 2))
        self.assertEqual(update({"a": ""}, merge=True), ({"b": "2"}, 3))
        self.assertEqual(update({"c": "3"}, expectedVersion=3), ({"c": "3"}, 4))
        with self.refused("VersionConflictException"):
            update({"d": "4"}, expectedVersion=3)
        with self.refused("InvalidRequestException"):
            update({"d": "4", "e": "5", "f": "6"}, merge=True)
        with self.refused("ResourceNotFoundException"):
            self.iot.update_thing(thingName="nobody")
        self.assertEqual(self.iot.describe_thing(thingName=name)["attributes"], {"c": "3"})

    def test_deleting_a_thing_that_is_not_there_succeeds(self):
        self.iot.delete_thing(thingName="never-was")
        self.iot.create_thing(thingName=self.name())
        with self.refused("VersionConflictException"):
            self.iot.delete_thing(thingName=self.name(), expectedVersion=9)
        self.iot.delete_thing(thingName=self.name())
        self.iot.delete_thing(thingName=self.name())

    # ---- certificates ----

    def test_a_certificate_is_known_by_the_hash_of_its_der_form(self):
        made, pem = self.certificate()
        der = ssl.PEM_cert_to_DER_cert(pem)
        self.assertEqual(made["certificateId"], hashlib.sha256(der).hexdigest())
        self.assertEqual(made["certificateArn"], arn("iot", "cert/" + made["certificateId"]))
        with self.refused("ResourceAlreadyExistsException"):
            self.iot.register_certificate_without_ca(certificatePem=pem)
        with self.refused("CertificateValidationException"):
            self.iot.register_certificate_without_ca(certificatePem="not a certificate")
        shown = self.iot.describe_certificate(certificateId=made["certificateId"])
        shown = shown["certificateDescription"]
        self.assertEqual((shown["status"], shown["certificateMode"]), ("ACTIVE", "SNI_ONLY"))

    def test_certificates_are_issued_for_new_keys_and_for_requests(self):
        made = self.iot.create_keys_and_certificate(setAsActive=True)
        public = self.run_tool("openssl", "x509", "-noout", "-pubkey",
                               data=made["certificatePem"].encode())
        of_key = self.run_tool("openssl", "pkey", "-pubout",
                               data=made["keyPair"]["PrivateKey"].encode())
        self.assertEqual(public, of_key)
        key = os.path.join(self.server.folder, "csr.key")
        request = self.run_tool("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                                "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj",
                                "/CN=whoever")
        issued = self.iot.create_certificate_from_csr(certificateSigningRequest=request.decode())
        shown = self.iot.describe_certificate(certificateId=issued["certificateId"])
        self.assertEqual(shown["certificateDescription"]["status"], "INACTIVE")
        listed = [c["certificateId"] for c in self.iot.list_certificates()["certificates"]]
        self.assertIn(issued["certificateId"], listed)

    # ---- policies ----

    def test_a_policy_is_made_once_and_must_be_sound(self):
        made = self.iot.create_policy(policyName=self.name(), policyDocument=POLICY)
        self.assertEqual(made["policyVersionId"], "1")
        with self.refused("ResourceAlreadyExistsException"):
            self.iot.create_policy(policyName=self.name(), policyDocument=POLICY)
        with self.refused("MalformedPolicyException"):
            self.iot.create_policy(policyName="bad", policyDocument='{"Version":1}')
        self.assertEqual(self.iot.get_policy(policyName=self.name())["policyDocument"], POLICY)
        self.assertIn(self.name(), [p["policyName"] for p in self.iot.list_policies()["policies"]])

    def versions(self, name):
        listed = self.iot.list_policy_versions(policyName=name)["policyVersions"]
        return {v["versionId"]: v["isDefaultVersion"] for v in listed}

    def test_a_policy_has_up_to_five_versions_and_one_of_them_counts(self):
        name, deny = self.name(), POLICY.replace("Allow", "Deny")
        self.iot.create_policy(policyName=name, policyDocument=POLICY)
        made = self.iot.create_policy_version(policyName=name, policyDocument=deny)
        self.assertEqual((made["policyVersionId"], made["isDefaultVersion"], made["policyArn"],
                          made["policyDocument"]),
                         ("2", False, arn("iot", "policy/" + name), deny))
        self.assertEqual(self.iot.get_policy(policyName=name)["policyDocument"], POLICY)
        self.iot.set_default_policy_version(policyName=name, policyVersionId="2")
        shown = self.iot.get_policy(policyName=name)
        self.assertEqual((shown["policyDocument"], shown["defaultVersionId"]), (deny, "2"))
        self.iot.create_policy_version(policyName=name, policyDocument=POLICY, setAsDefault=True)
        self.assertEqual(self.versions(name), {"3": True, "2": False, "1": False})
        one = self.iot.get_policy_version(policyName=name, policyVersionId="2")
        self.assertEqual((one["policyDocument"], one["isDefaultVersion"], one["policyName"]),
                         (deny, False, name))
        for _ in range(2):
            self.iot.create_policy_version(policyName=name, policyDocument=POLICY)
        with self.refused("VersionsLimitExceededException"):
            self.iot.create_policy_version(policyName=name, policyDocument=POLICY)
        with self.refused("MalformedPolicyException"):
            self.iot.create_policy_version(policyName=name, policyDocument="{}")

    def test_the_default_version_stays_and_no_number_comes_twice(self):
        name = self.name()
        self.iot.create_policy(policyName=name, policyDocument=POLICY)
        self.iot.create_policy_version(policyName=name, policyDocument=POLICY)
        with self.refused("DeleteConflictException"):
            self.iot.delete_policy_version(policyName=name, policyVersionId="1")
        with self.refused("DeleteConflictException"):
            self.iot.delete_policy(policyName=name)
        self.iot.delete_policy_version(policyName=name, policyVersionId="2")
        made = self.iot.create_policy_version(policyName=name, policyDocument=POLICY)
        self.assertEqual(made["policyVersionId"], "3")
        for version, error in (("2", "ResourceNotFoundException"),
                               ("two", "InvalidRequestException")):
            with self.refused(error):
                self.iot.get_policy_version(policyName=name, policyVersionId=version)
            with self.refused(error):
                self.iot.delete_policy_version(policyName=name, policyVersionId=version)
            with self.refused(error):
                self.iot.set_default_policy_version(policyName=name, policyVersionId=version)
        with self.refused("ResourceNotFoundException"):
            self.iot.list_policy_versions(policyName="nothing")
        self.iot.delete_policy_version(policyName=name, policyVersionId="3")
        self.iot.delete_policy(policyName=name)

    # ---- attachments ----

    def test_nothing_goes_while_it_is_in_use(self):
        made, _ = self.certificate()
        identity, principal, name = made["certificateId"], made["certificateArn"], self.name()
        self.iot.create_thing(thingName=name)
        self.iot.create_policy(policyName=name, policyDocument=POLICY)
        for _ in range(2):
            self.iot.attach_thing_principal(thingName=name, principal=principal)
            self.iot.attach_policy(policyName=name, target=principal)
        self.assertEqual(self.iot.list_thing_principals(thingName=name)["principals"], [principal])
        self.assertEqual(self.iot.list_principal_things(principal=principal)["things"], [name])
        attached = self.iot.list_attached_policies(target=principal)["policies"]
        self.assertEqual([p["policyName"] for p in attached], [name])
        self.assertEqual(self.iot.list_targets_for_policy(policyName=name)["targets"], [principal])
        with self.refused("ResourceNotFoundException"):
            self.iot.attach_thing_principal(thingName="nobody", principal=principal)
        with self.refused("DeleteConflictException"):
            self.iot.delete_policy(policyName=name)
        with self.refused("InvalidRequestException"):
            self.iot.delete_thing(thingName=name)
        with self.refused("CertificateStateException"):
            self.iot.delete_certificate(certificateId=identity)
        self.iot.update_certificate(certificateId=identity, newStatus="INACTIVE")
        with self.refused("DeleteConflictException"):
            self.iot.delete_certificate(certificateId=identity)
        self.iot.detach_policy(policyName=name, target=principal)
        self.iot.detach_thing_principal(thingName=name, principal=principal)
        self.iot.delete_certificate(certificateId=identity)
        self.iot.delete_policy(policyName=name)
        self.iot.delete_thing(thingName=name)
        with self.refused("ResourceNotFoundException"):
            self.iot.describe_certificate(certificateId=identity)


class Restart(CloudTest):
    @classmethod
    def clients(cls):
        cls.iot = cls.server.client("iot")

    def test_a_second_start_on_the_same_folder_finds_everything_again(self):
        self.iot.create_thing(thingName="kept")
        self.iot.create_policy(policyName="kept", policyDocument=POLICY)
        self.iot.create_policy_version(policyName="kept", policyDocument=POLICY)
        self.restart()
        self.assertEqual(self.iot.list_things()["things"][0]["thingName"], "kept")
        self.assertEqual(len(self.iot.list_policy_versions(policyName="kept")["policyVersions"]),
                         2)
