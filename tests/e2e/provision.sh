#!/bin/sh
# `otter provision` brings a device on line over its console: at its first run, once more without a
# change, with another name, with a key of its own and one certified by the cloud, asked by questions;
# and what is wrong is said before the device is changed.
#   provision.sh posix|mps2-an505 [short]
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pty.sh"
need python3 mosquitto openssl aws

cd "$work"
provision() { # provision OPTION…: what it says is in `said`
    code=0
    timeout 150 "$otter" provision --port "$work/tty" --dir "$work/cloud" "$@" >said 2>&1 || code=$?
}
done_with() { # done_with WHAT: it went well, and its last line says so
    [ "$code" -eq 0 ] || { cat said; fail "otter provision ended with exit code $code"; }
    tail -n 1 said | grep -q -F -e "$1" || { cat said; fail "it does not say: $1"; }
}
refused() { # refused CODE TEXT
    [ "$code" -eq "$1" ] || { cat said; fail "exit code $code, not $1"; }
    grep -q -F -e "$2" said || { cat said; fail "it does not say: $2"; }
}
active() { # active COUNT: certificates that the cloud lets in
    found=$(ask "length(certificates[?status=='ACTIVE'])" iot list-certificates)
    [ "$found" = "$1" ] || fail "$found certificates are active, not $1"
}

step "what cannot be is said first"
"$otter" provision --help >said
grep -q 'otter provision --port /dev/ttyACM0 --thing lamp' said || fail "--help has no example"
code=0
"$otter" provision >said 2>&1 || code=$?
refused 2 "which device?"
provision --cert-issuer nobody
refused 2 "--cert-issuer is aws or self"
provision --profile x
refused 2 "which?"
provision
refused 1 "cannot open"
pty_device "$1"
expect device "not provisioned"
provision --thing lamp
refused 1 "no cloud is running"
pty_type "conf get thing_name"
expect device 'thing_name=""'

step "the first run: a key of the device, a certificate of the cloud"
start_cloud
make_certificate signer
provision --thing lamp --signer signer.crt
done_with "is on line as lamp, certificate "
grep -q 'iot create-certificate-from-csr' said || fail "the calls of the CLI are not shown"
expect device "on line as lamp, version 1.0.0"
active 1
pty_type "pki list"
expect device "ota_signer_pub"

step "once more: nothing changes but the connection"
id=$(tail -n 1 said | sed 's/.*certificate \([0-9a-f]*\).*/\1/')
provision
done_with "is on line as lamp, certificate $id"
expect device "on line as lamp"
! grep -q 'create-certificate' said || fail "a second certificate was made"
active 1
[ "${2:-}" != short ] || { echo passed; exit 0; }

step "another name, a certificate of its own: the one before is retired"
provision --thing torch --cert-issuer self --quiet
done_with "is on line as torch"
[ "$(wc -l <said)" -eq 1 ] || fail "--quiet is not quiet"
expect device "on line as torch"
active 1

step "by questions, while the device is off line and logs errors"
pty_type "conf set mqtt_port 9"
pty_type "conf commit"
pty_type reset
expect device "<ERR>"
code=0
{ echo; yes '' | head -n 40; } | timeout 150 "$otter" provision --port "$work/tty" --dir "$work/cloud" --interactive --new-key \
    --set time_hwm=1800000000 >said 2>&1 || code=$?
done_with "is on line as torch"
grep -q 'thing_name\[torch\]: ' said || fail "it does not ask for the name"
grep -q 'mqtt_endpoint\[localhost\]' said || fail "it does not ask for the endpoint"
! grep -q 'time_hwm\[' said || fail "it asks for what an option has given"
expect device "on line as torch"
active 1

step "a device that does not get on line: the reason is said, and the next run mends it"
provision --endpoint localhost:9 --timeout 6
refused 1 "its last error: "
grep -q -F "refused by the other side" said || { cat said; fail "it does not say why"; }
provision
done_with "is on line as torch"
active 1
echo "passed"
