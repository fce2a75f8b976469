#!/bin/sh
# A board that comes with a claim certificate, in its twin, becomes the thing that its chip's unique number names, and
# has stored no serial number. It needs the board built so:
#   ./otter build --board BOARD --services all && sh tests/e2e/twin_claim.sh BOARD
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"
{ grep -q fleet "$built/firmware/services" && grep -q provision "$built/firmware/services"; } 2>/dev/null ||
    skip "$board is not built with --services all"

case $board in # what the twin's factory has written
numaker*) serial=4f5454016065651271767623 ;;
*) serial=002b00364e4b500f20353037 ;;
esac

start_cloud --limit greeting=120
. "$root/tests/e2e/fleet_owner.sh"
cat >"$work/claim.conf" <<END
conf set mqtt_endpoint localhost
conf set mqtt_port $(fact mqtt_port)
conf set wifi_ssid workshop
conf set wifi_credential otter-demo
conf set fleet_template lamps
pki import cert root_ca_cert < $(fact root_ca)
pki import cert fleetprov_claim_cert < claim.crt
pki import key fleetprov_claim_key < claim.key
END
sign_image 1.0.0 "$built/firmware/firmware-1.0.0.bin" "$work/1.0.0.bin"
"$otter" provision --to-image "$work/1.0.0.bin" --from "$work/claim.conf" -o "$work/provisioned.bin" --quiet
merge "$work/provisioned.bin" "$work/merged.hex"

step "first boot, its claim, and on line as itself"
open_console
twin "$work/flash" --hex "$work/merged.hex"
expect device "provisioning by claim: template lamps, serial number $serial"
expect device "provisioned as lamp-$serial"
expect device "on line as lamp-$serial, version 1.0.0"
type_line "conf get fleet_serial"
expect device 'fleet_serial=""'
[ "$(ask 'length(principals)' iot list-thing-principals --thing-name "lamp-$serial")" = 1 ] || fail "there is not one certificate"
echo passed
