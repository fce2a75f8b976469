#!/bin/sh
# `otter cloud` with the tools people have: who gets in, what goes through, how it stops and comes back.
# usage: cloud.sh OTTER CLOUD_SWARM
. "$(dirname "$0")/lib.sh"

swarm=$2
dir=$work/a-folder-whose-path-is-longer-than-the-107-characters-that-fit-into-the-address-of-a-unix-socket-on-linux/cloud
need mosquitto_pub mosquitto_sub openssl aws

step() {
    echo "-- $*"
}

kill_cloud() { # as nothing can prepare for; the next cloud is started at once
    kill -KILL "$cloud"
    wait "$cloud" 2>/dev/null || true
    cloud=
    rm -f "$dir/cloud.json"
}

broker_process() {
    cat "/proc/$cloud/task/$cloud/children"
}

stop_cloud() {
    kill -TERM "$cloud"
    code=0
    wait "$cloud" || code=$?
    cloud=
    [ "$code" = 0 ] || fail "the cloud ended with $code"
}

aws_cli() { # aws_cli SERVICE OPERATION ARGUMENT...
    AWS_SHARED_CREDENTIALS_FILE=$dir/credentials AWS_CONFIG_FILE=/dev/null AWS_PAGER='' \
        AWS_EC2_METADATA_DISABLED=true NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 \
        AWS_DEFAULT_REGION=us-east-1 aws \
        --endpoint-url "$(fact api_url)" \
        "$@"
}

iot() { # asked for one text
    query=$1
    shift
    aws_cli iot "$@" --output text --query "$query"
}

make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "/CN=$1" \
        -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
}

# mqtt pub|sub CERTIFICATE ARGUMENTS...
mqtt() {
    kind=$1
    certificate=$2
    shift 2
    timeout 20 "mosquitto_$kind" -h localhost -p "$port" --cafile "$dir/root_ca.pem" \
        --cert "$work/$certificate.pem" --key "$work/$certificate.key" "$@"
}

byte() {
    printf "\\$(printf %03o "$1")"
}

