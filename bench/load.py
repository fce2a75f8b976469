"""bench cloud, second half: a swarm of simulated devices before `otter cloud`: how many connect how fast and
in how much memory, what a storm and a roll-out take, what relaying costs beside Mosquitto alone.

usage: load.py BUILD_HOST [--devices N] [--updated M] [--only connections|roll-out|relay]
"""
import argparse, getpass, math, os, shutil, statistics, subprocess, sys, tempfile, threading, time

import aws
from aws import cpu
import cloud as apis
import fleet

IMAGE = 160 * 1024
JOB = "AFR_OTA-update" # of the update "update"
# kind, bytes, messages: some 1.5 s each, since processors that begin to work take a while for their pace
RELAYS = (("relay", 200, 150000), ("relay", 16384, 30000), ("relay1", 200, 50000))
ROUNDS = 7  # of each, one after the other
LIMITS = [word for limit in ("greeting=120", "connect=0", "publish=0", "bytes=0") for word in ("--limit", limit)]


def row(name, value, unit, bar, met):
    """`bar` is text; met None: there is nothing to hold it to."""
    print("   %-60s %10s %-8s %-14s %s" % (name, value, unit, bar, "" if met is None else "yes" if met else "NO"),
          flush=True)


class Watched:
    """A device that pings while something else goes on; gives the longest wait, in ms."""

    def __init__(self, cloud, key, cert):
        self.pings = apis.Pings(cloud.facts["mqtt_port"], cloud.root, key, cert)
        self.worst = 0.0
        while len(self.pings.times) < 10:
            time.sleep(0.01)

    def during(self, work):
        self.pings.times.clear()
        result = work()
        time.sleep(0.1)
        longest = max(self.pings.times or [math.inf]) # none came back: it waits still, or was lost
        self.worst = max(self.worst, longest)
        return result, longest


# ---- connections --------------------------------------------------------------------------------


def in_time(seconds, bar, count):
    """A smaller fleet than the bar is for shows nothing."""
    return None if count < 8000 else seconds <= bar * count / 8000


def connections(cloud, swarm, watched, count, before):
    """`before`: the cloud's memory before anything was asked of it. Later it keeps freed memory for what comes, so
    that devices would seem to need less; so its caches are theirs here, which a thousand of them feel."""
    used, own = cpu(cloud.process.pid), cpu(swarm.process.pid)
    facts, ping = watched.during(lambda: swarm.tell("on"))
    row("%d devices come on line at once" % count, "%.1f" % facts["seconds"], "s", "15 for 8,000",
        in_time(facts["seconds"], 15, count))
    used, own = cpu(cloud.process.pid) - used, cpu(swarm.process.pid) - own
    row("   processor time of the cloud, for each", "%.2f" % (used * 1000 / count), "ms", "", None)
    row("   of the swarm, for each", "%.2f" % (own * 1000 / count), "ms", "", None)
    row("   longest PING meanwhile", "%.0f" % ping, "ms", "100", ping <= 100)
    time.sleep(15) # it tidies up
    each, broker = (cloud.kib() - before) / count, fleet.private_kib(cloud.broker()) / count
    row("   memory of the cloud for each, broker included", "%.1f" % each, "KiB", "16", each <= 16)
    row("      of it the broker's", "%.1f" % broker, "KiB", "", None)


def storm(cloud, swarm, watched, count):
    swarm.tell("off")
    time.sleep(2)
    facts, ping = watched.during(lambda: swarm.tell("on"))
    row("all of them again after all were lost", "%.1f" % facts["seconds"], "s", "20 for 8,000",
        in_time(facts["seconds"], 20, count))
    row("   longest PING meanwhile", "%.0f" % ping, "ms", "100", ping <= 100)


# ---- a roll-out ---------------------------------------------------------------------------------


class Clock:
    """How much processor time a process had used, when."""

    def __init__(self, pid):
        self.pid, self.ends, self.seen = pid, threading.Event(), []
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        while not self.ends.wait(0.02):
            self.seen.append((time.monotonic(), cpu(self.pid)))

    def between(self, first, last):
        self.ends.set()
        self.thread.join()
        used = [spent for at, spent in self.seen if first <= at <= last + 0.02]
        return used[-1] - used[0] if used else 0.0


