#!/bin/sh
# Keys behind TrustZone: one is imported from the console until the device is sealed, and none afterwards, over a
# reset too; keys that are made go on to be. No private key is in the part of the flash that the firmware sees.
#
#   sealing.sh
set -eu
board=mps2-an505/trustzone
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/emulated.sh"
need openssl
new_device
openssl ecparam -name prime256v1 -genkey -noout -out "$work/own.key"

step "a key is imported, and its number lies where the firmware does not reach"
type_line "secure"
expect device "can be imported, until"
paste "pki import key tls_key_priv" "$work/own.key"
expect device "SUCCESS: private key stored in tls_key_priv"
openssl ec -in "$work/own.key" -outform DER 2>/dev/null | dd bs=1 skip=7 count=32 2>/dev/null >"$work/number"
cat >"$work/find.py" <<'END'
import sys
flash, number = (open(name, "rb").read() for name in sys.argv[1:])
secure = 0x92000 # device 1 of the map
print(number in flash[:secure], number in flash[secure:])
END
[ "$(python3 "$work/find.py" "$work/flash.img" "$work/number")" = 'False True' ] ||
    fail "the key lies elsewhere: $(python3 "$work/find.py" "$work/flash.img" "$work/number")"

step "sealed, it takes none any more"
type_line "secure seal"
expect device "Sealed: from now on"
type_line reset
expect device "Otter firmware 1.0.0"
type_line "secure"
expect device "none can be imported (sealed)"
paste "pki import key tls_key_priv" "$work/own.key"
expect device "tls_key_priv is unchanged: "

step "but makes one, and nothing of the old one is left"
type_line "pki generate key"
expect device "Private Key Label: tls_key_priv"
[ "$(python3 "$work/find.py" "$work/flash.img" "$work/number")" = 'False False' ] || fail 'the old key is still there'

step "\`otter provision\` leaves it open where it is told to, and seals it else"
power_cut
make_flash "$work/flash.img" "$work/1.0.0.bin"
start_cloud
uart=socket,path=$work/serial.sock,server=on,wait=off
power_on
wait_until "the device's socket" test -S "$work/serial.sock"
provision() { # provision OPTION…
    timeout 100 "$otter" provision --port "unix:$work/serial.sock" --dir "$work/cloud" "$@" >"$work/said" 2>&1 ||
        { cat "$work/said"; fail 'otter provision failed'; }
}
provision --thing lamp --no-seal --timeout 0
! grep -q 'is sealed' "$work/said" || fail 'it was sealed in spite of --no-seal'
provision
grep -q 'The device is sealed' "$work/said" || fail 'it was not sealed'
provision --quiet --timeout 0
power_cut
uart=
power_on
expect device "on line as lamp"
type_line "secure"
expect device "none can be imported (sealed)"
echo passed