# Connects as "sensor", publishes at QoS 0 and shows what comes back within two seconds: no tool of
# MQTT 3.1.1 hears an answer that it has not subscribed to. Everything is shorter than 128 bytes.
ask() { # ask TOPIC PAYLOAD
    {
        printf '\020\022\000\004MQTT\004\002\000\074\000\006sensor'
        sleep 1
        printf '\060'
        byte $((2 + ${#1} + ${#2}))
        byte 0
        byte ${#1}
        printf '%s%s' "$1" "$2"
        sleep 1
        printf '\340\000' # DISCONNECT, or openssl waits for the keep alive to run out
    } | openssl s_client -servername localhost -quiet -connect "localhost:$port" -CAfile "$dir/root_ca.pem" \
        -cert "$work/sensor.pem" -key "$work/sensor.key" 2>/dev/null | tr -c '[:print:]' '\n'
}

step "first start, in a folder with a long path"
start_cloud
for file in cloud.json credentials root_ca.key otter.db; do
    [ "$(stat -c %a "$dir/$file")" = 600 ] || fail "$file can be read by others"
done
[ "$(stat -c %a "$dir/broker")" = 700 ] || fail "the broker's folder is open to others"

step "a second cloud on the folder, and a taken port, are refused with a word of help"
if "$otter" cloud --dir "$dir" >"$work/out" 2>&1; then fail "two clouds on one folder"; fi
grep -q "running on $dir already" "$work/out" || fail "$(cat "$work/out")"
[ -e "$dir/cloud.json" ] || fail "the second cloud removed the first one's cloud.json"
if "$otter" cloud --dir "$work/second" --mqtt-port "$port" >"$work/out" 2>&1; then
    fail "two clouds on one port"
fi
grep -q "port $port .*--mqtt-port" "$work/out" || fail "$(cat "$work/out")"

step "a registered certificate works over TLS 1.2 and 1.3, another one does not"
make_certificate sensor
make_certificate stranger
id=$(iot certificateId register-certificate-without-ca --status ACTIVE \
    --certificate-pem "file://$work/sensor.pem")
arn=arn:aws:iot:us-east-1:$(fact account)
iot thingName create-thing --thing-name sensor >/dev/null
iot None attach-thing-principal --thing-name sensor --principal "$arn:cert/$id" >/dev/null
cat >"$work/policy.json" <<JSON
{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":"iot:Connect","Resource":"$arn:client/\${iot:Connection.Thing.ThingName}",
  "Condition":{"Bool":{"iot:Connection.Thing.IsAttached":["true"]}}},
 {"Effect":"Allow","Action":"iot:Connect","Resource":"$arn:client/second"},
 {"Effect":"Allow","Action":["iot:Publish","iot:Receive","iot:RetainPublish"],
  "Resource":["$arn:topic/data/*","$arn:topic/\$aws/things/sensor/*"]},
 {"Effect":"Allow","Action":"iot:Subscribe",
  "Resource":["$arn:topicfilter/data/*","$arn:topicfilter/\$aws/things/s*"]},
 {"Effect":"Allow","Action":"iot:Connect","Resource":"$arn:client/swarm-*"}]}
JSON
iot policyName create-policy --policy-name sensor --policy-document "file://$work/policy.json" >/dev/null
iot None attach-policy --policy-name sensor --target "$arn:cert/$id" >/dev/null
for version in tlsv1.2 tlsv1.3; do
    mqtt sub sensor -i second -t 'data/#' -q 1 -C 1 >"$work/out" &
    subscriber=$!
    background=$subscriber
    wait_for "second connected" "$work/cloud.log"
    sleep 0.5
    mqtt pub sensor -i sensor -t data/1 -q 1 -m "over $version" --tls-version $version
    wait "$subscriber" || fail "nothing came over $version"
    background=
    grep -q "over $version" "$work/out" || fail "wanted 'over $version', got $(cat "$work/out")"
    if mqtt pub stranger -i sensor -t data/1 -m x --tls-version $version >"$work/out" 2>&1; then
        fail "an unregistered certificate got in over $version"
    fi
done
wait_for "is not registered" "$work/cloud.log"

step "TLS below 1.2 and no certificate are refused, ALPN is answered"
openssl s_client -servername localhost -connect "localhost:$port" -CAfile "$dir/root_ca.pem" -verify_return_error \
    -verify_hostname localhost -alpn x-amzn-mqtt-ca -cert "$work/sensor.pem" \
    -key "$work/sensor.key" </dev/null >"$work/out" 2>&1 || true
grep -q "ALPN protocol: x-amzn-mqtt-ca" "$work/out" || fail "no ALPN: $(cat "$work/out")"
grep -q "Verify return code: 0" "$work/out" || fail "the server's certificate: $(cat "$work/out")"
if openssl s_client -connect "localhost:$port" -tls1_1 -cipher DEFAULT@SECLEVEL=0 \
    </dev/null >"$work/out" 2>&1; then fail "TLS 1.1 was taken"; fi
if openssl s_client -connect "localhost:$port" -tls1_2 </dev/null >"$work/out" 2>&1; then
    fail "a client without a certificate got in"
fi

step "a fleet that comes at once gets in, though the broker's queue is full"
kill -STOP "$(broker_process)"
"$swarm" "$port" "$work/sensor.pem" "$work/sensor.key" 150 1 >"$work/out" &
background=$!
sleep 3
kill -CONT "$(broker_process)"
wait "$background" || fail "$(cat "$work/out")"
background=
awk '$2 != 150 || $6 != 0 { exit 1 }' "$work/out" || fail "some had to try again: $(cat "$work/out")"

step "policies decide on client id, topic and filter"
if mqtt pub sensor -i someone -t data/1 -m x >"$work/out" 2>&1; then
    fail "a client id that no policy allows got in"
fi
mqtt sub sensor -i sensor -t other -W 5 >"$work/out" 2>&1 || true
grep -q "subscription requests were denied" "$work/out" || fail "granted: $(cat "$work/out")"
wait_for "no policy allows iot:Subscribe on topicfilter/other" "$work/cloud.log"
mqtt pub sensor -i sensor -t forbidden -m x >"$work/out" 2>&1 || true
wait_for "no policy allows iot:Publish on topic/forbidden" "$work/cloud.log"

step "a job is announced and answered"
mqtt sub sensor -i second -t '$aws/things/sensor/jobs/notify-next' -q 1 -C 1 >"$work/notified" &
background=$!
sleep 1
iot jobId create-job --job-id job-1 --targets "$arn:thing/sensor" --document '{"do":"it"}' >/dev/null
wait_for '"jobId":"job-1"' "$work/notified"
wait "$background" || true
background=
ask '$aws/things/sensor/jobs/$next/get' '{"clientToken":"t"}' >"$work/out"
grep -q 'jobs/$next/get/accepted' "$work/out" || fail "no answer: $(cat "$work/out")"
grep -q '"jobDocument":{"do":"it"}' "$work/out" || fail "no job: $(cat "$work/out")"
ask '$aws/things/sensor/jobs/job-1/update' '{"status":"SUCCEEDED"}' >"$work/out"
grep -q 'jobs/job-1/update/accepted' "$work/out" || fail "no answer: $(cat "$work/out")"
state=$(iot execution.status describe-job-execution --job-id job-1 --thing-name sensor)
[ "$state" = SUCCEEDED ] || fail "the execution is $state"

step "a shadow is set by the CLI and reported by the device, and each hears of the other"
mqtt sub sensor -i second -t '$aws/things/sensor/shadow/name/config/update/delta' -q 1 -C 1 >"$work/delta" &
background=$!
sleep 1
printf '{"state":{"desired":{"led":1}}}' >"$work/desired.json"
aws_cli iot-data update-thing-shadow --thing-name sensor --shadow-name config \
    --payload "fileb://$work/desired.json" "$work/accepted.json" >/dev/null
grep -q '"version":1' "$work/accepted.json" || fail "the CLI was told: $(cat "$work/accepted.json")"
wait "$background" || fail "no delta came"
background=
grep -q '"state":{"led":1}' "$work/delta" || fail "the delta is $(cat "$work/delta")"
mqtt pub sensor -i sensor -t '$aws/things/sensor/shadow/name/config/update' -q 1 \
    -m '{"state":{"reported":{"led":1}}}'
shadow_has() { # shadow_has TEXT
    aws_cli iot-data get-thing-shadow --thing-name sensor --shadow-name config "$work/shadow.json" >/dev/null
    grep -q "$1" "$work/shadow.json" || fail "no $1 in the shadow: $(cat "$work/shadow.json")"
}
shadow_has '"reported":{"led":1}}' # and no delta

step "what is published by the CLI comes to devices, and what they retain is shown by it"
mqtt sub sensor -i second -t data/http -q 1 -C 1 >"$work/out" &
background=$!
sleep 1
printf 'by HTTP' >"$work/payload"
aws_cli iot-data publish --topic data/http --qos 1 --retain --payload "fileb://$work/payload"
wait "$background" || fail "nothing came"
background=
[ "$(cat "$work/out")" = "by HTTP" ] || fail "it came as '$(cat "$work/out")'"
mqtt pub sensor -i sensor -t data/mqtt -q 1 -r -m "by MQTT"
retained=$(aws_cli iot-data list-retained-messages --output text --query \
    "join(' ', retainedTopics[].[topic, to_string(payloadSize), to_string(qos)][])")
[ "$retained" = "data/http 7 1 data/mqtt 7 1" ] || fail "retained is: $retained"
[ "$(mqtt sub sensor -i second -t data/http -q 1 -C 1)" = "by HTTP" ] || fail "it is not retained"

step "a broker that dies is started again"
kill -KILL "$(broker_process)"
wait_for "Mosquitto started again" "$work/cloud.log"
sleep 1
mqtt pub sensor -i sensor -t data/2 -q 1 -m back || fail "no publish after the broker came back"

step "a certificate that is set to INACTIVE is out at once"
mqtt sub sensor -i second -t 'data/#' >"$work/out" 2>&1 &
background=$!
sleep 1
iot None update-certificate --certificate-id "$id" --new-status INACTIVE >/dev/null
wait_for "second disconnected: its certificate .* is no longer ACTIVE" "$work/cloud.log"
kill "$background" 2>/dev/null || true
wait "$background" 2>/dev/null || true
background=
if mqtt pub sensor -i sensor -t data/3 -m x >"$work/out" 2>&1; then fail "it got in again"; fi
iot None update-certificate --certificate-id "$id" --new-status ACTIVE >/dev/null

step "SIGTERM stops all of it"
broker=$(broker_process)
stop_cloud
[ ! -e "$dir/cloud.json" ] || fail "cloud.json is still there"
for pid in $broker; do
    [ ! -e "/proc/$pid" ] || fail "Mosquitto is still running"
done

step "a second start finds everything again"
cp "$dir/root_ca.pem" "$work/root_before.pem"
start_cloud --delay 40
cmp -s "$dir/root_ca.pem" "$work/root_before.pem" || fail "the root certificate has changed"
mqtt pub sensor -i sensor -t data/4 -q 1 -m again || fail "the certificate is forgotten"
state=$(iot execution.status describe-job-execution --job-id job-1 --thing-name sensor)
[ "$state" = SUCCEEDED ] || fail "the execution is $state"

step "killed and started again at once, it is ready when it says so"
for round in 1 2 3 4 5; do
    kill_cloud
    start_cloud
    mqtt pub sensor -i sensor -t data/5 -q 1 -m "$round" || fail "no publish after kill number $round"
done

shadow_has '"reported":{"led":1}}'

step "sessions, what waits for them, and retained messages outlive the cloud"
say() { # say TEXT: to a session that is new and away, and retained
    mqtt sub sensor -i second -t data/kept -q 1 -E
    mqtt sub sensor -c -i second -t data/kept -q 1 -E
    mqtt pub sensor -i sensor -t data/kept -q 1 -m "$1"
    mqtt pub sensor -i sensor -t data/retained -q 1 -r -m "$1"
}
heard() { # heard TEXT
    mqtt sub sensor -c -i second -t data/kept -q 1 -C 1 >"$work/out" || true
    [ "$(cat "$work/out")" = "$1" ] || fail "the session heard '$(cat "$work/out")', not '$1'"
    mqtt sub sensor -c -i second -t data/retained -U data/retained -q 1 -C 1 >"$work/out" || true
    [ "$(cat "$work/out")" = "$1" ] || fail "retained is '$(cat "$work/out")', not '$1'"
}
say "before a stop"
stop_cloud
start_cloud
heard "before a stop"
say "before a kill"
kill_cloud
start_cloud
heard "before a kill"
say "before both are killed"
wait_for "before both are killed" "$dir/broker/mosquitto.db"
broker=$(broker_process)
kill -STOP "$cloud"
kill -KILL "$broker"
kill_cloud
start_cloud
heard "before both are killed"

step "retained messages of the last moment come back from the database, and those that ended stay away"
mqtt pub sensor -i sensor -t data/retained -q 1 -r -m "the last moment"
mqtt pub sensor -i sensor -t data/mqtt -q 1 -r -n
broker=$(broker_process)
kill -STOP "$cloud"
kill -KILL "$broker"
kill_cloud
start_cloud
[ "$(mqtt sub sensor -i second -t data/retained -q 1 -C 1)" = "the last moment" ] || fail "it is lost"
[ -z "$(mqtt sub sensor -i second -t data/mqtt -q 1 -W 2 2>/dev/null)" ] || fail "an ended one is back"

step "a broker that cannot read what was saved starts without it, and says so"
stop_cloud
echo "not what was saved" >"$dir/broker/mosquitto.db"
start_cloud
wait_for "put aside" "$work/cloud.log"
mqtt pub sensor -i sensor -t data/6 -q 1 -m x || fail "no publish without the saved state"
stop_cloud
echo "ok"
