#!/bin/sh
# The dialogue of the STM32U5 reference's provisioning script brings a device on line: with a certificate
# of its own and with one that the cloud makes for its request, also while the device is off line and
# its log is full of errors.
#   provision_script.sh posix|mps2-an505
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pty.sh"
need python3 mosquitto openssl
python3 -c 'import boto3' 2>/dev/null || skip "python3-boto3 is not installed"

cd "$work"
start_cloud
pty_device "$1"
expect device "not provisioned"

provision() { # provision OPTION…
    PYTHONDONTWRITEBYTECODE=1 timeout 100 python3 "$root/tests/e2e/provision_dialogue.py" \
        --device "$work/tty" --cloud "$work/cloud/cloud.json" --root-ca "$(pty_root_ca)" "$@" >said 2>&1 || {
        cat said
        fail "the dialogue ended early"
    }
}

step "a device as it comes, with a certificate of its own"
provision
thing=$(cat said)
expect device "on line as $thing, version 1.0.0"

step "a device that is off line and logs errors, with a certificate of the cloud"
pty_type "conf set mqtt_port 9"
pty_type "conf commit"
pty_type "reset"
expect device "restarting"
expect device "<ERR>"
expect device "<ERR>"
provision --cert-issuer aws --thing-name second
expect device "on line as second, version 1.0.0"
[ "$(ask 'certificates[].status | length(@)' iot list-certificates)" = 2 ] || fail "there are not two certificates"

step "the same once more, on line: a new key, the same thing"
provision --cert-issuer aws
expect device "on line as second, version 1.0.0"
echo "passed"
