#!/bin/sh
# The NuMaker-IoT-M467's own programs in its twin, without a cloud.
#
#   twin_m467.sh selftest         the port's self-test: flash rules, resets, watchdog, console, entropy
#   twin_m467.sh swap [--full]    an update from slot to slot with power cuts, and its way back; --full:
#                                 with more than 20, then one in every 37th flash operation, too
#   twin_m467.sh console          console on a pseudo-terminal; trace; one twin to a flash
set -eu
. "$(dirname "$0")/lib.sh"

board=numaker-iot-m467
built=$root/build/$board
part=$1
[ -f "$built/ports/nuvoton/port_selftest.bin" ] || skip "build/$board is not built"

sign() { # sign VERSION PROGRAM OUT
    "$otter" sign -k "$built/keys/boot-signing.pem" -v "$1" --header-size 0x1000 --pad-header \
        -S 0x73000 --align 4 --max-align 8 -M 115 "$2" "$3" >/dev/null
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

selftest() { # run_selftest OPTION…
    rm -rf "$work/flash"
    rm -f "$work/keys"
    mkfifo "$work/keys"
    input=$work/keys
    twin "$work/flash" --hex "$work/selftest.hex" "$@" &
    exec 3>"$work/keys"
    input=
    "$otter" twin --help >/dev/null
}

selftest() {
    sign 1.0.0 "$built/ports/nuvoton/port_selftest.bin" "$work/selftest.bin"
    "$otter" merge -o "$work/selftest.hex" "$built/firmware/bootloader.bin@0x0" \
        "$work/selftest.bin@0x10000" >/dev/null
    # What the firmware expects: '0' + n % 64, 8192 times.
    awk 'BEGIN { for (n = 0; n < 8192; n++) printf "%c", 48 + n % 64 }' >"$work/stream"
    mkfifo "$work/keys"
    exec 3<>"$work/keys"
    input=$work/keys

    step "with entropy"
    twin "$work/flash" --hex "$work/selftest.hex"
    expect device "stream of 8192 bytes?"
    cat "$work/stream" >&3
    expect device "selftest done"
    stop_twin
    grep -q "selftest done: 0 failed" "$work/device.log" || fail "a check did not hold"
    grep -q "selftest stage 3" "$work/device.log" || fail "a stage is missing"
    grep -q "ok random bytes differ" "$work/device.log" || fail "no random bytes"
    [ "$(grep -c '^FAIL' "$work/device.log")" -eq 0 ] || fail "a check did not hold"
    grep '^stream:' "$work/device.log"

    step "without entropy there are no random bytes"
    twin "$work/bare" --hex "$work/selftest.hex" --no-entropy
    expect device "keys and connections are refused"
    expect device "random: cryptographic operation failed"
    stop_twin
}

# ---- a swap ----

# program LETTER: seven pages that sleep: a stack, the place of the code (behind vectors of 0x40
# bytes), wfi; b .-2
program() {
    printf '\000\200\000\040\101\020\001\000'
    head -c 56 /dev/zero
    printf '\060\277\375\347'
    head -c 24000 /dev/zero | tr '\0' "$1"
}

# Bootloader, 1.0.0, and 1.0.1 with a request for a trial, as they lie in the flash before the first
# step of a swap.
prepare_swap() {
    program a >"$work/a"
    program b >"$work/b"
    sign 1.0.0 "$work/a" "$work/1.0.0.bin"
    sign 1.0.1 "$work/b" "$work/1.0.1.bin"
    "$otter" merge -o "$work/both.hex" "$built/firmware/bootloader.bin@0x0" "$work/1.0.0.bin@0x10000" \
        "$work/1.0.1.bin@0x83000" >/dev/null
    "$otter" create-trailer -S 0x73000 --align 4 --max-align 8 -M 115 --hex-addr 0x83000 \
        "$work/request.hex" >/dev/null
    twin "$work/before" --hex "$work/both.hex" --hex "$work/request.hex" --cut-after 1
    ends 3 "power cut after"
}

cuts=0

cut_or_booted() { # cut_or_booted VERSION
    ! alive "$device" || seen device "Image version: v$1"
}

# swap_with_cuts VERSION EVERY: restarts after each cut, until the image of this version is started.
# A part of a swap takes 1025 operations: fewer between two cuts, and it would begin anew each time.
swap_with_cuts() {
    while :; do
        twin "$work/flash" --cut-in-operation "$(($2 + cuts * 97 % 400))"
        wait_until "a cut, or $1" cut_or_booted "$1"
        alive "$device" || { ends 3 "power cut after" && cuts=$((cuts + 1)) && continue; }
        stop_twin
        return 0
    done
}

swap() {
    prepare_swap
    cp -r "$work/before" "$work/flash"
    every=2600
    [ "${1:-}" != --full ] || every=1100

    step "an update, with power cuts in its swap"
    swap_with_cuts 1.0.1 "$every"
    grep -q "Swap type: test" "$work/device.log" || fail "there was no swap"
    echo "$cuts power cuts"
    [ "$cuts" -ge 4 ] || fail "these were too few"
    step "the way back, as nobody has confirmed it"
    [ "${1:-}" = --full ] || every=100000 # without cuts
    swap_with_cuts 1.0.0 "$every"
    grep -q "Swap type: revert" "$work/device.log" || fail "there was no way back"
    echo "$cuts power cuts"

    [ "${1:-}" = --full ] || return 0
    step "one cut each, in every 37th operation of the swap"
    at=1
    while [ "$at" -lt 18200 ]; do
        rm -rf "$work/flash"
        cp -r "$work/before" "$work/flash"
        twin "$work/flash" --cut-in-operation "$at"
        ends 3 "power cut after"
        twin "$work/flash"
        expect device "Image version: v1.0.1"
        stop_twin
        at=$((at + 37))
    done
}

# ---- as a user runs it ----

console() {
    sign 1.0.0 "$built/firmware/firmware-1.0.0.bin" "$work/1.0.0.bin"
    "$otter" merge -o "$work/merged.hex" "$built/firmware/bootloader.bin@0x0" \
        "$work/1.0.0.bin@0x10000" >/dev/null

    step "the console is a terminal that otter console speaks to"
    "$otter" twin --board "$board" --flash "$work/flash" --hex "$work/merged.hex" \
        --console "$work/tty" >>"$work/device.log" 2>&1 &
    device=$!
    wait_until "the console is there" [ -e "$work/tty" ]
    answer=
    tries=0
    until printf '%s' "$answer" | grep -q "Otter firmware 1.0.0 (build 1.0.0) on $board"; do
        [ "$tries" -lt 20 ] || fail "the console says: $answer"
        answer=$(echo version | "$otter" console "$work/tty" 2>&1) || true
        tries=$((tries + 1))
    done

    step "a second twin does not run on the same flash"
    code=0
    said=$("$otter" twin --board "$board" --flash "$work/flash" 2>&1 </dev/null) || code=$?
    [ "$code" -eq 1 ] || fail "exit code $code"
    case $said in *"another twin runs on"*) ;; *) fail "it said: $said" ;; esac
    stop_twin

    step "a trace names registers"
    twin "$work/flash" --trace WDT --cut-in-operation 1 --cut-after 400000000
    ends 3 "power cut after"
    grep -q 'WDT.*CTL' "$work/device.log" || fail "the trace names no register"
}

case $part in
selftest) selftest ;;
swap) swap "${2:-}" ;;
console) console ;;
*) fail "there is no part $part" ;;
esac
echo "passed"
