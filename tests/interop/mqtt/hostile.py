"""Clients that break the rules of WebSockets, read nothing, or leave: nobody else is hindered, memory stays.

usage: hostile.py OTTER
"""
import base64, json, os, select, shutil, socket, ssl, struct, subprocess, sys, tempfile, time, urllib.parse

import botocore.auth, botocore.awsrequest, botocore.credentials

WEBSOCKETS, POLICY = "iotdevicegateway", '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iot:*","Resource":"*"}}'


class Query(botocore.auth.SigV4QueryAuth):
    def payload(self, request):
        return botocore.auth.EMPTY_SHA256_HASH


def expect(what, wanted, have):
    if wanted != have:
        raise AssertionError("%s: wanted %r, got %r" % (what, wanted, have))
    print("   " + what, flush=True)


# ---- the cloud

class Cloud:
    def __init__(self, otter, work):
        self.dir, self.log = os.path.join(work, "cloud"), open(os.path.join(work, "cloud.log"), "w")
        # what is freed is to go back, so that memory can be measured under the sanitizer
        environment = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=0:thread_local_quarantine_size_kb=0:malloc_context_size=0")
        self.process = subprocess.Popen(
            [otter, "cloud", "--dir", self.dir, "--mqtt-port", "0", "--limit", "connect=0", "--limit", "publish=0",
             "--limit", "bytes=0", "--limit", "greeting=60"], stdout=self.log, stderr=self.log, env=environment)
        facts = os.path.join(self.dir, "cloud.json")
        while not os.path.exists(facts):
            if self.process.poll() is not None:
                raise AssertionError("the cloud did not start")
            time.sleep(0.05)
        self.facts = json.load(open(facts))
        self.port = self.facts["wss_port"]
        self.tls = ssl.create_default_context(cafile=self.facts["root_ca"])

    def processes(self):
        pid = self.process.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [pid, *map(int, file.read().split())]

    def kib(self):
        """Of the cloud and its broker."""
        sum_ = 0
        for pid in self.processes():
            with open("/proc/%d/status" % pid) as file:
                sum_ += sum(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        return sum_

    def target(self):
        request = botocore.awsrequest.AWSRequest("GET", "https://localhost:%d/mqtt" % self.port)
        Query(botocore.credentials.Credentials(self.facts["access_key_id"], self.facts["secret_access_key"]),
              WEBSOCKETS, self.facts["region"], expires=600).add_auth(request)
        url = urllib.parse.urlsplit(request.url)
        return url.path + "?" + url.query

    def head(self):
        return ("GET %s HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n" % (
                    self.target(), self.port, base64.b64encode(os.urandom(16)).decode())).encode()

    def stop(self):
        self.process.terminate()
        code = self.process.wait()
        self.log.close()
        return code


class Socket:
    """A WebSocket by hand; `behind` goes in the same record as the request's head."""
    def __init__(self, cloud, behind=b"", small=False):
        plain = socket.socket()
        if small:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(60)
        plain.connect(("127.0.0.1", cloud.port))
        self.tls = cloud.tls.wrap_socket(plain, server_hostname="localhost")
        self.tls.sendall(cloud.head() + behind)
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.exactly(1)
        expect_status(head)

    def exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.tls.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def read(self):
        """(opcode, payload), or None at the end."""
        try:
            first, second = self.exactly(2)
            size = second & 0x7f
            if size > 125:
                size = int.from_bytes(self.exactly(2 if size == 126 else 8), "big")
            return first & 15, self.exactly(size)
        except (EOFError, ConnectionError, ssl.SSLError):
            return None

    def packet(self):
        opcode, payload = self.read()
        assert opcode == 2, (opcode, payload)
        return payload

    def send(self, data):
        self.tls.sendall(data)

    def flood(self, data, seconds):
        """As much as is taken, without reading; how many bytes."""
        self.tls.setblocking(False)
        end, sent = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            try:
                sent += self.tls.send(data)
            except ssl.SSLWantWriteError:
                select.select([], [self.tls], [], 0.1)
            except OSError:
                break
        return sent

    def close(self):
        self.tls.close()


def expect_status(head):
    if int(head.split()[1]) != 101:
        raise AssertionError("no upgrade: %r" % head)


def frame(opcode, payload=b"", fin=True, masked=True, reserved=0, size=None):
    size = len(payload) if size is None else size
    head = bytes([(0x80 if fin else 0) | reserved | opcode])
    flag = 0x80 if masked else 0
    if size < 126:
        head += bytes([flag | size])
    elif size < 65536:
        head += bytes([flag | 126]) + struct.pack(">H", size)
    else:
        head += bytes([flag | 127]) + struct.pack(">Q", size)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def text(value):
    return struct.pack(">H", len(value)) + value.encode()


def varint(value):
    out = b""
    while True:
        out += bytes([value % 128 | (128 if value > 127 else 0)])
        value //= 128
        if not value:
            return out


def mqtt(kind, body):
    return bytes([kind]) + varint(len(body)) + body


def connect(name, clean=True, properties=None):
    """With properties: MQTT 5."""
    five = properties is not None
    return mqtt(0x10, b"\0\4MQTT" + bytes([5 if five else 4, 2 if clean else 0, 0, 0]) +
                (varint(len(properties)) + properties if five else b"") + text(name))


def joined(cloud, name, **more):
    """A connected client, and its CONNACK."""
    client = Socket(cloud, **{key: more.pop(key) for key in ("small",) if key in more})
    client.send(frame(2, connect(name, **more)))
    return client, client.packet()


def subscribe(client, filter_, qos=1, five=False):
    client.send(frame(2, mqtt(0x82, b"\0\1" + (b"\0" if five else b"") + text(filter_) + bytes([qos]))))
    reply = client.packet()
    assert reply[0] == 0x90 and reply[-1] < 2, reply


def publish(topic, payload, qos=0, number=1):
    return mqtt(0x30 | qos << 1, text(topic) + (struct.pack(">H", number) if qos else b"") + payload)


def answers(client):
    """Whoever is served gets an answer to PINGREQ."""
    client.send(frame(2, b"\xc0\0"))
    return client.packet() == b"\xd0\0"


# ---- what is tried

def broken_frames(cloud, bystander):
    hello = connect("broken")
    wrong = [
        ("not masked", frame(2, hello, masked=False), 1002),
        ("a reserved bit", frame(2, hello, reserved=0x40), 1002),
        ("an unknown kind", frame(3, hello), 1002), ("an unknown control frame", frame(0xb), 1002),
        ("text", frame(1, b"x"), 1003),
        ("a continuation of nothing", frame(0, hello), 1002),
        ("a message within a message", frame(2, hello[:4], fin=False) + frame(2, hello[4:]), 1002),
        ("a continuation after the end", frame(2, hello[:4], fin=False) + frame(0, hello[4:]) + frame(0, b"x"), 1002),
        ("a ping in parts", frame(9, b"x", fin=False), 1002), ("a ping of 126 bytes", frame(9, b"x" * 126), 1002),
        ("a close frame of 126 bytes", frame(8, b"x" * 126), 1002),
        ("a length below 0", frame(2, b"", size=1 << 63), 1002),
    ]
    for what, bytes_, code in wrong:
        client = Socket(cloud)
        client.send(bytes_)
        got = client.read()
        while got and got[0] != 8:
            got = client.read()
        expect(what + " ends with its code", (8, struct.pack(">H", code)), got)
        expect("and is over", None, client.read())
        client.close()
    expect("a bystander is served", True, answers(bystander))


def odd_orders(cloud, bystander):
    client = Socket(cloud, behind=frame(2, connect("early")))
    expect("frames right behind the head are read", b"\x20\2\0\0", client.packet())
    client.send(frame(2, b"\xc0", fin=False) + frame(9, b"a") + frame(10, b"unasked") + frame(0, b"", fin=False) +
                frame(9, b"b") + frame(0, b"\0"))
    expect("pings, pongs and empty parts within a message", [(10, b"a"), (10, b"b"), (2, b"\xd0\0")],
           [client.read() for _ in range(3)])
    client.send(frame(2, b"", fin=False) + b"".join(frame(0, b"", fin=False) for _ in range(20000)) + frame(0, b"\xc0\0"))
    expect("twenty thousand empty parts", b"\xd0\0", client.packet())
    client.send(frame(8) + frame(2, b"\xc0\0") * 100 + frame(9, b"late"))
    expect("a close frame without a code is answered", 8, client.read()[0])
    expect("and nothing behind it", None, client.read())
    client = Socket(cloud)
    client.send(frame(2, connect("cut")[:5], fin=False) + frame(8, struct.pack(">H", 1001)))
    expect("a close frame within a message", 8, client.read()[0])
    client = Socket(cloud)
    client.send(frame(2, b"\x30\xff\xff\xff\x7f", size=1 << 40))
    got = client.read()
    expect("a packet larger than any, in a frame larger than memory", True, got is None or got[0] in (2, 8))
    client.close()
    expect("a bystander is served", True, answers(bystander))


def who_does_not_read(cloud, bystander):
    before = cloud.kib()
    client, _ = joined(cloud, "pinger", small=True)
    for _ in range(30):  # what the kernel takes for a reader who does not read is its own affair, some 10 MB
        sent = client.flood(frame(9, b"p" * 125) * 500, 1)
        if sent == 0:
            break
    expect("pings whose answers nobody reads stop being taken, or end", 0, sent)
    expect("and cost little", True, cloud.kib() - before < 16 << 10)
    client.close()
    readers = [joined(cloud, "asleep-%d" % i, small=True, properties=b"" if i % 2 else None)[0] for i in range(4)]
    for i, reader in enumerate(readers):
        subscribe(reader, "flood", qos=i // 2, five=i % 2 == 1)
    before = cloud.kib()
    sender, _ = joined(cloud, "sender")
    payload = os.urandom(8000)
    for number in range(1, 4001):
        sender.send(frame(2, publish("flood", payload, 1, number)))
        if number % 50 == 0:
            for _ in range(50):
                assert sender.packet()[0] == 0x40
    grown = cloud.kib() - before
    print("   (32 MB to each of four who read nothing: %d KiB)" % grown)
    # at the broker 1,000 messages at QoS 0, 5 MiB at QoS 1; 256 KiB each in the gateway
    expect("sleepers cost what their queues may hold", True, grown < 56 << 10)
    expect("a bystander is served", True, answers(bystander))
    for reader in readers:
        reader.close()
    sender.close()


def sessions(cloud):
    def expiry(seconds):
        return b"\x11" + struct.pack(">I", seconds)

    client, told = joined(cloud, "short", clean=False, properties=expiry(1))
    subscribe(client, "mail", five=True)
    client.close()
    client, told = joined(cloud, "short", clean=False, properties=expiry(1))
    expect("a session is there at once", 1, told[2])
    client.close()
    time.sleep(3.5)
    client, told = joined(cloud, "short", clean=False, properties=expiry(1))
    expect("and gone after its second", 0, told[2])
    subscribe(client, "mail", five=True)
    client.send(frame(2, mqtt(0xe0, b"\0\5" + expiry(0))))
    while client.read():
        pass
    client, told = joined(cloud, "short", clean=False, properties=b"")
    expect("DISCONNECT may end it", 0, told[2])
    client.send(frame(2, mqtt(0xe0, b"\0\5" + expiry(60))))
    got = client.read()
    expect("and not prolong one that was for the connection alone", (2, 0xe0, 0x82), (got[0], got[1][0], got[1][2]))
    client.close()
    client, told = joined(cloud, "forever", clean=False, properties=expiry(0xffffffff))
    expect("one for ever lasts as long as AWS lets it", True, struct.pack(">BI", 0x11, 3600) in told)
    client.close()


def shares(cloud):
    workers = [joined(cloud, "worker-%d" % i)[0] for i in range(3)]
    sleeper = joined(cloud, "worker-asleep", small=True)[0]
    for worker in (*workers, sleeper):
        subscribe(worker, "$share/team/work")
    sender, _ = joined(cloud, "boss")
    counts, seen = [0, 0, 0], set()

    def collect(until):
        while sum(counts) < until:
            ready = [worker for worker in workers if worker.tls.pending()]
            if not ready:
                by_file = {worker.tls.fileno(): worker for worker in workers if worker.tls}
                ready = [by_file[file] for file in select.select(list(by_file), [], [], 20)[0]]
            assert ready, counts
            for worker in ready:
                packet = worker.packet()
                if packet[0] & 0xf0 != 0x30:
                    continue
                at = 2 + (packet[1] > 127)
                size = struct.unpack(">H", packet[at:at + 2])[0]
                worker.send(frame(2, mqtt(0x40, packet[at + 2 + size:at + 4 + size])))
                seen.add(packet[at + 4 + size:])
                counts[workers.index(worker)] += 1

    for number in range(1, 401):
        sender.send(frame(2, publish("work", b"%d" % number, 1, number)))
        assert sender.packet()[0] == 0x40
    # one of four reads nothing: it has what it was given (at most a hundred), and nobody waits for it
    collect(300)
    print("   (400 jobs for four workers, one of them asleep: %s)" % counts)
    expect("work is shared evenly", True, min(counts) >= 80 and max(counts) <= 120)
    for worker in (*workers, sleeper):
        worker.close()
    sender.close()


def main():
    work = tempfile.mkdtemp(prefix="otter-hostile-")
    cloud = Cloud(sys.argv[1], work)
    failed = True
    try:
        bystander, _ = joined(cloud, "bystander")
        for attack in (broken_frames, odd_orders, who_does_not_read):
            print("-- " + attack.__name__.replace("_", " "), flush=True)
            attack(cloud, bystander)
        for attack in (sessions, shares):
            print("-- " + attack.__name__, flush=True)
            attack(cloud)
        expect("the first is still served", True, answers(bystander))
        log = open(os.path.join(cloud.dir, "broker", "mosquitto.log")).read()
        expect("the broker's log does not grow with each connection", [], [line for line in log.splitlines() if "client" in line])
        failed = False
    except (AssertionError, OSError, EOFError, TypeError) as reason:
        print("FAILED: %s: %s" % (type(reason).__name__, reason))
    finally:
        code = cloud.stop()
        if failed or code != 0:
            print("---- the cloud ended with %d; the end of its log:\n%s" % (
                code, open(os.path.join(work, "cloud.log")).read()[-3000:]))
        shutil.rmtree(work)
    sys.exit(1 if failed or code != 0 else 0)


if __name__ == "__main__":
    main()
