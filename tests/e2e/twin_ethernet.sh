#!/bin/sh
# A board's Ethernet in its twin, without a cloud: no cable at the start, a cable that comes and
# goes, a controller that meets a bus error or stands still. Each time the board finds its address.
#
#   twin_ethernet.sh BOARD
set -eu
. "$(dirname "$0")/lib.sh"

board=$1
built=$root/build/$board
description=$root/build/host/boards/$board.json
[ -f "$built/firmware/bootloader.bin" ] || skip "build/$board is not built"
patience_s=240 # a twin computes at a fraction of its board's speed

slot_size=$(tr -d ' \n' <"$description" | sed 's/.*"primary":{[^}]*"size":\([0-9]*\)}.*/\1/')
"$otter" sign -k "$built/keys/boot-signing.pem" -v 1.0.0 --header-size 0x1000 --pad-header \
    -S "$slot_size" --align 4 "$built/firmware/firmware-1.0.0.bin" "$work/1.0.0.bin" >/dev/null
"$otter" merge -o "$work/merged.hex" "$built/firmware/bootloader.bin@0x0" \
    "$work/1.0.0.bin@0x10000" >/dev/null

twin() { # twin OPTION…
    skip_lines device
    "$otter" twin --board "$board" --flash "$work/flash" "$@" </dev/null >>"$work/device.log" 2>&1 &
    device=$!
}

stop_twin() {
    kill "$device"
    wait "$device" || fail "the twin ended with exit code $?"
    device=
}

gets_its_address() {
    expect device "link up"
    expect device "address 10.0.2.15, gateway 10.0.2.2"
}

step "no cable at the start: the board starts, and goes on when one comes"
twin --hex "$work/merged.hex" --modem-fault rx-bus-error@2
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
twin --modem-fault tx-stuck@2
expect device "the Ethernet controller does not send: it is started anew"
gets_its_address
stop_twin
echo "passed"
