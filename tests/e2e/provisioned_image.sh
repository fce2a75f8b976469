#!/bin/sh
# A device that takes its identity from what lies behind its image, at its first boot, once: from a blank
# flash to on line without a word at its console; what is not said there. (Power cuts: tests/unit/firmware/test_provision.c)
#   provisioned_image.sh posix|mps2-an505
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pty.sh"
need python3 mosquitto openssl

start_cloud
lamp_to_image <<END
# of one device
conf set wifi_credential secret-of-the-air
# more than a device stages at once
conf set telemetry_topic data/lamp
conf set shadow_name config
conf set log_level 2
conf set power_on 0
conf set sntp_port 12300

END

step "first boot"
if [ "$1" = posix ]; then
    sign_image 1.0.0 "$firmware-1.0.0.bin" "$work/1.0.0.bin"
    python3 "$root/tests/e2e/on_pty.py" "$work/tty" "$work/device.log" "$otter" device \
        --flash "$work/flash.img" --create "$work/1.0.0.bin" --provision "$work/lamp.conf" 3>&- &
    device=$!
else
    pty_script=$work/lamp.conf
    pty_device "$1"
fi
expect device "not provisioned yet: taking the settings in the image; for development only"
expect device "thing_name=\"lamp\""
expect device "sntp_port=12300"
expect device "SUCCESS: private key stored in tls_key_priv"
expect device "Configuration saved to NVM."
expect device "restarting: provisioned for development"
expect device "provisioned already, skip"
expect device "on line as lamp, version 1.0.0"
! grep -q -e "$(sed -n 2p "$work/lamp.key")" -e secret-of-the-air "$work/device.log" ||
    fail "a secret is in what the console showed"

step "what a person changes stays"
pty_type "conf set wifi_ssid workshop"
expect device "wifi_ssid="
pty_type "conf commit"
expect device "Configuration saved"
pty_type reset
expect device "provisioned already, skip"
expect device "on line as lamp"
pty_type "conf get wifi_ssid"
expect device 'wifi_ssid="workshop"'
if [ "$1" != posix ]; then
    echo passed
    exit 0
fi

step "what cannot be is refused before anything is made"
refused() { # refused TEXT LINE
    echo "$2" >"$work/wrong.conf"
    ! "$otter" provision --to-image "$work/1.0.0.bin" --from "$work/wrong.conf" -o "$work/none.bin" 2>"$work/said" || fail "taken: $2"
    grep -q -e "$1" "$work/said" || fail "it should say '$1': $(cat "$work/said")"
    [ ! -e "$work/none.bin" ] || fail "made in spite of: $2"
}
refused "is neither" "reset"
refused "no '< FILE'" "pki import cert tls_cert"
refused "nothing.pem" "pki import cert tls_cert < nothing.pem"
echo passed
