"""bench cloud: how long a device waits while the HTTP API does its worst, and how fast the API is
beside moto. Standard library and the openssl command only.

usage: cloud.py OTTER [--moto MOTO_SERVER]
"""
import argparse, base64, json, os, re, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time

from aws import PARALLEL, REGION, ask, connect, cpu, end_in_order, end_with_parent, rate, sign

LARGE = 60 * 1000 * 1000
BARS = {"create-job": 5, "put-object": 5, "list-things": 10, "get-object": 10} # times moto's
VERSIONING = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"

# ---- a device that pings ------------------------------------------------------------------------


def register(cloud, keys, work):
    key, cert = os.path.join(work, "key"), os.path.join(work, "cert")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=bench"],
                   check=True, stderr=subprocess.DEVNULL)

    def post(method, path, members, query=""):
        return ask(cloud["api_url"], sign(cloud["api_url"], keys, "iot", method, path, query,
                                          json.dumps(members).encode()))

    arn = post("POST", "/certificate/register-no-ca",
               {"certificatePem": open(cert).read(), "status": "ACTIVE"})["certificateArn"]
    post("POST", "/policies/bench", {"policyDocument": json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]})})
    post("PUT", "/target-policies/bench", {"target": arn})
    return key, cert


def make_signer(url, keys, key, cert):
    """Buckets bench, with versioning, and signed; a profile that signs with the device's key."""
    for bucket in ("/bench", "/signed"):
        ask(url, sign(url, keys, "s3", "PUT", bucket))
    ask(url, sign(url, keys, "s3", "PUT", "/bench", "versioning=", VERSIONING))
    text = {name: base64.b64encode(open(path, "rb").read()).decode()
            for name, path in (("Certificate", cert), ("PrivateKey", key))}
    arn = ask(url, sign(url, keys, "acm", "POST", "/", body=json.dumps(text).encode(),
                        headers={"x-amz-target": "CertificateManager.ImportCertificate"}))
    ask(url, sign(url, keys, "signer", "PUT", "/signing-profiles/bench", body=json.dumps({
        "platformId": "AmazonFreeRTOS-Default", "signingParameters": {"certname": "bench"},
        "signingMaterial": {"certificateArn": arn["CertificateArn"]}}).encode()))


def ping_for_ever(port, root, key, cert):
    """Prints the milliseconds of each PING."""
    context = ssl.create_default_context(cafile=root)
    context.load_cert_chain(cert, key)
    device = context.wrap_socket(socket.create_connection(("127.0.0.1", port)),
                                 server_hostname="localhost")
    device.sendall(b"\x10\x11\x00\x04MQTT\x04\x02\x04\xb0\x00\x05bench")
    if device.recv(4)[3:] != b"\x00":
        sys.exit("bench cloud: the device was refused")
    while True:
        began = time.monotonic()
        device.sendall(b"\xc0\x00")
        if not device.recv(2):
            return
        print("%.1f" % ((time.monotonic() - began) * 1000), flush=True)
        time.sleep(0.002)


