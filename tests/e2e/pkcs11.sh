#!/bin/sh
# libotter-pkcs11.so over a device's flash file, by the field's tools: OpenSC's pkcs11-tool, and OpenSSL with its
# engine pkcs11. The device then connects with the key and the certificate that they left there.
set -eu
. "$(dirname "$0")/lib.sh"
need openssl pkcs11-tool mosquitto aws python3
module=$root/build/host/pkcs11/libotter-pkcs11.so
[ -r "$module" ] || skip "$module is not built (libp11-kit-dev)"
openssl engine pkcs11 >/dev/null 2>&1 || skip "OpenSSL has no engine pkcs11 (libengine-pkcs11-openssl)"
export OTTER_PKCS11_FLASH="$work/flash.img"

token() {
    pkcs11-tool --module "$module" "$@" 2>"$work/token.err"
}
user() {
    token --login --pin 123456 "$@"
}
refused() { # refused TEXT ARGUMENT…: fails, and says so
    text=$1
    shift
    ! token "$@" >"$work/token.out" || fail "this succeeded: pkcs11-tool $*"
    grep -q -e "$text" "$work/token.err" || {
        cat "$work/token.err"
        fail "pkcs11-tool does not say: $text"
    }
}

step "no token without a flash file, or while a device process has it"
refused "cannot open the flash file $work/flash.img" -T
start_cloud
new_device
refused "in use by a running device process" -T
configure thing_name device
configure mqtt_endpoint localhost
configure mqtt_port "$(fact mqtt_port)"
type_line "conf commit"
expect device "Configuration saved"
power_cut

step "pkcs11-tool makes, lists, uses and tests a key"
token -L | grep -q "serial num  *: device" || fail "the token does not say whose it is"
refused CKR_PIN_INCORRECT --login --pin 1234 -O
refused CKR_USER_NOT_LOGGED_IN --keypairgen --key-type EC:prime256v1 --label tls_key_priv
# CKR_CURVE_NOT_SUPPORTED, which OpenSC has no name for.
refused 0x140 --login --pin 123456 --keypairgen --key-type EC:secp521r1 --label tls_key_priv
user --keypairgen --key-type EC:prime256v1 --label tls_key_priv --id 01 >/dev/null
refused "there is such an object already" --login --pin 123456 --keypairgen --key-type EC:prime256v1 --label tls_key_priv
! token -O | grep -q "Private Key" || fail "private keys are shown without a login"
user -O >"$work/objects"
for text in "Private Key Object; EC" "label:  *tls_key_priv" "Access:  *sensitive" "label:  *tls_key_pub"; do
    grep -q "$text" "$work/objects" || fail "the list lacks: $text"
done
echo "what is signed" >"$work/data"
openssl dgst -sha256 -binary -out "$work/digest" "$work/data"
token --read-object --type pubkey --id 01 -o "$work/key.der"
openssl pkey -pubin -inform DER -in "$work/key.der" -out "$work/key.pub"
user --sign -m ECDSA --signature-format openssl --id 01 -i "$work/digest" -o "$work/raw.sig"
user --sign -m ECDSA-SHA256 --signature-format openssl --id 01 -i "$work/data" -o "$work/hashed.sig"
for signature in raw hashed; do
    openssl dgst -sha256 -verify "$work/key.pub" -signature "$work/$signature.sig" "$work/data" >/dev/null
done
user --sign -m ECDSA-SHA256 --id 01 -i "$work/data" -o "$work/rs.sig"
token --verify -m ECDSA-SHA256 --id 01 -i "$work/data" --signature-file "$work/rs.sig" | grep -q "is valid"
echo "something else" >"$work/data"
token --verify -m ECDSA-SHA256 --id 01 -i "$work/data" --signature-file "$work/rs.sig" >"$work/token.out" 2>&1 || true
grep -q "Invalid signature" "$work/token.out" "$work/token.err" || fail "a wrong signature is valid"
for type in EC:secp384r1 rsa:2048; do
    user --keypairgen --key-type "$type" --label other --id 02 >/dev/null
    user --test >"$work/tested" || fail "pkcs11-tool --test fails with a key of $type"
    grep -q "^No errors" "$work/tested" || fail "pkcs11-tool --test finds errors with a key of $type"
    user --delete-object --type privkey --id 02 >/dev/null
done
user --test | grep -q "^No errors" || fail "pkcs11-tool --test finds errors"

step "OpenSSL makes a request and a certificate with the key, which stays where it is"
cat >"$work/engine.cnf" <<CONF
openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = $module
PIN = 123456
init = 0
[req]
distinguished_name = dn
[dn]
CONF
with_engine() {
    OPENSSL_CONF=$work/engine.cnf openssl "$@"
}
key='pkcs11:object=tls_key_priv;type=private'
with_engine req -new -engine pkcs11 -keyform engine -key "$key" -subj /CN=device -out "$work/device.csr" 2>/dev/null
openssl req -in "$work/device.csr" -noout -verify -pubkey 2>/dev/null | cmp - "$work/key.pub"
with_engine req -new -x509 -days 365 -engine pkcs11 -keyform engine -key "$key" -subj /CN=device \
    -out "$work/device.crt" 2>/dev/null

step "certificates are written, read and deleted"
openssl x509 -in "$work/device.crt" -outform DER -out "$work/device.der"
openssl x509 -in "$(fact root_ca)" -outform DER -out "$work/root.der"
for label in tls_cert lamp; do
    user --write-object "$work/device.der" --type cert --label "$label" --id 01 >/dev/null
done
user --write-object "$work/root.der" --type cert --label root_ca_cert >/dev/null
token --read-object --type cert --label lamp -o "$work/again.der"
cmp "$work/device.der" "$work/again.der"
user --delete-object --type cert --label lamp >/dev/null
! token -O | grep -q lamp || fail "a deleted certificate is there"

step "OpenSSL's TLS client shows the certificate and signs in the token; the cloud takes it"
register device "$work/device.crt"
# MQTT 3.1.1: CONNECT as `device`, and the CONNACK
printf '\020\022\000\004MQTT\004\002\000\074\000\006device' >"$work/connect"
: >"$work/connack"
with_engine s_client -quiet -connect "localhost:$(fact mqtt_port)" -servername localhost -CAfile "$(fact root_ca)" \
    -verify_return_error -engine pkcs11 -keyform engine -key "$key" -cert "$work/device.crt" \
    <"$work/connect" 2>/dev/null >"$work/connack" &
background=$!
answered() {
    [ "$(od -An -tx1 "$work/connack" | tr -d ' \n')" = 20020000 ]
}
wait_until "the cloud accepts the connection" answered
kill "$background"
wait "$background" 2>/dev/null || true
background=

step "the device waits for a program that is in a call, and connects with what lies there"
cat >"$work/in_a_call.py" <<'PY'
import fcntl, struct, sys, time
file = open(sys.argv[1], "r+b")
fcntl.fcntl(file, 38, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 1, 0))  # F_OFD_SETLKW
fcntl.flock(file, fcntl.LOCK_EX)
print("in a call", flush=True)
time.sleep(1)
PY
python3 "$work/in_a_call.py" "$work/flash.img" >"$work/in_a_call" &
background=$!
wait_until "a program is in a call" test -s "$work/in_a_call"
power_on
expect device "on line as device, version 1.0.0"
