#!/bin/sh
# Clients that mean harm or know no better, at the cloud's doors: stream requests out of range and
# out of shape, messages too large, bytes that are no MQTT, wrong credentials, taken ports. Each gets
# its answer, and a client that does things right is served all the while.
set -eu
. "$(dirname "$0")/lib.sh"
need mosquitto_pub mosquitto_sub mosquitto_rr openssl python3

start_cloud
for name in prober witness; do
    make_certificate $name
    register $name "$work/$name.crt"
done
head -c 10000 /dev/urandom >"$work/object"
together "aws s3api create-bucket --bucket objects" \
    "aws iam create-role --role-name r --assume-role-policy-document \
        '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":{\"Service\":\"iot.amazonaws.com\"}}]}'"
aws s3 cp --quiet "$work/object" s3://objects/object
aws iot create-stream --stream-id s --role-arn "arn:aws:iam::$(fact account):role/r" \
    --files 'fileId=0,s3Location={bucket=objects,key=object}' >/dev/null

mqtt() { # mqtt pub|rr ARGUMENT…: as the thing `prober`
    kind=$1
    shift
    timeout $patience_s "mosquitto_$kind" -V mqttv311 -h localhost -p "$(fact mqtt_port)" \
        --cafile "$(fact root_ca)" --cert "$work/prober.crt" --key "$work/prober.key" -i prober "$@"
}

# Not by a function: $! must be the client itself, for the end of the test.
mosquitto_sub -V mqttv311 -h localhost -p "$(fact mqtt_port)" --cafile "$(fact root_ca)" \
    --cert "$work/witness.crt" --key "$work/witness.key" -i witness -t 'data/#' -q 1 \
    >"$work/heard" 2>&1 &
witness=$!
background=$witness
expect cloud "witness connected"

good_client_is_served() {
    served=$((${served:-0} + 1))
    # A block of the stream in JSON, and a message through the broker.
    mqtt rr -t '$aws/things/prober/streams/s/get/json' \
        -e '$aws/things/prober/streams/s/data/json' -m '{"f":0,"l":256,"o":1,"n":1}' >"$work/block"
    grep -q '"i":1,' "$work/block" || fail "no block any more: $(cat "$work/block")"
    mqtt pub -q 1 -t data/1 -m "number $served"
    wait_until "the witness hears" grep -q "number $served\$" "$work/heard"
    alive $witness || fail "the witness was cut off"
}

# refused CODE FORMAT ARGUMENT…: a stream request that must be answered on the rejected topic.
refused() {
    code=$1
    format=$2
    shift 2
    mqtt rr -t "\$aws/things/prober/streams/s/get/$format" \
        -e "\$aws/things/prober/streams/s/rejected/$format" "$@" >"$work/answer" || fail "no answer: $*"
    grep -a -q "$code" "$work/answer" || fail "$*: wanted $code, got $(cat "$work/answer")"
}

good_client_is_served

step "stream requests out of range"
refused OffsetOutOfBounds json -m '{"f":0,"l":256,"o":4000,"n":1}'
refused OffsetOutOfBounds json -m '{"f":0,"l":256,"o":-1,"n":1}'
refused BlockSizeOutOfBounds json -m '{"f":0,"l":1,"o":0,"n":1}'
refused BlockSizeOutOfBounds json -m '{"f":0,"l":99999999999,"o":0,"n":1}'
refused InvalidRequest json -m '{"f":256,"l":256}'
refused ResourceNotFound json -m '{"f":7,"l":256,"o":0,"n":1}'
good_client_is_served

step "stream requests out of shape"
refused InvalidJson json -m '{"f":0,"l":256'
refused InvalidRequest json -m '{"f":"zero","l":256}'
refused InvalidCbor cbor -m 'this is no CBOR'
printf '\277\141f\000\141l\031\020\000' >"$work/open.cbor" # a map without end
refused InvalidCbor cbor -f "$work/open.cbor"
printf '\242\141f\000\141b\133\377\377\377\377\377\377\377\377' >"$work/long.cbor" # 2^64-1 bytes
refused InvalidCbor cbor -f "$work/long.cbor"
head -c 5000 /dev/zero | tr '\0' '\201' >"$work/deep.cbor"
refused InvalidCbor cbor -f "$work/deep.cbor"
head -c 100000 /dev/urandom >"$work/noise"
refused Invalid cbor -f "$work/noise"
good_client_is_served

step "job requests out of shape"
mqtt rr -t '$aws/things/prober/jobs/no-such-job/update' \
    -e '$aws/things/prober/jobs/no-such-job/update/rejected' -m '{"status":"SUCCEEDED"}' >"$work/answer"
grep -q ResourceNotFound "$work/answer" || fail "$(cat "$work/answer")"
mqtt rr -t '$aws/things/prober/jobs/$next/get' \
    -e '$aws/things/prober/jobs/$next/get/rejected' -m '{"clientToken":' >"$work/answer"
grep -q InvalidJson "$work/answer" || fail "$(cat "$work/answer")"
good_client_is_served

step "messages that are too large"
head -c 131100 /dev/zero >"$work/large"
mqtt pub -q 0 -t data/large -f "$work/large" >/dev/null 2>&1 || true
expect cloud "it published 131100 bytes on data/large, at most 131072 are allowed"
head -c 200000 /dev/zero >"$work/large"
mqtt pub -q 1 -t data/large -f "$work/large" >/dev/null 2>&1 || true
expect cloud "its packet is too long (at most 128 KiB of payload)"
{
    printf '\020\022\000\004MQTT\004\002\000\074\000\006prober'
    sleep 1
    printf '\060\377\377\377\177' # a PUBLISH of 256 MiB
    cat "$work/large" "$work/large" "$work/large" "$work/large" "$work/large" "$work/large"
} | timeout $patience_s openssl s_client -servername localhost -quiet -connect "localhost:$(fact mqtt_port)" \
    -CAfile "$(fact root_ca)" -cert "$work/prober.crt" -key "$work/prober.key" >/dev/null 2>&1 || true
expect cloud "its packet is too long (at most 128 KiB of payload)"
good_client_is_served

step "bytes that are no MQTT, and no TLS"
timeout $patience_s openssl s_client -servername localhost -quiet -connect "localhost:$(fact mqtt_port)" \
    -CAfile "$(fact root_ca)" -cert "$work/prober.crt" -key "$work/prober.key" \
    <"$work/noise" >/dev/null 2>&1 || true
timeout $patience_s mosquitto_pub -h localhost -p "$(fact mqtt_port)" -t data/1 -m x \
    >"$work/out" 2>&1 && fail "somebody got in without TLS"
timeout $patience_s mosquitto_pub -h localhost -p "$(fact mqtt_port)" -t data/1 -m x \
    --cafile "$(fact root_ca)" >"$work/out" 2>&1 && fail "somebody got in without a certificate"
good_client_is_served

step "AWS commands with a wrong secret, a wrong key id, and none"
# rejected ERROR WORDS…: the CLI without `otter aws`, with the credentials of the environment.
rejected() {
    error=$1
    shift
    url=$(fact api_url)
    if AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_PAGER='' AWS_MAX_ATTEMPTS=1 \
        AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_DEFAULT_REGION=us-east-1 no_proxy=127.0.0.1 \
        command aws --endpoint-url "$url" "$@" >"$work/out" 2>&1; then
        fail "$* was taken"
    fi
    grep -q "$error" "$work/out" || fail "$*: wanted $error, got $(cat "$work/out")"
}
unset AWS_SESSION_TOKEN AWS_PROFILE || true
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
AWS_ACCESS_KEY_ID=$(fact access_key_id)
AWS_SECRET_ACCESS_KEY=wrong
rejected InvalidSignatureException iot list-things
rejected SignatureDoesNotMatch s3api list-buckets
rejected MissingAuthenticationToken iot list-things --no-sign-request
rejected AccessDenied s3api list-objects-v2 --bucket objects --no-sign-request
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
[ "$(ask thingName iot describe-thing --thing-name prober)" = prober ] || fail "the right secret fails"

step "a second cloud: on the same folder, on taken ports, and with none given"
refuses() { # refuses TEXT OPTION…
    text=$1
    shift
    if timeout $patience_s "$otter" cloud "$@" >"$work/out" 2>&1; then fail "it started: $*"; fi
    grep -q -e "$text" "$work/out" || fail "wanted '$text', got $(cat "$work/out")"
}
api_port=$(fact api_url)
refuses "a cloud is running on" --dir "$work/cloud"
refuses "--mqtt-port" --dir "$work/second" --mqtt-port "$(fact mqtt_port)"
refuses "--api-port" --dir "$work/second" --api-port "${api_port##*:}"
mkdir "$work/emptied"
cp "$work/cloud/root_ca.pem" "$work/emptied/"
: >"$work/emptied/root_ca.key"
refuses "root_ca.key is missing, empty" --dir "$work/emptied"
refuses "needs a number" --dir "$work/second" --mqtt-port many
[ -e "$work/cloud/cloud.json" ] || fail "the first cloud lost its cloud.json"
"$otter" cloud --dir "$work/second" >"$work/second.log" 2>&1 &
background="$witness $!"
second_is_up() {
    [ -e "$work/second/cloud.json" ]
}
wait_until "a second cloud finds free ports" second_is_up

# a terminal that closes ends a cloud in order: it leaves no cloud.json that names a dead one
second=${background##* }
kill -HUP "$second"
wait "$second" || fail "SIGHUP does not stop a cloud in order: $(cat "$work/second.log")"
! second_is_up || fail "SIGHUP left a cloud.json"
background=$witness
good_client_is_served
stop_cloud

step "a crowd that says nothing, before a cloud with few file descriptors"
sh -c 'ulimit -n 64 && exec "$@"' sh "$otter" cloud --limit connect=0 --dir "$work/cloud" >>"$work/cloud.log" 2>&1 3>&- &
cloud=$!
wait_until "the cloud comes up" cloud_is_up
mosquitto_sub -V mqttv311 -h localhost -p "$(fact mqtt_port)" --cafile "$(fact root_ca)" \
    --cert "$work/witness.crt" --key "$work/witness.key" -i witness -t 'data/#' -q 1 \
    >"$work/heard" 2>&1 &
witness=$!
background="$background $witness"
skip_lines cloud
expect cloud "witness connected"
before=$(lines cloud)
api_port=$(fact api_url)
python3 -c '
import socket, sys, time
people = []
for port in map(int, sys.argv[1:]):
    for i in range(80):
        people.append(socket.create_connection(("127.0.0.1", port)))
        if i < 5 or port != int(sys.argv[1]):
            people[-1].send(b"\x16")
print("here", flush=True)
time.sleep(600)
' "$(fact mqtt_port)" "${api_port##*:}" >"$work/crowd" &
crowd=$!
background="$background $crowd"
wait_until "the crowd is there" grep -q here "$work/crowd"
good_client_is_served
sleep 3
good_client_is_served
[ $(($(lines cloud) - before)) -lt 200 ] || fail "$(($(lines cloud) - before)) lines in the log"
if tail -n "+$((before + 1))" "$work/cloud.log" | grep "cannot accept"; then
    fail "the crowd has taken all file descriptors"
fi
# utime and stime, of 100 to a second
spent=$(awk '{ print $14 + $15 }' "/proc/$cloud/stat")
[ "$spent" -lt 500 ] || fail "the cloud has worked for $spent ticks"
kill "$crowd"
wait_until "the crowd is gone" eval '! alive $crowd'
ask thingName iot describe-thing --thing-name prober >/dev/null || fail "the API does not answer"
good_client_is_served
stop_cloud
echo "passed"
