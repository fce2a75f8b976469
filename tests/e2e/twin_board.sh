#!/bin/sh
# A board's own programs in its twin, without a cloud (twin_update.sh has those with one).
#
#   twin_board.sh BOARD selftest       the port's self-test: rules of each flash device, each broken
#                                      once, resets, watchdog, console at full speed, entropy
#   twin_board.sh BOARD swap [--full]  an update that lies in its slot, installed through 20 power cuts,
#                                      and its way back where the board has one; --full: 20 cuts there
#                                      too, then one alone in each of 48 flash operations
#   twin_board.sh BOARD interrupted [N]  an update that is installed while the twin is killed N times at random
#                                      moments, and with the chip reset in N of its flash operations (3)
#   twin_board.sh BOARD memory         the SPI flash or SD card missing, small, dead or busy for ever at a
#                                      start and in the middle of an installation
#   twin_board.sh BOARD console        console on a pseudo-terminal; trace; one twin to a flash
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"

part=$2
full=${3:-}

# ---- the port's self-test ----

selftest() {
    [ -f "$built/ports/$(text port)/port_selftest.bin" ] || skip "port_selftest of $board is not built"
    sign_image 1.0.0 "$built/ports/$(text port)/port_selftest.bin" "$work/selftest.bin"
    merge "$work/selftest.bin" "$work/selftest.hex"
    # What the firmware expects: '0' + n % 64, 20480 times.
    awk 'BEGIN { for (n = 0; n < 20480; n++) printf "%c", 48 + n % 64 }' >"$work/stream"
    open_console

    step "with entropy"
    pace=
    twin "$work/flash" --hex "$work/selftest.hex"
    expect device "stream of 20480 bytes?"
    cat "$work/stream" >&3
    expect device "selftest done"
    stop_twin
    grep -q "selftest done: 0 failed" "$work/device.log" || fail "a check did not hold"
    grep -q "selftest stage 3" "$work/device.log" || fail "a stage is missing"
    grep -q "ok random bytes differ" "$work/device.log" || fail "no random bytes"
    [ "$(grep -c '^FAIL' "$work/device.log")" -eq 0 ] || fail "a check did not hold"
    devices=$(($(facts | grep -o '"base"' | wc -l)))
    [ "$(grep -c '^ok a programmed unit is not programmed again' "$work/device.log")" -eq "$devices" ] ||
        fail "not each of the $devices flash devices was tried"
    grep '^stream:' "$work/device.log"

    step "without entropy there are no random bytes"
    twin "$work/bare" --hex "$work/selftest.hex" --no-entropy
    expect device "keys and connections are refused"
    expect device "random: cryptographic operation failed"
    stop_twin
}

# ---- installing ----

# program LETTER: some sectors of a program that sleeps: a stack, the place of the code (behind
# vectors of 0x40 bytes), wfi; b .-2
program() {
    printf '\000\200\000\040\101\020\001\000'
    head -c 56 /dev/zero
    printf '\060\277\375\347'
    head -c 24000 /dev/zero | tr '\0' "$1"
}

# In $work/before: bootloader, 1.0.0, and 1.0.1 with a request in its slot, as before the first step.
prepare_swap() {
    program a >"$work/a"
    program b >"$work/b"
    sign_image 1.0.0 "$work/a" "$work/1.0.0.bin"
    sign_image 1.0.1 "$work/b" "$work/1.0.1.bin" --pad
    merge "$work/1.0.0.bin" "$work/both.hex"
    twin "$work/before" --hex "$work/both.hex" --cut-after 1
    ends 3 "power cut after"
    put_into secondary "$work/1.0.1.bin" "$work/before"
}

