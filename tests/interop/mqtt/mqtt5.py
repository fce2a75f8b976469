"""What a user of MQTT 5 does with AWS IoT, through Eclipse Paho: properties, limits, reason codes.

usage: mqtt5.py PORT ROOT_CA CERTIFICATE KEY
"""
import queue, sys, time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

port, root, certificate, key = int(sys.argv[1]), *sys.argv[2:]


def properties(packet, **values):
    made = Properties(packet)
    for name, value in values.items():
        setattr(made, name, value)
    return made


class Device:
    """One connection; what comes is put in `came`, as (kind, whatever)."""

    def __init__(self, client_id, clean=True, keep_alive=60, will=None, **said):
        self.came = queue.Queue()
        self.client = mqtt.Client(client_id, protocol=mqtt.MQTTv5)
        self.client.tls_set(root, certificate, key)
        put = self.came.put
        self.client.on_connect = lambda c, u, flags, code, p: put(("connack", (flags, code, p)))
        self.client.on_disconnect = lambda c, u, code, p=None: put(("disconnect", (code, p)))
        self.client.on_message = lambda c, u, m: put(("message", m))
        self.client.on_subscribe = lambda c, u, mid, codes, p: put(("suback", [code.value for code in codes]))
        self.client.on_unsubscribe = lambda c, u, mid, p, codes: put(("unsuback", codes))
        if will:
            self.client.will_set(*will[0], properties=will[1])
        self.client.connect("localhost", port, keep_alive, clean_start=clean,
                            properties=properties(PacketTypes.CONNECT, **said))
        self.client.loop_start()
        self.flags, self.code, self.told = self.wait("connack")

    def wait(self, kind, seconds=15):
        end = time.monotonic() + seconds
        while True:
            came, what = self.came.get(timeout=max(0.01, end - time.monotonic()))
            if came == kind:
                return what

    def subscribe(self, filter, qos=1):
        self.client.subscribe(filter, options=SubscribeOptions(qos=qos))
        return self.wait("suback")[0]

    def publish(self, topic, payload, qos=1, **said):
        sent = self.client.publish(topic, payload, qos, properties=properties(PacketTypes.PUBLISH, **said))
        sent.wait_for_publish(15)

    def close(self, **said):
        self.client.disconnect(properties=properties(PacketTypes.DISCONNECT, **said) if said else None)
        self.wait("disconnect")
        self.client.loop_stop()


def is_equal(got, wanted):
    assert got == wanted, f"{got!r} is not {wanted!r}"


def limits():
    device = Device("lamp", keep_alive=5, SessionExpiryInterval=86400)
    told = device.told
    is_equal(told.ReceiveMaximum, 100)
    is_equal(told.MaximumQoS, 1)
    is_equal(told.RetainAvailable, 1)
    is_equal(told.MaximumPacketSize, 149504)
    is_equal(told.TopicAliasMaximum, 8)
    is_equal(told.WildcardSubscriptionAvailable, 1)
    is_equal(told.SubscriptionIdentifierAvailable, 0)
    is_equal(told.SharedSubscriptionAvailable, 1)
    is_equal(told.ServerKeepAlive, 30)
    is_equal(told.SessionExpiryInterval, 7200)
    device.close(SessionExpiryInterval=0)
    nameless = Device("")
    assert nameless.told.AssignedClientIdentifier.startswith("$GEN/")
    nameless.close()


def request_and_response():
    asker, answerer = Device("asker", TopicAliasMaximum=8), Device("answerer")
    is_equal(asker.subscribe("answers/1"), 1)
    is_equal(answerer.subscribe("asked/+"), 1)
    asker.publish("asked/time", "what time is it?", ResponseTopic="answers/1", CorrelationData=b"42",
                  ContentType="text/plain", MessageExpiryInterval=60, PayloadFormatIndicator=1,
                  UserProperty=[("a", "1"), ("a", "2")])
    asked = answerer.wait("message")
    is_equal(asked.properties.ContentType, "text/plain")
    is_equal(asked.properties.UserProperty, [("a", "1"), ("a", "2")])
    is_equal(asked.properties.PayloadFormatIndicator, 1)
    assert 55 <= asked.properties.MessageExpiryInterval <= 60
    for _ in range(3):
        answerer.publish(asked.properties.ResponseTopic, "noon", CorrelationData=asked.properties.CorrelationData)
        answer = asker.wait("message")
        is_equal((answer.payload, answer.properties.CorrelationData), (b"noon", b"42"))
    answerer.publish("asked/alias", "first", TopicAlias=5)
    is_equal(answerer.wait("message").topic, "asked/alias")
    asker.close()
    answerer.close()


def jobs():
    device = Device("lamp")
    is_equal(device.subscribe("$aws/things/lamp/jobs/get/accepted"), 1)
    is_equal(device.subscribe("$aws/things/lamp/shadow/update/accepted"), 1)
    device.publish("$aws/things/lamp/jobs/get", '{"clientToken":"t"}')
    assert b'"clientToken":"t"' in device.wait("message").payload.replace(b" ", b"")
    device.publish("$aws/things/lamp/shadow/update", '{"state":{"reported":{"on":true}}}')
    is_equal(device.wait("message").topic, "$aws/things/lamp/shadow/update/accepted")
    device.close()


def session():
    device = Device("keeper", SessionExpiryInterval=600)
    is_equal(device.subscribe("mail"), 1)
    device.close()
    other = Device("postman")
    other.publish("mail", "for ever")
    other.publish("mail", "for a second", MessageExpiryInterval=1)
    other.close()
    time.sleep(2)
    device = Device("keeper", clean=False, SessionExpiryInterval=0)
    is_equal(device.flags["session present"], 1)
    is_equal(device.wait("message").payload, b"for ever")
    try:
        raise AssertionError(f"expired, but came: {device.wait('message', 0.5).payload}")
    except queue.Empty:
        pass
    device.close()


def ends():
    first = Device("twin")
    second = Device("twin")
    code, _ = first.wait("disconnect")
    is_equal(code.value if hasattr(code, "value") else code, 0x8e)
    first.client.loop_stop()
    is_equal(second.subscribe("$SYS/#"), 0x8f)
    second.client.publish("a", "b", 2)
    code, said = second.wait("disconnect")
    is_equal(code.value if hasattr(code, "value") else code, 0x9b)
    assert "QoS 2" in said.ReasonString
    second.client.loop_stop()


for test in limits, request_and_response, jobs, session, ends:
    test()
    print(f"   {test.__name__}")
