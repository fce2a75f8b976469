#!/bin/sh
# A non-secure program that wants what is the secure world's (tests/hostile/hostile.c): each of its
# attempts is refused, by an answer or by a fault, and the report names each. A last one, to change the
# running program, is met at the next start.
#
#   hostile.sh
set -eu
. "$(dirname "$0")/lib.sh"

board=mps2-an505/trustzone
built=$root/build/mps2-an505-trustzone
patience_s=170 # some twenty starts
need qemu-system-arm arm-none-eabi-gcc cmake
[ -f "$built/firmware/bootloader.elf" ] || skip "$built is not built: ./otter build --board $board"
cmake --build "$built" --target hostile >"$work/build.log" 2>&1 || fail "it does not build: $(tail -n 20 "$work/build.log")"

attempts=$(grep -c '^    {".*", [a-z_]*},$' "$root/tests/hostile/hostile.c")
[ "$attempts" -ge 40 ] || fail "only $attempts attempts"

cd "$work"
"$otter" sign -k "$built/keys/boot-signing.pem" --align 4 -v 1.0.0 --header-size 4096 --pad-header -S 0x73000 \
    --vid otter --cid "$board" "$built/tests/hostile/hostile.bin" hostile.signed.bin
"$otter" sign -k "$built/keys/boot-signing.pem" --align 4 -v 1.0.0 --header-size 4096 --pad-header -S 0x10000 \
    --vid otter --cid "$board" "$built/firmware/secure.bin" secure.signed.bin
head -c 16777216 /dev/zero | tr '\0' '\377' >flash.img
dd if=hostile.signed.bin of=flash.img bs=4096 seek=16 conv=notrunc status=none
# The secure program and the seed, on device 1 of the board's map: as port_mps2.sh does it.
dd if=secure.signed.bin of=flash.img bs=4096 seek=$((0x92 + 0x90)) conv=notrunc status=none
{ printf 'RNG1\0\0\0\0' && head -c 32 /dev/urandom; } >seed
gzip -c seed | tail -c 8 | head -c 4 >crc
cat seed crc | dd of=flash.img bs=4096 seek=$((0x92 + 0x80)) conv=notrunc status=none

start() {
    : >device.log
    qemu-system-arm -M mps2-an505,memory-backend=nor \
        -object memory-backend-file,id=nor,size=16M,mem-path=flash.img,share=on \
        -kernel "$1" -nic user,model=lan9118 -display none -monitor none -serial file:device.log &
    background=$!
}

# Under a bootloader that lends nothing (image/lent.h) the secure program says so, and starts nothing.
arm-none-eabi-objcopy -O binary --only-section=.vectors "$built/firmware/bootloader.elf" vectors
printf '\0\0\0\0' | dd of=vectors bs=4 seek=8 conv=notrunc status=none
arm-none-eabi-objcopy --update-section .vectors=vectors "$built/firmware/bootloader.elf" older.elf
start older.elf
wait_until "the word of the secure program" grep -q 'SECURE *\] the bootloader lends too little' device.log
kill "$background"
wait "$background" 2>/dev/null || true
! grep -q '^attempt' device.log || fail 'the firmware was started without what the secure program needs'

start "$built/firmware/bootloader.elf"
wait_until "the last attempt" grep -q 'Unable to find bootable image' device.log

tr -d '\r' <device.log >said
sed -n 's/^attempt \([0-9]*: .*: refused.*\)/   \1/p' said
! grep -E "NOT REFUSED|KEY HARMED|no seed|no key store" said || fail "the secure world was not left alone"
grep -q "^$((attempts - 1)) of $((attempts - 1)) refused, one to go" said || fail "not all were refused: $(tail -n 5 said)"
grep -q 'Image in the primary slot is not valid! (hash does not match)' said || fail 'the changed program was started'
# Each that a reset ended, the secure world ended: but for the one that asks it for a reset itself.
faults=$(grep -c 'non-secure: secure fault' said)
resets=$(grep -c 'refused, by a reset' said)
[ "$faults" -ge 19 ] && [ "$resets" -eq $((faults + 1)) ] || fail "$faults faults and $resets resets"
# What was tried by pointer was answered, not by luck: no fault of the secure world itself.
! grep -q '\] secure:' said || fail "a fault in the secure world: $(grep '\] secure:' said)"
echo "passed: $attempts attempts"
