#!/bin/sh
# What breaks in mid-download: the cloud is stopped and started again, its broker is killed, power
# fails. The device comes back by itself and goes on where it was.
set -eu
. "$(dirname "$0")/lib.sh"

start_cloud --rate 40
mqtt_port=$(fact mqtt_port)
provisioned_device
make_release 1.0.1 440
create_update 1.0.1

# The last block that the device has logged, as NUMBER/TOTAL.
last_block() {
    grep -a '\] block ' "$work/device.log" | tail -n 1 | sed 's/.*\] block \([0-9]*\/[0-9]*\) .*/\1/'
}

# Blocks keep coming, and not all have come.
in_mid_download() {
    skip_lines device
    expect device "[OTA       ] block "
    expect device "[OTA       ] block "
    never device "blocks are on flash; checking" 0
}

# went_on TEXT BEFORE: the line with this text names a block at which the download goes on: not
# before the one that it had come to, and not the end.
went_on() {
    expect device "$1"
    at=$(sed -n "${read_device}s/.*block \([0-9]*\/[0-9]*\).*/\1/p" "$work/device.log")
    { [ "${at%/*}" -ge "${2%/*}" ] && [ "${at%/*}" -lt "${at#*/}" ]; } ||
        fail "it went on at block $at, having come to $2"
}

step "SIGTERM in mid-download ends the cloud and its broker in order"
in_mid_download
broker=$(cat "/proc/$cloud/task/$cloud/children")
[ -n "$broker" ] || fail "the cloud has no broker"
stop_cloud
[ ! -e "$work/cloud/cloud.json" ] || fail "cloud.json is still there"
for pid in $broker; do
    ! alive "$pid" || fail "the broker is still running"
done
expect cloud "stopping (SIGTERM)"
expect cloud "stopped"
expect device "off line"
before=$(last_block)
type_line version
expect device "Otter firmware 1.0.0 on posix"

step "a second start finds thing, update and job again, and the device comes back by itself"
start_cloud --rate 40 --mqtt-port "$mqtt_port"
expect device "on line as device"
went_on "] block " "$before"
kill -STOP "$device" # the download must not end while the CLI is at work
status=$(ask otaUpdateInfo.otaUpdateStatus iot get-ota-update --ota-update-id update-1-0-1)
[ "$status" = CREATE_COMPLETE ] || fail "the update is $status"
[ "$(ask thingName iot describe-thing --thing-name device)" = device ] || fail "no thing"
kill -CONT "$device"

step "the broker is killed"
in_mid_download
kill -KILL "$(cat "/proc/$cloud/task/$cloud/children")"
expect cloud "Mosquitto ended"
expect cloud "Mosquitto started again"
expect device "off line"
before=$(last_block)
expect device "on line as device"
went_on "] block " "$before"

step "power is cut"
in_mid_download
power_cut
before=$(last_block)
power_on
went_on "going on at block" "$before"

step "the update completes"
expect device "code signature and image verified"
expect device "Otter firmware 1.0.1 (build 1.0.1) on posix"
expect device "job AFR_OTA-update-1-0-1 is done: accepted v1.0.1"
[ "$(job_status AFR_OTA-update-1-0-1)" = SUCCEEDED ] || fail "the update did not succeed"

step "the cloud is killed: its broker goes too, and a start on the folder works"
broker=$(cat "/proc/$cloud/task/$cloud/children")
kill -KILL "$cloud"
wait "$cloud" 2>/dev/null || true
broker_gone() {
    ! alive "$broker"
}
wait_until "the broker ends with its cloud" broker_gone
rm -f "$work/cloud/cloud.json" # of the one that was killed: start_cloud waits for the new one
start_cloud --mqtt-port "$mqtt_port"
expect device "on line as device, version 1.0.1"
[ "$(job_status AFR_OTA-update-1-0-1)" = SUCCEEDED ] || fail "the job is forgotten"
stop_cloud
echo "passed"
