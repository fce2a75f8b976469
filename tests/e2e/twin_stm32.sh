#!/bin/sh
# The own programs of B-U585I-IOT02A and STM32H573I-DK in their twins, without a cloud.
#
#   twin_stm32.sh BOARD selftest        the port's self-test: flash rules in both banks, resets, watchdog,
#                                       console, entropy, and units that a cut has torn
#   twin_stm32.sh BOARD swap [--full]   an update by exchange of the banks with power cuts, and its way back;
#                                       --full: one cut each, in every 23rd flash operation, too
set -eu
. "$(dirname "$0")/lib.sh"

board=$1
built=$root/build/$board
part=$2
base=0x08000000
primary=0x08010000
secondary=0x08110000
[ -f "$built/ports/stm32/port_selftest.bin" ] || skip "build/$board is not built"

sign() { # sign VERSION PROGRAM OUT
    "$otter" sign -k "$built/keys/boot-signing.pem" -v "$1" --header-size 0x400 --pad-header \
        -S 0xe8000 --align 16 --max-align 16 -M 116 --mode direct-xip "$2" "$3" >/dev/null
}

merge() {
    "$otter" merge -o "$@" >/dev/null
}

twin() { # twin FLASH OPTION…: from power-on, until it is stopped or ends; input and log are files
    flash=$1
    shift
    "$otter" twin --board "$board" --flash "$flash" "$@" <"${input:-/dev/null}" \
        >>"$work/device.log" 2>&1 &
    device=$!
}

stop_twin() {
    kill "$device"
    wait "$device" || fail "the twin ended with exit code $?"
    device=
    skip_lines device
}

# ends CODE TEXT: the twin ends by itself, with this exit code and a word.
ends() {
    code=0
    wait "$device" || code=$?
    device=
    [ "$code" -eq "$1" ] || fail "the twin ended with exit code $code, not $1"
    expect device "$2"
    skip_lines device
}

# ---- the port's self-test ----

selftest() {
    sign 1.0.0 "$built/ports/stm32/port_selftest.bin" "$work/selftest.bin"
    merge "$work/selftest.hex" "$built/firmware/bootloader.bin@$base" "$work/selftest.bin@$primary"
    # What the firmware expects: '0' + n % 64, 8192 times.
    awk 'BEGIN { for (n = 0; n < 8192; n++) printf "%c", 48 + n % 64 }' >"$work/stream"
    mkfifo "$work/keys"
    exec 3<>"$work/keys"
    input=$work/keys

    # Operations of its start: two erases and the note of the first stage, then those of the checks.
    step "a unit that a cut has torn is told, and gone with the next erase"
    for operation in 4 5 6; do
        twin "$work/flash" --hex "$work/selftest.hex" --cut-in-operation "$operation"
        ends 3 "power cut after"
    done

    step "with entropy"
    twin "$work/flash"
    expect device "torn: "
    expect device "stream of 8192 bytes?"
    cat "$work/stream" >&3
    expect device "selftest done"
    stop_twin
    grep -q "selftest done: 0 failed" "$work/device.log" || fail "a check did not hold"
    grep -q "selftest stage 3" "$work/device.log" || fail "a stage is missing"
    grep -q "ok random bytes differ" "$work/device.log" || fail "no random bytes"
    [ "$(grep -c '^FAIL' "$work/device.log")" -eq 0 ] || fail "a check did not hold"
    grep -E '^stream:|^torn: [1-9]' "$work/device.log" || fail "no torn unit was met"
    grep -q '^torn: [1-9]' "$work/device.log" || fail "no torn unit was met"

    step "without entropy there are no random bytes"
    twin "$work/bare" --hex "$work/selftest.hex" --no-entropy
    expect device "keys and connections are refused"
    expect device "random: cryptographic operation failed"
    stop_twin
}

# ---- an exchange of the banks ----

# program LETTER: three sectors that sleep: a stack, the place of the code (behind vectors of 0x40
# bytes), wfi; b .-2
program() {
    printf '\000\200\000\040\101\004\001\010'
    head -c 56 /dev/zero
    printf '\060\277\375\347'
    head -c 24000 /dev/zero | tr '\0' "$1"
}

