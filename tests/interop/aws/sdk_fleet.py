"""iot: provisioning templates and claims, registered authorities, RegisterThing."""
import json, os

from sdk import ACCOUNT, CloudTest, arn

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "iot.amazonaws.com"},
     "Action": "sts:AssumeRole"}]})
BODY = {
    "Parameters": {"SerialNumber": {"Type": "String"}},
    "Resources": {
        "thing": {"Type": "AWS::IoT::Thing", "Properties": {
            "ThingName": {"Fn::Join": ["", ["lamp-", {"Ref": "SerialNumber"}]]}}},
        "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {
            "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"}},
    },
}


class Fleet(CloudTest):
    @classmethod
    def clients(cls):
        cls.iot = cls.server.client("iot")
        iam = cls.server.client("iam")
        try:
            cls.role = iam.create_role(RoleName="fleet", AssumeRolePolicyDocument=TRUST)
        except iam.exceptions.EntityAlreadyExistsException:
            cls.role = iam.get_role(RoleName="fleet")
        cls.role = cls.role["Role"]["Arn"]

    def template(self, name, body=BODY, **more):
        return self.iot.create_provisioning_template(
            templateName=name, templateBody=json.dumps(body), provisioningRoleArn=self.role, **more)

    # ---- templates ----

    def test_a_template_is_shown_as_it_was_made(self):
        made = self.template("shown", description="lamps", enabled=True)
        self.assertEqual((made["templateArn"], made["defaultVersionId"]),
                         (arn("iot", "provisioningtemplate/shown"), 1))
        shown = self.iot.describe_provisioning_template(templateName="shown")
        self.assertEqual(json.loads(shown["templateBody"]), BODY)
        self.assertEqual((shown["description"], shown["enabled"], shown["type"],
                          shown["provisioningRoleArn"]),
                         ("lamps", True, "FLEET_PROVISIONING", self.role))
        with self.refused("ResourceAlreadyExistsException"):
            self.template("shown")
        with self.refused("ResourceNotFoundException"):
            self.iot.describe_provisioning_template(templateName="nobody")
        listed = self.iot.list_provisioning_templates()["templates"]
        self.assertIn("shown", [entry["templateName"] for entry in listed])

    def test_a_template_is_changed_and_lives_over_a_restart(self):
        self.template("changed")
        self.assertFalse(self.iot.describe_provisioning_template(templateName="changed")["enabled"])
        self.iot.update_provisioning_template(templateName="changed", enabled=True,
                                              description="new")
        self.restart()
        shown = self.iot.describe_provisioning_template(templateName="changed")
        self.assertEqual((shown["enabled"], shown["description"]), (True, "new"))
        self.iot.delete_provisioning_template(templateName="changed")
        with self.refused("ResourceNotFoundException"):
            self.iot.describe_provisioning_template(templateName="changed")

    def test_versions_are_five_and_their_numbers_are_not_given_twice(self):
        self.template("versions")
        new = lambda **more: self.iot.create_provisioning_template_version(
            templateName="versions", templateBody=json.dumps(BODY), **more)["versionId"]
        self.assertEqual([new() for _ in range(4)], [2, 3, 4, 5])
        with self.refused("VersionsLimitExceededException"):
            new()
        self.iot.delete_provisioning_template_version(templateName="versions", versionId=5)
        self.assertEqual(new(setAsDefault=True), 6)
        listed = self.iot.list_provisioning_template_versions(templateName="versions")["versions"]
        self.assertEqual([v["versionId"] for v in listed if v["isDefaultVersion"]], [6])
        with self.refused("DeleteConflictException"):
            self.iot.delete_provisioning_template_version(templateName="versions", versionId=6)
        with self.refused("DeleteConflictException"):
            self.iot.delete_provisioning_template(templateName="versions")
        shown = self.iot.describe_provisioning_template_version(templateName="versions",
                                                                versionId=6)
        self.assertTrue(shown["isDefaultVersion"])
        with self.refused("InvalidRequestException"):
            self.iot.update_provisioning_template(templateName="versions", defaultVersionId=77)

    def test_a_body_that_cannot_work_and_what_is_not_offered_are_refused_by_name(self):
        with self.refused("InvalidRequestException", "Resources are missing"):
            self.template("bad", body={})
        with self.refused("InvalidRequestException", "Nobody"):
            self.template("bad", body={"Resources": {"c": {
                "Type": "AWS::IoT::Certificate",
                "Properties": {"CertificateId": {"Ref": "Nobody"}}}}})
        with self.refused("InvalidRequestException", "preProvisioningHook"):
            self.template("bad", preProvisioningHook={"targetArn": "arn:aws:lambda:x"})
        with self.refused("ResourceNotFoundException"):
            self.iot.create_provisioning_template(
                templateName="bad", templateBody=json.dumps(BODY),
                provisioningRoleArn="arn:aws:iam::%s:role/nobody" % ACCOUNT)

    def test_a_claim_is_an_active_certificate_with_an_end(self):
        self.template("claimed", enabled=True)
        claim = self.iot.create_provisioning_claim(templateName="claimed")
        self.assertIn("RSA PRIVATE KEY", claim["keyPair"]["PrivateKey"])
        shown = self.iot.describe_certificate(certificateId=claim["certificateId"])
        self.assertEqual(shown["certificateDescription"]["status"], "ACTIVE")
        self.assertAlmostEqual(
            claim["expiration"].timestamp() -
            shown["certificateDescription"]["creationDate"].timestamp(), 300, delta=2)
        with self.refused("ResourceNotFoundException"):
            self.iot.create_provisioning_claim(templateName="nobody")

    def test_register_thing_makes_what_its_template_says(self):
        body = json.loads(json.dumps(BODY))
        body["Parameters"]["CSR"] = {"Type": "String"}
        body["Resources"]["certificate"]["Properties"] = {
            "CertificateSigningRequest": {"Ref": "CSR"}}
        key = os.path.join(self.server.folder, "thing.key")
        csr = self.run_tool("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                            "-keyout", key).decode()
        made = self.iot.register_thing(templateBody=json.dumps(body),
                                       parameters={"SerialNumber": "55", "CSR": csr})
        self.assertIn("BEGIN CERTIFICATE", made["certificatePem"])
        self.assertEqual(made["resourceArns"]["thing"], arn("iot", "thing/lamp-55"))
        principals = self.iot.list_thing_principals(thingName="lamp-55")["principals"]
        self.assertEqual(principals, [made["resourceArns"]["certificate"]])
        with self.refused("InvalidRequestException", "SerialNumber"):
            self.iot.register_thing(templateBody=json.dumps(body), parameters={"CSR": csr})

    # ---- thing types and groups ----

    def test_a_type_lets_a_thing_have_more_attributes_and_ends_when_it_was_deprecated(self):
        iot = self.iot
        made = iot.create_thing_type(thingTypeName="lamp", thingTypeProperties={
            "thingTypeDescription": "gives light", "searchableAttributes": ["room"]})
        self.assertEqual(made["thingTypeArn"], arn("iot", "thingtype/lamp"))
        attributes = {"a%d" % i: "1" for i in range(10)}
        with self.refused("InvalidRequestException", "3 attributes"):
            iot.create_thing(thingName="typed", attributePayload={"attributes": attributes})
        with self.refused("ResourceNotFoundException"):
            iot.create_thing(thingName="typed", thingTypeName="nobody")
        typed = {"thingName": "typed", "thingTypeName": "lamp",
                 "attributePayload": {"attributes": attributes}}
        iot.create_thing(**typed)
        iot.create_thing(**typed)
        self.assertEqual(iot.describe_thing(thingName="typed")["thingTypeName"], "lamp")
        self.assertEqual([t["thingName"] for t in iot.list_things(thingTypeName="lamp")["things"]],
                         ["typed"])
        with self.refused("InvalidRequestException"):
            iot.update_thing(thingName="typed", removeThingType=True)
        with self.refused("InvalidRequestException"):
            iot.delete_thing_type(thingTypeName="lamp")
        iot.deprecate_thing_type(thingTypeName="lamp")
        with self.refused("InvalidRequestException", "deprecated"):
            iot.create_thing(thingName="late", thingTypeName="lamp")
        with self.refused("InvalidRequestException", "5 minutes"):
            iot.delete_thing_type(thingTypeName="lamp")
        shown = iot.describe_thing_type(thingTypeName="lamp")
        self.assertTrue(shown["thingTypeMetadata"]["deprecated"])
        iot.deprecate_thing_type(thingTypeName="lamp", undoDeprecate=True)
        listed = iot.list_thing_types(thingTypeName="lamp")["thingTypes"]
        self.assertEqual([(t["thingTypeName"], t["thingTypeMetadata"]["deprecated"],
                           t["thingTypeProperties"]["searchableAttributes"]) for t in listed],
                         [("lamp", False, ["room"])])

    def test_a_template_puts_its_thing_under_a_type_and_into_groups(self):
        self.iot.create_thing_type(thingTypeName="bulb")
        self.iot.create_thing_group(thingGroupName="attic")
        body = {"Parameters": {"CSR": {"Type": "String"}}, "Resources": {
            "t": {"Type": "AWS::IoT::Thing", "Properties": {
                "ThingName": "grouped", "ThingTypeName": "bulb", "ThingGroups": ["attic"]}},
            "c": {"Type": "AWS::IoT::Certificate", "Properties": {
                "CertificateSigningRequest": {"Ref": "CSR"}}}}}
        csr = self.run_tool("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-keyout",
                            os.path.join(self.server.folder, "group.key")).decode()
        self.iot.register_thing(templateBody=json.dumps(body), parameters={"CSR": csr})
        self.assertEqual(self.iot.describe_thing(thingName="grouped")["thingTypeName"], "bulb")
        groups = self.iot.list_thing_groups_for_thing(thingName="grouped")["thingGroups"]
        self.assertEqual([g["groupName"] for g in groups], ["attic"])
        body["Resources"]["t"]["Properties"]["ThingGroups"] = ["nobody"]
        body["Resources"]["t"]["Properties"]["ThingName"] = "ungrouped"
        with self.refused("ResourceNotFoundException"):
            self.iot.register_thing(templateBody=json.dumps(body), parameters={"CSR": csr})
        with self.refused("ResourceNotFoundException"):
            self.iot.describe_thing(thingName="ungrouped")

    # ---- authorities ----

    def openssl_ca(self, name):
        folder = self.server.folder
        key, pem = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".pem")
        self.run_tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=" + name,
                      "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", key, "-out", pem)
        return key, pem

    def signed_by(self, ca, subject):
        key = os.path.join(self.server.folder, "leaf.key")
        csr = self.run_tool("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + subject,
                            "-keyout", key)
        return self.run_tool("openssl", "x509", "-req", "-CA", ca[1], "-CAkey", ca[0],
                             "-set_serial", "7", "-days", "30", data=csr).decode()

    def test_an_authority_is_registered_with_the_registration_code(self):
        ca = self.openssl_ca("factory")
        code = self.iot.get_registration_code()["registrationCode"]
        self.assertEqual(code, self.iot.get_registration_code()["registrationCode"])
        pem = open(ca[1]).read()
        with self.refused("RegistrationCodeValidationException"):
            self.iot.register_ca_certificate(
                caCertificate=pem, verificationCertificate=self.signed_by(ca, "wrong"))
        with self.refused("InvalidRequestException"):
            self.iot.register_ca_certificate(caCertificate=pem)
        made = self.iot.register_ca_certificate(
            caCertificate=pem, verificationCertificate=self.signed_by(ca, code), setAsActive=True,
            allowAutoRegistration=True)
        self.assertEqual(made["certificateArn"], arn("iot", "cacert/" + made["certificateId"]))
        shown = self.iot.describe_ca_certificate(certificateId=made["certificateId"])
        description = shown["certificateDescription"]
        self.assertEqual((description["status"], description["autoRegistrationStatus"],
                          description["certificateMode"], description["certificatePem"]),
                         ("ACTIVE", "ENABLE", "DEFAULT", pem))
        leaf = self.iot.register_certificate(certificatePem=self.signed_by(ca, "d"),
                                             caCertificatePem=pem, status="ACTIVE")
        listed = self.iot.list_certificates_by_ca(caCertificateId=made["certificateId"])
        self.assertEqual([c["certificateId"] for c in listed["certificates"]],
                         [leaf["certificateId"]])
        told = self.iot.describe_certificate(certificateId=leaf["certificateId"])
        self.assertEqual(told["certificateDescription"]["caCertificateId"], made["certificateId"])
        with self.refused("CertificateStateException"):
            self.iot.delete_ca_certificate(certificateId=made["certificateId"])
        self.iot.update_ca_certificate(certificateId=made["certificateId"], newStatus="INACTIVE")
        with self.refused("CertificateValidationException"):
            self.iot.register_certificate(certificatePem=self.signed_by(ca, "e"))
        self.iot.delete_ca_certificate(certificateId=made["certificateId"])
        with self.refused("ResourceNotFoundException"):
            self.iot.describe_ca_certificate(certificateId=made["certificateId"])
        self.iot.delete_registration_code()
        self.assertNotEqual(code, self.iot.get_registration_code()["registrationCode"])
