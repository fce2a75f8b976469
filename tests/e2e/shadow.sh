#!/bin/sh
# The device's shadow with the AWS CLI at the other end: what the device reports, what is desired of
# it on line and off line, an invalid value, a change at its own console.
#
#   shadow.sh posix|mps2-an505
set -eu
. "$(dirname "$0")/lib.sh"
board=$1

if [ "$board" = mps2-an505 ]; then
    need qemu-system-arm gzip
    built=$root/build/mps2-an505
    [ -f "$built/firmware/bootloader.elf" ] || skip "$built is not built"
    firmware=$built/firmware/firmware

    sign_image() { # sign_image VERSION PAYLOAD OUT
        "$otter" sign -k "$built/keys/boot-signing.pem" --align 4 -v "$1+0" --header-size 4096 \
            --pad-header -S 0x73000 "$2" "$3" >/dev/null
        { printf 'RNG1\0\0\0\0' && head -c 32 /dev/urandom; } >"$work/seed"
        { cat "$work/seed" && gzip -c "$work/seed" | tail -c 8 | head -c 4; } >"$work/seed_record"
    }

    power_on() {
        if [ ! -p "$work/console" ]; then
            mkfifo "$work/console"
            exec 3<>"$work/console"
            dd if="$work/seed_record" of="$work/flash.img" bs=4096 seek=255 conv=notrunc status=none
        fi
        qemu-system-arm -M mps2-an505,memory-backend=nor \
            -object "memory-backend-file,id=nor,size=16M,mem-path=$work/flash.img,share=on" \
            -kernel "$built/firmware/bootloader.elf" -nic user,model=lan9118 -display none \
            -monitor none -chardev stdio,id=uart,signal=off -serial chardev:uart \
            <"$work/console" >>"$work/device.log" 2>&1 3>&- &
        device=$!
    }
fi

desire() { # desire NAME JSON: of the named shadow; of the classic one where the name is empty
    printf '{"state":{"desired":%s}}' "$2" >"$work/desired.json"
    aws iot-data update-thing-shadow --thing-name device ${1:+--shadow-name "$1"} \
        --payload "fileb://$work/desired.json" "$work/accepted.json" >/dev/null
}

has() { # has NAME TEXT
    aws iot-data get-thing-shadow --thing-name device ${1:+--shadow-name "$1"} \
        "$work/shadow.json" >/dev/null 2>&1 && grep -q -F -e "$2" "$work/shadow.json"
}

shadow_has() {
    wait_until "the shadow '$1' has $2" has "$1" "$2"
}

start_cloud
provisioned_device

step "it reports what it is and how it is set"
shadow_has "" "\"version\":\"1.0.0\",\"board\":\"$board\""
grep -q '"resetReason":"software reset","powerOn":0' "$work/shadow.json" ||
    fail "the classic shadow is $(cat "$work/shadow.json")"
shadow_has config '"reported":{"logLevel":2'

step "it takes what is desired"
desire "" '{"powerOn":1}'
expect device "Setting powerOn state to 1."
desire config '{"logLevel":3,"telemetryPeriod":1,"defenderPeriod":600}'
expect device "Setting logLevel state to 3."
expect device "Setting telemetryPeriod state to 1."
expect device "Setting defenderPeriod state to 600."
shadow_has config '"defenderPeriod":600},"reported":{"logLevel":3,"telemetryPeriod":1,"defenderPeriod":600'
type_line stat
expect device ", every 1 s" # without a restart
desire config '{"telemetryPeriod":0}'
expect device "Setting telemetryPeriod state to 0."

if [ "$board" = posix ]; then # the same code on both: once is enough
    step "what it cannot take is reported, once, and nothing else goes wrong"
    desire config '{"logLevel":9}'
    expect device "the desired logLevel is not taken"
    shadow_has config '"notTaken":{"logLevel":"takes 0 to 3"}'
    grep -q '"logLevel":3' "$work/shadow.json" || fail "the shadow is $(cat "$work/shadow.json")"

    step "a change at its console is reported, and desired from then on"
    type_line "conf set log_level 2"
    type_line "conf commit"
    expect device "Configuration saved"
    shadow_has config '"desired":{"logLevel":2,"telemetryPeriod":0,"defenderPeriod":600},"reported":{"logLevel":2'
fi

step "without power it misses nothing"
power_cut
desire "" '{"powerOn":0}'
power_on
expect device "Setting powerOn state to 0."
power_cut
power_on
shadow_has "" '"resetReason":"power on","powerOn":0}}'
stop_cloud
echo "passed: $board"