def bare_tls(program, key, cert, count, size):
    """Seconds, and processor time of the server, from the moment that all are connected to the last byte."""
    server = subprocess.Popen([program, "serve", cert, key, str(size)], stdout=subprocess.PIPE, text=True,
                              preexec_fn=aws.end_with_parent)
    try:
        port = server.stdout.readline().strip()
        client = subprocess.Popen([program, "fetch", port, str(count), str(size)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True, preexec_fn=aws.end_with_parent)
        client.stdout.readline()
        used = cpu(server.pid)
        client.stdin.write("\n")
        client.stdin.flush()
        seconds = float(client.stdout.readline())
        used = cpu(server.pid) - used
        client.wait()
        return seconds, used
    finally:
        server.kill()
        server.wait()


class Responder:
    """bench/swarm/responder.c: a bare server in the cloud's place, with the same image and job document."""

    def __init__(self, options, work, image, document):
        key, self.root = os.path.join(work, "bare.key"), os.path.join(work, "bare.crt")
        fleet.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                  "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", self.root)
        path = os.path.join(work, "document.json")
        with open(path, "w") as file:
            file.write(document)
        self.process = subprocess.Popen(
            [os.path.join(options.build, "bench/device_responder"), self.root, key, image, path, JOB], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=aws.end_with_parent)
        self.facts = {"mqtt_port": int(self.process.stdout.readline())}

    def create_update(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.kill()
        self.process.wait()


class RollOut:
    """The swarm from one version to the next: seconds until all run the update, and from the first block on flash to the
    last; and processor time of server and swarm, in seconds, in all and while blocks were sent."""

    def __init__(self, server, swarm, create_update):
        swarm.begin("wait 1.0.1")
        pids = server.pid, swarm.process.pid
        used, clocks, began = [cpu(pid) for pid in pids], [Clock(pid) for pid in pids], time.monotonic()
        create_update()
        facts = swarm.answer()
        self.seconds, self.blocks = time.monotonic() - began, facts["download"]
        self.server, self.swarm = (cpu(pid) - before for pid, before in zip(pids, used))
        self.server_blocks, self.swarm_blocks = (clock.between(facts["first"], facts["last"]) for clock in clocks)


def bare_roll_out(options, work, image, document, files):
    responder = Responder(options, work, image, document)
    try:
        swarm = swarm_of(responder, options, options.updated, files)
        swarm.tell("on")
        result = RollOut(responder.process, swarm, responder.create_update)
        swarm.stop()
        return result
    finally:
        responder.stop()


def roll_out(cloud, swarm, watched, options, work, files, image):
    own, ping = watched.during(
        lambda: RollOut(cloud.process, swarm, lambda: cloud.create_update("update", "1.0.1", image)))
    done = list(cloud.executions(JOB).values()).count(("SUCCEEDED", 1))
    swarm.stop()
    document = cloud.iot("GET", "/jobs/%s/job-document" % JOB)["document"]
    bare = bare_roll_out(options, work, image, document, files)
    bytes_only, bytes_used = bare_tls(os.path.join(options.build, "bench/tls_load"), files[0], files[1], options.updated,
                                      os.path.getsize(image))
    def ratio(part, whole):
        return part / whole if whole else 0

    row("%d KiB to %d devices at once, until all run it" % (IMAGE // 1024, options.updated), "%.1f" % own.seconds, "s", "",
        None)
    row("   the same devices before a bare server", "%.1f" % bare.seconds, "s", "", None)
    row("   ratio of the two", "%.2f" % ratio(bare.seconds, own.seconds), "", "0.8", ratio(bare.seconds, own.seconds) >= 0.8)
    row("   updated without a failure", "%d" % done, "devices", "%d" % options.updated, done == options.updated)
    row("   longest PING meanwhile", "%.0f" % ping, "ms", "100", ping <= 100)
    row("   of it from the first block on flash to the last", "%.2f" % own.blocks, "s", "", None)
    row("      before the bare server, where all begin at once", "%.2f" % bare.blocks, "s", "", None)
    row("      the bytes alone, bare, to clients that drop them", "%.2f" % bytes_only, "s", "", None)
    row("      ratio to these", "%.2f" % ratio(bytes_only, own.blocks), "", "", None)
    for name, value in (("   processor time for each device, blocks: cloud", own.server_blocks),
                        ("      swarm meanwhile", own.swarm_blocks),
                        ("      the bare server", bare.server_blocks),
                        ("      swarm meanwhile", bare.swarm_blocks),
                        ("      for the bytes alone", bytes_used),
                        ("   all, with job, reports, reconnection: cloud", own.server),
                        ("      swarm: TLS, flash, digests, signatures, bootloader", own.swarm),
                        ("      the bare server", bare.server),
                        ("      swarm", bare.swarm)):
        row(name, "%.2f" % (value * 1000 / options.updated), "ms", "", None)


# ---- relaying -----------------------------------------------------------------------------------


def bare_mosquitto(work, cert, key):
    """With TLS and the same certificate on both sides."""
    port, config = fleet.free_port(), os.path.join(work, "mosquitto.conf")
    with open(config, "w") as file:
        file.write("listener %d 127.0.0.1\nallow_anonymous true\ncafile %s\ncertfile %s\nkeyfile %s\n"
                   "user %s\nrequire_certificate true\nmax_queued_messages 1000\nmax_inflight_messages 100\n" %
                   (port, cert, cert, key, getpass.getuser()))
    broker = subprocess.Popen(["/usr/sbin/mosquitto", "-c", config], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, preexec_fn=aws.end_with_parent)
    while True:
        try:
            aws.connect("http://127.0.0.1:%d" % port).close()
            return broker, port
        except OSError:
            time.sleep(0.1)


class Relay:
    """One of two brokers in turn, so that what else the machine does falls on both."""

    def __init__(self, program, files, port, root, pids):
        self.command, self.files, self.pids = [program, str(port), root], files, pids
        self.rates, self.used = [], 0

    def run(self, kind, size, count):
        before = sum(cpu(pid) for pid in self.pids)
        command = [self.command[0], kind, *self.command[1:], *self.files, str(size), str(count)]
        self.rates.append(float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout))
        self.used += (sum(cpu(pid) for pid in self.pids) - before) * 1e6 / count

    def rate(self):
        return statistics.median(self.rates)

    def us(self):
        return self.used / len(self.rates)


def relay(kind, size, count, own, bare, watched):
    ping = 0
    for _ in range(ROUNDS):
        ping = max(ping, watched.during(lambda: own.run(kind, size, count))[1])
        bare.run(kind, size, count)
    ratio = statistics.median(a / b for a, b in zip(own.rates, bare.rates))
    row("messages of %d bytes relayed, QoS %d" % (size, kind == "relay1"), "%.0f" % own.rate(), "a second", "", None)
    row("   Mosquitto with TLS alone", "%.0f" % bare.rate(), "a second", "", None)
    row("   ratio of the two, the median of %d" % ROUNDS, "%.2f" % ratio, "", "0.9", ratio >= 0.9)
    row("   processor time for each, gateway and broker", "%.0f" % own.us(), "us", "", None)
    row("   of Mosquitto alone", "%.0f" % bare.us(), "us", "", None)
    row("   longest PING meanwhile", "%.0f" % ping, "ms", "100", ping <= 100)


def relays(cloud, watched, options, work, key, cert):
    program = os.path.join(options.build, "bench/tls_load")
    broker, port = bare_mosquitto(work, cert, key)
    try:
        for kind, size, count in RELAYS:
            own = Relay(program, (cert, key), cloud.facts["mqtt_port"], cloud.root, (cloud.process.pid, cloud.broker()))
            bare = Relay(program, (cert, key), port, cert, (broker.pid,))
            relay(kind, size, count, own, bare, watched)
    finally:
        broker.terminate()
        broker.wait()


# ---- the whole ----------------------------------------------------------------------------------


def swarm_of(cloud, options, count, files):
    return fleet.Swarm(os.path.join(options.build, "bench/device_swarm"), cloud, *files, count, "--patience", "600")


def measure_connections(cloud, watched, options, before, files):
    swarm = swarm_of(cloud, options, options.devices, files)
    connections(cloud, swarm, watched, options.devices, before)
    storm(cloud, swarm, watched, options.devices)
    swarm.stop()


def measure_roll_out(cloud, watched, options, work, files, image):
    for i in range(options.updated, options.devices): # the group is for those alone who are to be updated
        cloud.iot("DELETE", "/things/%s%d" % (fleet.FAMILY, i))
    swarm = swarm_of(cloud, options, options.updated, files)
    swarm.tell("on")
    roll_out(cloud, swarm, watched, options, work, files, image)


def run(options, work):
    otter, signing = os.path.join(options.build, "tool/otter"), os.path.join(options.build, "keys/boot-signing.pem")
    cloud = fleet.Cloud(otter, work, *LIMITS)
    try:
        before = cloud.kib()
        key, cert = cloud.register(work)
        cloud.make_things(max(options.devices, options.updated))
        signer = cloud.make_signer(work)
        old = fleet.make_image(otter, signing, work, "1.0.0", 5000)
        new = fleet.make_image(otter, signing, work, "1.0.1", IMAGE - 4096 - 400)
        files = key, cert, old, signer
        watched = Watched(cloud, key, cert)
        if options.only in (None, "connections"):
            measure_connections(cloud, watched, options, before, files)
            watched.pings.stop()
            cloud.stop()
            cloud.start()
            watched = Watched(cloud, key, cert)
        if options.only in (None, "roll-out"):
            measure_roll_out(cloud, watched, options, work, files, new)
        if options.only in (None, "relay"):
            relays(cloud, watched, options, work, key, cert)
        watched.pings.stop()
    finally:
        cloud.stop()


def main():
    aws.end_in_order()
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--devices", type=int, default=int(os.environ.get("SWARM_DEVICES", 1000)))
    parser.add_argument("--updated", type=int, default=int(os.environ.get("SWARM_UPDATED", 200)))
    parser.add_argument("--only", choices=["connections", "roll-out", "relay"])
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="otter-load-")
    print("\nA swarm in one process before the cloud, on %d processors that both share; load at the start %.1f"
          % (os.cpu_count(), os.getloadavg()[0]))
    print("   %-60s %10s %-8s %-14s %s" % ("", "", "", "bar", "met"))
    try:
        run(options, work)
    finally:
        shutil.rmtree(work)
    print("Devices are the device library itself; TLS, digests and signatures are OpenSSL's, since Mbed TLS would measure\n"
          "the client. The bare server of the roll-out is OpenSSL, libevent and answers from memory; the bytes alone go from\n"
          "one that knows no MQTT to clients that drop them. The bars are for 8,000 devices, 1,000 of them updated (--full): with fewer those\n"
          "of seconds are left open.")


if __name__ == "__main__":
    main()
