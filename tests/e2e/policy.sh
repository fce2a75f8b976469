#!/bin/sh
# A policy that lets the device hear all of its topics, and publish for jobs and streams
# alone. Each report of the other services ends the connection, as on AWS; no update may lose its own by one.
set -eu
. "$(dirname "$0")/lib.sh"

start_cloud
provisioned_device
power_cut

step "the policy forbids the shadow and Device Defender, and an update waits"
sed 's|"Action": \["iot:Publish", "iot:Receive"\]|"Action": "iot:Receive"|' "$work/policy.json" |
    sed 's|"Statement": \[|&\n  {"Effect": "Allow", "Action": "iot:Publish", "Resource": [\n   "arn:aws:iot:*:*:topic/$aws/things/device/jobs/*", "arn:aws:iot:*:*:topic/$aws/things/device/streams/*"]},|' \
        >"$work/narrow.json"
aws iot create-policy-version --policy-name device --set-as-default \
    --policy-document "file://$work/narrow.json" >/dev/null
make_release 1.0.1
create_update 1.0.1

step "the update is taken, and confirmed, without losing the connection once"
from=$(lines device)
power_on
expect device "on line as device, version 1.0.0"
expect device "on line as device, version 1.0.1"
expect device "this firmware is confirmed"
wait_until "the job has succeeded" sh -c \
    '"$0" aws --dir "$1" iot describe-job-execution --job-id AFR_OTA-update-1-0-1 --thing-name device | grep -q SUCCEEDED' \
    "$otter" "$work/cloud"
before=$(tail -n "+$((from + 1))" "$work/device.log" | sed '/this firmware is confirmed/q' |
    grep -a -c "connection to localhost lost" || true)
[ "$before" = 0 ] || fail "the connection was lost $before times"

step "then the services find out that they may not report"
expect cloud "no policy allows iot:Publish on topic/\$aws/things/device/"
