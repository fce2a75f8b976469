#!/bin/sh
# What people mistype and mispaste at the device's console: each is answered in words, none of it is
# stored, and the next command works.
set -eu
. "$(dirname "$0")/lib.sh"
need openssl python3

cd "$work"
new_device
make_certificate other
openssl pkey -in other.key -pubout -out other.pub
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=rsa -keyout rsa.key -out rsa.crt 2>/dev/null
openssl pkey -in rsa.key -pubout -out rsa.pub
openssl ecparam -name secp384r1 -genkey -noout -out p384.key
openssl pkey -in p384.key -pubout -out p384.pub

# The console still answers; what it says to `kv` is the same as at first.
works() {
    type_line version
    expect device "Otter firmware 1.0.0 on posix"
}

stored() { # prints what `kv` lists
    from=$(lines device)
    type_line kv
    expect device "keys take"
    tail -n "+$((from + 1))" device.log | tr -d '\r' | grep -a ' bytes'
}

unharmed() {
    works
    [ "$(stored)" = "$before" ] || fail "the store has changed: $(stored)"
}

before=$(stored)

step "PEM that is cut in its middle, by a blank line and by ctrl-C"
head -n 4 other.crt >cut.crt
paste "pki import cert root_ca_cert" cut.crt
type_line ""
expect device "root_ca_cert is unchanged: the text ended before its END line"
unharmed
paste "pki import cert root_ca_cert" cut.crt
printf '\003' >&3
expect device "root_ca_cert is unchanged: the text ended before its END line"
unharmed

step "PEM with a line missing, with a wrong character, of nothing, with labels that do not match"
sed 4d other.crt >hole.crt
paste "pki import cert root_ca_cert" hole.crt
expect device "root_ca_cert is unchanged"
sed '3s/./*/5' other.crt >star.crt
paste "pki import cert root_ca_cert" star.crt
expect device "root_ca_cert is unchanged: the text is not whole PEM"
grep -e -- other.crt >empty.crt
paste "pki import cert root_ca_cert" empty.crt
expect device "root_ca_cert is unchanged: the text is not whole PEM"
sed 's/END CERTIFICATE/END PUBLIC KEY/' other.crt >labels.crt
paste "pki import cert root_ca_cert" labels.crt
expect device "root_ca_cert is unchanged: the text is not whole PEM"
unharmed

step "PEM that is far too long"
{
    echo "-----BEGIN CERTIFICATE-----"
    head -c 12000 /dev/urandom | base64 -w 64
    echo "-----END CERTIFICATE-----"
} >long.crt
paste "pki import cert root_ca_cert" long.crt
expect device "root_ca_cert is unchanged: too long"
unharmed

step "keys of another kind, and keys where certificates belong"
paste "pki import key ota_signer_pub" rsa.pub
expect device "ota_signer_pub is unchanged"
paste "pki import key ota_signer_pub" p384.pub
expect device "ota_signer_pub is unchanged"
paste "pki import key ota_signer_pub" other.key
expect device "ota_signer_pub is unchanged: it takes a public key of curve P-256"
paste "pki import key tls_key_priv" other.pub
expect device "tls_key_priv is unchanged: it takes a private key of curve P-256"
paste "pki import cert root_ca_cert" other.pub
expect device "root_ca_cert is unchanged: it takes a certificate"
type_line "pki import key root_ca_cert"
expect device "root_ca_cert is a certificate: use 'pki import cert root_ca_cert'"
unharmed

step "labels, settings and commands that there are not"
type_line "pki import cert nobody"
expect device "No label 'nobody'"
type_line "pki export key tls_key_priv"
expect device "Nothing is stored in tls_key_priv"
type_line "pki generate cert"
expect device "No certificate made"
type_line "conf set colour blue"
expect device "No setting 'colour'"
type_line "conf set mqtt_port 99999"
expect device "mqtt_port not changed: it must be 1 to 65535"
type_line "conf set mqtt_endpoint bad_host!"
expect device "mqtt_endpoint not changed"
type_line "conf set thing_name 'a b'"
expect device "thing_name not changed"
type_line "open the pod bay doors"
expect device "Unknown command 'open'"
type_line "conf set thing_name \"unclosed"
expect device "A quotation is not closed"
type_line "help a b c d e f g h i j"
expect device "Too many arguments"
unharmed

step "a line without end"
head -c 100000 /dev/zero | tr '\0' x >&3
type_line ""
expect device "Line too long"
unharmed

step "binary noise"
head -c 20000 /dev/urandom >noise
cat noise >&3
printf '\033[\030\003\025\r' >&3
works
printf '\003' >&3
works
# Noise may hold any bytes, but not a command: nothing is stored by chance.
unharmed

step "what was typed without a commit does not outlive a reset"
configure thing_name sensor
type_line reset
expect device "started by software reset"
expect device "thing_name is missing"
unharmed

step "good input is still taken"
paste "pki import cert root_ca_cert" other.crt
expect device "SUCCESS: certificate stored in root_ca_cert"
paste "pki import key ota_signer_pub" other.pub
expect device "SUCCESS: public key stored in ota_signer_pub"
paste "pki import key tls_key_priv" other.key
expect device "SUCCESS: private key stored in tls_key_priv"
type_line "pki export key tls_key_priv"
works
never device "PRIVATE KEY-----" "$(find_line device 0 "SUCCESS: private key")"

step "PEM as people have it: on one line, indented, behind EC PARAMETERS, in a bundle"
{ tr -d '\n' <other.crt && echo; } >line.crt
paste "pki import cert root_ca_cert" line.crt
expect device "SUCCESS: certificate stored in root_ca_cert"
sed 's/^/    /' other.crt >indented.crt
paste "pki import cert tls_cert" indented.crt
expect device "SUCCESS: certificate stored in tls_cert"
openssl ecparam -name prime256v1 -genkey -out parameters.key
grep -q "EC PARAMETERS" parameters.key || fail "openssl writes no parameters"
paste "pki import key tls_key_priv" parameters.key
expect device "SUCCESS: private key stored in tls_key_priv"
cat other.crt other.crt >bundle.crt
from=$(lines device)
paste "pki import cert root_ca_cert" bundle.crt
expect device "SUCCESS: certificate stored in root_ca_cert"
expect device "Pasted text refused: no command asks for it."
never device "Unknown command" "$from"

step "the log can be silenced, and heard again"
type_line "log none"
expect device "log level: none"
type_line "log"
expect device "log level: none"
type_line "log info"
expect device "log level: info"
works
alive "$device" || fail "the device has ended"

step "who types to a port behind which nothing answers is told so"
python3 -c 'import os, time
master, slave = os.openpty()
os.symlink(os.ttyname(slave), "silent")
time.sleep(60)' &
background=$!
wait_until "the port is there" [ -e silent ]
code=0
said=$(echo version | "$otter" console silent 2>&1) || code=$?
[ "$code" -eq 1 ] || fail "exit code $code"
case $said in *"the device said nothing"*) ;; *) fail "it said: $said" ;; esac
kill "$background"
background=
echo "passed"
