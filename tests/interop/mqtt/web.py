"""MQTT over WebSockets as AWS has it: signed URLs, paho, frames by hand, what users may.

usage: web.py CLOUD_DIR KEY_JSON    (KEY_JSON: what iam create-access-key said of the user `dashboard`)
"""
import base64, datetime, hashlib, hmac, json, os, socket, ssl, struct, sys, threading, time, urllib.parse

import botocore.auth, botocore.awsrequest, botocore.credentials
import paho.mqtt.client as paho

facts = json.load(open(os.path.join(sys.argv[1], "cloud.json")))
user = json.load(open(sys.argv[2]))["AccessKey"]
OWNER = (facts["access_key_id"], facts["secret_access_key"])
USER = (user["AccessKeyId"], user["SecretAccessKey"])
PORT, CA = facts["wss_port"], os.path.join(sys.argv[1], "root_ca.pem")


class Query(botocore.auth.SigV4QueryAuth):
    """As botocore signs, the payload being none."""
    def payload(self, request):
        return botocore.auth.EMPTY_SHA256_HASH


def target(keys=OWNER, host=None, service="iotdevicegateway", token=None, expires=86400,
           path="/mqtt"):
    """The path and query of a signed URL."""
    request = botocore.awsrequest.AWSRequest(
        "GET", "https://%s%s" % (host or "localhost:%d" % PORT, path))
    Query(botocore.credentials.Credentials(*keys), service, facts["region"],
          expires=expires).add_auth(request)
    url = urllib.parse.urlsplit(request.url)
    return url.path + "?" + url.query + ("&X-Amz-Security-Token=" + token if token else "")


