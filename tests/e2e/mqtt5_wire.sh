#!/bin/sh
# Topic aliases on the wire, both ways: somebody between device and cloud sees the blocks of an update come, and what
# asks for them and the device's telemetry go, by aliases in place of topics.
#   mqtt5_wire.sh posix|mps2-an505
set -eu
board=$1
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/emulated.sh"
need python3

start_cloud
step "a device that reaches the cloud through somebody who reads along"
make_certificate device
make_certificate signer
openssl pkey -in "$work/signer.key" -pubout -out "$work/signer.pub"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$work/middle.key" -out "$work/middle.crt" 2>/dev/null
register device "$work/device.crt"
python3 "$root/tests/e2e/mqtt5_wire.py" "$(fact mqtt_port)" "$(fact root_ca)" "$work/device.crt" "$work/device.key" \
    "$work/middle.crt" "$work/middle.key" >"$work/wire" 2>"$work/wire.log" &
background=$!
wait_until "it listens" test -s "$work/wire"
cat >"$work/device.conf" <<END
conf set thing_name device
conf set mqtt_endpoint localhost
conf set mqtt_port $(head -n 1 "$work/wire")
conf set mqtt_version 5
conf set telemetry_period_s 1
conf set telemetry_topic data/device
pki import cert root_ca_cert < middle.crt
pki import cert tls_cert < device.crt
pki import key tls_key_priv < device.key
pki import key ota_signer_pub < signer.pub
END
sign_image 1.0.0 "$firmware-1.0.0.bin" "$work/1.0.0.bin"
"$otter" provision --to-image "$work/1.0.0.bin" --from "$work/device.conf" -o "$work/provisioned.bin" --quiet
make_flash "$work/flash.img" "$work/provisioned.bin"
power_on
expect device "MQTT 5, packets of"
expect device "on line as device, version 1.0.0"

# How many lines of the wire begin with $1 and have $2 in them, named or aliased.
seen_on_wire() {
    grep -c "^$1 [^ ]*$2 " "$work/wire" || true
}

step "telemetry: a topic once, then its alias"
heard_telemetry() {
    [ "$(seen_on_wire out "data/device/network_stats aliased")" -ge 2 ]
}
wait_until "telemetry goes by aliases" heard_telemetry
for topic in env_sensor_data motion_sensor_data network_stats; do
    # There are more topics than aliases: one may lose its own, once.
    [ "$(seen_on_wire out "data/device/$topic named")" -le 2 ] || fail "$topic was named again and again: $(cat "$work/wire")"
    [ "$(seen_on_wire out "data/device/$topic aliased")" -ge 1 ] || fail "$topic has no alias: $(cat "$work/wire")"
done

step "an update: its blocks come by an alias, and are asked for by one"
make_release 1.0.1 300
create_update 1.0.1
expect device "blocks are on flash; checking"
blocks=$(grep -c '^in [^ ]*/data/cbor ' "$work/wire")
named=$(seen_on_wire in "/data/cbor named")
[ "$blocks" -ge 70 ] || fail "only $blocks blocks were seen"
# What comes between them may take the place of their alias, now and then.
[ "$named" -ge 1 ] && [ "$named" -le $((blocks / 4)) ] || fail "$named of $blocks blocks came with their topic"
[ "$(seen_on_wire out "/get/cbor named")" -le 2 ] || fail "blocks are asked for by topic: $(cat "$work/wire")"
[ "$(seen_on_wire out "/get/cbor aliased")" -ge 1 ] || fail "blocks are not asked for by alias"
expect device "on line as device, version 1.0.1"
echo "passed: $((blocks - named)) of $blocks blocks by alias"
