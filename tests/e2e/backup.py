"""`otter cloud backup` while the cloud works, `restore` elsewhere, and what is no backup.

usage: backup.py OTTER SWARM SIGNING_KEY
"""
import fcntl, json, os, shutil, subprocess, sys, tempfile, threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import aws, fleet
from aws import check
from fleet import otter


def fill(cloud, content):
    cloud.raw("s3", "PUT", "/fleet")
    for name in ("one", "two"):
        cloud.raw("s3", "PUT", "/fleet/" + name, body=content)
    cloud.raw("iotdata", "POST", "/topics/kept", "qos=1&retain=true", b"still here")


def back_up(program, cloud, archive):
    """With somebody making things all the while: what was made before it began must be in it."""
    made, ends = [], threading.Event()

    def make():
        while not ends.is_set():
            name = "call-%d" % len(made)
            cloud.iot("POST", "/things/" + name)
            made.append(name)

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    while len(made) < 20:
        ends.wait(0.01)
    before = list(made)
    code, text = otter(program, "backup", archive, "--dir", cloud.dir)
    ends.set()
    thread.join()
    check(code == 0, "backup: " + text)
    check(os.stat(archive).st_mode & 0o777 == 0o600, "others may read the backup")
    return before


def in_flight(cloud, swarm, old_to_new, archive, otter_program):
    """A backup in the middle of an update, put in place of a cloud that was killed: the devices go on with it."""
    cloud.create_update("flight", *old_to_new)
    swarm.begin("wait " + old_to_new[0])
    while "IN_PROGRESS" not in statuses(cloud):
        pass
    code, text = otter(otter_program, "backup", archive, "--dir", cloud.dir)
    check(code == 0, "backup: " + text)
    cloud.kill()
    code, text = otter(otter_program, "restore", archive, "--dir", cloud.dir)
    check(code == 0, "restore: " + text)
    cloud.start()
    facts = swarm.answer()
    check(facts["installed"] == 3 and facts["back"] == 0, "installed: %s" % facts)
    check(statuses(cloud) == ["SUCCEEDED"] * 3, "after the restore: %s" % statuses(cloud))


def statuses(cloud):
    try:
        return [status for status, _ in cloud.executions("AFR_OTA-flight").values()]
    except aws.Failed:
        return [] # it is still being made


def look(cloud, made, content, key, cert, work, options):
    for name in made:
        cloud.iot("GET", "/things/" + name)
    for name in ("one", "two"):
        check(cloud.raw("s3", "GET", "/fleet/" + name) == content, "an object is not what it was")
    check(cloud.raw("iotdata", "GET", "/retainedMessage/kept")["payload"], "nothing is retained")
    signer = cloud.make_signer(work)
    cloud.make_things(3)
    old, new = (fleet.make_image(options[0], options[2], work, version, 160000) for version in ("1.0.0", "2.0.0"))
    swarm = fleet.Swarm(options[1], cloud, key, cert, old, signer, 3)
    swarm.tell("on") # by the authority and the certificate of before
    in_flight(cloud, swarm, ("2.0.0", new), os.path.join(work, "flight.tar"), options[0])
    swarm.stop()


def orphans(program, cloud, archive):
    """What a killed backup has left has keys in it, and goes with the next; one that works now is left alone."""
    for letters in ("aaaaaa", "bbbbbb"):
        folder = archive + ".partial-" + letters
        os.makedirs(os.path.join(folder, "broker"))
        for name in (folder + "/credentials", folder + "/broker/mosquitto.db", folder + ".tar"):
            with open(name, "w") as file:
                file.write("secret")
    lock = os.open(archive + ".partial-bbbbbb", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    code, text = otter(program, "backup", archive, "--dir", cloud.dir)
    check(code == 0, "backup: " + text)
    left = sorted(name for name in os.listdir(os.path.dirname(archive)) if ".partial-" in name)
    check(left == ["backup.tar.partial-bbbbbb", "backup.tar.partial-bbbbbb.tar"], "left: %s" % left)
    os.close(lock)
    code, text = otter(program, "backup", archive, "--dir", cloud.dir)
    left = [name for name in os.listdir(os.path.dirname(archive)) if ".partial-" in name]
    check(code == 0 and not left, "left: %s %s" % (left, text))


def refusals(program, archive, work):
    empty = os.path.join(work, "other")
    with open(archive, "rb") as file:
        whole = bytearray(file.read())
    at = whole.index(b"SQLite format 3") + 5000
    spoilt = bytearray(whole)
    spoilt[at] ^= 1
    for name, content in (("flipped", spoilt), ("cut", whole[:len(whole) // 2]), ("noise", os.urandom(20000))):
        path = os.path.join(work, name)
        with open(path, "wb") as file:
            file.write(content)
        code, text = otter(program, "restore", path, "--dir", empty)
        check(code == 1, "a backup that is %s was taken: %s" % (name, text))
        check(not os.path.exists(empty), "and the folder was left behind")
    deep = os.path.join(empty, "a", "b")
    os.mkdir(empty)
    check(otter(program, "restore", path, "--dir", deep)[0] == 1, "noise was taken")
    check(os.listdir(empty) == [], "left in a folder that was there: %s" % os.listdir(empty))
    os.rmdir(empty)
    left = [name for name in os.listdir(work) if name.startswith(("other.", "backup.tar."))]
    check(not left, "left behind: %s" % left)


def run(options, work, cloud):
    program, archive = options[0], os.path.join(work, "backup.tar")
    content = os.urandom(160000)
    key, cert = cloud.register(work)
    fill(cloud, content)
    orphans(program, cloud, archive)
    made = back_up(program, cloud, archive)
    code, text = otter(program, "restore", archive, "--dir", cloud.dir)
    check(code == 1 and "is running on" in text, "a running cloud's folder was replaced: " + text)
    refusals(program, archive, work)
    cloud.iot("DELETE", "/things/" + made[0]) # the restored cloud has it again
    cloud.stop()
    code, text = otter(program, "restore", archive, "--dir", cloud.dir)
    check(code == 0 and "before-restore-" in text, "restore: " + text)
    cloud.start()
    look(cloud, made, content, key, cert, work, options)
    print("%d things, two objects, a retained message and a device's certificate came back" % len(made))


def main():
    work = tempfile.mkdtemp(prefix="otter-backup-")
    cloud = fleet.Cloud(sys.argv[1], work, "--limit", "greeting=60", "--limit", "connect=0", "--rate", "30")
    try:
        run(sys.argv[1:], work, cloud)
    except (OSError, aws.Failed, subprocess.CalledProcessError) as reason:
        print("FAILED: %s\n---- the end of the cloud's log:\n%s" % (reason, cloud.log()[-3000:]))
        sys.exit(1)
    finally:
        cloud.stop()
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