# 1.0.0 in the first bank, 1.0.1 in the second with a request for a trial: what an update has written
# when only the option bytes are left to write. $work/one has a bootloader in the first bank alone,
# $work/both in each.
prepare_swap() {
    program a >"$work/a"
    program b >"$work/b"
    sign 1.0.0 "$work/a" "$work/1.0.0.bin"
    sign 1.0.1 "$work/b" "$work/1.0.1.bin"
    merge "$work/images.hex" "$work/1.0.0.bin@$primary" "$work/1.0.1.bin@$secondary"
    merge "$work/one.hex" "$built/firmware/bootloader.bin@$base"
    merge "$work/other.hex" "$built/firmware/bootloader.bin@0x08100000"
    "$otter" create-trailer -S 0xe8000 --align 16 --max-align 16 -M 116 --hex-addr $secondary \
        "$work/request.hex" >/dev/null
    programmed="--hex $work/one.hex --hex $work/images.hex --hex $work/request.hex"
    # shellcheck disable=SC2086 # a list of words
    twin "$work/one" $programmed --cut-after 1
    ends 3 "power cut after"
    # shellcheck disable=SC2086
    twin "$work/both" $programmed --hex "$work/other.hex" --cut-after 1
    ends 3 "power cut after"
}

fresh() { # fresh NAME: $work/flash as it was kept
    rm -rf "$work/flash"
    cp -r "$work/$1" "$work/flash"
}

started() {
    tail -n "+$((read_device + 1))" "$work/device.log" | tr -cd '\n\040-\176' |
        sed -n 's/.*Image version: v\([0-9.]*\).*/\1/p' | head -n 1
}

# Leaves in $version which image the device starts, "" when the power is cut before.
cut_or_started() {
    version=$(started)
    [ -n "$version" ] || ! alive "$device"
}

# power_on [OPTION…]: from power-on until an image is started, or the power is cut as asked.
cuts=0
power_on() {
    twin "$work/flash" "$@"
    wait_until "an image is started, or the power is cut" cut_or_started
    if [ -n "$version" ]; then
        stop_twin
    else
        ends 3 "power cut after"
        cut_at=$(sed -n 's/.*power cut after \([0-9]*\).*/\1/p' "$work/device.log" | tail -n 1)
        cuts=$((cuts + 1))
    fi
}

starts() { # starts VERSION: from power-on, without a cut
    power_on
    [ "$version" = "$1" ] || fail "version $version is started, not $1"
}

# life NAME OPTION…: the update from there with a cut; then it is on trial, and at the next power-on
# taken back, for good.
life() {
    fresh "$1"
    shift
    power_on "$@"
    [ -n "$version" ] || starts 1.0.1
    starts 1.0.0
    starts 1.0.0
}

# way_back OPTION…: the same for a cut when the new image has had its trial.
way_back() {
    fresh trial
    power_on "$@"
    starts 1.0.0
    starts 1.0.0
}

swap() {
    prepare_swap

    step "the other bank gets the bootloader before it is needed"
    fresh one
    power_on
    [ "$version" = 1.0.1 ] || fail "version $version is started"
    grep -q "this bootloader goes to the other bank" "$work/device.log" || fail "it did not"
    starts 1.0.0
    grep -q "Swap type: revert" "$work/device.log" || fail "there was no way back"

    step "cuts while it gets it"
    for operation in 1 2 300 700; do
        life one --cut-in-operation "$operation"
    done

    step "cuts at the change of the option bytes: before it, within it, after it"
    life both --cut-in-operation 1
    change=$cut_at
    for clocks in $((change - 20000)) $((change - 20)) $((change + 20)) $((change + 2000000)); do
        life both --cut-after "$clocks"
    done

    step "a cut in the note that the trial has begun: it counts as begun, or it begins anew"
    fresh both
    power_on --cut-in-operation 2
    [ -z "$version" ] || fail "there was no such note"
    power_on
    echo "then $version is started"
    starts 1.0.0
    starts 1.0.0

    step "cuts on the way back"
    fresh both
    starts 1.0.1
    rm -rf "$work/trial"
    cp -r "$work/flash" "$work/trial"
    way_back --cut-in-operation 1
    change=$cut_at
    way_back --cut-after $((change - 20))
    way_back --cut-after $((change + 20))
    echo "$cuts power cuts"
    [ "$cuts" -ge 10 ] || fail "these were too few"

    [ "${1:-}" = --full ] || return 0
    step "one cut each, in every 23rd flash operation"
    operation=3
    while :; do
        fresh one
        power_on --cut-in-operation "$operation"
        [ -z "$version" ] || break
        power_on # 1.0.0 where the cut was in the note of the trial
        starts 1.0.0
        starts 1.0.0
        operation=$((operation + 23))
    done
}

case $part in
selftest) selftest ;;
swap) swap "${3:-}" ;;
*) fail "there is no part $part" ;;
esac
echo "passed"
