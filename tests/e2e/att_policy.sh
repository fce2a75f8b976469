#!/bin/sh
# att_policy.sh KIND
set -eu
kind=$1; extra=${2:-}
. "$(dirname "$0")/lib.sh"
patience_s=150
t='arn:aws:iot:*:*:topic/$aws/things/${iot:Connection.Thing.ThingName}'
f='arn:aws:iot:*:*:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}'
case $kind in
narrow) pub="\"$t/jobs/*\",\"$t/streams/*\""; sub="\"$f/jobs/*\",\"$f/streams/*\""; rec=$pub ;;
subonly) pub="\"$t/jobs/*\",\"$t/streams/*\""; sub="\"$f/*\""; rec="\"$t/*\"" ;;
esac
eval "$(sed -n '/^register()/,/^}/p' "$root/tests/e2e/lib.sh" | sed 's/^register()/old_register()/')"
register() {
    cat >"$work/policy.json" <<JSON
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "iot:Connect", "Resource": "arn:aws:iot:*:*:client/\${iot:Connection.Thing.ThingName}"},
  {"Effect": "Allow", "Action": ["iot:Publish"], "Resource": [$pub]},
  {"Effect": "Allow", "Action": ["iot:Receive"], "Resource": [$rec]},
  {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": [$sub]}]}
JSON
    aws iot create-thing --thing-name $1 >/dev/null
    aws iot create-policy --policy-name $1 --policy-document "file://$work/policy.json" >/dev/null
    ask certificateArn iot register-certificate-without-ca --status ACTIVE --certificate-pem "file://$2" >"$work/principal"
    principal=$(cat "$work/principal")
    aws iot attach-thing-principal --thing-name $1 --principal $principal
    aws iot attach-policy --policy-name $1 --target $principal
}
trap 'c=$?; cp "$work/device.log" /tmp/att10/'$kind$extra'-device.log; cp "$work/cloud.log" /tmp/att10/'$kind$extra'-cloud.log; (exit $c); finish' EXIT
start_cloud
provisioned_device
date +%T
if [ -n "$extra" ]; then
for s in defender_period_s=1 telemetry_period_s=1; do configure "${s%=*}" "${s#*=}"; done
type_line "conf commit"
expect device "Configuration saved"
type_line reset
expect device "on line as device, version 1.0.0"
fi
make_release 1.0.1 200
s=$(date +%s)
create_update 1.0.1
for i in $(seq 300); do
  st=$(job_status AFR_OTA-update-1-0-1)
  [ "$st" = SUCCEEDED ] || [ "$st" = FAILED ] && break
  sleep 0.5
done
echo "$kind $extra: $st after $(($(date +%s)-s)) s; online lines: $(grep -ac 'on line as' "$work/device.log") refused: $(grep -ac 'no policy' $work/cloud.log)"
[ "$st" = SUCCEEDED ]
