"""Every operation of botocore's models, called: those that the cloud offers answer in the model's
shapes and with the model's errors, the others say that they are not offered."""
import json, re, types

import botocore.session
from botocore.exceptions import ClientError

from sdk import CloudTest, check_shape

SERVICES = ("iot", "iot-data", "iot-jobs-data", "s3", "signer", "acm", "sts", "iam")
# How each service says that it has no such operation.
UNOFFERED = {"UnknownOperationException", "NotImplemented", "InvalidAction", "501"}
# Of all operations of a service, whether its model lists them or not.
COMMON = {"AccessDeniedException", "ValidationException", "ValidationError", "InvalidRequest",
          "InvalidRequestException", "InvalidArgument", "MalformedXML", "NoSuchBucket",
          "NoSuchKey", "NoSuchVersion", "NoSuchUpload", "404", "NoSuchEntity", "InvalidParameterException",
          "EntityAlreadyExists", "MalformedPolicyDocument", "InvalidDigest",
          "InvalidBucketName", "BucketNotEmpty", "InvalidURI", "MissingContentLength", "400"}


def sample(shape, name="", depth=0):
    """A value that the shape's own rules allow, most often one that names nothing that is there."""
    kind = shape.type_name
    if kind == "structure":
        if depth > 6:
            return {}
        return {member: sample(shape.members[member], member, depth + 1)
                for member in shape.required_members}
    if kind == "list":
        return [sample(shape.member, name, depth + 1)] if depth < 6 else []
    if kind == "map":
        return {"k": sample(shape.value, name, depth + 1)}
    if kind in ("integer", "long"):
        return max(1, int(shape.metadata.get("min", 1)))
    if kind in ("float", "double"):
        return 1.0
    if kind == "boolean":
        return False
    if kind == "timestamp":
        return 1700000000
    if kind == "blob":
        return b"x"
    if shape.enum:
        return shape.enum[0]
    least = int(shape.metadata.get("min", 1))
    if "Document" in name or "Body" in name:
        return "{}"
    if "arn" in name.lower():
        return "arn:aws:iot:us-east-1:123456789012:thing/nothing-there"
    return "x" * max(least, 8) if least <= 64 else ("0123456789abcdef" * 16)[:least]


class Walk(CloudTest):
    @classmethod
    def clients(cls):
        cls.models = {}
        cls.raw = {}
        session = botocore.session.get_session()
        cls.of = {}
        for service in SERVICES:
            cls.models[service] = session.get_service_model(service)
            client = cls.of[service] = cls.server.client(service)
            client.meta.events.register("after-call.%s" % client.meta.service_model.service_id
                                        .hyphenize(), cls.keep)

    @classmethod
    def keep(cls, http_response, parsed, model, **more):
        cls.raw = {"status": http_response.status_code, "body": http_response.content}

    def call(self, service, operation, arguments):
        """(error's name or None, its message or the answer)"""
        try:
            return None, self.of[service]._make_api_call(operation, arguments)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"].get("Message", "")

    def walk(self, service):
        offered, errors = set(), []
        for operation in self.models[service].operation_names:
            model = self.models[service].operation_model(operation)
            if model.has_event_stream_output or operation in ("WriteGetObjectResponse",):
                continue
            arguments = sample(model.input_shape) if model.input_shape else {}
            name, text = self.call(service, operation, arguments)
            modelled = {error.name for error in model.error_shapes} | COMMON | {
                error.error_code for error in model.error_shapes}
            if name is None:
                offered.add(operation)  # sdk.py has checked its shape
            elif name in UNOFFERED:
                if "HEAD" != model.http["method"] and "does not offer" not in str(text):
                    errors.append((operation, name, text))
            else:
                offered.add(operation)
                if name not in modelled or self.raw.get("status", 500) >= 500:
                    errors.append((operation, name, text))
        self.assertEqual(errors, [])
        return offered

    def test_iot(self):
        offered = self.walk("iot")
        self.assertGreaterEqual(len(offered), 131, sorted(offered))
        self.assertIn("CreateTopicRule", offered)
        self.assertNotIn("CreateBillingGroup", offered)

    def test_iot_data(self):
        self.assertGreaterEqual(len(self.walk("iot-data")), 7)

    def test_iot_jobs_data(self):
        self.assertGreaterEqual(len(self.walk("iot-jobs-data")), 4)

    def test_s3(self):
        self.assertGreaterEqual(len(self.walk("s3")), 20)

    def test_signer(self):
        self.assertGreaterEqual(len(self.walk("signer")), 6)

    def test_acm(self):
        self.assertGreaterEqual(len(self.walk("acm")), 4)

    def test_sts(self):
        self.assertEqual(self.walk("sts"), {"GetCallerIdentity"})

    def test_iam(self):
        self.assertGreaterEqual(len(self.walk("iam")), 20)

    def test_an_answer_that_is_not_its_models_is_found(self):
        model = self.models["iot"].operation_model("DescribeThing")

        def answer(body):
            check_shape(types.SimpleNamespace(status_code=200, content=json.dumps(body)), model)

        answer({"thingName": "x", "attributes": {"a": "b"}})
        for wrong in ({"thingname": "x"}, {"attributes": "none"}, {"thingName": {}}):
            with self.assertRaises(AssertionError):
                answer(wrong)

    def test_wrong_types_are_refused_as_modelled(self):
        """Each operation of iot with a body that is no object, is broken, or has each member in a type
        that it has not: a refusal has a modelled name, and what needs one of these members refuses."""
        errors = []
        for operation in self.models["iot"].operation_names:
            model = self.models["iot"].operation_model(operation)
            method, uri = model.http["method"], model.http["requestUri"]
            if method not in ("POST", "PUT", "PATCH"):
                continue
            if operation == "ValidateSecurityProfileBehaviors":
                continue # says in its answer what is wrong
            path = re.sub(r"\{[^}]*\}", "nothing-there", uri)
            members = {member.serialization.get("name", name): name
                       for name, member in model.input_shape.members.items()
                       if not member.serialization.get("location")}
            needs = set(members.values()) & set(model.input_shape.required_members)
            modelled = {error.name for error in model.error_shapes} | COMMON | UNOFFERED
            for wrong in ("[]", "{", json.dumps({name: [[1]] for name in members})):
                status, headers, body = self.server.send("iot", method, path, {}, wrong.encode())
                name = headers.get("x-amzn-ErrorType", "").split(":")[0]
                if status >= 500 or (status >= 300 and name not in modelled) or (status < 300 and needs):
                    errors.append((operation, wrong[:40], status, name, body[:120]))
        self.assertEqual(errors, [])
