#!/bin/sh
# The device in MQTT 5 before a plain Mosquitto with limits of its own: it hears them, keeps them, and what it says
# is understood.
set -eu
. "$(dirname "$0")/lib.sh"
need mosquitto mosquitto_pub openssl

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$work/broker.key" -out "$work/broker.crt" 2>/dev/null

started() {
    grep -q running "$work/cloud.log" && return 0
    alive "$cloud" || return 0
    return 1
}

# A free port: Mosquitto cannot choose one itself. Its log stands where the cloud's does.
for port in $(seq 20007 61 60000); do
    cat >"$work/broker.conf" <<END2
listener $port 127.0.0.1
certfile $work/broker.crt
keyfile $work/broker.key
allow_anonymous true
user $(id -un)
max_packet_size 20000
max_inflight_messages 2
max_keepalive 40
END2
    PATH=$PATH:/usr/sbin mosquitto -v -c "$work/broker.conf" >"$work/cloud.log" 2>&1 3>&- &
    cloud=$!
    wait_until "Mosquitto comes up" started
    alive "$cloud" && break
    wait "$cloud" || true
done

step "a device in MQTT 5"
new_device
make_certificate signer
openssl pkey -in "$work/signer.key" -pubout -out "$work/signer.pub"
configure thing_name device
configure mqtt_endpoint localhost
configure mqtt_port "$port"
configure mqtt_version 5
type_line "conf commit"
expect device "Configuration saved"
paste "pki import cert root_ca_cert" "$work/broker.crt"
expect device "SUCCESS: certificate"
paste "pki import key ota_signer_pub" "$work/signer.pub"
expect device "SUCCESS: public key"
type_line "pki generate key"
expect device "-----END PUBLIC KEY-----"
type_line "pki generate cert"
expect device "-----END CERTIFICATE-----"
type_line reset
expect device "MQTT 5, packets of 20000 bytes, 10 aliases"
from=$read_device
expect cloud "as device (p5, c1"
expect cloud "Received PUBLISH from device (d0, q1"
expect cloud "Sending PUBACK to device"

step "a message with properties"
mosquitto_pub -h localhost -p "$port" --cafile "$work/broker.crt" -V 5 -i other -q 1 \
    -t "\$aws/things/device/jobs/notify-next" -m '{"timestamp":1}' -D PUBLISH content-type application/json \
    -D PUBLISH user-property a b -D PUBLISH correlation-data 7 -D PUBLISH message-expiry-interval 60
expect cloud "Sending PUBLISH to device"
expect cloud "Received PUBACK from device"
sleep 1
never device "protocol error" "$from"
never device "off line" "$from"
[ "$(grep -c 'as device (p5' "$work/cloud.log")" = 1 ] || fail "the device did not stay on line"
echo passed
