#!/bin/sh
# Two worlds, each updated over the air alone (both at once: the demo): what runs afterwards, what an image needs
# of the other one, and a secure program that fails its self-test.
#
#   worlds.sh
set -eu
board=mps2-an505/trustzone
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/emulated.sh"

# ship NAME VERSION PROGRAM [NEEDS]: signs that program of the build as NAME, and creates its update.
ship() {
    case $3 in
    secure*) slot=0x10000 file_type=1 ;;
    *) slot=0x73000 file_type=0 ;;
    esac
    "$otter" sign -k "$built/keys/boot-signing.pem" --align 4 -v "$2+0" --header-size 4096 --pad-header -S $slot \
        ${4:+-d "$4"} "$built/firmware/$3.bin" "$work/$1.bin" >/dev/null
    make_bucket
    aws s3 cp --quiet "$work/$1.bin" "s3://updates/$1.bin"
    create_update "$1"
}

ends() { # ends NAME STATUS REASON
    ended() {
        [ "$(job_status "AFR_OTA-update-$1")" = "$2" ]
    }
    wait_until "the job of $1 is $2" ended "$1" "$2"
    [ "$(job_reason "AFR_OTA-update-$1")" = "$3" ] || fail "$1: $(job_reason "AFR_OTA-update-$1")"
}

runs() { # runs SECURE FIRMWARE, with what became of their last updates
    type_line secure
    expect device "secure     $1"
    expect device "firmware   $2"
}

start_cloud
provisioned_device
type_line reset
expect device "on line as device, version 1.0.0"
runs "1.0.0, ready (0)" "1.0.0, ready (0)"

step "the secure program alone"
ship new-secure 1.0.1 secure
expect device "Starting swap using scratch"
expect device "Image version: v1.0.1"
expect device "on line as device, version 1.0.0"
expect device "this firmware is confirmed"
ends new-secure SUCCEEDED "accepted v1.0.1"
runs "1.0.1, updated (0)" "1.0.0, "

step "a firmware that needs a newer one than that"
ship needy 1.0.1 firmware-1.0.1 '(0, 1.0.2+0)'
ends needy FAILED "an image needs another one to be newer (sign --dependencies)"
runs "1.0.1, " "1.0.0, "

step "the firmware alone"
ship new-firmware 1.0.1 firmware-1.0.1 '(0, 1.0.1+0)'
expect device "Starting swap using scratch"
expect device "on line as device, version 1.0.1"
expect device "this firmware is confirmed"
ends new-firmware SUCCEEDED "accepted v1.0.1"
runs "1.0.1, " "1.0.1, updated (0)"

step "what otter inspect finds in the flash file"
cat >"$work/found.py" <<'END'
import json, sys
found = json.load(sys.stdin)
pairs = [found["secure"], found]
print(*[slot["primary"]["header"]["version"] for slot in pairs], *[slot["next_boot"] for slot in pairs])
END
found=$("$otter" inspect --board "$board" --json "$work/flash.img" | python3 "$work/found.py")
[ "$found" = "1.0.1+0 1.0.1+0 none none" ] || fail "it finds: $found"

step "a secure program that fails its self-test"
ship unfit 1.0.2 secure-unfit
expect device "self-test failed; going back to the secure program before this one"
expect device "Swap type: revert"
expect device "on line as device, version 1.0.1"
ends unfit FAILED "rolled back: 1.0.2 was not confirmed (the secure program failed its self-test)"
runs "1.0.1, " "1.0.1, "
echo passed
