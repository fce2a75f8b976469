#!/bin/sh
# Jobs beyond updates on a device that is on line: a restart through a thing group, settings, what is
# refused; and a presigned URL over TLS.
#   operations.sh posix|mps2-an505
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pty.sh"
need python3 mosquitto openssl
python3 -c 'import boto3' 2>/dev/null || skip "python3-boto3 is not installed"

cd "$work"
start_cloud
pty_device "$1"
expect device "not provisioned"

run() { # run SCRIPT ARGUMENT…
    PYTHONDONTWRITEBYTECODE=1 timeout 100 python3 -W ignore "$root/tests/e2e/$@" >said 2>&1 || {
        cat said
        fail "$1 ended early"
    }
    cat said
}

run provision_dialogue.py --device "$work/tty" --cloud "$work/cloud/cloud.json" --root-ca "$(pty_root_ca)"
thing=$(cat said)
expect device "on line as $thing, version 1.0.0"

step "jobs"
start=$(lines device)
run operations.py "$work/cloud/cloud.json" "$thing"
expect device "restarting: a job asks for it"
expect device "on line as $thing, version 1.0.0"
expect device "job restart is done: restarted"
[ "$(tail -n "+$((start + 1))" device.log | grep -a -c "restarting: ")" = 1 ] || fail "not one restart"
pty_type "conf get connect_spread_s"
expect device "connect_spread_s=2"

step "the log"
"$otter" aws --dir "$work/cloud" s3 cp --quiet "s3://logs/$thing/log-1.txt" stored
[ "$(wc -l <stored)" -ge 2 ] || fail "the object is: $(cat stored)"
reason=$("$otter" aws --dir "$work/cloud" iot describe-job-execution --job-id log --thing-name "$thing" --output text \
    --query execution.statusDetails.detailsMap.reason)
[ "$reason" = "$(wc -c <stored) bytes of log" ] || fail "$reason for $(wc -c <stored)"
# What came later stands behind.
start=$(lines device)
pty_type "log show"
last=$(tail -n 1 stored)
expect device "$last"
tail -n "+$((start + 1))" device.log | tr -d '\r' | grep -a -A "$(($(wc -l <stored) - 1))" -F -m 1 -e "$(head -n 1 stored)" >shown
cmp stored shown || fail "the object is not what the device shows"
echo "passed"
