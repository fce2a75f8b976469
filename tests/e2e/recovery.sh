#!/bin/sh
# Fills a bare device over its console with `otter recover`, as a user would, and sees it boot:
# the host's bootloader behind a pseudo-terminal, and the emulated board behind a socket.
#
#   recovery.sh posix OTTER KEY BOOTLOADER PAYLOAD CONSOLE    CONSOLE: program recovery_console
#   recovery.sh mps2  OTTER BUILD                              BUILD: of the preset mps2-an505
#
# Exit status 77: skipped, because QEMU or a build is missing.
set -u

kind=$1
otter=$2

skip() {
    echo "skipped: $*"
    exit 77
}

case $kind in
    posix)
        key=$3 boot=$4 payload=$5 console=$6
        ;;
    mps2)
        key=$3/keys/boot-signing.pem
        boot=$3/firmware/bootloader-recovery.elf
        payload=$3/firmware/firmware-1.0.0.bin
        command -v qemu-system-arm >/dev/null 2>&1 || skip "qemu-system-arm is not installed"
        ;;
    *) exit 2 ;;
esac
for file in "$otter" "$boot" "$payload" "$key"; do
    [ -f "$file" ] || skip "$file is not built"
done

work=$(mktemp -d)
device=
cleanup() {
    [ -z "$device" ] || kill "$device" 2>/dev/null
    [ -z "$device" ] || wait "$device" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

fail() {
    echo "FAILED: $*"
    echo "--- the device's console"
    tail -n 30 "$work/log" | cat -v
    exit 1
}

# start: power on. $port is then where `otter recover` finds the console.
start() {
    : >"$work/log"
    rm -f "$work/port"
    if [ "$kind" = posix ]; then
        "$console" "$work/port" "$work/log" "$boot" --flash "$work/flash.img" &
        port=$work/port
    else
        qemu-system-arm -M mps2-an505,memory-backend=nor \
            -object "memory-backend-file,id=nor,size=16M,mem-path=$work/flash.img,share=on" \
            -kernel "$boot" -nic user,model=lan9118 -display none -monitor none \
            -chardev "socket,id=uart,path=$work/port,server=on,wait=off,logfile=$work/log" \
            -serial chardev:uart &
        port=unix:$work/port
    fi
    device=$!
    waited=0
    until [ -e "$work/port" ]; do
        kill -0 "$device" 2>/dev/null || fail "the device did not start"
        [ "$waited" -lt 100 ] || fail "no console within 10 s"
        sleep 0.1
        waited=$((waited + 1))
    done
}

cut_power() {
    kill "$device" 2>/dev/null
    wait "$device" 2>/dev/null
    device=
}

# expect COUNT TEXT: the console shows it so many times, within a minute.
expect() {
    waited=0
    until [ "$(grep -c "$2" "$work/log")" -ge "$1" ]; do
        kill -0 "$device" 2>/dev/null || fail "the device ended before: $2"
        [ "$waited" -lt 600 ] || fail "not within 60 s: $2"
        sleep 0.1
        waited=$((waited + 1))
    done
    echo "ok   console: $2"
}

# run STATUS ARGUMENT...: `otter recover` ends with this exit status.
run() {
    wanted=$1
    shift
    "$otter" recover --timeout 30 "$@" >"$work/out" 2>&1
    got=$?
    sed 's/^/     /' "$work/out"
    [ "$got" -eq "$wanted" ] || fail "otter recover $*: exit status $got, not $wanted"
}

says() {
    grep -q -- "$1" "$work/out" || fail "otter recover does not say: $1"
    echo "ok   said: $1"
}

sign() {
    "$otter" sign --key "$1" --version "$3" --header-size 0x1000 --pad-header --align 4 \
        --max-sectors 115 --slot-size 0x73000 "$2" "$4" >/dev/null || fail "cannot sign $2"
}

"$otter" keygen -t ecdsa-p256 -k "$work/strange.pem" >/dev/null || fail "no key"
sign "$key" "$payload" 1.0.0 "$work/good.bin"
sign "$key" "$payload" 1.0.1 "$work/newer.bin"
sign "$work/strange.pem" "$payload" 1.0.0 "$work/strange.bin"
head -c 16777216 /dev/zero | tr '\0' '\377' >"$work/flash.img"
waiting='no bootable image: waiting for an upload over the console (otter recover)'

echo "== a blank board waits, and answers"
start
expect 1 "$waiting"
run 0 "$port" --echo --list
says 'The board answers'
says 'No valid image'

echo "== wrong files are refused before anything is sent"
run 1 "$port" "$boot"
says 'not an image that a bootloader starts'
head -c 20000 "$work/good.bin" >"$work/short.bin"
run 1 "$port" "$work/short.bin"

run 2 "$port"
run 2 "$port" "$work/good.bin" --slot none
run 1 "unix:$work/nobody" --list
says 'is the emulator running'
run 1 "$port" "$work/good.bin" --slot 7
says 'the board has no slot 7'

echo "== what no bootloader starts goes to the board only by force"
head -c 5000 "$payload" >"$work/raw.bin"
run 1 "$port" "$work/raw.bin" --force
says 'Uploaded in'
says 'does not find it valid'

echo "== an image of a strange key is stored, not listed and never started"
run 1 "$port" "$work/strange.bin"
says 'does not find it valid'
run 0 "$port" --reset
expect 2 "$waiting"

echo "== power fails in the middle of an upload: the board waits again"
"$otter" recover --timeout 30 "$port" "$work/good.bin" >"$work/out" 2>&1 &
upload=$!
waited=0
until grep -q '%' "$work/out" || [ "$waited" -ge 300 ]; do
    sleep 0.02
    waited=$((waited + 1))
done
cut_power
wait "$upload"
[ $? -eq 1 ] || fail "an upload over a dead line did not fail"
sed 's/^/     /' "$work/out"
start
expect 1 "$waiting"

echo "== the right image is stored, listed and started; another one beside it"
run 0 "$port" "$work/newer.bin" --slot 2 --no-reset
run 0 "$port" "$work/good.bin" --no-reset
says 'Uploaded in'
says '^  1 .*1\.0\.0 .*bootable confirmed active'
says '^  2 .*1\.0\.1 '
run 0 "$port" --reset
says 'The board resets'
expect 1 'Image version: v1.0.0'
expect 1 "Otter firmware 1.0.0"
cut_power
echo "passed"