class Pings:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([sys.executable, __file__, "--ping", *map(str, arguments)],
                                        stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent)
        self.times = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.times.append(float(line))

    def during(self, title, work):
        while len(self.times) < 10:
            time.sleep(0.01)
        self.times.clear()
        began = time.monotonic()
        work()
        seconds = time.monotonic() - began
        time.sleep(0.2)
        times = sorted(self.times) or [0]
        print("   %-34s %8.2f s %8d %9.1f ms %9.1f ms   %s" %
              (title, seconds, len(times), times[len(times) // 2], times[-1], "yes" if times[-1] <= 100 else "NO"), flush=True)

    def stop(self):
        self.process.kill()
        self.process.wait()


def waits(cloud, keys, work):
    url = cloud["api_url"]
    key, cert = register(cloud, keys, work)
    pings = Pings(cloud["mqtt_port"], cloud["root_ca"], key, cert)
    large = os.urandom(1 << 20) * (LARGE >> 20)
    make_signer(url, keys, key, cert)

    def put():
        ask(url, sign(url, keys, "s3", "PUT", "/bench/large", body=large))

    def get(count):
        request = sign(url, keys, "s3", "GET", "/bench/large")
        threads = [threading.Thread(target=ask, args=(url, request)) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def make_keys():
        for _ in range(20):
            ask(url, sign(url, keys, "iot", "POST", "/keys-and-certificate"))

    def sign_large():
        found = ask(url, sign(url, keys, "s3", "GET", "/bench", "versions="))
        version = re.search(rb"<VersionId>([^<]+)", found).group(1).decode()
        ask(url, sign(url, keys, "signer", "POST", "/signing-jobs", body=json.dumps({
            "source": {"s3": {"bucketName": "bench", "key": "large", "version": version}},
            "destination": {"s3": {"bucketName": "signed"}}, "profileName": "bench",
            "clientRequestToken": "bench"}).encode()))

    print("A device's PING while the HTTP API works (bar: 100 ms)")
    print("   %-34s %10s %8s %12s %12s   %s" % ("", "takes", "PINGs", "median", "longest", "met"))
    try:
        pings.during("nothing else", lambda: time.sleep(1))
        pings.during("PUT of 60 MB", put)
        pings.during("GET of 60 MB, ten at once", lambda: get(10))
        pings.during("signing of 60 MB", sign_large)
        pings.during("20 RSA keys made", make_keys)
    finally:
        pings.stop()


# ---- rates --------------------------------------------------------------------------------------


def thing_arn(name):
    return "arn:aws:iot:%s:123456789012:thing/%s" % (REGION, name)


def rates(url, keys, pid):
    """Of each kind: requests a second, and milliseconds of the server's processor time for one."""
    def rate_of(requests):
        used = cpu(pid)
        found = rate(url, requests)
        return found, (cpu(pid) - used) * 1000 / len(requests)

    def iot(method, path, members=None, query=""):
        body = json.dumps(members).encode() if members is not None else b""
        return sign(url, keys, "iot", method, path, query, body, {"content-type": "application/json"})

    ask(url, sign(url, keys, "s3", "PUT", "/rates"))
    found = {}
    found["create-thing"] = rate_of([iot("POST", "/things/r-%04d" % i, {}) for i in range(500)])
    found["list-things, 10 of 500"] = rate_of(
        [iot("GET", "/things", query="maxResults=10") for _ in range(200)])
    job = {"targets": [thing_arn("r-0001")], "document": "{}"}
    found["create-job, one thing, 1 to 500"] = rate_of(
        [iot("PUT", "/jobs/j-%04d" % i, job) for i in range(500)])
    content = os.urandom(100000)
    found["put-object, 100 KB"] = rate_of(
        [sign(url, keys, "s3", "PUT", "/rates/%d" % i, body=content) for i in range(300)])
    found["get-object, 100 KB"] = rate_of(
        [sign(url, keys, "s3", "GET", "/rates/%d" % i) for i in range(100)])
    return found


def moto_rates(program, work):
    port = free_port()
    with open(os.path.join(work, "moto.log"), "w") as log:
        server = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)], stdout=log,
                                  stderr=log, start_new_session=True, preexec_fn=end_with_parent)
    try:
        for _ in range(300):
            try:
                connect("http://127.0.0.1:%d" % port).close()
                break
            except OSError:
                time.sleep(0.1)
        return rates("http://127.0.0.1:%d" % port, ("AKIAMOTO", "secret"), server.pid)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def show_rates(own, moto):
    print("\nRequests a second, %d clients at once, each with one request open and one connection for as long\n"
          "as the server keeps it (moto keeps none); the clients' own time is in the figures" % PARALLEL)
    print("   %-34s %7s %7s %6s %5s %4s  %18s %6s" % ("", "otter", "moto", "ratio", "bar", "met", "ms of processor", "ratio"))
    for name, (value, spent) in own.items():
        if moto:
            other, other_spent = moto[name]
            ratio, bar = value / other, BARS.get(name.split(",")[0])
            print("   %-34s %7.0f %7.0f %5.1fx %5s %4s  %8.2f %9.2f %5.1fx" % (
                name, value, other, ratio, "%dx" % bar if bar else "", "" if not bar else "yes" if ratio >= bar else "NO",
                spent, other_spent, other_spent / max(spent, 0.01)))
        else:
            print("   %-34s %7.0f %7s %6s %5s %4s  %8.2f" % (name, value, "-", "-", "", "", spent))
    if not moto:
        print("   moto_server is not installed here: nothing to compare with (pip install 'moto[server]')")


# ---- the whole ----------------------------------------------------------------------------------


def start_cloud(otter, folder):
    with open(os.path.join(folder, "cloud.log"), "w") as log:
        process = subprocess.Popen([otter, "cloud", "--dir", os.path.join(folder, "cloud"),
                                    "--mqtt-port", str(free_port()), "--api-port", str(free_port())],
                                   stdout=log, stderr=log, preexec_fn=end_with_parent)
    facts = os.path.join(folder, "cloud", "cloud.json")
    while not os.path.exists(facts):
        if process.poll() is not None:
            sys.exit("bench cloud: the cloud did not start:\n" +
                     open(os.path.join(folder, "cloud.log")).read())
        time.sleep(0.05)
    return process, json.load(open(facts))


def main():
    end_in_order()
    parser = argparse.ArgumentParser()
    parser.add_argument("otter")
    parser.add_argument("--moto")
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="otter-bench-")
    process, cloud = start_cloud(options.otter, work)
    try:
        keys = cloud["access_key_id"], cloud["secret_access_key"]
        waits(cloud, keys, work)
        own = rates(cloud["api_url"], keys, process.pid)
        process.terminate()
        process.wait()
        show_rates(own, moto_rates(options.moto, work) if options.moto else None)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        shutil.rmtree(work)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ping"]:
        ping_for_ever(int(sys.argv[2]), *sys.argv[3:6])
    else:
        main()
