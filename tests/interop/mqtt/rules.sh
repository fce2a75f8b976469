#!/bin/sh
# Topic rules with boto3 and Mosquitto's tools: republish, objects, a server on loopback, Basic
# Ingest, wills, lifecycle events, loops.
# usage: rules.sh OTTER
. "$(dirname "$0")/lib.sh"

need mosquitto_pub mosquitto_sub aws
need_python boto3
start_cloud
cat >"$work/calls.py" <<'P'
import boto3, json, sys
from botocore.exceptions import ClientError
facts, clients = json.load(open(sys.argv[1])), {}
for line in sys.stdin:
    service, operation, arguments = line.split(None, 2)
    if service not in clients:
        clients[service] = boto3.client(service, region_name=facts["region"], endpoint_url=facts["api_url"],
                                        aws_access_key_id=facts["access_key_id"],
                                        aws_secret_access_key=facts["secret_access_key"])
    try:
        answer = getattr(clients[service], operation)(**json.loads(arguments))
        print(json.dumps({name: value.read().decode() if hasattr(value, "read") else value
                          for name, value in answer.items()}, default=str), flush=True)
    except ClientError as error:
        print("error", error, flush=True)
P
mkfifo "$work/asked" "$work/answered"
"$python" -W ignore "$work/calls.py" "$dir/cloud.json" <"$work/asked" >"$work/answered" &
background="$background $!"
exec 3>"$work/asked" 4<"$work/answered"
call() { # call SERVICE OPERATION ARGUMENTS; one interpreter makes them all: the AWS CLI takes long to start
    printf '%s\n' "$1 $2 $3" >&3
    IFS= read -r answer <&4 || fail "nobody makes calls any more"
    case $answer in error*) return 1 ;; esac
}
arn=$(aws iot create-keys-and-certificate --set-as-active --certificate-pem-outfile "$work/d.pem" \
    --private-key-outfile "$work/d.key" --query certificateArn --output text)
statement() { # statement MEMBERS: a document in a JSON string
    printf '"{\\"Version\\":\\"2012-10-17\\",\\"Statement\\":[%s]}"' "$(echo "$1" | sed 's/"/\\"/g')"
}
call iot create_policy "{\"policyName\":\"all\",\"policyDocument\":$(statement '{"Effect":"Allow","Action":"iot:*","Resource":"*"}')}" ||
    fail "$answer"
call iot attach_policy "{\"policyName\":\"all\",\"target\":\"$arn\"}" || fail "$answer"
call iam create_role "{\"RoleName\":\"rules\",\"AssumeRolePolicyDocument\":$(statement \
    '{"Effect":"Allow","Principal":{"Service":"iot.amazonaws.com"},"Action":"sts:AssumeRole"}')}" || fail "$answer"
role=$(echo "$answer" | sed 's/.*"Arn": "\([^"]*\)".*/\1/')
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
"$python" "$work/server.py" >"$work/server.log" &
background="$background $!"
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
background="$background $!"
for _ in $(seq 100); do
    pub knocker ready yes
    grep -q "ready yes" "$work/heard" && break
    sleep 0.1
done

rule() { # rule NAME SQL ACTIONS [MORE]
    call iot create_topic_rule "{\"ruleName\":\"$1\",\"topicRulePayload\":{\"sql\":\"$2\",\"awsIotSqlVersion\":\"2016-03-23\",\"actions\":[$3]${4:-}}}" ||
        fail "$answer"
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
call iot-data publish '{"topic":"in/http","payload":"{\"t\":30}"}' || fail "$answer"
wait_for 'out/http {"t":30,"by":"n/a"' "$work/heard"

echo "-- objects and a server on loopback; the error action"
call s3 create_bucket '{"Bucket":"kept"}' || fail "$answer"
rule keep "SELECT * FROM 'raw/#'" "{\"s3\":{\"roleArn\":\"$role\",\"bucketName\":\"kept\",\"key\":\"\${topic()}\"}}"
pub sensor-1 raw/1 'no json'
for _ in $(seq 50); do
    call s3 get_object '{"Bucket":"kept","Key":"raw/1"}' && break
    sleep 0.1
done
case $answer in *'"Body": "no json"'*) ;; *) fail "the object: $answer" ;; esac
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
call iot create_thing '{"thingName":"sensor-1"}' || fail "$answer"
rule shadow "SELECT t AS state.reported.t FROM 'to-shadow'" "$(republish '$$aws/things/sensor-1/shadow/update')"
pub sensor-1 to-shadow '{"t":5}'
for _ in $(seq 50); do
    call iot-data get_thing_shadow '{"thingName":"sensor-1"}' && break
    sleep 0.1
done
case $answer in *'\"reported\":{\"t\":5}'*) ;; *) fail "the shadow: $answer" ;; esac

echo "-- a loop ends, a rule is switched off"
rule loop "SELECT * FROM 'loop/#'" "$(republish loop/again)"
pub sensor-1 loop/first 1
wait_for 'they hear each other' "$work/cloud.log"
[ "$(grep -c '^loop/' "$work/heard")" -le 10 ] || fail "the loop made $(grep -c '^loop/' "$work/heard") messages"
call iot disable_topic_rule '{"ruleName":"hot"}' || fail "$answer"
pub sensor-1 in/off '{"t":40}'
pub sensor-1 '$aws/rules/ingest/last' '{"x":2}'
wait_for '"t":"last"' "$work/heard"
grep -q 'out/off' "$work/heard" && fail "a rule that is disabled"
call iot list_topic_rules '{"ruleDisabled":true}' || fail "$answer"
[ "$(echo "$answer" | grep -o '"ruleName": "[^"]*"')" = '"ruleName": "hot"' ] || fail "the list: $answer"
echo "ok"
