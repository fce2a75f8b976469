#!/bin/sh
# A board's Ethernet in its twin, without a cloud: no cable at the start, a cable that comes and
# goes, a controller that meets a bus error or stands still. Each time the board finds its address.
#
#   twin_ethernet.sh BOARD
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"

sign_image 1.0.0 "$built/firmware/firmware-1.0.0.bin" "$work/1.0.0.bin"
merge "$work/1.0.0.bin" "$work/merged.hex"

gets_its_address() {
    expect device "link up"
    expect device "address 10.0.2.15, gateway 10.0.2.2"
}

step "no cable at the start: the board starts, and goes on when one comes"
twin "$work/flash" --hex "$work/merged.hex" --modem-fault rx-bus-error@2
wait_until "the flash is there" [ -e "$work/flash" ]
kill -USR1 "$device"
expect device "the link is gone"
expect device "not provisioned"
never device "link up" 0
kill -USR1 "$device"
expect device "link up"

step "a bus error while it asks for its address"
expect device "the Ethernet controller met a bus error: it is started anew"
expect device "link down"
gets_its_address
[ "$(grep -c 'it is started anew' "$work/device.log")" -eq 1 ] || fail "it was started anew again"

step "a cable that goes and comes back"
kill -USR1 "$device"
expect device "link down"
kill -USR1 "$device"
expect device "Ethernet at 100 Mbit/s, full duplex"
expect device "link up"
stop_twin

step "a frame that does not go out"
twin "$work/flash" --modem-fault tx-stuck@2
expect device "the Ethernet controller does not send: it is started anew"
gets_its_address
stop_twin
echo "passed"
