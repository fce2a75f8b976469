"""Jobs for a device that is on line, by boto3: a restart through a thing group, settings, and what is
refused; its log, which it stores in S3; and a presigned URL, followed as a device would.

    operations.py CLOUD_JSON THING
"""
import json
import ssl
import sys
import time
import urllib.error
import urllib.request

import boto3

facts = json.load(open(sys.argv[1]))
thing = sys.argv[2]


def client(service):
    return boto3.client(service, region_name=facts["region"], endpoint_url=facts["api_url"],
                        aws_access_key_id=facts["access_key_id"],
                        aws_secret_access_key=facts["secret_access_key"])


iot, data, s3, iam = (client(name) for name in ("iot", "iot-jobs-data", "s3", "iam"))


def arn(rest):
    return "arn:aws:iot:%s:%s:%s" % (facts["region"], facts["account"], rest)


def end(job):
    """How the device's execution ended: (status, reason)."""
    for _ in range(1200):
        try:
            execution = iot.describe_job_execution(jobId=job, thingName=thing)["execution"]
        except iot.exceptions.ResourceNotFoundException:
            execution = {"status": "QUEUED"} # its turn has not come yet
        if execution["status"] not in ("QUEUED", "IN_PROGRESS"):
            return (execution["status"],
                    execution["statusDetails"]["detailsMap"].get("reason", ""),
                    execution["executionNumber"])
        time.sleep(0.05)
    sys.exit("job %s does not end: %s" % (job, execution))


def check(job, target, document, status, words, **more):
    iot.create_job(jobId=job, targets=[target], document=json.dumps(document), **more)
    got = end(job)
    if got[0] != status or words not in got[1] or got[2] != 1:
        sys.exit("job %s: %s, %s wanted" % (job, got, (status, words)))
    print("%s: %s, %s" % ((job,) + got[:2]))


# ---- the device ----

iot.create_thing_group(thingGroupName="fleet")
iot.create_thing_group(thingGroupName="corner", parentGroupName="fleet")
iot.add_thing_to_thing_group(thingGroupName="corner", thingName=thing)
check("restart", arn("thinggroup/fleet"), {"operation": "reboot"}, "SUCCEEDED", "restarted")
own = arn("thing/" + thing)
check("spread", own, {"operation": "configure", "settings": {"connect_spread_s": 2}}, "SUCCEEDED",
      "1 settings changed")
check("endpoint", own, {"operation": "configure", "settings": {"mqtt_endpoint": "x"}}, "REJECTED",
      "cannot be changed by a job")
check("dance", own, {"operation": "dance"}, "REJECTED", "no service of this device takes the job")

# ---- the device's log ----

trust = {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
                       "Principal": {"Service": "iot.amazonaws.com"}}}
role = iam.create_role(RoleName="urls", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
s3.create_bucket(Bucket="logs")
place = "${aws:iot:s3-presigned-url-upload:https://s3.amazonaws.com/%s/${thingName}/${jobId}-${executionNumber}.txt}"
check("log", own, {"operation": "upload-log", "url": place % "logs"}, "SUCCEEDED", " bytes of log",
      presignedUrlConfig={"roleArn": role})
check("nowhere", own, {"operation": "upload-log", "url": place % "no-such-bucket"}, "FAILED",
      "localhost: HTTP 404", presignedUrlConfig={"roleArn": role})
check("plain", own, {"operation": "upload-log", "url": "http://localhost/log"}, "REJECTED",
      "url: no https URL")
for job in ("log", "nowhere"):
    if iot.describe_job(jobId=job)["job"]["status"] != "COMPLETED":
        sys.exit("job %s is not over" % job)

# ---- a presigned URL ----

s3.create_bucket(Bucket="files")
s3.put_object(Bucket="files", Key="a b.bin", Body=bytes(range(256)) * 64)
iot.create_thing(thingName="reader")
iot.create_job(jobId="url", targets=[arn("thing/reader")], presignedUrlConfig={"roleArn": role},
               document='{"url":"${aws:iot:s3-presigned-url:https://s3.amazonaws.com/files/a%20b.bin}"}')
url = json.loads(data.describe_job_execution(jobId="url", thingName="reader")["execution"]
                 ["jobDocument"])["url"]
trusted = ssl.create_default_context(cafile=facts["root_ca"])
with urllib.request.urlopen(urllib.request.Request(url, headers={"Range": "bytes=16380-"}),
                            context=trusted) as reply:
    if (reply.status, reply.read()) != (206, b"\xfc\xfd\xfe\xff"):
        sys.exit("the range is wrong")
for wrong in (url.replace("a%20b", "c"), url.split("?")[0], url.split("/files")[0] + "/things"):
    try:
        urllib.request.urlopen(wrong, context=trusted)
        sys.exit("this must not be given out: " + wrong)
    except urllib.error.HTTPError as error:
        if error.code != 403:
            sys.exit("%s for %s" % (error, wrong))
print("the URL works: " + url.split("?")[0])
