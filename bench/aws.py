"""Requests to AWS's HTTP APIs, signed, with the standard library alone: for benchmarks and tests that make
many of them, or that must know when one was answered."""
import ctypes, datetime, hashlib, hmac, json, os, selectors, signal, socket, sys, time, urllib.parse

REGION = "us-east-1"
PARALLEL = 8
PR_SET_PDEATHSIG = 1 # linux/prctl.h


def end_with_parent():
    """For preexec_fn: whoever measures may be killed, and must leave nothing behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def end_in_order():
    """SIGTERM as Ctrl-C, and as the end of the shell that started this: what was started is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    end_with_parent()


def cpu(pid):
    """Seconds of processor time that a process has used."""
    with open("/proc/%d/stat" % pid) as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """An answer that is no success, or none."""


def check(good, what):
    if not good:
        raise Failed(what)


def sign(url, keys, service, method, path, query="", body=b"", headers=None):
    """The bytes of a request, signed."""
    host = urllib.parse.urlparse(url).netloc
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    names = {"host": host, "x-amz-date": stamp, "x-amz-content-sha256": digest}
    names.update({name: value for name, value in (headers or {}).items() if name.startswith("x-")})
    signed = ";".join(sorted(names))
    canonical = "\n".join([method, path, query, *("%s:%s" % pair for pair in sorted(names.items())), "",
                           signed, digest])
    scope = "%s/%s/%s/aws4_request" % (day, REGION, service)
    text = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (stamp, scope,
                                            hashlib.sha256(canonical.encode()).hexdigest())
    key = ("AWS4" + keys[1]).encode()
    for part in (day, REGION, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    names["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        keys[0], scope, signed, signature)
    names["content-length"] = str(len(body))
    names.update(headers or {})
    lines = ["%s %s%s HTTP/1.1" % (method, path, "?" + query if query else "")]
    lines += ["%s: %s" % pair for pair in names.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def connect(url):
    at = urllib.parse.urlparse(url)
    connection = socket.create_connection((at.hostname, at.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Reply:
    """Collects one reply; done when its Content-Length is there."""

    def __init__(self):
        self.data, self.need, self.got = b"", None, 0

    def add(self, data):
        if self.need is None:
            self.data += data
            head, found, rest = self.data.partition(b"\r\n\r\n")
            if not found:
                return False
            self.status = int(head.split(b" ", 2)[1])
            length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            self.need = int(length[0].split(b":")[1]) if length else 0
            self.got, self.body = len(rest), rest
            self.closes = head.startswith(b"HTTP/1.0") or b"\r\nconnection: close" in head.lower()
        else:
            self.got += len(data)
            if self.got <= 1 << 20: # of more the length is enough
                self.body += data
        return self.got >= self.need


def ask(url, request):
    with connect(url) as connection:
        connection.sendall(request)
        reply = Reply()
        while True:
            data = connection.recv(1 << 18)
            if not data:
                raise Failed("the server ended a connection")
            if reply.add(data):
                break
    if reply.status >= 300:
        raise Failed("%s %s" % (reply.status, reply.body[:300]))
    return json.loads(reply.body) if reply.body[:1] == b"{" else reply.body


def rate(url, requests):
    """Requests a second, over some connections at once."""
    selector, waiting = selectors.DefaultSelector(), list(reversed(requests))
    began, left = time.monotonic(), len(requests)

    def start(connection, request):
        connection.sendall(request)
        selector.register(connection, selectors.EVENT_READ, (request, Reply()))

    for _ in range(min(PARALLEL, len(waiting))):
        start(connect(url), waiting.pop())
    while left:
        for key, _ in selector.select():
            connection, (request, reply) = key.fileobj, key.data
            try:
                data = connection.recv(1 << 18)
            except ConnectionResetError:
                data = b""
            done = reply.add(data) if data else False
            if data and not done:
                continue
            selector.unregister(connection)
            if not data: # it keeps no connections: once more on another one
                connection.close()
                start(connect(url), request)
                continue
            if reply.status >= 300:
                raise Failed("%s %s" % (reply.status, reply.body[:300]))
            left -= 1
            if not waiting:
                connection.close()
            elif reply.closes:
                connection.close()
                start(connect(url), waiting.pop())
            else:
                start(connection, waiting.pop())
    return len(requests) / (time.monotonic() - began)