# 20 cuts in turn, spread over the installation. A swap goes on by steps of two sectors, of which the one
# that is cut begins anew: 2050 operations in the chip's flash, some 40 in SPI flash. Few of the cuts lie
# behind a step that got done, the others in the one that follows. A copy begins anew at each cut.
places() {
    count=20
    steps=3
    ! is_outer || { count=16 && steps=6; }
    for k in $(seq 0 $((count - 1))); do
        if has_way_back; then
            printf '%s,' $((20 + k * 397 % 1990 + (k % steps == 0) * 2060))
        else
            printf '%s,' $((1 + k * 300))
        fi
    done
    ! is_outer || echo nor-erase,nor-program@3,before:nor-erase,nor-program@20,
}

is_outer() { # the other slot of a swap lies in SPI flash
    has_way_back && [ "$(place secondary 1)" -ne 0 ]
}

cuts_since() {
    tail -n "+$((from + 1))" "$work/device.log" | grep -c "power cut after" || true
}

cut_or_booted() { # cut_or_booted N VERSION
    [ "$(cuts_since)" -ge "$1" ] || tail -n "+$((from + 1))" "$work/device.log" | grep -q "Image version: v$2"
}

# install VERSION LIST: until the image of this version is started, behind all cuts of the list.
install() {
    from=$(lines device)
    wanted=$(echo "$2" | tr -cd , | wc -c)
    twin "$work/flash" ${2:+--cuts "$2"}
    for n in $(seq "$wanted"); do
        wait_until "cut $n, or $1" cut_or_booted "$n" "$1"
    done
    expect device "Image version: v$1"
    stop_twin
    cuts=$(cuts_since)
    [ "$cuts" -eq "$wanted" ] || fail "$1 is started after $cuts cuts, not $wanted"
    [ "$cuts" -eq 0 ] || tail -n "+$((from + 1))" "$work/device.log" | sed -n 's/.*power cut after/  power cut after/p'
    echo "$1 is started after $cuts power cuts"
}

runs() { # runs VERSION: all of that is in the primary slot
    take_from primary "$work/primary" "$work/flash"
    cmp -n $(($(number header_size) + 24068)) "$work/primary" "$work/$1.bin" ||
        fail "the primary slot does not hold $1"
}

fresh() {
    rm -rf "$work/flash"
    cp -r "$work/before" "$work/flash"
}

way_back() { # way_back LIST
    has_way_back || return 0
    step "the way back, as nobody has confirmed it"
    install 1.0.0 "$1"
    grep -q "Swap type: revert" "$work/device.log" || fail "there was no way back"
    runs 1.0.0
    install 1.0.0 "" # it stays
}

swap() {
    prepare_swap
    fresh
    step "an update, with power cuts while it is installed"
    install 1.0.1 "$(places)"
    grep -q "Swap type: \(test\|perm\)" "$work/device.log" || fail "there was no update"
    runs 1.0.1
    back=
    [ "$full" != --full ] || back=$(places)
    way_back "$back"
    [ "$full" = --full ] || return 0
    named_cuts
    single_cuts
}

# Each kind of operation on what is soldered or put beside the chip, before it and in its middle.
named_cuts() {
    is_outer || return 0
    step "cuts before and within operations of the outer flash"
    fresh
    install 1.0.1 before:nor-erase,nor-erase,before:nor-program,nor-program,nor-erase@2,nor-program@9,before:nor-program@20,
    runs 1.0.1
}

single_cuts() {
    step "one cut each, spread over all operations"
    fresh
    install 1.0.1 ""
    operations=$(sed -n 's/.* stopped after .*, \([0-9]*\) flash operations.*/\1/p' "$work/device.log" | tail -n 1)
    at=1
    while [ "$at" -le "$operations" ]; do
        fresh
        install 1.0.1 "$at," >/dev/null
        runs 1.0.1
        at=$((at + operations / 48 + 1))
    done
    echo "one cut each in $operations operations, at 48 places"
}

# ---- killed and reset ----

