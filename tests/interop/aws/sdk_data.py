"""iot-data: shadows, publishing, retained messages, with AWS's names of errors."""
import json

from sdk import CloudTest


class Data(CloudTest):
    @classmethod
    def clients(cls):
        cls.iot = cls.server.client("iot")
        cls.data = cls.server.client("iot-data")

    def thing(self):
        name = self.id().rsplit(".", 1)[1][:100]
        self.iot.create_thing(thingName=name)
        return name

    def update(self, thing, document, **more):
        answer = self.data.update_thing_shadow(thingName=thing, payload=json.dumps(document), **more)
        return json.loads(answer["payload"].read())

    def get(self, thing, **more):
        return json.loads(self.data.get_thing_shadow(thingName=thing, **more)["payload"].read())

    def test_a_shadow_is_updated_read_and_deleted(self):
        thing = self.thing()
        with self.refused("ResourceNotFoundException", "No shadow exists with name: '%s'" % thing):
            self.get(thing)
        answer = self.update(thing, {"state": {"desired": {"led": 1}}, "clientToken": "a"})
        self.assertEqual((answer["version"], answer["state"], answer["clientToken"]),
                         (1, {"desired": {"led": 1}}, "a"))
        self.assertIn("timestamp", answer["metadata"]["desired"]["led"])
        self.assertEqual(self.get(thing)["state"],
                         {"desired": {"led": 1}, "delta": {"led": 1}})
        self.update(thing, {"state": {"reported": {"led": 1}}})
        self.assertEqual(self.get(thing)["state"], {"desired": {"led": 1}, "reported": {"led": 1}})
        deleted = self.data.delete_thing_shadow(thingName=thing)["payload"].read()
        self.assertEqual(json.loads(deleted)["version"], 2)
        with self.refused("ResourceNotFoundException"):
            self.data.delete_thing_shadow(thingName=thing)
        self.assertEqual(self.update(thing, {"state": {}})["version"], 3)

    def test_refusals_have_awss_names(self):
        thing = self.thing()
        self.update(thing, {"state": {"desired": {"a": 1}}})
        with self.refused("ConflictException", "Version conflict"):
            self.update(thing, {"state": {"desired": {"a": 2}}, "version": 7})
        with self.refused("InvalidRequestException", "Missing required node: state"):
            self.update(thing, {})
        with self.refused("InvalidRequestException", "Invalid JSON"):
            self.data.update_thing_shadow(thingName=thing, payload=b"{")
        with self.refused("RequestEntityTooLargeException", "exceeds the maximum size"):
            self.update(thing, {"state": {"desired": {"a": "x" * 8192}}})
        with self.refused("UnsupportedDocumentEncodingException", "UTF-8"):
            self.data.update_thing_shadow(thingName=thing,
                                          payload=b'{"state":{"desired":{"a":"\xff"}}}')
        with self.refused("InvalidRequestException", "A shadow name"):
            self.get(thing, shadowName="a/b")
        self.assertEqual(self.get(thing)["version"], 1)

    def test_named_shadows_are_listed_in_pages(self):
        thing = self.thing()
        for name in ("two", "one", "three"):
            self.update(thing, {"state": {"desired": {"n": name}}}, shadowName=name)
        self.update(thing, {"state": {"desired": {"n": "classic"}}})
        first = self.data.list_named_shadows_for_thing(thingName=thing, pageSize=2)
        self.assertEqual(first["results"], ["one", "three"])
        rest = self.data.list_named_shadows_for_thing(thingName=thing, pageSize=2,
                                                      nextToken=first["nextToken"])
        self.assertEqual(rest["results"], ["two"])
        self.assertNotIn("nextToken", rest)
        self.assertEqual(self.get(thing, shadowName="one")["state"]["desired"], {"n": "one"})
        self.data.delete_thing_shadow(thingName=thing, shadowName="one")
        self.assertEqual(self.data.list_named_shadows_for_thing(thingName=thing)["results"],
                         ["three", "two"])
        with self.refused("ResourceNotFoundException"):
            self.data.list_named_shadows_for_thing(thingName="nobody")
        with self.refused("InvalidRequestException", "pageSize"):
            self.data.list_named_shadows_for_thing(thingName=thing, pageSize=101)

    def test_what_is_retained_is_kept_until_an_empty_message_comes(self):
        for topic in ("data/b", "data/a", "data/c"):
            self.data.publish(topic=topic, qos=1, retain=True, payload=b"\x00" + topic.encode())
        self.data.publish(topic="data/d", payload=b"not retained")
        self.restart()
        found = self.data.get_retained_message(topic="data/a")
        self.assertEqual((found["topic"], found["payload"], found["qos"]),
                         ("data/a", b"\x00data/a", 1))
        self.assertGreater(found["lastModifiedTime"], 1600000000000)
        page = self.data.list_retained_messages(maxResults=2)
        self.assertEqual([(t["topic"], t["payloadSize"]) for t in page["retainedTopics"]],
                         [("data/a", 7), ("data/b", 7)])
        page = self.data.list_retained_messages(nextToken=page["nextToken"])
        self.assertEqual([t["topic"] for t in page["retainedTopics"]], ["data/c"])
        self.data.publish(topic="data/a", retain=True, payload=b"")
        with self.refused("ResourceNotFoundException", "data/a"):
            self.data.get_retained_message(topic="data/a")

    def test_a_message_outside_the_limits_is_refused(self):
        for topic in ("a/+/b", "#", "a/b/c/d/e/f/g/h/i", "x" * 257, "$aws/events/x", "$SYS/x",
                      "$aws/things/t/jobs/notify"):
            with self.refused("InvalidRequestException"):
                self.data.publish(topic=topic, payload=b"x")
        with self.refused("RequestEntityTooLargeException"):
            self.data.publish(topic="a", payload=b"x" * (128 * 1024 + 1))
        with self.refused("InvalidRequestException", "contentType"):
            self.data.publish(topic="a", payload=b"x", contentType="text/plain")
        with self.refused("InvalidRequestException", "qos"):
            self.data.publish(topic="a", payload=b"x", qos=2)

    def test_requests_on_reserved_topics_can_be_published(self):
        thing = self.thing()
        self.data.publish(topic="$aws/things/%s/shadow/update" % thing, qos=1,
                          payload=json.dumps({"state": {"desired": {"by": "topic"}}}))
        self.assertEqual(self.get(thing)["state"]["desired"], {"by": "topic"})

    def test_an_answered_update_survives_a_kill(self):
        thing = self.thing()
        self.update(thing, {"state": {"desired": {"kept": True}}})
        self.server.process.kill()
        self.server.process.wait()
        self.server.start()
        self.clients()
        self.assertEqual(self.get(thing)["state"]["desired"], {"kept": True})
