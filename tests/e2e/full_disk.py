"""A disk that is full while devices report: nothing is acknowledged that is not kept, and all goes on when there
is room again. In a mount namespace of its own, on a small tmpfs.

usage: full_disk.py OTTER
"""
import json, os, subprocess, sys, tempfile, urllib.error, urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import aws, fleet

THINGS = 60


def check(good, what):
    if not good:
        raise aws.Failed(what)


def outside():
    """Comes back inside of the namespace, or skips."""
    if subprocess.run(["unshare", "-rm", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        print("skipped: no mount namespace can be made here (unshare -rm)")
        sys.exit(77)
    os.execvp("unshare", ["unshare", "-rm", sys.executable, os.path.abspath(__file__), sys.argv[1], "inside"])


def fill(path):
    """Until not a byte more goes in."""
    with open(path, "ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass


def report(cloud, number, text):
    """The status when it was acknowledged, else None."""
    body = {"status": "IN_PROGRESS", "statusDetails": {"said": text}}
    try:
        cloud.raw("iot-jobs-data", "POST", "/things/full-%d/jobs/full" % number, body=json.dumps(body).encode(),
                  headers={"content-type": "application/json"})
        return True
    except aws.Failed as reason:
        check(" 5" in str(reason) or "500" in str(reason) or "503" in str(reason), "refused otherwise: %s" % reason)
        return False


def said(cloud, number):
    execution = cloud.iot("GET", "/things/full-%d/jobs/full" % number)["execution"]
    return execution["status"], execution.get("statusDetails", {}).get("detailsMap", {}).get("said")


def run(cloud, disk):
    for number in range(THINGS):
        cloud.iot("POST", "/things/full-%d" % number)
    cloud.iot("PUT", "/jobs/full", {"targets": [cloud.arn("thing/full-%d" % n) for n in range(THINGS)], "document": "{}"})
    kept = {number for number in range(5) if report(cloud, number, "before")}
    check(len(kept) == 5, "nobody could report")
    fill(os.path.join(disk, "filler"))
    # what is there may still hold a little; details are large, so that it is soon full
    while_full = {number: report(cloud, number, "y" * 1000) for number in range(5, THINGS)}
    refused = [number for number, taken in while_full.items() if not taken]
    check(len(refused) > THINGS // 2, "the disk was never full: %d of %d were refused" % (len(refused), THINGS))
    check(cloud.process.poll() is None, "the cloud ended")
    for number in kept:
        check(said(cloud, number) == ("IN_PROGRESS", "before"), "a report is lost, or reading fails")
    for number in refused:
        check(said(cloud, number)[0] == "QUEUED", "what was refused shows: %s" % (said(cloud, number),))
    cloud.kill()
    os.unlink(os.path.join(disk, "filler"))
    cloud.start()
    for number, taken in while_full.items():
        check(said(cloud, number)[0] == ("IN_PROGRESS" if taken else "QUEUED"), "after a kill %d is another" % number)
    check(all(report(cloud, number, "after") for number in refused), "with room again it does not go on")
    fill(os.path.join(disk, "filler"))
    check(not all(report(cloud, number, "z" * 1000) for number in range(THINGS)), "it was not full again")
    os.unlink(os.path.join(disk, "filler"))
    check(all(report(cloud, number, "last") for number in range(THINGS)), "without a restart it does not go on")
    health = json.loads(urllib.request.urlopen(cloud.url + "/health", timeout=20).read())
    check(health["status"] == "ok", "health: %s" % health)
    print("%d reports refused while the disk was full, none lost" % len(refused))


def main():
    if sys.argv[2:] != ["inside"]:
        outside()
    work = tempfile.mkdtemp(prefix="otter-full-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", work], check=True)
    cloud = fleet.Cloud(sys.argv[1], work)
    try:
        run(cloud, work)
    except (OSError, aws.Failed, urllib.error.URLError) as reason:
        print("FAILED: %s\n---- the end of the cloud's log:\n%s" % (reason, cloud.log()[-3000:]))
        sys.exit(1)
    finally:
        cloud.stop()
        subprocess.run(["umount", "-l", work], check=False)
        os.rmdir(work)


if __name__ == "__main__":
    main()
