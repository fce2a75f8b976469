#!/bin/sh
# Topic rules with the AWS CLI and Mosquitto's tools: republish, objects, a server on loopback, Basic
# Ingest, wills, lifecycle events, loops.
# usage: rules.sh OTTER
set -eu

otter=$1
work=$(mktemp -d)
dir=$work/cloud
cloud=
server=
listener=

for program in mosquitto_pub mosquitto_sub aws python3; do
    command -v $program >/dev/null || { echo "skipped: $program is not installed"; exit 77; }
done

finish() {
    code=$?
    trap - EXIT
    for pid in $listener $server $cloud; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    [ $code = 0 ] || { echo "---- the cloud's log:"; cat "$work/cloud.log"; }
    rm -rf "$work"
    exit $code
}
trap finish EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
wait_for() { # wait_for TEXT FILE
    for _ in $(seq 200); do
        grep -q "$1" "$2" 2>/dev/null && return
        sleep 0.1
    done
    cat "$2" >&2 || true
    fail "'$1' does not come"
}

"$otter" cloud --dir "$dir" --limit connect=0 >"$work/cloud.log" 2>&1 &
cloud=$!
wait_for api_url "$dir/cloud.json"
port=$(sed -n 's/.*"mqtt_port": \([0-9]*\).*/\1/p' "$dir/cloud.json")
aws() {
    "$otter" aws --dir "$dir" "$@"
}
arn=$(aws iot create-keys-and-certificate --set-as-active --certificate-pem-outfile "$work/d.pem" \
    --private-key-outfile "$work/d.key" --query certificateArn --output text)
aws iot create-policy --policy-name all --policy-document \
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}' >/dev/null
aws iot attach-policy --policy-name all --target "$arn"
role=$(aws iam create-role --role-name rules --query Role.Arn --output text --assume-role-policy-document \
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"iot.amazonaws.com"},"Action":"sts:AssumeRole"}]}')
cat >"$work/server.py" <<'P'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(self.path, self.headers["X-Rule"], body.decode(), flush=True)
        self.send_response(503 if self.path == "/busy" else 200)
        self.end_headers()
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print("port", server.server_port, flush=True)
server.serve_forever()
P
python3 "$work/server.py" >"$work/server.log" &
server=$!
wait_for "^port" "$work/server.log"
http=$(sed -n 's/^port //p' "$work/server.log")

pub() { # pub ID TOPIC TEXT [ARGUMENT]...
    id=$1 topic=$2 text=$3
    shift 3
    mosquitto_pub -h localhost -p "$port" --cafile "$dir/root_ca.pem" --cert "$work/d.pem" \
        --key "$work/d.key" -i "$id" -q 1 -t "$topic" -m "$text" "$@"
}
mosquitto_sub -h localhost -p "$port" --cafile "$dir/root_ca.pem" --cert "$work/d.pem" \
    --key "$work/d.key" -i listener -q 1 -v -t 'out/#' -t 'errors/#' -t 'loop/#' -t ready >"$work/heard" &
listener=$!
for _ in $(seq 100); do
    pub knocker ready yes
    grep -q "ready yes" "$work/heard" && break
    sleep 0.1
done

rule() { # rule NAME SQL ACTIONS [MORE]
    aws iot create-topic-rule --rule-name "$1" \
        --topic-rule-payload "{\"sql\":\"$2\",\"awsIotSqlVersion\":\"2016-03-23\",\"actions\":[$3]${4:-}}"
}
republish() {
    echo "{\"republish\":{\"roleArn\":\"$role\",\"topic\":\"$1\",\"qos\":1}}"
}

echo "-- republish, with a condition and the sender"
rule hot "SELECT t, clientid() AS by, topic(2) AS where_ FROM 'in/+' WHERE t > 20" "$(republish 'out/${topic(2)}')"
pub sensor-1 in/kitchen '{"t":20}'
pub sensor-1 in/kitchen '{"t":21}'
wait_for 'out/kitchen {"t":21,"by":"sensor-1","where_":"kitchen"}' "$work/heard"
grep -q '"t":20' "$work/heard" && fail "WHERE does not choose"
aws iot-data publish --topic in/http --cli-binary-format raw-in-base64-out --payload '{"t":30}' 2>/dev/null ||
    aws iot-data publish --topic in/http --payload '{"t":30}'
