#!/bin/sh
# A non-secure program that wants what is the secure world's (tests/hostile/hostile.c): each of its
# attempts is refused, by an answer or by a fault, and the report names each. A last one, to change the
# running program, is met at the next start, or is refused, too, by a chip that can.
#
#   hostile.sh [BOARD]      mps2-an505/trustzone, or a board that has a twin
set -eu
[ $# -gt 0 ] || set -- mps2-an505/trustzone
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"

patience_s=170 # some twenty starts
need arm-none-eabi-gcc cmake
cmake --build "$built" --target hostile >"$work/build.log" 2>&1 || fail "it does not build: $(tail -n 20 "$work/build.log")"

cd "$work"
sign_image 1.0.0 "$built/tests/hostile/hostile.bin" hostile.signed.bin
"$otter" sign -k "$built/keys/boot-signing.pem" --align 4 -v 1.0.0 --header-size "$(number header_size)" --pad-header \
    -S "$(place secure_primary 3)" -M "$(number max_sectors)" --vid otter --cid "$board" "$built/firmware/secure.bin" secure.signed.bin >/dev/null

# address AREA: where it is programmed.
address() {
    echo $(($(device_number "$(place "$1" 1)" base) + $(place "$1" 2)))
}

# start ELF: the board with this bootloader, its flash as it was left.
case $board in
mps2-an505*)
    chip=mps2-an505
    faults_least=24
    asked=2 # resets that attempts ask for
    need qemu-system-arm
    head -c 16777216 /dev/zero | tr '\0' '\377' >flash.img
    dd if=hostile.signed.bin of=flash.img bs=4096 seek=16 conv=notrunc status=none
    # The secure program and the seed, on device 1 of the board's map: as port_mps2.sh does it.
    dd if=secure.signed.bin of=flash.img bs=4096 seek=$((0x92 + 0x90)) conv=notrunc status=none
    { printf 'RNG1\0\0\0\0' && head -c 32 /dev/urandom; } >seed
    gzip -c seed | tail -c 8 | head -c 4 >crc
    cat seed crc | dd of=flash.img bs=4096 seek=$((0x92 + 0x80)) conv=notrunc status=none
    # candidate N VERSION KEY CLASS [NEEDS]: a small image for the slot of the secure program, where a firmware
    # has its store; the order is that of enum candidate.
    head -c 64 /dev/zero >small.bin
    "$otter" keygen -k another.pem -t ecdsa-p256 >/dev/null
    candidate() {
        "$otter" sign -k "$3" --align 4 -v "$2" --header-size 4096 --pad-header -S 0x10000 --vid otter --cid "$4" \
            ${5:+-d "$5"} small.bin candidate.bin >/dev/null
        dd if=candidate.bin of=flash.img bs=4096 seek=$((0x83 + 2 * $1)) conv=notrunc status=none
    }
    own=$built/keys/boot-signing.pem
    candidate 0 2.0.0 another.pem "$board"
    candidate 1 0.9.0 "$own" "$board"
    candidate 2 2.0.0 "$own" mps2-an505
    candidate 3 2.0.0 "$own" "$board" '(1, 2.0.0)'
    candidate 4 2.0.0 "$own" "$board"
    start() {
        : >device.log
        qemu-system-arm -M mps2-an505,memory-backend=nor \
            -object memory-backend-file,id=nor,size=16M,mem-path=flash.img,share=on \
            -kernel "$1" -nic user,model=lan9118 -display none -monitor none -serial file:device.log &
        device=$!
    }
    ;;
*)
    chip=$(text port)
    patience_s=400 # a twin's take longer
    faults_least=14
    asked=2 # of an STM32 the last, after which nothing has changed
    start() {
        : >device.log
        rm -rf flash
        arm-none-eabi-objcopy -O binary "$1" bootloader.bin
        "$otter" merge -o all.hex "bootloader.bin@$(address boot)" "secure.signed.bin@$(address secure_primary)" \
            "hostile.signed.bin@$(address primary)" >/dev/null
        "$otter" twin --board "$board" --flash flash --hex all.hex --quick </dev/null >>device.log 2>&1 &
        device=$!
    }
    ;;
esac
attempts=$(cat "$root/tests/hostile/hostile.c" "$root/tests/hostile/$chip.h" | grep -c '^    {".*", [a-z_]*},\{0,1\}[ \\]*$')
[ "$attempts" -ge 41 ] || fail "only $attempts attempts"

# What an attempt to return to it takes from the secure stack is refused by what is sealed there, not by
# what happens to lie behind.
LC_ALL=C grep -qaP '\xa5\xed\xf5\xfe' "$built/firmware/secure.bin" || fail "the secure program's stack is not sealed"

# Under a bootloader that lends nothing (image/lent.h) the secure program says so, and starts nothing.
arm-none-eabi-objcopy -O binary --only-section=.vectors "$built/firmware/bootloader.elf" vectors
printf '\0\0\0\0' | dd of=vectors bs=4 seek=8 conv=notrunc status=none
arm-none-eabi-objcopy --update-section .vectors=vectors "$built/firmware/bootloader.elf" older.elf
start older.elf
wait_until "the word of the secure program" grep -q 'SECURE *\] the bootloader lends too little' device.log
kill "$device"
wait "$device" 2>/dev/null || true
! grep -q '^attempt' device.log || fail 'the firmware was started without what the secure program needs'

start "$built/firmware/bootloader.elf"
last='Unable to find bootable image'
[ "$chip" != stm32 ] || last="^attempt $attempts: .*: refused, by a reset"
wait_until "the last attempt" grep -q "$last" device.log

tr -d '\r' <device.log >said
sed -n 's/^attempt \([0-9]*: .*: refused.*\)/   \1/p' said
! grep -E "NOT REFUSED|KEY HARMED|no seed|no key store" said || fail "the secure world was not left alone"
grep -q "^$((attempts - 1)) of $((attempts - 1)) refused, one to go" said || fail "not all were refused: $(tail -n 5 said)"
[ "$chip" = stm32 ] || grep -q 'Image in the primary slot is not valid! (hash does not match)' said ||
    fail 'the changed program was started'
[ "$chip" != mps2-an505 ] || grep -q 'Image 0 is no secure program' said ||
    fail 'the bootloader did not say why it brought the secure program back'
# Each that a reset ended, the secure world ended: but for those that ask it for a reset themselves.
# A return to secure code that was not interrupted faults there, by its first word (sfsr 2, INVIS).
not_interrupted='\] secure: secure fault: pc .* sfsr 2$'
faults=$(grep -c -e 'non-secure: \(secure \)\{0,1\}fault: pc .* sfsr [0-9a-f]*$' -e "$not_interrupted" said)
resets=$(grep -c 'refused, by a reset' said)
[ "$faults" -ge "$faults_least" ] && [ "$resets" -eq $((faults + asked)) ] || fail "$faults faults and $resets resets"
# What was tried by pointer was answered, not by luck: no fault of the secure world itself.
! grep '\] secure:' said | grep -v "$not_interrupted" || fail 'a fault in the secure world'
echo "passed: $attempts attempts"
