#!/bin/sh
# The own programs of B-U585I-IOT02A and STM32H573I-DK in their twins, without a cloud.
#
#   twin_stm32.sh BOARD selftest        the port's self-test: flash rules in both banks, resets, watchdog,
#                                       console, entropy, and units that a cut has torn
#   twin_stm32.sh BOARD swap [--full]   an update by exchange of the banks with power cuts, and its way back;
#                                       --full: many more, one in each life
#   twin_stm32.sh BOARD interrupted [N] the same with the twin killed N times at random moments, and with the
#                                       chip reset in N of its flash operations (3)
#   twin_stm32.sh BOARD programmed      merged.hex programmed to a board whose banks are exchanged, to one of
#                                       which a bank is blank, and to one that is all erased
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"

part=$2
patience_s=600 # a list of cuts has many starts
base=0x08000000
primary=0x08010000
secondary=0x08110000
[ -f "$built/ports/stm32/port_selftest.bin" ] || skip "the self-test of $board is not built"

merge_hex() {
    "$otter" merge -o "$@" >/dev/null
}

# ---- the port's self-test ----

selftest() {
    sign_image 1.0.0 "$built/ports/stm32/port_selftest.bin" "$work/selftest.bin"
    merge_hex "$work/selftest.hex" "$built/firmware/bootloader.bin@$base" "$work/selftest.bin@$primary"
    # What the firmware expects: '0' + n % 64, 20480 times.
    awk 'BEGIN { for (n = 0; n < 20480; n++) printf "%c", 48 + n % 64 }' >"$work/stream"
    open_console

    # Operations of its start: two erases and the note of the first stage, then those of the checks.
    step "what cuts in an erase and in a program have torn is told, and gone with the next erase"
    for operation in 4 5; do
        twin "$work/flash" --hex "$work/selftest.hex" --cut-in-operation "$operation"
        ends 3 "power cut after"
    done

    step "a torn unit is told, too, when its NMI comes late"
    cp -r "$work/flash" "$work/late"
    twin "$work/late" --late-nmi
    expect device "torn: "
    stop_twin
    grep -q '^torn: [1-9]' "$work/device.log" || fail "a late NMI is a fault"

    step "with entropy"
    twin "$work/flash"
    expect device "torn: "
    expect device "stream of 20480 bytes?"
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
    sign_image 1.0.0 "$work/a" "$work/1.0.0.bin"
    sign_image 1.0.1 "$work/b" "$work/1.0.1.bin"
    merge_hex "$work/images.hex" "$work/1.0.0.bin@$primary" "$work/1.0.1.bin@$secondary"
    merge_hex "$work/one.hex" "$built/firmware/bootloader.bin@$base"
    merge_hex "$work/other.hex" "$built/firmware/bootloader.bin@0x08100000"
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
        cuts=$((cuts + 1))
    fi
}

cut_clocks() { # after how many the last cut came
    sed -n 's/.*power cut after \([0-9]*\).*/\1/p' "$work/device.log" | tail -n 1
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

cut_at() { # cut_at OPERATION[@N] [OPTION…]: from power-on until that starts
    power_on --cut-at "$@"
    [ -z "$version" ] || fail "version $version is started without a cut at $1"
}

cut_in() { # cut_in N: from power-on until the middle of the N-th flash operation
    power_on --cut-in-operation "$1"
    [ -z "$version" ] || fail "version $version is started without a cut in operation $1"
}

said() { # said TEXT: since the last power-on
    tail -n "+$((from + 1))" "$work/device.log" | tr -cd '\n\040-\176' | grep -F "$1"
}

# A reset of a debugger, in which the power stays, between the U5's change of its options and the launch
# that loads them: OPTR shows the new ones then, and the old ones are in force.
reset_behind_the_options() {
    step "a debugger's reset just behind the change of the option bytes"
    fresh both
    from=$(lines device)
    power_on --reset-behind-operation 1
    [ "$version" = 1.0.1 ] || fail "version $version is started, not 1.0.1"
    orders=$(said "Starting swap" | wc -l)
    [ "$orders" -eq 1 ] || fail "the exchange is ordered $orders times"
}

stuck_banks() {
    step "a chip on which the banks do not change places starts what it has, and says so"
    fresh both
    from=$(lines device)
    power_on --stuck-banks
    [ "$version" = 1.0.0 ] || fail "version $version is started, not 1.0.0"
    said "the banks do not change places at a reset" || fail "it does not say so"
}

# One board, cut again and again.
swap() {
    prepare_swap
    # One is of account for the U5 alone, the other is worse on the H5; --full has both for each.
    [ "$board${1:-}" = stm32h573i-dk ] || reset_behind_the_options
    [ "$board${1:-}" = b-u585i-iot02a ] || stuck_banks
    fresh one

    # A sector's erase and 512 units, then one's erase and some 230; the one that is cut begins anew.
    step "the other bank gets the bootloader before it is needed: cuts meanwhile, and before the option bytes"
    cut_at option-change --cuts 1,80,160,240,320,400,480,513,before:erase@2,before:erase,1,30,60,90,120,150,200
    cuts=$((cuts + 17))
    [ "$(grep -c "power cut after" "$work/device.log")" -ge "$cuts" ] || fail "these were too few"
    grep -q "this bootloader goes to the other bank" "$work/device.log" || fail "it does not"

    step "cuts at the option bytes: within, after, and in the note that the trial has begun"
    cut_in 1
    clocks=$(cut_clocks)
    power_on --cut-after $((clocks + 40))
    starts 1.0.1
    case $board in
    stm32h5*) grep -q "finishing a change of option bytes that was cut" "$work/device.log" ||
        fail "a change of the option bytes that was cut is not finished" ;;
    esac

    step "the way back, as nobody has confirmed it: cuts before and within the option bytes"
    grep -q "Swap type: revert" "$work/device.log" && fail "this was too early"
    cut_at option-change
    grep -q "Swap type: revert" "$work/device.log" || fail "there is no way back"
    cut_in 1
    starts 1.0.0
    sed -n 's/.*power cut after/  power cut after/p' "$work/device.log" | tail -n +3
    echo "$cuts power cuts"
    [ "$cuts" -ge 20 ] || fail "these were too few"

    [ "${1:-}" = --full ] || return 0
    many_lives
}

