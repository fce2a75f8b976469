#!/bin/sh
# All services at work while an update comes: a setting by the shadow goes through between the
# blocks, reports and telemetry wait (app_jobs_first), the update ends as it would alone, and they go on.
#   services_update.sh posix|mps2-an505
set -eu
board=$1
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/emulated.sh"

start_cloud --rate 64 # KB/s: the download takes some seconds
provisioned_device
for setting in defender_period_s=1 telemetry_period_s=1 telemetry_topic=data/device; do
    type_line "conf set ${setting%%=*} ${setting#*=}"
    expect device "${setting%%=*}="
done
type_line "conf commit"
expect device "Configuration saved"
make_release 1.0.1 400
type_line reset
expect device "on line as device, version 1.0.0"

step "an update, and between its blocks what the services have to say"
create_update 1.0.1
expect device "[OTA       ] block "
printf '{"state":{"desired":{"powerOn":1}}}' >"$work/desired.json"
aws iot-data update-thing-shadow --thing-name device --payload "fileb://$work/desired.json" "$work/shadow.json" >/dev/null
expect device "Setting powerOn state to 1."
began=$read_device
expect device "[OTA       ] block "
expect device "blocks are on flash; checking"
sed -n "$began,${read_device}p" "$work/device.log" >"$work/meanwhile"
! grep -a -q "DEFENDER" "$work/meanwhile" || fail "a report was before the update: $(cat "$work/meanwhile")"
! grep -a -q "MQTT.*off line\|skipped a message" "$work/meanwhile" || fail "the session suffered: $(cat "$work/meanwhile")"

step "the update ends well, and the setting is there"
expect device "on line as device, version 1.0.1"
expect device "this firmware is confirmed"
expect device "accepted (defender"
is_reported() {
    aws iot-data get-thing-shadow --thing-name device "$work/shadow.json" >/dev/null 2>&1 &&
        grep -q '"reported":{[^}]*"powerOn":1' "$work/shadow.json"
}
wait_until "the shadow reports the setting" is_reported
is_over() {
    [ "$(job_status AFR_OTA-update-1-0-1)" = SUCCEEDED ]
}
wait_until "the update's job succeeds" is_over
type_line stat
expect device "messages sent"
! grep -a -q "telemetry  0 messages sent" "$work/device.log" || fail "telemetry does not come again"
echo passed