def target_of_now():
    """Signed as AWS's own SDKs do for this: without X-Amz-Expires."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = "%s/%s/iotdevicegateway/aws4_request" % (now[:8], facts["region"])
    query = urllib.parse.urlencode([
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", OWNER[0] + "/" + scope),
        ("X-Amz-Date", now), ("X-Amz-SignedHeaders", "host")])
    request = "GET\n/mqtt\n%s\nhost:localhost:%d\n\nhost\n%s" % (
        query, PORT, hashlib.sha256(b"").hexdigest())
    text = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (
        now, scope, hashlib.sha256(request.encode()).hexdigest())
    key = ("AWS4" + OWNER[1]).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return "/mqtt?%s&X-Amz-Signature=%s" % (
        query, hmac.new(key, text.encode(), hashlib.sha256).hexdigest())


def connect():
    context = ssl.create_default_context(cafile=CA)
    return context.wrap_socket(socket.create_connection(("localhost", PORT), timeout=20),
                               server_hostname="localhost")


def upgrade(path, headers=(), host=None, protocol="mqtt"):
    """(status, connection)"""
    connection = connect()
    lines = ["GET %s HTTP/1.1" % path, "Host: %s" % (host or "localhost:%d" % PORT),
             "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(),
             "Sec-WebSocket-Protocol: " + protocol, *headers]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(1)
        if not piece:
            break
        head += piece
    return int(head.split()[1]) if head else 0, connection


def frame(opcode, payload, fin=True, masked=True):
    mask = os.urandom(4)
    size = len(payload)
    head = bytes([(0x80 if fin else 0) | opcode])
    flag = 0x80 if masked else 0
    head += (bytes([flag | size]) if size < 126 else bytes([flag | 126]) + struct.pack(">H", size))
    if not masked:
        return head + payload
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def exactly(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def read_frame(connection):
    first, second = exactly(connection, 2)
    size = second & 0x7f
    if size == 126:
        size = struct.unpack(">H", exactly(connection, 2))[0]
    return first & 0x0f, exactly(connection, size)


def mqtt_connect(client_id, will=None):
    body = b"\0\4MQTT\4" + bytes([2 | (4 if will else 0)]) + b"\0\x3c"
    for text in [client_id, *(will or ())]:
        body += struct.pack(">H", len(text)) + text.encode()
    return b"\x10" + bytes([len(body)]) + body


def expect(what, wanted, have):
    if wanted != have:
        sys.exit("FAILED: %s: wanted %r, got %r" % (what, wanted, have))
    print("   %s" % what)


class Client:
    """paho over WebSockets with a signed path."""
    def __init__(self, name, path):
        self.got, self.granted, self.code = [], None, None
        self.news = threading.Condition()
        # version 2 of the library asks for the version of its callbacks
        first = ([paho.CallbackAPIVersion.VERSION1] if hasattr(paho, "CallbackAPIVersion") else [])
        self.paho = paho.Client(*first, client_id=name, transport="websockets")
        self.paho.ws_set_options(path=path)
        self.paho.tls_set(ca_certs=CA)
        self.paho.on_connect = lambda c, u, f, code: self.tell("code", code)
        self.paho.on_subscribe = lambda c, u, m, granted: self.tell("granted", granted[0])
        self.paho.on_message = lambda c, u, m: self.tell("got", self.got + [(m.topic, m.payload)])
        self.paho.connect("localhost", PORT, 60)
        self.paho.loop_start()

    def tell(self, name, value):
        with self.news:
            setattr(self, name, value)
            self.news.notify_all()

    def wait(self, ready):
        with self.news:
            return self.news.wait_for(lambda: ready(self), 20)

    def end(self):
        self.paho.disconnect()
        self.paho.loop_stop()


# ---- signatures
expect("a signed URL is taken", 101, upgrade(target())[0])
expect("one signed for the host without its port", 101, upgrade(target(host="localhost"))[0])
expect("one without X-Amz-Expires", 101, upgrade(target_of_now())[0])
expect("one with a session token put behind", 101, upgrade(target(token="any%2Ftoken"))[0])
expect("one of another service", 403, upgrade(target(service="iotdata"))[0])
expect("one with another secret", 403, upgrade(target((OWNER[0], "x" * 40)))[0])
expect("one of nobody's key", 403, upgrade(target(("AKIANOBODY", "x")))[0])
expect("one that has been changed", 403, upgrade(target() + "&more=1")[0])
expect("none at all", 403, upgrade("/mqtt")[0])
expect("another path", 404, upgrade(target(path="/other"))[0])
connection = connect()
connection.sendall(("GET %s HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % (target(), PORT)).encode())
expect("a request that asks for no upgrade", b"426", exactly(connection, 12)[9:])

# ---- what AWS's SDKs ask for
expect("the sub-protocol of AWS's older SDKs is taken", 101, upgrade(target(), protocol="mqttv3.1")[0])
expect("another one is not", 400, upgrade(target(), protocol="chat")[0])

# ---- custom authorizers
status, connection = upgrade("/mqtt?x-amz-customauthorizer-name=mine")
expect("an upgrade for an authorizer is refused", 403, status)
expect("and told why", True, b"custom authorizers are not offered" in connection.recv(4096))
for version, answer in ((4, b"\x20\2\0\5"), (5, b"\x20\3\0\x87\0")):
    connection = connect()
    body = b"\0\4MQTT" + bytes([version, 0xc2, 0, 60]) + (b"\0" if version == 5 else b"") + b"\0\1c\0\1u\0\1p"
    packet = b"\x10" + bytes([len(body)]) + body
    connection.sendall(packet[:5])
    connection.sendall(packet[5:])
    expect("a CONNECT for an authorizer, version %d, is not authorized" % version, answer, exactly(connection, len(answer)))

# ---- frames
status, connection = upgrade(target())
packet = mqtt_connect("by-hand")
for byte in frame(2, packet[:3], fin=False) + frame(9, b"are you there") + frame(0, packet[3:]):
    connection.sendall(bytes([byte]))  # a TLS record for each
expect("a ping between fragments", (10, b"are you there"), read_frame(connection))
expect("CONNACK for a CONNECT in fragments", (2, b"\x20\2\0\0"), read_frame(connection))
connection.sendall(frame(2, b"\xc0\0\xc0\0"))
expect("two packets of one frame", [(2, b"\xd0\0")] * 2, [read_frame(connection) for _ in "ab"])
connection.sendall(frame(1, b"text"))
expect("text is refused", (8, struct.pack(">H", 1003)), read_frame(connection))
status, connection = upgrade(target())
connection.sendall(frame(2, mqtt_connect("unmasked"), masked=False))
expect("a frame that is not masked", (8, struct.pack(">H", 1002)), read_frame(connection))

# ---- paho
watcher = Client("watcher", target())
expect("paho connects", True, watcher.wait(lambda c: c.code == 0))
watcher.paho.subscribe([("web/#", 1), ("wills/#", 1), ("$aws/events/presence/+/by-hand-2", 1)])
expect("paho subscribes", True, watcher.wait(lambda c: c.granted == 1))
large = os.urandom(100000)
watcher.paho.publish("web/large", large, 1)
expect("100,000 bytes come back", True, watcher.wait(lambda c: ("web/large", large) in c.got))
watcher.paho.publish("web/small", b"x", 1)
expect("and one", True, watcher.wait(lambda c: ("web/small", b"x") in c.got))
status, connection = upgrade(target())
connection.sendall(frame(2, mqtt_connect("by-hand-2", will=("wills/by-hand-2", "gone"))))
read_frame(connection)
connection.sendall(frame(8, struct.pack(">H", 1000)))
expect("a close frame is answered", 8, read_frame(connection)[0])


def told(kind):
    return lambda c: any(t == "$aws/events/presence/%s/by-hand-2" % kind for t, _ in c.got)


expect("and told as the client's own end", True, watcher.wait(told("disconnected")))
event = [json.loads(p) for t, p in watcher.got if "disconnected" in t][0]
expect("with its reason", (True, "CLIENT_INITIATED_DISCONNECT"),
       (event["clientInitiatedDisconnect"], event["disconnectReason"]))
watcher.paho.publish("web/after", b"x", 1)
watcher.wait(lambda c: ("web/after", b"x") in c.got)
expect("and no will is sent", [], [t for t, _ in watcher.got if t.startswith("wills/")])

# ---- MQTT 5
status, connection = upgrade(target())
connection.sendall(frame(2, b"\x10\x10\0\4MQTT\5\2\0\x3c\0\0\3ws5"))
opcode, packet = read_frame(connection)
expect("MQTT 5 connects", (2, 0x20, 0), (opcode, packet[0], packet[3]))
connection.sendall(frame(2, b"\x82\x0b\0\1\0\0\5ws5/#\1"))
expect("and subscribes", (0x90, 1), (lambda p: (p[0], p[-1]))(read_frame(connection)[1]))
watcher.paho.publish("ws5/a", b"for 5", 1)
opcode, packet = read_frame(connection)
expect("and receives each packet in a frame", (2, True), (opcode, packet.endswith(b"for 5")))
connection.close()

# ---- a user with lesser rights
reader = Client("reader", target(USER))
expect("a user with rights to read connects", True, reader.wait(lambda c: c.code == 0))
reader.paho.subscribe("web/#", 1)
expect("and subscribes", True, reader.wait(lambda c: c.granted == 1))
watcher.paho.publish("web/for-readers", b"x", 1)
expect("and receives", True, reader.wait(lambda c: ("web/for-readers", b"x") in c.got))
reader.paho.publish("web/by-reader", b"x", 1)
time.sleep(0.2)
watcher.paho.publish("web/last", b"x", 1)
watcher.wait(lambda c: ("web/last", b"x") in c.got)
expect("but publishes nothing", [], [t for t, _ in watcher.got if t == "web/by-reader"])
reader.end()
watcher.end()
