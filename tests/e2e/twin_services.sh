#!/bin/sh
# A board's firmware with all services in its twin, provisioned by what lies behind its image, at the local
# cloud: Device Defender's report is accepted, telemetry is heard, an SNTP server's time is taken, and the
# shadow says what the device is. It needs the board built so:
#   ./otter build --board BOARD --services all && sh tests/e2e/twin_services.sh BOARD
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"
{ grep -q shadow "$built/firmware/services" && grep -q provision "$built/firmware/services"; } 2>/dev/null ||
    skip "$board is not built with --services all"
need mosquitto_sub python3

start_cloud --limit greeting=120
make_certificate watcher
register watcher "$work/watcher.crt"
mosquitto_sub -h localhost -p "$(fact mqtt_port)" --cafile "$work/cloud/root_ca.pem" -i watcher \
    --cert "$work/watcher.crt" --key "$work/watcher.key" -t 'data/#' -v -C 6 >"$work/heard" &
watcher=$!
background=$watcher
python3 "$root/tests/e2e/sntp_server.py" >"$work/sntp_port" &
background="$background $!"
wait_until "the SNTP server listens" test -s "$work/sntp_port"
lamp_to_image <<END
conf set wifi_ssid workshop
conf set wifi_credential otter-demo
conf set telemetry_period_s 5
conf set telemetry_topic data/lamp
conf set sntp_server localhost
conf set sntp_port $(cat "$work/sntp_port")
END
sign_image 1.0.0 "$built/firmware/firmware-1.0.0.bin" "$work/1.0.0.bin"
"$otter" provision --to-image "$work/1.0.0.bin" --from "$work/lamp.conf" -o "$work/provisioned.bin" --quiet
merge "$work/provisioned.bin" "$work/merged.hex"

step "first boot, and on line"
twin "$work/flash" --hex "$work/merged.hex"
expect device "provisioned already, skip" # what stands before it may be cut short by the reset
provisioned=$read_device # the time may come before the rest
expect device "on line as lamp, version 1.0.0"

step "Device Defender takes its report, and telemetry is heard"
expect device "report 1 accepted"
wait "$watcher" || fail "telemetry was not heard"
grep -q "^data/lamp/network_stats {" "$work/heard" || fail "no network_stats: $(cat "$work/heard")"

# What the twin's sensors measure (twin/machines/), read by their drivers.
case $board in
b-u585i-iot02a)
    grep -q '"temp_0_c": 23\.[34].*"baro_mbar": 987\.[56]' "$work/heard" || fail "other air: $(cat "$work/heard")"
    grep -q '"gyro_mDPS":{"x": 140,"y": -70,"z": 210}' "$work/heard" || fail "other motion: $(cat "$work/heard")"
    ;;
esac

step "the shadow says what it is"
shadow_has() {
    aws iot-data get-thing-shadow --thing-name lamp "$work/shadow.json" >/dev/null 2>&1 &&
        grep -q -F -e "\"version\":\"1.0.0\",\"board\":\"$board\"" "$work/shadow.json"
}
wait_until "the shadow has version and board" shadow_has

step "the time, by SNTP"
read_device=$provisioned
expect device "SNTP says 1"
echo passed