interrupted() {
    prepare_swap
    n=${1:-3}
    cp -r "$work/before" "$work/flash"
    step "killed $n times"
    killed "$n" 1.0.1
    runs 1.0.1
    step "reset in $n flash operations"
    while [ "$n" -gt 0 ]; do
        rm -rf "$work/flash"
        cp -r "$work/before" "$work/flash"
        at=$((1 + $(chance 12000)))
        echo "in operation $at"
        reset_in 1.0.1 "$at"
        runs 1.0.1
        n=$((n - 1))
    done
}

# ---- the memory beside the chip goes wrong ----

settled() { # an image is started, or none is found
    seen device "Image version: v" || seen device "Unable to find bootable image"
}

# with_memory FAULT TEXT: from power-on with that fault, the bootloader comes to this.
with_memory() {
    from=$(lines device)
    twin "$work/flash" ${1:+--memory-fault "$1"}
    wait_until "the bootloader has come to an end with memory that is ${1:-good}" settled
    stop_twin
    tail -n "+$((from + 1))" "$work/device.log" | grep -a -q -F "$2" ||
        fail "with memory that is ${1:-good} the bootloader does not say: $2"
}

memory() {
    prepare_swap
    cp -r "$work/before" "$work/flash"

    step "an update waits in a memory that is missing or too small: what runs is started again"
    with_memory missing "Image version: v1.0.0"
    with_memory small "Image version: v1.0.0"

    if has_way_back; then
        for fault in goes@40 busy@40; do
            step "with $fault while the update is installed nothing is lost: once it is back, what ran before runs"
            with_memory "$fault" "Unable to find bootable image"
            with_memory "" "Image version: v1.0.0"
            runs 1.0.0
            rm -rf "$work/flash"
            cp -r "$work/before" "$work/flash"
        done
    fi

    step "with a memory that is whole the update is installed"
    with_memory "" "Image version: v1.0.1"
    runs 1.0.1
}

# ---- as a user runs it ----

answers_by() { # answers_by FILE: asked again, as a flood or the start may take a question along
    printf '\rversion\r' >"$1"
    sleep 1
    seen device "Otter firmware 1.0.0 on"
}

console() {
    sign_image 1.0.0 "$built/firmware/firmware-1.0.0.bin" "$work/1.0.0.bin"
    merge "$work/1.0.0.bin" "$work/merged.hex"

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

    step "one after another types into a FIFO, and closes it behind him"
    mkfifo "$work/fifo"
    input=$work/fifo
    twin "$work/flash"
    : >"$work/fifo"
    wait_until "an answer to who opened it next" answers_by "$work/fifo"
    stop_twin

    step "a line that the console could not keep whole is not obeyed"
    open_console
    twin "$work/flash"
    expect device "not provisioned"
    awk 'BEGIN { for (n = 0; n < 200; n++) printf "conf set thing_name n%04d-of-a-flood\r", n }' >&3
    expect device '^C'
    wait_until "an answer behind the flood" answers_by "$work/keys"
    stop_twin
    grep -a '^thing_name="' "$work/device.log" | tr -d '\r' >"$work/names"
    [ -s "$work/names" ] || fail "nothing of the flood was obeyed"
    ! grep -v '^thing_name="n[0-9]\{4\}-of-a-flood"$' "$work/names" || fail "a torn line was obeyed"

    step "a trace names registers"
    twin "$work/flash" --trace "$traced" --cut-after 1000000
    ends 3 "power cut after"
    grep -q "$traced\.[A-Z0-9]* [<-]" "$work/device.log" || fail "the trace names no register"

    case $board in
    numaker*)
        step "a supply that sags resets the chip before flash is written"
        twin "$work/flash" --trace SYS --cut-after 1000000
        ends 3 "power cut after"
        grep -q "SYS\.BODCTL <- 00030009" "$work/device.log" || fail "the brown-out detector is off"
        ;;
    esac
}

case $part in
selftest) selftest ;;
swap) swap ;;
interrupted) interrupted "${3:-}" ;;
memory) memory ;;
console) console ;;
*) fail "there is no part $part" ;;
esac
echo "passed"
