#!/bin/sh
# An STM32 in two worlds in its twin, without a cloud: its first start; what power cuts leave of the firmware's
# settings, which the secure world writes and reads for it; an update of both programs as one, through power
# cuts while it is installed, and back, as nobody confirms it.
#
#   twin_worlds_stm32.sh BOARD
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"

# ---- images ----

# at AREA: its address.
at() {
    echo $(($(device_number "$(place "$1" 1)" base) + $(place "$1" 2)))
}

# sign_of AREA VERSION NEEDS PROGRAM OUT
sign_of() {
    "$otter" sign -k "$built/keys/boot-signing.pem" -v "$2" --pad-header --vid otter --cid "$board" \
        --header-size "$(number header_size)" -S "$(place "$1" 3)" --align 16 --max-align "$(number max_align)" \
        -M "$(number max_sectors)" -d "$3" "$4" "$5" >/dev/null
}

merge_hex() {
    "$otter" merge -o "$@" >/dev/null
}

# request AREA: a trailer that asks for a trial of what lies there
request() {
    "$otter" create-trailer -S "$(place "$1" 3)" --align 16 --max-align "$(number max_align)" \
        -M "$(number max_sectors)" --hex-addr "$(at "$1")" "$work/$1.hex" >/dev/null
}

# firmware LETTER: some pages of a program that sleeps: a stack, the place of its code, as the other world sees
# it, wfi; b .-2
firmware() {
    printf '\000\200\000\040\101\004\010\010'
    head -c 56 /dev/zero
    printf '\060\277\375\347'
    head -c 20000 /dev/zero | tr '\0' "$1"
}

holds() { # holds AREA FILE: its header and what follows, but for the file's end
    dd if="$work/flash/flash.bin" of="$work/slot" bs=512 skip=$(($(at "$1") % 0x200000 / 512)) \
        count=$(($(place "$1" 3) / 512)) status=none
    cmp -n 20000 "$work/slot" "$2" || fail "$1 does not hold $(basename "$2")"
}

torn() { # torn AREA: how many of its units have an ECC that cannot mend them
    dd if="$work/flash/flash-ecc.bin" bs=16 skip=$(($(at "$1") % 0x200000 / 256)) count=$(($(place "$1" 3) / 256)) status=none |
        tr -cd '\000' | wc -c
}

# through CUTS TEXT OPTION…: from power-on through all cuts of the list, until the board has said TEXT.
through() {
    cuts=$1 text=$2
    shift 2
    from=$(lines device)
    wanted=$(echo "$cuts" | tr -cd , | wc -c)
    twin "$work/flash" "$@" ${cuts:+--cuts "$cuts"}
    all_cut() {
        [ "$(tail -n "+$((from + 1))" "$work/device.log" | grep -c "power cut after")" -ge "$wanted" ]
    }
    wait_until "$wanted power cuts" all_cut
    expect device "$text"
    stop_twin
    tail -n "+$((from + 1))" "$work/device.log" | sed -n 's/.*power cut after/  power cut after/p'
}

step "the first start: three programs, whose last words come whole"
open_console
sign_of primary 1.0.0 '(0, 1.0.0)' "$built/firmware/firmware-1.0.0.bin" "$work/real"
sign_of secure_primary 1.0.0 '(1, 1.0.0)' "$built/firmware/secure.bin" "$work/secure-1.0.0"
merge_hex "$work/real.hex" "$built/firmware/bootloader.bin@$(at boot)" "$work/real@$(at primary)" \
    "$work/secure-1.0.0@$(at secure_primary)"
twin "$work/flash" --hex "$work/real.hex"
expect device "Image version: v1.0.0"
expect device "not provisioned"
stop_twin

step "options that leave the firmware's slot secure, as TZEN alone does, are named"
cp "$work/flash/options.bin" "$work/options"
# its last word is SECWM2R1: from page 0 to 0x7f
printf '\000\000\177\000' |
    dd of="$work/flash/options.bin" bs=1 seek=$(($(od -An -v -tx4 -w4 "$work/options" | grep -n " 0000007f" | tail -n 1 | cut -d : -f 1) * 4 - 4)) \
        conv=notrunc status=none
twin "$work/flash"
expect device "option bytes: SECWM2 covers the firmware's slot"
stop_twin
cp "$work/options" "$work/flash/options.bin"

step "settings that a power cut has torn are told from good ones, by the secure world's NMI"
for operation in 1 2; do
    twin "$work/flash" --cut-in-operation "$operation"
    expect device "not provisioned"
    type_line "conf set thing_name torn"
    type_line "conf commit"
    ends 3 "power cut after"
done
[ "$(torn store)" -gt 0 ] || fail "nothing is torn"
twin "$work/flash"
expect device "not provisioned"
type_line "conf set thing_name whole"
type_line "conf commit"
expect device "Configuration saved"
stop_twin
twin "$work/flash"
expect device "not provisioned"
type_line "conf get thing_name"
expect device '"whole"'
stop_twin

step "both programs are updated as one, with power cuts"
firmware a >"$work/a"
firmware b >"$work/b"
sign_of primary 1.0.0 '(0, 1.0.0)' "$work/a" "$work/firmware-1.0.0"
sign_of primary 1.0.1 '(0, 1.0.1)' "$work/b" "$work/firmware-1.0.1"
sign_of secure_primary 1.0.1 '(1, 1.0.1)' "$built/firmware/secure.bin" "$work/secure-1.0.1"
merge_hex "$work/images.hex" "$work/firmware-1.0.0@$(at primary)" "$work/firmware-1.0.1@$(at secondary)" \
    "$work/secure-1.0.1@$(at secure_secondary)"
request secondary
request secure_secondary
through 40,3000,7000, "Image version: v1.0.1" --hex "$work/images.hex" --hex "$work/secondary.hex" \
    --hex "$work/secure_secondary.hex"
holds primary "$work/firmware-1.0.1"
holds secure_primary "$work/secure-1.0.1"

step "nobody has confirmed them: both go back, with power cuts"
through 3000, "Image version: v1.0.0"
holds primary "$work/firmware-1.0.0"
holds secure_primary "$work/secure-1.0.0"
grep -q "Swap type: revert" "$work/device.log" || fail "there was no way back"
echo "passed"
