"""iam, acm and signer: roles, key pairs, profiles, and signatures that openssl verifies."""
import base64, json, os

from sdk import CloudTest

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "iot.amazonaws.com"},
    "Action": "sts:AssumeRole"}]})
RIGHTS = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'


class Signing(CloudTest):
    @classmethod
    def clients(cls):
        for name in ("iam", "acm", "signer", "s3"):
            setattr(cls, name, cls.server.client(name))

    def imported(self):
        self.pem, self.key = self.make_certificate("Otter signer")
        return self.acm.import_certificate(Certificate=self.pem, PrivateKey=self.key)[
            "CertificateArn"]

    def profile(self, name):
        certificate = self.imported()
        self.signer.put_signing_profile(
            profileName=name, platformId="AmazonFreeRTOS-Default",
            signingMaterial={"certificateArn": certificate},
            signingParameters={"certname": "ota_signer_pub"})
        return certificate

    def verify(self, signature, content):
        """Whether the certificate's key made this signature over the content."""
        paths = {}
        for name, data in (("pem", self.pem.encode()), ("sig", signature), ("bin", content)):
            paths[name] = os.path.join(self.server.folder, "verify." + name)
            with open(paths[name], "wb") as file:
                file.write(data)
        public = self.run_tool("openssl", "x509", "-in", paths["pem"], "-noout", "-pubkey")
        with open(paths["pem"], "wb") as file:
            file.write(public)
        self.run_tool("openssl", "dgst", "-sha256", "-verify", paths["pem"], "-signature",
                      paths["sig"], paths["bin"])

    def test_roles_are_kept_with_what_is_attached(self):
        role = self.iam.create_role(RoleName="ota", AssumeRolePolicyDocument=TRUST)["Role"]
        self.assertEqual(role["Arn"], "arn:aws:iam::123456789012:role/ota")
        with self.refused("EntityAlreadyExists"):
            self.iam.create_role(RoleName="ota", AssumeRolePolicyDocument=TRUST)
        with self.refused("MalformedPolicyDocument"):
            self.iam.create_role(RoleName="bad", AssumeRolePolicyDocument="{")
        trust = self.iam.get_role(RoleName="ota")["Role"]["AssumeRolePolicyDocument"]
        self.assertEqual(trust["Statement"][0]["Principal"]["Service"], "iot.amazonaws.com")
        self.iam.attach_role_policy(
            RoleName="ota", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonFreeRTOSOTAUpdate")
        self.iam.put_role_policy(RoleName="ota", PolicyName="s3", PolicyDocument=RIGHTS)
        own = self.iam.create_policy(PolicyName="own", PolicyDocument=RIGHTS)["Policy"]["Arn"]
        self.iam.attach_role_policy(RoleName="ota", PolicyArn=own)
        with self.refused("NoSuchEntity"):
            self.iam.get_role(RoleName="nobody")
        with self.refused("NoSuchEntity"):
            self.iam.attach_role_policy(RoleName="ota",
                                        PolicyArn="arn:aws:iam::123456789012:policy/nothing")

    def test_a_certificate_comes_with_its_own_key(self):
        certificate = self.imported()
        _, other = self.make_certificate("Somebody else")
        with self.refused("InvalidParameterException"):
            self.acm.import_certificate(Certificate=self.pem, PrivateKey=other)
        shown = self.acm.describe_certificate(CertificateArn=certificate)["Certificate"]
        self.assertEqual((shown["Type"], shown["KeyAlgorithm"], shown["Status"],
                          shown["ExtendedKeyUsages"][0]["Name"]),
                         ("IMPORTED", "EC_prime256v1", "ISSUED", "CODE_SIGNING"))
        self.assertEqual(self.acm.list_certificates()["CertificateSummaryList"], [])

    def test_certificates_are_listed_by_page(self):
        made = {self.imported() for _ in range(3)}
        pages = list(self.acm.get_paginator("list_certificates").paginate(
            Includes={"keyTypes": ["EC_prime256v1"]}, PaginationConfig={"PageSize": 2}))
        found = [c["CertificateArn"] for page in pages for c in page["CertificateSummaryList"]]
        self.assertLessEqual(made, set(found))
        self.assertEqual(len(found), len(set(found)))
        self.assertTrue(all(len(page["CertificateSummaryList"]) <= 2 for page in pages))
        for bad in ({"MaxItems": 0}, {"MaxItems": 1001}, {"NextToken": "garbage"}):
            with self.refused("ValidationException"):
                self.acm.list_certificates(**bad)

    def test_errors_of_acm_have_its_models_names(self):
        for call in (self.acm.describe_certificate, self.acm.delete_certificate):
            with self.refused("InvalidArnException"):
                call(CertificateArn="certificate/x")
            with self.refused("ResourceNotFoundException"):
                call(CertificateArn="arn:aws:acm:us-east-1:123456789012:certificate/"
                                    "00000000-0000-4000-8000-000000000000")
        certificate = self.profile("in_use")
        with self.refused("ResourceInUseException"):
            self.acm.delete_certificate(CertificateArn=certificate)

    def test_a_profile_never_changes_and_keeps_its_name(self):
        self.profile("kept")
        shown = self.signer.get_signing_profile(profileName="kept")
        for _ in range(2):  # the second time round it is canceled
            with self.refused("ValidationException", "already exists"):
                self.profile("kept")
            self.signer.cancel_signing_profile(profileName="kept")
        after = self.signer.get_signing_profile(profileName="kept")
        self.assertEqual([after[k] for k in ("profileVersion", "signingMaterial",
                                             "signingParameters", "status")],
                         [shown["profileVersion"], shown["signingMaterial"],
                          {"certname": "ota_signer_pub"}, "Canceled"])

    def test_a_profile_needs_a_platform_that_is_known(self):
        certificate = self.profile("ota_profile")
        listed = self.signer.list_signing_profiles()["profiles"]
        self.assertIn("ota_profile", [p["profileName"] for p in listed])
        with self.refused("ValidationException"):
            self.signer.put_signing_profile(profileName="p2", platformId="Nonsense",
                                            signingMaterial={"certificateArn": certificate})
        with self.refused("ResourceNotFoundException"):
            self.signer.get_signing_profile(profileName="nobody")

    def test_a_signing_job_signs_the_object_as_it_was_uploaded(self):
        self.profile("signs")
        self.s3.create_bucket(Bucket="firmware")
        self.s3.put_bucket_versioning(Bucket="firmware",
                                      VersioningConfiguration={"Status": "Enabled"})
        image = os.urandom(30000)
        version = self.s3.put_object(Bucket="firmware", Key="image.bin", Body=image)["VersionId"]

        def sign(key):
            job = self.signer.start_signing_job(
                profileName="signs", clientRequestToken=key,
                source={"s3": {"bucketName": "firmware", "key": key, "version": version}},
                destination={"s3": {"bucketName": "firmware", "prefix": "signed/"}})["jobId"]
            return job, self.signer.describe_signing_job(jobId=job)

        job, shown = sign("image.bin")
        self.assertEqual((shown["status"], shown["signedObject"]["s3"]["key"]),
                         ("Succeeded", "signed/" + job))
        signed = json.load(self.s3.get_object(Bucket="firmware", Key="signed/" + job)["Body"])
        self.verify(base64.b64decode(signed["signature"]), image)
        self.assertEqual(sign("nothing")[1]["status"], "Failed")
        with self.refused("ResourceNotFoundException"):
            self.signer.describe_signing_job(jobId="00000000")
