#!/bin/sh
# otter twin as a program, with a HEX file of a few instructions: what it prints, how it ends, and
# that a signal takes the network link away.
set -eu
. "$(dirname "$0")/lib.sh"

cd "$work"
otter=$root/build/host/tool/otter
[ -x "$otter" ] || skip "build/host is not built"

# hex ADDRESS BYTES: one record, then the end.
hex() {
    count=$((${#2} / 2))
    sum=$((count + 0x$1 / 256 + 0x$1 % 256))
    rest=$2
    while [ -n "$rest" ]; do
        sum=$((sum + 0x$(echo "$rest" | cut -c1-2)))
        rest=$(echo "$rest" | cut -c3-)
    done
    printf ':%02X%s00%s%02X\n' "$count" "$1" "$2" $(((256 - sum % 256) % 256))
}
# Vectors: a stack in RAM, the program at 0x100.
image() {
    hex 0000 0010002001010000
    hex 0100 "$1"
    echo ':00000001FF'
}
# run CODE TEXT ARGUMENT...: it must end by itself, so.
run() {
    wanted=$1 text=$2
    shift 2
    code=0
    timeout $patience_s "$otter" twin "$@" >out 2>&1 </dev/null || code=$?
    [ "$code" -eq "$wanted" ] || fail "exit code $code, wanted $wanted: $(cat out)"
    grep -q -F -e "$text" out || fail "it did not say '$text' but: $(cat out)"
}
image 30BFFDE7 >sleeps.hex              # wfi; b .-2
image FEE7 >runs.hex                    # b .
image 014800680000000000B00040 >far.hex # ldr r0, =0x4000b000; ldr r0, [r0]

step "boards, and what is no board"
run 0 numaker-pfm-m487 --list
run 1 "no board 'numaker-x' has a twin" --board numaker-x --flash flash
run 0 stm32h573i-dk --list
run 2 "--cut-at" --board numaker-m2354 --flash flash --cut-at nothing
run 2 "--board and --flash are needed" --board numaker-m2354

step "a program that does what the part cannot do"
run 1 "reads 0x4000b000, where no peripheral is modelled" \
    --board numaker-iot-m467 --flash flash --hex far.hex

step "a power cut"
run 3 "power cut after 1000000 clocks" --board numaker-m2354 --flash flash2 --hex runs.hex \
    --cut-after 1000000
run 2 "--cuts" --board numaker-m2354 --flash flash2 --cuts 12,nothing@3
[ -s flash2/sd-card.bin ] || fail "the board's SD card is in no file"

step "flash on a full disk, and flash whose making was cut off"
mkdir -p full flash4
if unshare -rm mount -t tmpfs -o size=600k none full 2>/dev/null; then
    code=0
    timeout $patience_s unshare -rm sh -c 'mount -t tmpfs -o size=600k none full && exec "$0" "$@"' \
        "$otter" twin --board numaker-iot-m467 --flash full --hex runs.hex --cut-after 1000 \
        >out 2>&1 </dev/null || code=$?
    [ $code -eq 1 ] && grep -q 'full/aprom.bin: No space left' out || fail "exit code $code: $(cat out)"
else
    echo "no file system can be mounted here"
fi
head -c 5000 /dev/zero | tr '\0' '\377' >flash4/aprom.bin
run 3 "power cut after 1000 clocks" --board numaker-m2354 --flash flash4 --hex runs.hex --cut-after 1000
[ "$(tail -c +4097 flash4/aprom.bin | tr -d '\377' | wc -c)" -eq 0 ] || fail "its flash is not erased"
head -c 5000 /dev/zero >flash4/sd-card.bin
run 1 "sd-card.bin has 5000 bytes" --board numaker-m2354 --flash flash4

step "its link goes and comes back"
"$otter" twin --board numaker-pfm-m487 --flash flash3 --hex sleeps.hex </dev/null >out 2>&1 &
twin=$!
background="$background $twin"
says() {
    for _ in $(seq 1 $((patience_s * 10))); do
        ! grep -q "$1" out || return 0
        kill -0 $twin 2>/dev/null || fail "it has ended: $(cat out)"
        kill -USR1 $twin
        sleep 0.1
    done
    fail "it did not say '$1' but: $(cat out)"
}
for _ in $(seq 1 $((patience_s * 10))); do
    [ ! -s flash3/aprom.bin ] || break
    sleep 0.1
done
says "the link is gone"
says "the link is back"
kill -TERM $twin
code=0
wait $twin || code=$?
[ $code -eq 0 ] || fail "exit code $code"
