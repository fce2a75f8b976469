"""What who runs `otter cloud` has: an installed service with its configuration, health, metrics, a log for
machines. promtool and systemd-analyze look at what is theirs, where they are installed.

usage: operate.py OTTER SWARM SIGNING_KEY
"""
import json, os, shutil, subprocess, sys, tempfile, urllib.error, urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import aws, fleet
from aws import check
from fleet import otter


def get(url):
    with urllib.request.urlopen(url, timeout=20) as reply:
        return reply.read().decode()


def value(metrics, name):
    found = [line for line in metrics.splitlines() if line.startswith(name + " ")]
    check(len(found) == 1, "%s is there %d times" % (name, len(found)))
    return float(found[0].split()[1])


def install(program, work):
    root = os.path.join(work, "machine")
    for _ in range(2): # the second leaves the configuration alone
        code, text = otter(program, "install", "--system", "--root", root)
        check(code == 0 and "systemctl enable --now otter-cloud" in text, "install: " + text)
        with open(os.path.join(root, "etc/otter-cloud.conf"), "a") as file:
            file.write("# mine\n")
    config = os.path.join(root, "etc/otter-cloud.conf")
    with open(config) as file:
        text = file.read()
    check(text.count("# mine") == 2, "a configuration was written over")
    unit = os.path.join(root, "etc/systemd/system/otter-cloud.service")
    if shutil.which("systemd-analyze"):
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        wrong = [line for line in done.stdout.splitlines() if "otter-cloud" in line]
        check(not wrong, "systemd-analyze: %s" % wrong)
    return text


def refusals(program, work):
    path = os.path.join(work, "wrong.conf")
    for text, word in (("prot = 1\n", "line 1: this is none"), ("\nmqtt-port = x\n", "line 2: mqtt-port is refused"),
                       ("config = other\n", "line 1: this is none")):
        with open(path, "w") as file:
            file.write(text)
        code, said = otter(program, "--config", path)
        check(code == 2 and word in said, "%r: %s" % (text, said))
    code, said = otter(program, "--config", os.path.join(work, "none"))
    check(code == 2 and "cannot read" in said, said)


def write_config(text, work):
    """All that is offered, as it is offered; folder and ports are the test's. The command line prevails."""
    lines = [line[1:] if line[:1] == "#" and line[1:2].isalpha() and (" = " in line or line == "#strict") else line
             for line in text.splitlines()]
    path = os.path.join(work, "all.conf")
    with open(path, "w") as file:
        file.write("\n".join(lines).replace("log-format = text", "log-format = json") + "\n")
    return path


def look(cloud, program, options, work):
    health = json.loads(get(cloud.url + "/health"))
    check(health == {"status": "ok", "broker": "ok", "database": "ok"}, "health: %s" % health)
    key, cert = cloud.register(work)
    cloud.make_things(3)
    signer = cloud.make_signer(work)
    swarm = fleet.Swarm(options[1], cloud, key, cert, fleet.make_image(program, options[2], work, "1.0.0", 5000),
                        signer, 3)
    swarm.tell("on")
    metrics = get(cloud.url + "/metrics")
    check(value(metrics, "otter_cloud_connections") == 3, "three devices are not three connections")
    check(value(metrics, "otter_cloud_things") == 3, "three things are not three")
    check(value(metrics, 'otter_cloud_messages_total{direction="in"}') >= 3, "no messages came")
    check(value(metrics, 'otter_cloud_api_responses_total{class="2xx"}') >= 10, "no calls were answered")
    check(value(metrics, "otter_cloud_commits_total") > 0, "nothing was committed")
    check(value(metrics, "process_resident_memory_bytes") > 1e6, "no memory is used")
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=metrics, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        check(done.returncode == 0, "promtool: " + done.stdout)
    swarm.tell("off")
    swarm.stop()
    try:
        get(cloud.url + "/health?signed=no")
        check(False, "an unsigned request to S3 was answered")
    except urllib.error.HTTPError as refused:
        check(refused.code in (400, 403), "it was answered with %d" % refused.code)
    cloud.raw("s3", "PUT", "/health")
    check(b"ListBucketResult" in cloud.raw("s3", "GET", "/health"), "the bucket `health` is hidden")


def log_is_json(cloud):
    lines = [line for line in cloud.log().splitlines() if line.startswith("{")]
    areas = {json.loads(line)["area"] for line in lines}
    check("gateway" in areas and "cloud" in areas, "the log has %s" % areas)


def main():
    options, work = sys.argv[1:], tempfile.mkdtemp(prefix="otter-operate-")
    cloud = None
    try:
        config = write_config(install(options[0], work), work)
        refusals(options[0], work)
        cloud = fleet.Cloud(options[0], work, "--config", config)
        look(cloud, options[0], options, work)
        cloud.stop()
        log_is_json(cloud)
        print("installed, configured, watched")
    except (OSError, aws.Failed, subprocess.CalledProcessError, urllib.error.URLError) as reason:
        print("FAILED: %s" % reason)
        if cloud:
            print("---- the end of the cloud's log:\n" + cloud.log()[-3000:])
        sys.exit(1)
    finally:
        if cloud:
            cloud.stop()
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
