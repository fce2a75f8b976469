"""A roll-out to simulated devices while `otter cloud` is killed again and again: no job is lost, doubled or
stuck, and each call that was acknowledged is still so.

usage: rollout.py OTTER SWARM SIGNING_KEY [--devices N] [--kills K] [--seed S]
"""
import argparse, os, random, shutil, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import aws, fleet
from aws import check

OLD, NEW = "1.0.0", "1.0.1"
IMAGE_SIZE = 100000


class Caller(threading.Thread):
    """Makes things, one after the other, and remembers which of them the cloud said that it had made."""

    def __init__(self, cloud):
        super().__init__(daemon=True)
        self.cloud, self.made, self.failed, self.ends = cloud, [], 0, False

    def run(self):
        number = 0
        while not self.ends:
            number += 1
            try:
                self.cloud.iot("POST", "/things/call-%d" % number)
                self.made.append("call-%d" % number)
            except (OSError, aws.Failed):
                self.failed += 1
                time.sleep(0.05)


def roll_out(cloud, swarm, options, chance):
    caller = Caller(cloud)
    caller.start()
    swarm.begin("wait " + NEW)
    for _ in range(options.kills):
        time.sleep(chance.uniform(0.05, options.pause))
        cloud.kill(with_broker=chance.random() < 0.3)
        cloud.start()
    facts = swarm.answer()
    caller.ends = True
    caller.join()
    return facts, caller


def look(cloud, options, facts, caller):
    executions = cloud.executions("AFR_OTA-update")
    wanted = {"%s%d" % (fleet.FAMILY, i): ("SUCCEEDED", 1) for i in range(options.devices)}
    check(executions == wanted, "executions are not one success for each thing: %s" % {
        name: executions.get(name) for name in wanted if executions.get(name) != wanted[name]})
    check(facts["installed"] == options.devices and facts["back"] == 0,
          "%d devices installed %d images" % (options.devices, facts["installed"]))
    status = cloud.iot("GET", "/jobs/AFR_OTA-update")["job"]
    check(status["status"] == "COMPLETED" and
          status["jobProcessDetails"]["numberOfSucceededThings"] == options.devices, "the job is %s" % status)
    for name in caller.made:
        cloud.iot("GET", "/things/" + name)
    check(len(caller.made) > 0, "no call was acknowledged")
    if options.kills:
        check(facts["lost"] > 0, "no kill ended a connection")
    print("%d devices updated in %.1f s under %d kills: %d connections lost, %d refused; %d calls acknowledged and "
          "kept, %d not acknowledged" % (options.devices, facts["seconds"], options.kills, facts["lost"],
                                         facts["refused"], len(caller.made), caller.failed))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("otter")
    parser.add_argument("swarm")
    parser.add_argument("key")
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--pause", type=float, default=1.5, help="seconds between kills, at most")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    print("seed %d" % seed, flush=True)
    work = tempfile.mkdtemp(prefix="otter-rollout-")
    cloud = swarm = None
    try:
        cloud = fleet.Cloud(options.otter, work, "--limit", "greeting=60", "--limit", "connect=0")
        key, cert = cloud.register(work)
        cloud.make_things(options.devices)
        signer = cloud.make_signer(work)
        old, new = (fleet.make_image(options.otter, options.key, work, version, IMAGE_SIZE) for version in (OLD, NEW))
        swarm = fleet.Swarm(options.swarm, cloud, key, cert, old, signer, options.devices)
        swarm.tell("on")
        cloud.create_update("update", NEW, new)
        look(cloud, options, *roll_out(cloud, swarm, options, random.Random(seed)))
    except (OSError, aws.Failed, subprocess.CalledProcessError) as reason:
        print("FAILED: %s" % reason)
        if cloud:
            print("---- the end of the cloud's log:\n" + cloud.log()[-4000:])
        sys.exit(1)
    finally:
        if swarm:
            swarm.stop()
        if cloud:
            cloud.stop()
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
