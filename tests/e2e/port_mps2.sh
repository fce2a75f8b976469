#!/bin/sh
# Runs the self-test of ports/mps2-an505 on QEMU: drivers, flash rules, resets, watchdog, faults,
# network. Twice: without a random seed (refused, and said so), and with one.
#
#   port_mps2.sh [BUILD]     BUILD: build folder of the preset mps2-an505, with port_selftest built
#
# Exit status 77: skipped, because QEMU or the build is missing.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
programs="${1:-$root/build/mps2-an505}/ports/mps2-an505"
time_limit=120

skip() {
    echo "skipped: $*"
    exit 77
}

command -v qemu-system-arm >/dev/null 2>&1 || skip "qemu-system-arm is not installed"
command -v cc >/dev/null 2>&1 || skip "no host compiler (cc) for the echo server"
[ -f "$programs/port_selftest.bin" ] || skip "$programs/port_selftest.bin is not built"

work=$(mktemp -d)
qemu=
server=
cleanup() {
    [ -z "$qemu" ] || kill "$qemu" 2>/dev/null
    [ -z "$server" ] || kill "$server" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

fail() {
    echo "FAILED: $*"
    [ ! -f "$work/console" ] || tail -n 30 "$work/console"
    exit 1
}

blank_flash() {
    head -c 16777216 /dev/zero | tr '\0' '\377' >"$work/flash.img"
    dd if="$programs/port_selftest.bin" of="$work/flash.img" bs=4096 seek=17 conv=notrunc status=none
}

# What factory programming does: magic, sequence 0, 32 random bytes, CRC-32 (which gzip computes).
write_seed() {
    { printf 'RNG1\0\0\0\0' && head -c 32 /dev/urandom; } >"$work/seed"
    gzip -c "$work/seed" | tail -c 8 | head -c 4 >"$work/crc"
    cat "$work/seed" "$work/crc" |
        dd of="$work/flash.img" bs=4096 seek=255 conv=notrunc status=none
}

# Waits for a line on the console.
expect() {
    waited=0
    until grep -q "$1" "$work/console"; do
        kill -0 "$qemu" 2>/dev/null || fail "QEMU ended before: $1"
        [ "$waited" -lt "$((time_limit * 10))" ] || fail "not within ${time_limit} s: $1"
        sleep 0.1
        waited=$((waited + 1))
    done
}

run() {
    : >"$work/console"
    rm -f "$work/keys"
    mkfifo "$work/keys"
    qemu-system-arm -M mps2-an505,memory-backend=nor \
        -object "memory-backend-file,id=nor,size=16M,mem-path=$work/flash.img,share=on" \
        -kernel "$programs/port_selftest_boot.elf" -nic user,model=lan9118,id=net \
        -object "filter-dump,id=dump,netdev=net,maxlen=64,file=$work/frames" \
        -display none -monitor none -serial stdio <"$work/keys" >"$work/console" 2>&1 &
    qemu=$!
    exec 3>"$work/keys"
    printf '!' >&3 # while the bootloader runs
    expect 'echo server port?'
    echo "$port" >&3
    expect 'selftest done'
    exec 3>&-
    kill "$qemu"
    wait "$qemu" 2>/dev/null
    qemu=
    tr -d '\r' <"$work/console" | grep -E '^(ok|FAIL|echo|download|busy|stack|random|slept|selftest)|FAULT'
    grep -q 'selftest done: 0 failed' "$work/console" || fail "a check did not hold"
}

# The first sequence number of each connection, from the SYNs in the capture (pcap; Ethernet, IPv4
# without options): one eight-digit hexadecimal number a line.
first_sequence_numbers() {
    od -An -v -tx1 "$work/frames" | tr -d ' \n' |
        grep -oE '08004500.{14}06.{4}0a00020f.{24}000000006002' | cut -c 53-60
}

# Numbers that count on from one connection to the next, or start at the same place after each boot,
# are known to an attacker. Random ones are next to each other once in 2^15.
check_sequence_numbers() {
    last=
    for number in $(first_sequence_numbers); do
        number=$((0x$number))
        if [ -n "$last" ]; then
            distance=$(((number - last) & 0xffffffff))
            [ "$distance" -gt 65536 ] || fail "a connection's sequence number follows the last one's"
        fi
        last=$number
    done
    [ -n "$last" ] || fail "no connection was seen in the capture"
    [ "$(first_sequence_numbers | sort -u | wc -l)" -ge 3 ] || fail "too few connections were seen"
}

cc -O2 -o "$work/server" "$root/ports/mps2-an505/selftest_server.c" || fail "server does not compile"
"$work/server" >"$work/port" &
server=$!
until [ -s "$work/port" ]; do sleep 0.1; done
port=$(cat "$work/port")

echo "== without a seed"
blank_flash
run
grep -q 'no seed at flash offset 0xff000' "$work/console" || fail "a missing seed is not reported"
grep -q 'random: cryptographic operation failed' "$work/console" || fail "random works without seed"

echo "== with a seed"
blank_flash
write_seed
cp "$work/flash.img" "$work/before.img"
run
grep -q 'ok random bytes differ' "$work/console" || fail "no random bytes with a seed"
[ "$(dd if="$work/flash.img" bs=4096 skip=255 count=1 status=none | cksum)" != \
  "$(dd if="$work/before.img" bs=4096 skip=255 count=1 status=none | cksum)" ] ||
    fail "the seed was not replaced"
check_sequence_numbers
echo "passed"
