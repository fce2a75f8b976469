#!/bin/sh
# The example: a product of its own is built outside of the tree and runs against the local cloud,
# is switched over MQTT and at its console, and takes an update, which waits until its lamp is off.
#   blinky.sh mps2-an505|posix
set -eu
. "$(dirname "$0")/lib.sh"
need mosquitto aws openssl cmake ninja mosquitto_sub mosquitto_pub
board=${1:-mps2-an505}
build=$root/build/blinky-$board
key=$build/otter/keys/boot-signing.pem

# The board of the example, lamp/board.h; or boards/posix.
slot_size=0x40000
primary_sector=8
seed_sector=160
if [ "$board" = posix ]; then
    slot_size=0x73000
    primary_sector=16
    seed_sector=255
fi

# A part in C++17, with an object that is made before main.
add_cplusplus() {
    sed -i 's/LANGUAGES C)/LANGUAGES C CXX)/; s/SOURCES main.c/SOURCES main.c shade.cc/' \
        "$build/source/CMakeLists.txt"
    sed -i 's/^int main(void)/void shade_tell(void);\n&/; s/^    blinky_start(/    shade_tell();\n&/' \
        "$build/source/main.c"
    cat >"$build/source/shade.cc" <<'END'
#include "firmware/app.h"
extern "C" void shade_tell(void);
namespace {
struct shade {
    explicit shade(const char *of) : name(config_name(CONFIG_THING_NAME)), lamp(of) {}
    ~shade() { lamp = nullptr; }
    const char *name, *lamp;
};
shade made("lamp");
}
void shade_tell(void)
{
    if constexpr (sizeof(struct app) > sizeof(shade))
        LOG_INF("SHADE", "the %s has a %s", made.lamp, made.name);
}
END
}

build_product() {
    # A product may be strict with itself, or compile many files as one.
    set -- -G Ninja -DOTTER="$root" -DOTTER_HOST_TOOL="$otter" -DCMAKE_C_EXTENSIONS=OFF \
        -DCMAKE_UNITY_BUILD=ON
    if [ "$board" = posix ]; then
        set -- "$@" -DOTTER_BOARD=posix
    else
        need arm-none-eabi-gcc qemu-system-arm
        set -- "$@" -DOTTER_BOARD="$build/source/lamp" -DOTTER_DEPS="$root/build/deps"
    fi
    # A copy elsewhere: nothing in it leans on where it lies.
    rm -rf "$build/source"
    mkdir -p "$build"
    cp -a "$root/examples/blinky" "$build/source"
    add_cplusplus
    { cmake "$@" -S "$build/source" -B "$build" && cmake --build "$build"; } >"$work/build.log" 2>&1 ||
        { tail -n 40 "$work/build.log"; fail "the example does not build"; }
    ! grep -q -- -Werror "$build/build.ninja" || fail "a product's compiler makes errors of warnings"
    ! grep -q 'room_cloud\|room_twin' "$build/build.ninja" || fail "a product builds host programs"
}

# A board needs its compiler before CMake looks for one.
forgets_the_compiler() {
    mkdir "$work/late"
    cat >"$work/late/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(late LANGUAGES C)
set(OTTER_BOARD "$build/source/lamp")
add_subdirectory("$root" otter)
END
    ! cmake -G Ninja -S "$work/late" -B "$work/late/build" >"$work/late/log" 2>&1 ||
        fail "a board is built with the host's compiler"
    grep -q 'otter_use_board' "$work/late/log" || { cat "$work/late/log"; fail "it is not said why"; }
}

sign_product() { # sign_product VERSION
    "$otter" sign -k "$key" --align 4 -v "$1+0" --header-size 4096 --pad-header -S $slot_size \
        "$build/blinky.bin" "$work/$1.bin" >/dev/null
}

# What factory programming does: magic, sequence 0, 32 random bytes, CRC-32 (which gzip computes).
write_seed() {
    { printf 'RNG1\0\0\0\0' && head -c 32 /dev/urandom; } >"$work/seed"
    { cat "$work/seed" && gzip -c "$work/seed" | tail -c 8 | head -c 4; } |
        dd of="$work/flash.img" bs=4096 seek=$seed_sector conv=notrunc status=none
}

