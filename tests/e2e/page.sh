#!/bin/sh
# The console in a real browser: the link, a device that comes and goes, its shadow, an update from a
# dropped file to 100 %, images that are refused, the MQTT client; by mouse and by keyboard alone, in
# light, dark and narrow.
#
#   page.sh [FOLDER]    a folder for screenshots
set -eu
. "$(dirname "$0")/lib.sh"
need chromium chromedriver
PYTHON=/usr/bin/python3
"$PYTHON" -c 'import selenium' 2>/dev/null || skip "python3-selenium is not installed"
screens=${1:-}

start_cloud
provisioned_device

step "images: good, of an unknown key, damaged, none, and for too small a slot"
sign_image 1.0.1 "$firmware-1.0.1.bin" "$work/1.0.1.bin"
"$otter" keygen -t ecdsa-p256 -k "$work/stranger.pem" >/dev/null
sign_image 1.0.2 "$firmware-1.0.1.bin" "$work/stranger.bin" "$work/stranger.pem"
{ head -c 9000 "$work/1.0.1.bin" && printf 'X' && tail -c +9002 "$work/1.0.1.bin"; } >"$work/damaged.bin"
head -c 5000 /dev/urandom >"$work/noise.bin"
cp "$firmware-1.0.1.bin" "$work/large"
truncate -s 500K "$work/large"
"$otter" sign -k "$root/build/host/keys/boot-signing.pem" --align 4 -v 1.0.3 --header-size 4096 --pad-header \
    -S 0x173000 "$work/large" "$work/large.bin" >/dev/null

step "the signer's profile, a group, and a second thing that never came"
together "aws iot create-thing --thing-name lamp-2" "aws iot create-thing-group --thing-group-name lamps" \
    "ask CertificateArn acm import-certificate --certificate 'fileb://$work/signer.crt' \
        --private-key 'fileb://$work/signer.key' >'$work/acm'"
together "aws signer put-signing-profile --profile-name lamp --platform AmazonFreeRTOS-Default \
    --signing-material 'certificateArn=$(cat "$work/acm")' --signing-parameters certname=ota_signer_pub" \
    "aws iot add-thing-to-thing-group --thing-group-name lamps --thing-name lamp-2"

step "a browser"
link=$(sed -n 's/^  console *//p' "$work/cloud.log")
OTTER_LINK=$link OTTER_WORK=$work OTTER_DEVICE=$device OTTER_CLOUD=$cloud OTTER_SCREENS=$screens OTTER="$otter" \
    PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "$(dirname "$0")/page.py" 3>&-
if [ -n "$screens" ]; then cp "$work/cloud.log" "$screens/cloud.log"; fi
wait "$device" 2>/dev/null || true # the browser's test has ended it
device=
grep -q "page .*a browser has logged in" "$work/cloud.log" || fail "the cloud does not tell of the login"
# the browser's test has killed it, and ended the one after it
wait "$cloud" 2>/dev/null || true
cloud=