wait_for 'out/http {"t":30,"by":"n/a"' "$work/heard"

echo "-- objects and a server on loopback; the error action"
aws s3api create-bucket --bucket kept >/dev/null
rule keep "SELECT * FROM 'raw/#'" "{\"s3\":{\"roleArn\":\"$role\",\"bucketName\":\"kept\",\"key\":\"\${topic()}\"}}"
pub sensor-1 raw/1 'no json'
for _ in $(seq 50); do
    aws s3api get-object --bucket kept --key raw/1 "$work/object" >/dev/null 2>&1 && break
done
[ "$(cat "$work/object")" = "no json" ] || fail "the object"
rule post "SELECT * FROM 'post'" \
    "{\"http\":{\"url\":\"http://127.0.0.1:$http/in/\${x}\",\"headers\":[{\"key\":\"X-Rule\",\"value\":\"\${topic()}\"}]}}"
pub sensor-1 post '{"x":7}'
wait_for '/in/7 post {"x":7}' "$work/server.log"
rule busy "SELECT * FROM 'busy'" "{\"http\":{\"url\":\"http://127.0.0.1:$http/busy\"}}" \
    ",\"errorAction\":$(republish 'errors/${ruleName}')"
pub sensor-1 busy 1
wait_for 'errors/busy.*the server answered 503' "$work/heard"
[ "$(grep -c '^/busy' "$work/server.log")" = 3 ] || fail "tried $(grep -c '^/busy' "$work/server.log") times"

echo "-- Basic Ingest, wills, lifecycle events, a shadow by a rule"
rule ingest "SELECT topic() AS t, x" "$(republish out/ingest)"
pub sensor-1 '$aws/rules/ingest/a/b' '{"x":1}'
wait_for 'out/ingest {"t":"a/b","x":1}' "$work/heard"
pub sensor-1 '$aws/rules/nobody/a' '{"x":1}'
wait_for 'no rule nobody that is enabled' "$work/cloud.log"
rule presence "SELECT eventType, clientId FROM '\$aws/events/presence/disconnected/+' WHERE clientId = 'sensor-2'" \
    "$(republish out/presence)"
rule wills "SELECT * FROM 'lwt'" "$(republish out/will)"
mosquitto_sub -h localhost -p "$port" --cafile "$dir/root_ca.pem" --cert "$work/d.pem" --key "$work/d.key" \
    -i sensor-2 -t ready --will-topic lwt --will-payload '"gone"' -v >"$work/second" &
second=$!
for _ in $(seq 100); do
    pub knocker ready yes
    grep -q "ready yes" "$work/second" && break
    sleep 0.1
done
kill -KILL $second
wait $second 2>/dev/null || true
wait_for 'out/presence {"eventType":"disconnected","clientId":"sensor-2"}' "$work/heard"
wait_for 'out/will "gone"' "$work/heard"
aws iot create-thing --thing-name sensor-1 >/dev/null
rule shadow "SELECT t AS state.reported.t FROM 'to-shadow'" "$(republish '$$aws/things/sensor-1/shadow/update')"
pub sensor-1 to-shadow '{"t":5}'
for _ in $(seq 50); do
    aws iot-data get-thing-shadow --thing-name sensor-1 "$work/shadow" >/dev/null 2>&1 && break
done
grep -q '"reported":{"t":5}' "$work/shadow" || fail "the shadow"

echo "-- a loop ends, a rule is switched off"
rule loop "SELECT * FROM 'loop/#'" "$(republish loop/again)"
pub sensor-1 loop/first 1
wait_for 'they hear each other' "$work/cloud.log"
[ "$(grep -c '^loop/' "$work/heard")" -le 10 ] || fail "the loop made $(grep -c '^loop/' "$work/heard") messages"
aws iot disable-topic-rule --rule-name hot
pub sensor-1 in/off '{"t":40}'
pub sensor-1 '$aws/rules/ingest/last' '{"x":2}'
wait_for '"t":"last"' "$work/heard"
grep -q 'out/off' "$work/heard" && fail "a rule that is disabled"
[ "$(aws iot list-topic-rules --rule-disabled --query 'rules[].ruleName' --output text)" = hot ] || fail "the list"
echo "ok"