many_lives() {
    step "cuts all around the change of the option bytes"
    life both --cut-in-operation 1
    clocks=$(cut_clocks)
    for after in -20000 -20 20 2000 2000000 3300000 5100000; do
        life both --cut-after $((clocks + after))
    done

    step "a cut in the note that the trial has begun: it counts as begun, or it begins anew"
    fresh both
    cut_in 2
    power_on
    starts 1.0.0
    starts 1.0.0

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
    echo "$cuts power cuts"
}

# ---- killed and reset ----

# An update for good, that it ends in 1.0.1 however often it begins anew.
interrupted() {
    prepare_swap
    "$otter" create-trailer --confirm -S 0xe8000 --align 16 --max-align 16 -M 116 --hex-addr $secondary \
        "$work/request.hex" >/dev/null
    twin "$work/one" --hex "$work/request.hex" --cut-after 1
    ends 3 "power cut after"
    n=${1:-3}
    fresh one
    step "killed $n times"
    killed "$n" 1.0.1
    lies 2 1.0.1
    step "reset in $n flash operations"
    while [ "$n" -gt 0 ]; do
        fresh one
        at=$((1 + $(chance 800)))
        echo "in operation $at"
        reset_in 1.0.1 "$at"
        lies 2 1.0.1
        n=$((n - 1))
    done
}

# ---- a programmer ----

bank_size=$((0x100000))

# blank BANK COUNT: so many banks from there on, as a programmer erases them; options stay.
blank() {
    for file in flash.bin:1 flash-ecc.bin:16; do
        size=$((bank_size / ${file#*:}))
        head -c $((size * $2)) /dev/zero | tr '\0' '\377' |
            dd of="$work/flash/${file%:*}" bs=4096 seek=$((size * ($1 - 1) / 4096)) conv=notrunc status=none
    done
}

# lies BANK VERSION: that bank, whichever is mapped first, has this image.
lies() {
    tail -c +$((bank_size * ($1 - 1) + primary - base + 1)) "$work/flash/flash.bin" | head -c 20000 |
        cmp -s -n 20000 - "$work/$2.bin" || fail "bank $1 does not hold $2"
}

# merged VERSION: what `otter build` makes: the image once, the bootloader twice.
merged() {
    merge "$work/$1.bin" "$work/merged-$1.hex"
}

programmed() {
    prepare_swap
    program c >"$work/c"
    sign_image 1.0.2 "$work/c" "$work/1.0.2.bin"
    sign_image 1.0.3 "$work/c" "$work/1.0.3.bin"
    merged 1.0.0
    merged 1.0.2
    "$otter" create-trailer --confirm -S 0xe8000 --align 16 --max-align 16 -M 116 --hex-addr $secondary \
        "$work/confirmed.hex" >/dev/null
    fresh both

    step "an update for good: the banks are exchanged from here on"
    power_on --hex "$work/confirmed.hex"
    [ "$version" = 1.0.1 ] || fail "version $version is started, not 1.0.1"
    lies 2 1.0.1

    step "merged.hex to that board: what it brings is started, in the bank that is mapped first"
    power_on --hex "$work/merged-1.0.2.hex"
    [ "$version" = 1.0.2 ] || fail "version $version is started, not 1.0.2"
    lies 2 1.0.2
    lies 1 1.0.0

    step "the other bank is blank: the next update brings bootloader and image there"
    blank 1 1
    merge_hex "$work/update.hex" "$work/1.0.3.bin@$secondary"
    power_on --hex "$work/update.hex" --hex "$work/request.hex"
    [ "$version" = 1.0.3 ] || fail "version $version is started, not 1.0.3"
    lies 1 1.0.3
    cmp -n "$(stat -c %s "$built/firmware/bootloader.bin")" "$work/flash/flash.bin" "$built/firmware/bootloader.bin" ||
        fail "there is no bootloader"

    step "an image that was on trial leaves its mark: merged.hex over it is taken back as well"
    power_on --hex "$work/merged-1.0.0.hex"
    [ "$version" = 1.0.2 ] || fail "version $version is started, not 1.0.2"

    step "the bank that runs is blank: nothing starts, and merged.hex mends it"
    blank 2 1
    twin "$work/flash"
    ends 1 "otter twin: "
    power_on --hex "$work/merged-1.0.0.hex"
    [ "$version" = 1.0.0 ] || fail "version $version is started, not 1.0.0"
    lies 2 1.0.0

    step "all is erased but the options, then merged.hex"
    blank 1 2
    power_on --hex "$work/merged-1.0.2.hex"
    [ "$version" = 1.0.2 ] || fail "version $version is started, not 1.0.2"
    lies 2 1.0.2
}

case $part in
interrupted) interrupted "${3:-}" ;;
programmed) programmed ;;
selftest) selftest ;;
swap) swap "${3:-}" ;;
*) fail "there is no part $part" ;;
esac
echo "passed"
