#!/bin/sh
# `otter cloud` before other people's clients of MQTT 5: Eclipse Paho for Python (mqtt5.py), mosquitto_pub and
# mosquitto_sub, and one of 3.1.1 beside them.
# usage: mqtt5.sh OTTER
. "$(dirname "$0")/lib.sh"

need mosquitto mosquitto_pub mosquitto_sub openssl aws
need_python paho.mqtt
cd "$work"
start_cloud --mqtt-port 0 --api-port 0 --limit session=7200

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=lamp -keyout lamp.key -out lamp.pem 2>/dev/null
arn=$(aws iot register-certificate-without-ca --status ACTIVE --certificate-pem file://lamp.pem --query certificateArn --output text)
aws iot create-thing --thing-name lamp >/dev/null
aws iot create-policy --policy-name most --policy-document '{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":"iot:*","Resource":"*"},
  {"Effect":"Deny","Action":"iot:Publish","Resource":"arn:aws:iot:*:*:topic/forbidden"}]}' >/dev/null
aws iot attach-policy --policy-name most --target "$arn"
aws iot attach-thing-principal --thing-name lamp --principal "$arn"

echo "-- Paho"
"$python" "$here/mqtt5.py" "$port" cloud/root_ca.pem lamp.pem lamp.key

mqtt() { # mqtt pub|sub VERSION ARGUMENT...
    kind=$1 version=$2
    shift 2
    timeout 20 stdbuf -oL "mosquitto_$kind" -h localhost -p "$port" --cafile cloud/root_ca.pem --cert lamp.pem --key lamp.key -V "$version" "$@"
}

echo "-- mosquitto, both versions"
# shellcheck disable=SC2016 # $share is a word of MQTT
mqtt sub 5 -i five -q 1 -t 'x/+' -t '$share/g/y' -C 2 -d -F '%t|%p|%C|%R|%D|%P' >five.out 2>&1 &
background="$background $!"
five=$!
mqtt sub 311 -i three -q 1 -t 'x/+' -C 1 -d >three.out 2>&1 &
background="$background $!"
three=$!
wait_for SUBACK five.out
wait_for SUBACK three.out
mqtt pub 5 -i one -q 1 -t x/1 -m hello -D PUBLISH content-type text/plain -D PUBLISH response-topic r/t \
    -D PUBLISH correlation-data c0 -D PUBLISH user-property n 1 -D PUBLISH topic-alias 2
mqtt pub 311 -i two -q 1 -t y -m 'from 3.1.1'
wait "$five" || fail "mosquitto_sub -V 5 ended with $?: $(cat five.out)"
wait "$three" || fail "mosquitto_sub -V 311 ended with $?: $(cat three.out)"
grep -q 'x/1|hello|text/plain|r/t|c0|n:1' five.out || fail "$(cat five.out)"
grep -q 'y|from 3.1.1|' five.out || fail "$(cat five.out)"
grep -q '^hello' three.out || fail "$(cat three.out)"
mqtt pub 5 -i one -q 1 -t forbidden -m no -d >refused.out 2>&1 || true
grep -q 'RC:135' refused.out || fail "a forbidden message is not refused by its PUBACK: $(cat refused.out)"

kill -TERM "$cloud"
wait "$cloud" || fail "the cloud ended with $?"
cloud=
echo ok
