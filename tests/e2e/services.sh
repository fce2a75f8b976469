#!/bin/sh
# services.sh posix|mps2-an505: Device Defender, telemetry and time, from the device (the firmware as a
# process, or on the emulated board) to what the AWS CLI and a subscriber are told of them; and a time
# mark that is ahead.
set -eu
board=$1
. "$(dirname "$0")/lib.sh"
need mosquitto_sub python3

. "$(dirname "$0")/emulated.sh"

start_cloud --keep-metrics 1
provisioned_device

step "a security profile and a subscriber"
aws iot create-custom-metric --metric-name resets --metric-type number --client-request-token 1 \
    >/dev/null
cat >"$work/behaviors.json" <<'JSON'
[{"name": "resets", "metric": "resets", "criteria": {
    "comparisonOperator": "less-than", "value": {"number": 2}}},
 {"name": "connections", "metric": "aws:num-established-tcp-connections", "criteria": {
    "comparisonOperator": "less-than-equals", "value": {"count": 8}}}]
JSON
aws iot create-security-profile --security-profile-name calm \
    --behaviors "file://$work/behaviors.json" >/dev/null
aws iot attach-security-profile --security-profile-name calm \
    --security-profile-target-arn "$(arn all/things)"
make_certificate watcher
register watcher "$work/watcher.crt"
mosquitto_sub -h localhost -p "$(fact mqtt_port)" --cafile "$work/cloud/root_ca.pem" -i watcher \
    --cert "$work/watcher.crt" --key "$work/watcher.key" -t 'data/#' -v -C 9 -W $patience_s \
    >"$work/heard" &
background=$!
expect cloud "watcher"

step "the device, restarted with both services on, is heard"
for setting in defender_period_s=1 defender_form=json-long telemetry_period_s=1 \
    telemetry_topic=data/device; do
    type_line "conf set ${setting%%=*} ${setting#*=}"
    expect device "${setting%%=*}="
done
type_line "conf commit"
expect device "Configuration saved"
type_line reset
expect device "on line as device, version 1.0.0"
expect device "accepted"
expect device "accepted"
wait "$background" || fail "telemetry was not heard"
background=
for topic in env_sensor_data motion_sensor_data network_stats; do
    grep -q "^data/device/$topic {" "$work/heard" || fail "no $topic: $(cat "$work/heard")"
done
grep -q '"temp_0_c": [12][0-9]\.[0-9]*, "rh_pct": ' "$work/heard" || fail "$(cat "$work/heard")"
type_line stat
expect device "reports accepted, 0 rejected"
expect device "messages sent"

step "the cloud tells what it was told"
# The last: a report of the start before, sent once the metric was known, told of one reset less.
values=$(ask 'metricDatumList[-1].value.number' iot list-metric-values --thing-name device \
    --metric-name resets --start-time 0 --end-time 4000000000)
[ "$values" = 2.0 ] || [ "$values" = 2 ] || fail "$values resets"
violations=$(ask 'activeViolations[].[behavior.name,thingName,lastViolationValue.number]' \
    iot list-active-violations)
case $violations in
resets*device*2*) ;;
*) fail "the violations are: $violations" ;;
esac

step "what is not in order is rejected, and the device pauses"
type_line "conf set defender_form cbor"
expect device "defender_form="
type_line "conf commit"
expect device "Configuration saved"
aws iot create-custom-metric --metric-name blocks --metric-type string-list \
    --client-request-token 2 >/dev/null
type_line reset
expect device "on line as device, version 1.0.0" # what was rejected before does not count
expect cloud "device: report rejected: Malformed metrics report: the custom metric blocks"
expect device "report rejected: InvalidPayload, Malformed metrics report: the custom metric blocks"

step "a time mark that is ahead refuses the cloud, until SNTP and the cloud agree that it is wrong"
for setting in defender_form=json time_hwm=4000000000; do
    type_line "conf set ${setting%%=*} ${setting#*=}"
    expect device "${setting%%=*}="
done
type_line "conf commit"
expect device "Configuration saved"
type_line reset
expect device "a certificate ended at "
expect device "time_hwm says that it is 40000000"
python3 "$root/tests/e2e/sntp_server.py" >"$work/sntp_port" &
background=$!
wait_until "the SNTP server listens" test -s "$work/sntp_port"
for setting in sntp_server=localhost "sntp_port=$(cat "$work/sntp_port")"; do
    type_line "conf set ${setting%%=*} ${setting#*=}"
    expect device "${setting%%=*}="
done
type_line "conf commit"
expect device "Configuration saved"
type_line reset
expect device "SNTP says 1"
expect device "connecting on probation"
expect device "on line as device, version 1.0.0"
expect device "time_hwm was ahead: 4000000000, the cloud says 1"
type_line "conf get time_hwm"
expect device "time_hwm=1"
