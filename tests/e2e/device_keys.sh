#!/bin/sh
# Device keys of each kind, from the console to mutual TLS with the local cloud: with the certificate that the device
# makes itself, and with one that the cloud makes of its request.
#   device_keys.sh KIND [BOARD [KIND]]    p256, p384 or rsa2048; posix, or an emulated board that has that kind; of
#                                         which the second key is to be
set -eu
kind=$1
board=${2:-posix}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/emulated.sh"
case $kind in
p256) text="P-256" ;;
p384) text="P-384" ;;
rsa2048) text="2048 bit" ;;
*) fail "no such kind: $kind" ;;
esac

shown() { # shown WHAT: the last one on the console
    tr -d '\r' <"$work/device.log" | awk -v what="$1" '
        $0 ~ "-----BEGIN " what "-----" { text = "" } { text = text $0 "\n" }
        $0 ~ "-----END " what "-----" { last = text } END { printf "%s", last }' |
        sed -n "/-----BEGIN $1-----/,\$p"
}

new_key() { # of this kind, in the place of the one there
    type_line "pki generate key tls_key_priv $kind"
    expect device "Private Key Label: tls_key_priv"
    expect device "-----END PUBLIC KEY-----"
}

step "a key of $kind, and the device's own certificate"
start_cloud
new_device
make_certificate signer
openssl pkey -in "$work/signer.key" -pubout -out "$work/signer.pub"
join_wifi
configure thing_name device
configure mqtt_endpoint localhost
configure mqtt_port "$(fact mqtt_port)"
type_line "conf commit"
expect device "Configuration saved"
paste "pki import cert root_ca_cert" "$(fact root_ca)"
expect device "SUCCESS: certificate"
paste "pki import key ota_signer_pub" "$work/signer.pub"
expect device "SUCCESS: public key"
new_key
type_line "pki generate cert"
expect device "-----END CERTIFICATE-----"
shown "PUBLIC KEY" >"$work/device.pub"
shown CERTIFICATE >"$work/device.crt"
openssl pkey -pubin -in "$work/device.pub" -noout -text | grep -q "$text" || fail "this is no key of $kind"
openssl verify -x509_strict -check_ss_sig -CAfile "$work/device.crt" "$work/device.crt" >/dev/null
openssl x509 -in "$work/device.crt" -noout -pubkey | cmp - "$work/device.pub"

step "the cloud knows it by that certificate"
register device "$work/device.crt"
type_line reset
expect device "on line as device, version 1.0.0"

kind=${3:-$kind}
step "a new key of $kind, and a certificate that the cloud makes of its request"
new_key
shown "PUBLIC KEY" >"$work/new.pub"
! cmp -s "$work/new.pub" "$work/device.pub" || fail "the key is the old one"
type_line "pki generate csr"
expect device "-----END CERTIFICATE REQUEST-----"
shown "CERTIFICATE REQUEST" >"$work/device.csr"
openssl req -in "$work/device.csr" -noout -verify -pubkey 2>/dev/null | cmp - "$work/new.pub"
aws iot create-certificate-from-csr --set-as-active --certificate-signing-request "file://$work/device.csr" \
    --certificate-pem-outfile "$work/issued.crt" --query certificateArn --output text >"$work/principal"
principal=$(cat "$work/principal")
together "aws iot attach-thing-principal --thing-name device --principal $principal" \
    "aws iot attach-policy --policy-name device --target $principal"
paste "pki import cert" "$work/issued.crt"
expect device "SUCCESS: certificate"
type_line reset
expect device "on line as device, version 1.0.0"

step "a word that is no kind is told"
type_line "pki generate key p521"
expect device "No label 'p521'"
