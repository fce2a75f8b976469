#!/bin/sh
# A NuMicro board in two worlds in its twin, without a cloud: its first start, with the border between the
# worlds' flash set, through power cuts; and an update of both programs as one, through power cuts
# while it is installed, and back, as nobody confirms it.
#
#   twin_worlds.sh BOARD
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"

border=70000 # BOARD_NSCBA

# ---- images ----

# sign_of AREA VERSION NEEDS PROGRAM OUT [OPTION…]
sign_of() {
    area=$1 version=$2 needs=$3 program=$4 out=$5
    shift 5
    "$otter" sign -k "$built/keys/boot-signing.pem" -v "$version" --pad-header --vid otter --cid "$board" \
        --header-size "$(number header_size)" -S "$(place "$area" 3)" --align 4 \
        --max-align "$(number max_align)" -M "$(number max_sectors)" -d "$needs" "$@" "$program" "$out" >/dev/null
}

# at AREA: where it begins in the chip's flash.
at() {
    echo $(($(device_number "$(place "$1" 1)" base) + $(place "$1" 2)))
}

# firmware LETTER: some sectors of a program that sleeps: a stack, the place of its code, as the other world
# sees it, wfi; b .-2
firmware() {
    printf '\000\100\002\060\101\020\007\020'
    head -c 56 /dev/zero
    printf '\060\277\375\347'
    head -c 20000 /dev/zero | tr '\0' "$1"
}

put() { # put AREA FILE FLASH
    dd if="$2" of="$3/aprom.bin" bs=512 seek=$(($(at "$1") / 512)) conv=notrunc status=none
}

holds() { # holds AREA FILE: its header and what follows, but for the file's end
    dd if="$work/flash/aprom.bin" of="$work/slot" bs=512 skip=$(($(at "$1") / 512)) \
        count=$(($(place "$1" 3) / 512)) status=none
    cmp -n 20000 "$work/slot" "$2" || fail "$1 does not hold $(basename "$2")"
}

border_is_set() {
    [ "$(od -A n -t x4 "$1/nscba.bin" | tr -d ' ')" = "000$border" ] ||
        fail "the border is $(od -A n -t x4 "$1/nscba.bin")"
}

# ---- power cuts ----

cuts_since() {
    tail -n "+$((from + 1))" "$work/device.log" | grep -c "power cut after" || true
}

# through CUTS TEXT OPTION…: from power-on through all cuts of the list, until the board has said TEXT.
through() {
    cuts=$1 text=$2
    shift 2
    from=$(lines device)
    wanted=$(echo "$cuts" | tr -cd , | wc -c)
    twin "$work/flash" "$@" ${cuts:+--cuts "$cuts"}
    all_cut() {
        [ "$(cuts_since)" -ge "$wanted" ]
    }
    wait_until "$wanted power cuts" all_cut
    expect device "$text"
    stop_twin
    tail -n "+$((from + 1))" "$work/device.log" | sed -n 's/.*power cut after/  power cut after/p'
}

step "the border is set on a blank chip by one operation: the manual names the erase among what fails"
sign_of primary 1.0.0 '(0, 1.0.0)' "$built/firmware/firmware-1.0.0.bin" "$work/real.bin"
"$otter" sign -k "$built/keys/boot-signing.pem" -v 1.0.0 --pad-header --vid otter --cid "$board" \
    --header-size "$(number header_size)" -S "$(place secure_primary 3)" --align 4 \
    --max-align "$(number max_align)" -M "$(number max_sectors)" "$built/firmware/secure.bin" "$work/secure-1.0.0" >/dev/null
"$otter" merge -o "$work/real.hex" "$built/firmware/bootloader.bin@$(at boot)" "$work/real.bin@$(at primary)" \
    "$work/secure-1.0.0@$(at secure_primary)" >/dev/null
through "" "not provisioned" --hex "$work/real.hex" --cut-at option-change@2
border_is_set "$work/flash"

step "and through power cuts: in its program, in the erase of what was torn, in the program behind it"
printf '\377\377\377\377' >"$work/flash/nscba.bin"
through 1,1,2, "not provisioned"
border_is_set "$work/flash"

step "a border that is another product's"
printf '\000\000\004\000' >"$work/flash/nscba.bin"
through "" "not provisioned"
border_is_set "$work/flash"

step "both programs are updated as one, with power cuts"
firmware a >"$work/a"
firmware b >"$work/b"
sign_of primary 1.0.0 '(0, 1.0.0)' "$work/a" "$work/firmware-1.0.0"
sign_of primary 1.0.1 '(0, 1.0.1)' "$work/b" "$work/firmware-1.0.1" --pad
sign_of secure_primary 1.0.1 '(1, 1.0.1)' "$built/firmware/secure.bin" "$work/secure-1.0.1" --pad
put primary "$work/firmware-1.0.0" "$work/flash"
put secondary "$work/firmware-1.0.1" "$work/flash"
put secure_secondary "$work/secure-1.0.1" "$work/flash"
through 40,9000,20000, "Image version: v1.0.1"
holds primary "$work/firmware-1.0.1"
holds secure_primary "$work/secure-1.0.1"

step "nobody has confirmed them: both go back, with power cuts"
through 9000, "Image version: v1.0.0"
holds primary "$work/firmware-1.0.0"
holds secure_primary "$work/secure-1.0.0"
grep -q "Swap type: revert" "$work/device.log" || fail "there was no way back"
echo "passed"
