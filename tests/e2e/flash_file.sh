#!/bin/sh
# The device as a process, given a flash file or an image that is not as it should be: it says what
# is wrong and ends with an exit code, and never starts an image that does not verify.
set -eu
. "$(dirname "$0")/lib.sh"
need openssl

cd "$work"
boot=$root/build/host/firmware/bootloader
sign_image 1.0.0 "$firmware-1.0.0.bin" good.bin

# refused CODE TEXT FILE: the device must end by itself.
refused() {
    code=0
    timeout $patience_s "$boot" --flash "$3" >out 2>&1 </dev/null || code=$?
    [ "$code" -eq "$1" ] || fail "exit code $code, wanted $1: $(cat out)"
    grep -q -F -e "$2" out || fail "it did not say '$2' but: $(cat out)"
    ! grep -q "Otter firmware" out || fail "it started: $(cat out)"
}

step "no flash file, a folder, a file of the wrong size"
refused 1 "cannot open the flash file $work/none: No such file" "$work/none"
refused 1 "cannot open the flash file $work" "$work"
: >empty.img
refused 1 "the flash file has 0 bytes, the board's flash has $flash_size" empty.img
make_flash flash.img good.bin
{ cat flash.img && echo; } >long.img
refused 1 "the flash file has $((flash_size + 1)) bytes" long.img
code=0
"$boot" >out 2>&1 || code=$?
[ "$code" -eq 2 ] || fail "exit code $code without arguments"
grep -q "usage:" out || fail "no usage: $(cat out)"

step "a flash file that is in use"
power_on
expect device "not provisioned"
refused 1 "is in use by another device process" flash.img
type_line version
expect device "Otter firmware 1.0.0 on posix"
power_cut

step "a blank flash, and one of zeros"
: >nothing
make_flash blank.img nothing
refused 1 "Unable to find bootable image" blank.img
head -c $flash_size /dev/zero >zeros.img
refused 1 "Unable to find bootable image" zeros.img

step "an image that is cut off: in its signature, in its payload, in its header"
size=$(stat -c %s good.bin)
for length in $((size - 20)) $((size / 2)) 20; do
    head -c "$length" good.bin >short.bin
    make_flash short.img short.bin
    refused 1 "Unable to find bootable image" short.img
done

step "an image with one bit changed: in its header, in its payload, in its signature"
for at in 20 $((size / 2)) $((size - 10)); do
    byte=$(dd if=good.bin bs=1 skip="$at" count=1 status=none | od -An -tu1 | tr -d ' ')
    cp good.bin bad.bin
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %03o $((byte ^ 1)))" | dd of=bad.bin bs=1 seek="$at" conv=notrunc status=none
    make_flash bad.img bad.bin
    refused 1 "Image in the primary slot is not valid!" bad.img
done

step "an image that somebody else signed"
"$otter" keygen -t ecdsa-p256 -k other.pem >/dev/null
sign_image 1.0.0 "$firmware-1.0.0.bin" other.bin other.pem
make_flash other.img other.bin
refused 1 "Image in the primary slot is not valid!" other.img

step "a candidate that somebody else signed is not swapped in"
make_flash flash.img good.bin
"$otter" sign -k other.pem --align 4 -v 1.0.1+0 --header-size 4096 --pad-header -S 0x73000 --pad \
    "$firmware-1.0.1.bin" candidate.bin >/dev/null
dd if=candidate.bin of=flash.img bs=4096 seek=$((primary_sector + 115)) conv=notrunc status=none
power_on
expect device "Image in the secondary slot is not valid!"
expect device "Otter firmware 1.0.0 (build 1.0.0)"
power_cut

step "a trial on a device that is not provisioned ends at its deadline: the old firmware comes back"
make_flash flash.img good.bin
"$otter" sign -k "$root/build/host/keys/boot-signing.pem" --align 4 -v 1.0.1+0 --header-size 4096 \
    --pad-header -S 0x73000 --pad "$firmware-1.0.1-deaf.bin" candidate.bin >/dev/null
dd if=candidate.bin of=flash.img bs=4096 seek=$((primary_sector + 115)) conv=notrunc status=none
power_on
expect device "Swap type: test"
expect device "Otter firmware 1.0.1"
expect device "trial failed: the device is not provisioned; going back to the old firmware"
expect device "Swap type: revert"
expect device "Otter firmware 1.0.0"
power_cut

step "a signed image that is no program"
head -c 30000 /dev/urandom >noise
"$otter" sign -k "$root/build/host/keys/boot-signing.pem" --align 4 -v 1.0.0+0 --header-size 4096 \
    --pad-header -S 0x73000 noise noise.bin >/dev/null
make_flash noise.img noise.bin
refused 1 "cannot execute the image" noise.img

step "a store of noise: the device starts with an empty one"
make_flash flash.img good.bin
head -c $((store_sectors * 4096)) /dev/urandom |
    dd of=flash.img bs=4096 seek=$store_sector conv=notrunc status=none
power_on
expect device "not provisioned: thing_name is missing"
configure thing_name sensor
type_line "conf commit"
expect device "Configuration saved"
power_cut

step "otter device makes a flash file, runs, and ends with its terminal"
"$otter" device --flash new.img --create good.bin >device.log 2>&1 </dev/null &
device=$!
read_device=0
expect device "not provisioned"
kill "$device"
wait "$device" 2>/dev/null || true
device=
wait_until "the device ends with its \`otter device\`" flock -n new.img true
for words in "" "--flash" "--flash new.img extra" "--flash $work/none/new.img --create good.bin" \
    "--flash new2.img --create $work/none.bin"; do
    code=0
    # shellcheck disable=SC2086 # words
    timeout $patience_s "$otter" device $words >out 2>&1 </dev/null || code=$?
    { [ "$code" -eq 1 ] || [ "$code" -eq 2 ]; } || fail "otter device $words: exit code $code"
    [ -s out ] || fail "otter device $words: no word about what is wrong"
done

step "otter device starts only from a signed image, and leaves the flash file alone otherwise"
"$otter" sign -v 1.0.0+0 --header-size 4096 --pad-header -S 0x73000 noise unsigned.bin >/dev/null
head -c 100000 good.bin >torn.bin
"$otter" keygen -t ecdsa-p256 -k secret.pem
"$otter" sign -k secret.pem -E secret.pem -v 1.0.0+0 --header-size 4096 --pad-header -S 0x73000 noise \
    encrypted.bin
for image in noise unsigned.bin torn.bin encrypted.bin; do
    code=0
    timeout $patience_s "$otter" device --flash never.img --create $image >out 2>&1 </dev/null || code=$?
    [ "$code" -eq 1 ] || fail "otter device --create $image: exit code $code"
    grep -q "'$image' is not a signed image to start from: " out || fail "otter device: $(cat out)"
    [ ! -e never.img ] || fail "otter device made a flash file of $image"
done
grep -q 'sign it with --clear' out || fail "otter device does not say how: $(cat out)"
echo "passed"
