#!/bin/sh
# The own programs of B-U585I-IOT02A and STM32H573I-DK in their twins, without a cloud.
#
#   twin_stm32.sh BOARD selftest        the port's self-test: flash rules in both banks, resets, watchdog,
#                                       console, entropy, and units that a cut has torn
#   twin_stm32.sh BOARD swap [--full]   an update by exchange of the banks with power cuts, and its way back;
#                                       --full: one cut each, in every third flash operation, too
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

fresh() { # fresh one|both: $work/flash as prepared
    rm -rf "$work/flash"
    cp -r "$work/$1" "$work/flash"
}

boots() { # boots VERSION: from power-on, without a cut
    twin "$work/flash"
    expect device "Image version: v$1"
    stop_twin
}

cut_or_booted() { # cut_or_booted VERSION
    ! alive "$device" || seen device "Image version: v$1"
}

# cut_in OPERATION VERSION: power-on with a cut there; true if it came before this version was started.
cut_in() {
    twin "$work/flash" --cut-in-operation "$1"
    wait_until "a cut, or $2" cut_or_booted "$2"
    if alive "$device"; then
        stop_twin
        return 1
    fi
    ends 3 "power cut after"
    cuts=$((cuts + 1))
}

# a_life FROM OPERATION: an update with a cut there, then another on the way back; each ends where it
# must, and the bootloader of either bank has run.
a_life() {
    fresh "$1"
    cut_in "$2" 1.0.1 || true
    boots_trial_or_back
}

cuts=0
