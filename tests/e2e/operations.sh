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
echo "passed"
