#!/bin/sh
# The device as a process whose private key is made and used in a PKCS#11 module (SoftHSM): mutual TLS
# with the gateway, through the console and the commands that a device with its key in flash has.
#   token.sh DEVICE    the firmware with that place for keys (token_device.c)
set -eu
token_device=$1
. "$(dirname "$0")/lib.sh"
need openssl softhsm2-util mosquitto aws
module=/usr/lib/softhsm/libsofthsm2.so
[ -r "$module" ] || skip "$module is not there; install it with: apt-get install softhsm2"

mkdir "$work/token"
echo "directories.tokendir = $work/token" >"$work/softhsm2.conf"
export SOFTHSM2_CONF="$work/softhsm2.conf" OTTER_PKCS11_MODULE="$module" OTTER_PKCS11_PIN=1234
softhsm2-util --init-token --free --label otter --so-pin 4321 --pin 1234 >/dev/null

# Power on without the bootloader: the program is too large for a slot where it is instrumented. What
# lies in the slot tells it its version; a reset starts it again.
printf '#!/bin/sh\nexec "%s"\n' "$token_device" >"$work/boot"
chmod +x "$work/boot"
power_on() {
    if [ ! -p "$work/console" ]; then
        mkfifo "$work/console"
        exec 3<>"$work/console"
    fi
    OTTER_BOOT=$work/boot OTTER_FLASH_FD=4 OTTER_HANDOVER=0,1,0,0 \
        "$token_device" <"$work/console" >>"$work/device.log" 2>&1 3>&- 4<>"$work/flash.img" &
    device=$!
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

step "flash has no private key, and the token's is the certificate's"
type_line kv
expect device "keys take"
tr -d '\r' <"$work/device.log" | grep -a 'pki/.* bytes' >"$work/stored"
grep -q pki/tls_cert "$work/stored" || fail "the store does not list its certificate"
! grep -q pki/tls_key_priv "$work/stored" || fail "the private key lies in the store"
type_line "pki export key tls_key_priv"
expect device "a private key never leaves the device"
openssl x509 -in "$work/device.crt" -noout -pubkey >"$work/certified.pub"
from=$(lines device)
type_line "pki export key tls_key_pub"
expect device "-----END PUBLIC KEY-----"
tail -n "+$((from + 1))" "$work/device.log" | tr -d '\r' |
    sed -n '/-----BEGIN PUBLIC KEY-----/,/-----END PUBLIC KEY-----/p' >"$work/shown.pub"
cmp "$work/certified.pub" "$work/shown.pub"

step "it comes back on line after a power cut"
power_cut
power_on
expect device "on line as device, version 1.0.0"

step "without the token's key there is no connection"
power_cut
softhsm2-util --delete-token --token otter >/dev/null
softhsm2-util --init-token --free --label otter --so-pin 4321 --pin 1234 >/dev/null
power_on
expect device "not provisioned: tls_key_priv is missing"