if [ "$board" = posix ]; then
    run_device() {
        OTTER_FLASH_TIMING=0,0 exec "$build/otter/firmware/bootloader" --flash "$work/flash.img"
    }
else
    run_device() {
        exec qemu-system-arm -M mps2-an505,memory-backend=nor \
            -object "memory-backend-file,id=nor,size=16M,mem-path=$work/flash.img,share=on" \
            -kernel "$build/otter/firmware/bootloader.elf" -nic user,model=lan9118 \
            -display none -monitor none -chardev stdio,id=uart,signal=off -serial chardev:uart
    }
fi

power_on() {
    mkfifo "$work/console"
    exec 3<>"$work/console"
    run_device <"$work/console" >>"$work/device.log" 2>&1 3>&- &
    device=$!
}

new_device() {
    sign_product 1.0.0
    make_flash "$work/flash.img" "$work/1.0.0.bin"
    write_seed
    power_on
    expect device "Blinky 1.0.0 on $([ "$board" = posix ] && echo posix || echo lamp) "
    expect device "not provisioned"
    expect device "the lamp has a thing_name"
}

# mqtt PROGRAM ARGUMENT…: a phone that may use the lamp's topics.
mqtt() {
    program=$1
    shift
    exec "$program" -h localhost -p "$(fact mqtt_port)" --cafile "$work/cloud/root_ca.pem" \
        --cert "$work/phone.crt" --key "$work/phone.key" "$@" 3>&-
}

state_is() {
    tail -n 1 "$work/states" | grep -qF "$1"
}

expect_state() {
    wait_until "the lamp's state is $1" state_is "$1"
}

step "building the example for $board"
build_product
[ "$board" = posix ] || forgets_the_compiler
start_cloud

step "a lamp and a phone in the cloud"
cat >"$work/lamp.json" <<'JSON'
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "iot:Connect", "Resource": "arn:aws:iot:*:*:client/phone*"},
  {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": "arn:aws:iot:*:*:topic/blinky/device/*"},
  {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "arn:aws:iot:*:*:topicfilter/blinky/device/*"}]}
JSON
aws iot create-policy --policy-name lamp --policy-document "file://$work/lamp.json" >/dev/null
make_certificate phone
phone=$(ask certificateArn iot register-certificate-without-ca --status ACTIVE \
    --certificate-pem "file://$work/phone.crt")
aws iot attach-policy --policy-name lamp --target "$phone"
: >"$work/states"
mqtt mosquitto_sub -i phone -q 1 -t blinky/device/state >>"$work/states" &
background=$!
own_policy=lamp
provisioned_device

step "switched from the cloud, and at the console"
expect_state '{"led": "blink", "version": "1.0.0"}'
(mqtt mosquitto_pub -i phone-2 -q 1 -t blinky/device/led -m off)
expect_state '{"led": "off", "version": "1.0.0"}'
(mqtt mosquitto_pub -i phone-2 -q 1 -t blinky/device/led -m green)
expect device 'the cloud wants the lamp "green"'
type_line "help"
expect device "led      Switch the lamp"
type_line "conf set blink_ms 10"
expect device "blink_ms not changed: it must be 50 to 10000"
type_line "led on"
expect device "led: on"
expect_state '{"led": "on", "version": "1.0.0"}'

step "an update waits until the lamp is off, and is kept because its self-test passes"
sign_product 1.1.0
make_bucket
aws s3 cp --quiet "$work/1.1.0.bin" s3://updates/1.1.0.bin
create_update 1.1.0
expect device "code signature and image verified"
skip_lines device
type_line "ota"
expect device "phase      install"
type_line "led off"
expect device "Blinky 1.1.0 on "
expect device "this firmware is confirmed"
succeeded() {
    [ "$(job_status AFR_OTA-update-1-1-0)" = SUCCEEDED ]
}
wait_until "the job has succeeded" succeeded
expect_state '{"led": "blink", "version": "1.1.0"}'
echo passed
