#!/bin/sh
# The device as a process whose private key is made and used in a PKCS#11 module (SoftHSM): mutual TLS
# with the gateway, through the console and the commands that a device with its key in flash has.
set -eu
. "$(dirname "$0")/lib.sh"
need openssl softhsm2-util pkcs11-tool mosquitto aws
module=/usr/lib/softhsm/libsofthsm2.so
[ -r "$module" ] || skip "$module is not there; install it with: apt-get install softhsm2"

mkdir "$work/token"
echo "directories.tokendir = $work/token" >"$work/softhsm2.conf"
export SOFTHSM2_CONF="$work/softhsm2.conf"
softhsm2-util --init-token --free --label another --so-pin 4321 --pin 9999 >/dev/null
softhsm2-util --init-token --free --label lamps --so-pin 4321 --pin 1234 >/dev/null
echo 1234 >"$work/pin"

key_label=tls_key_priv
power_on() {
    if [ ! -p "$work/console" ]; then
        mkfifo "$work/console"
        exec 3<>"$work/console"
    fi
    "$otter" device --flash "$work/flash.img" --pkcs11 "$module" --token lamps --pin-file "$work/pin" \
        --key-label "$key_label" <"$work/console" >>"$work/device.log" 2>&1 3>&- &
    device=$!
}
in_token() {
    pkcs11-tool --module "$module" --token-label lamps --login --pin 1234 "$@" 2>/dev/null
}

listed() { # listed LABEL: what `pki list` says of it
    from=$(lines device)
    type_line "pki list"
    expect device "fleetprov_claim_key"
    tail -n "+$((from + 1))" "$work/device.log" | tr -d '\r' | sed -n "s/^$1 *//p"
}

step "a key made in the token, a certificate that it signed, mutual TLS with the gateway"
start_cloud
provisioned_device
[ "$(listed tls_key_priv)" = "private key   32 bytes" ] || fail "the list says: $(listed tls_key_priv)"
in_token -O --type privkey | grep -q "sensitive, always sensitive, never extractable" ||
    fail "the token does not say that the key was made there and never left it"

step "flash has no private key, and the token's is the certificate's"
type_line kv
expect device "keys take"
tr -d '\r' <"$work/device.log" | grep -a 'pki/.* bytes' >"$work/stored"
grep -q pki/tls_cert "$work/stored" || fail "the store does not list its certificate"
! grep -q pki/tls_key_priv "$work/stored" || fail "the private key lies in the store"
type_line "pki export key tls_key_priv"
expect device "a private key never leaves the device"
openssl x509 -in "$work/device.crt" -noout -pubkey >"$work/certified.pub"
in_token --read-object --type pubkey --label tls_key_priv -o "$work/token.der" >/dev/null
openssl pkey -pubin -inform DER -in "$work/token.der" | cmp - "$work/certified.pub"

step "it comes back on line after a power cut"
power_cut
power_on
expect device "on line as device, version 1.0.0"
power_cut

step "a token that is taken away is told as gone, not its keys as never made; with it they are back"
power_on
expect device "on line as device, version 1.0.0"
mv "$work/token" "$work/taken"
type_line "pki generate csr"
expect device "the token lamps has gone"
expect device "No request made: "
mkdir "$work/token"
type_line "pki generate csr"
expect device "has no token labelled lamps"
expect device "No request made: "
never device "off line" "$read_device"
rmdir "$work/token"
mv "$work/taken" "$work/token"
[ "$(listed tls_key_priv)" = "private key   32 bytes" ] || fail "the list says: $(listed tls_key_priv)"

step "a device that needs the key meanwhile connects by itself when the token is back"
mv "$work/token" "$work/taken"
mkdir "$work/token"
from=$(lines device)
type_line reset
expect device "restarting"
expect device "has no token labelled lamps"
expect device "has no token labelled lamps"
rmdir "$work/token"
mv "$work/taken" "$work/token"
expect device "on line as device, version 1.0.0"
never device "not provisioned" "$from"
power_cut

step "a key that was in the token before, by its label; its public half comes from its certificate there"
in_token --keypairgen --key-type EC:prime256v1 --label "from the factory" --id 07 >/dev/null
in_token --read-object --type pubkey --id 07 -o "$work/factory.der" >/dev/null
openssl pkey -pubin -inform DER -in "$work/factory.der" -out "$work/factory.pub"
in_token --delete-object --type pubkey --id 07 >/dev/null
key_label="from the factory"
power_on
expect device "neither a public key nor a certificate for the private key from the factory"
power_cut
openssl x509 -new -subj /CN=factory -key "$work/signer.key" -force_pubkey "$work/factory.pub" -outform DER -out "$work/cert.der"
in_token --write-object "$work/cert.der" --type cert --label "a certificate" --id 07 >/dev/null
power_on
expect device "[APP"
type_line "pki generate csr"
expect device "-----END CERTIFICATE REQUEST-----"
tr -d '\r' <"$work/device.log" | sed -n '/BEGIN CERTIFICATE REQUEST/,/END CERTIFICATE REQUEST/p' >"$work/device.csr"
openssl req -in "$work/device.csr" -noout -verify -pubkey 2>/dev/null | cmp - "$work/factory.pub"
key_label=tls_key_priv

step "what is wrong is said: the PIN, the token, the module, the options"
power_cut
echo 4321 >"$work/pin"
power_on
expect device "the token refuses the PIN"
power_cut
rm "$work/pin"
power_on
expect device "cannot read the PIN from $work/pin"
power_cut
echo 1234 >"$work/pin"
good=$module
module=$work/none.so
power_on
expect device "cannot load the module: $work/none.so"
power_cut
module=$good
! "$otter" device --flash "$work/flash.img" --token lamps 2>"$work/said" || fail "a token without a module is taken"
grep -q -- "--pkcs11 MODULE" "$work/said"

step "without the token's key there is no connection, and without the token nothing is said to be missing"
softhsm2-util --delete-token --token lamps >/dev/null
power_on
expect device "has no token labelled lamps"
power_cut
softhsm2-util --init-token --free --label lamps --so-pin 4321 --pin 1234 >/dev/null
power_on
expect device "not provisioned: tls_key_priv is missing"
