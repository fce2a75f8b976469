#!/bin/sh
# A board's firmware with all services in its twin, provisioned by what lies behind its image, at the local
# cloud: it is on line and Device Defender's report is accepted. By hand, as it needs the board built so:
#   ./otter build --board BOARD --services all && sh tests/e2e/twin_services.sh BOARD
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"
grep -q shadow "$built/firmware/services" 2>/dev/null || skip "$board is not built with --services all"

start_cloud --limit greeting=120
make_certificate lamp
register lamp "$work/lamp.crt"
cat >"$work/lamp.conf" <<END
conf set thing_name lamp
conf set mqtt_endpoint localhost
conf set mqtt_port $(fact mqtt_port)
conf set wifi_ssid workshop
conf set wifi_credential otter-demo
conf set telemetry_period_s 5
conf set telemetry_topic data/lamp
pki import cert root_ca_cert < $(fact root_ca)
pki import cert tls_cert < lamp.crt
pki import key tls_key_priv < lamp.key
END
sign_image 1.0.0 "$built/firmware/firmware-1.0.0.bin" "$work/1.0.0.bin"
"$otter" provision --to-image "$work/1.0.0.bin" --from "$work/lamp.conf" -o "$work/provisioned.bin" --quiet
merge "$work/provisioned.bin" "$work/merged.hex"

step "first boot, and on line"
twin "$work/flash" --hex "$work/merged.hex"
expect device "restarting: provisioned for development"
expect device "on line as lamp, version 1.0.0"
expect device "report "
expect device "accepted"
echo passed
