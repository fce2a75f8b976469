#!/bin/sh
# Direct XIP on the emulated board: an image that lies in the slot for which it was not linked would
# start the program in the other slot, which nobody verified. It stays where it is.
set -eu
. "$(dirname "$0")/lib.sh"
need qemu-system-arm

built=$root/build/mps2-an505-direct-xip
[ -f "$built/firmware/bootloader.elf" ] || skip "$built is not built"
map=$root/build/host/boards/mps2-an505-direct-xip.json
[ -f "$map" ] || skip "$map is not there: build/host is older than the boards"

# at AREA: where it begins, in flash.img; it is mapped from 0x80000000 on.
at() {
    tr -d ' \n' <"$map" | sed "s/.*\"$1\":{\"device\":0,\"offset\":\([0-9]*\),.*/\1/"
}

# sign_for AREA VERSION PAYLOAD OUT OPTION…
sign_for() {
    address=$((0x80000000 + $(at "$1")))
    version=$2 payload=$3 out=$4
    shift 4
    "$otter" sign -k "$built/keys/boot-signing.pem" --align 4 -v "$version" --header-size 4096 \
        --pad-header -S 0x73000 --rom-fixed "$address" "$@" "$payload" "$out" >/dev/null
}

# boots VERSION PAYLOAD WHAT: what starts when that payload is asked for in the secondary slot.
boots() {
    sign_for secondary "$1" "$built/firmware/$2.bin" "$work/new.bin" --pad
    head -c $((16 << 20)) /dev/zero | tr '\0' '\377' >"$work/flash.img"
    for put in "primary old" "secondary new"; do
        dd if="$work/${put#* }.bin" of="$work/flash.img" bs=4096 seek=$(($(at "${put% *}") / 4096)) \
            conv=notrunc status=none
    done
    : >"$work/device.log"
    read_device=0
    qemu-system-arm -M mps2-an505,memory-backend=nor \
        -object "memory-backend-file,id=nor,size=16M,share=on,mem-path=$work/flash.img" \
        -kernel "$built/firmware/bootloader.elf" -display none -monitor none -nic none \
        -chardev stdio,id=uart,signal=off -serial chardev:uart \
        </dev/null >"$work/device.log" 2>&1 &
    device=$!
    expect device "Otter firmware"
    power_cut
    grep -a -q -F "Otter firmware $3 on" "$work/device.log" || fail "not $3"
}

sign_for primary 1.0.0 "$built/firmware/firmware-1.0.0.bin" "$work/old.bin"

step 'linked for the slot it lies in, it starts'
boots 1.0.1 firmware-1.0.1-secondary "1.0.1 (build 1.0.1)"

step 'linked for the other one, it does not, though its header says that it is'
boots 1.0.1 firmware-1.0.1 "1.0.0 (build 1.0.0)"
