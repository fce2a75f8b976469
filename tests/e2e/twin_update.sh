#!/bin/sh
# An update over the air to a board in its twin, through a power cut in each part of its download, each
# start with a modem that goes wrong in another way, then with the access point or the cable pulled.
#
#   twin_update.sh BOARD [calm|--full]    calm: the power cuts alone; --full: every kind of fault, in twenty
#                                         parts; on an SD card five
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"

full=${2:-}
firmware=$built/firmware/firmware
network=$(text network)
# What goes wrong with the board's modem: kinds of the default run, the last one in the start that no power
# cut ends, and of the full one; none by cable.
case $network in
esp8266) # four to each board, so that all have their turn
    case $board in
    *-m467) kinds="restarts drops refuses noise" ;;
    *-m487) kinds="busy hangs no-prompt eats" ;;
    *) kinds="mute loses send-fail no-wifi" ;;
    esac
    more="busy mute hangs restarts noise loses refuses no-prompt send-fail drops eats no-wifi"
    ;;
emw3080)
    kinds="restarts drops hangs blinks"
    more="flow-late flow-never flow-once bad-header hangs mute drops blinks restarts rejects event reorders"
    ;;
*) kinds= more= ;;
esac
has_modem() {
    [ -n "$kinds" ]
}
# The three starts of the default run are three of the 20 cuts and more that a board gets in a download and an
# installation: the others are made by twin_board.sh and twin_stm32.sh.

start_cloud --limit greeting=120
open_console
provisioned_device
make_release 1.0.1
create_update 1.0.1
expect device "[OTA       ] block 1/"

last_block() {
    grep -a '\] block ' "$work/device.log" | tail -n 1 | sed 's/.*\] block \([0-9]*\)\/.*/\1/'
}

# Flash operations of a block of 4 KiB: by units of the chip, by pages beside it. On a card they are blocks
# of 512 bytes, and the window that is erased anew after each start takes more than a hundred.
most=20
pause_at=30 # behind what is made ready at a start
block_operations=20
[ "$(place secondary 1)" -ne 0 ] || block_operations=$((4096 / $(device_number 0 write_size) + 1))
[ ! -f "$work/flash/sd-card.bin" ] || { block_operations=36 && most=5 && pause_at=200; }

has_outer_memory() { # for the new image, beside the chip: an SPI flash, an SD card
    [ "$(place secondary 1)" -ne 0 ]
}

has_waited() {
    [ -n "$(find_line device "$last_start" "flash does not answer; waiting for it")" ]
}

kind_of() { # kind_of PART: in their turn
    echo $kinds | cut -d ' ' -f $(($1 % $(echo $kinds | wc -w) + 1))
}

command_of() { # command_of KIND: at which of the commands; what a modem can reject are only its first ones
    case $1 in
    rejects) echo 1 ;;
    *) echo $((25 + part * 5 % 10)) ;;
    esac
}

blocks=$(($(stat -c %s "$work/1.0.1.bin") / 4096))

step "power cuts in the download, and but for calm at each start a modem that goes wrong"
parts=3
case $full in
calm) kinds= && parts=4 ;;
--full) kinds=$more && parts=$most ;;
esac
stop_twin
part=0
before=0
while [ "$part" -lt "$parts" ]; do
    set -- --cut-in-operation $((blocks * block_operations / (parts + 1) + part * 401 % block_operations))
    ! has_modem || kind=$(kind_of "$part")
    ! has_modem || set -- "$@" --modem-fault "$kind@$(command_of "$kind")"
    from=$(lines device)
    twin "$work/flash" "$@"
    wait_until "a cut in part $part" not_alive "$device"
    ends 3 "power cut after"
    ! has_modem || grep -q "the modem goes wrong: $kind" "$work/device.log" || fail "$kind did not come"
    never device "blocks are on flash; checking" "$from"
    at=$(tail -n "+$((from + 1))" "$work/device.log" | sed -n 's/.*going on at block \([0-9]*\)\/.*/\1/p' | head -n 1)
    { [ -n "$at" ] && [ "$at" -ge "$before" ]; } || fail "it goes on at '$at' and not behind $before"
    before=$at
    part=$((part + 1))
done
echo "$part power cuts, and $before blocks when the last one came"

last_start=$(lines device)
pace= # TLS, blocks, check, trial and confirmation with a look at each access
set --
! has_modem || set -- --modem-fault "$(kind_of "$part")@40"
case $board in
*-m467) set -- "$@" --modem-delay 30 ;;
esac
! has_outer_memory || set -- "$@" --memory-fault "pauses@$pause_at"
twin "$work/flash" "$@"
expect device "going on at block"
if [ "$full" != calm ]; then
    step "the link is gone and comes back"
    expect device "[OTA       ] block "
    link_blinks
    ! has_modem || [ -n "$(find_line device "$last_start" "the modem goes wrong: $(kind_of "$part")")" ] ||
        fail "$(kind_of "$part") did not come"
fi

if has_outer_memory; then
    step "the memory of the new image is busy for seconds"
    wait_until "the update agent waits for it" has_waited
fi

step "the update completes"
expect device "code signature and image verified"
expect device "Image version: v1.0.1"
expect device "on line as device, version 1.0.1"
expect device "job AFR_OTA-update-1-0-1 is done: accepted v1.0.1"
[ "$(job_status AFR_OTA-update-1-0-1)" = SUCCEEDED ] || fail "the job is $(job_status AFR_OTA-update-1-0-1)"
stop_twin
echo "passed"
