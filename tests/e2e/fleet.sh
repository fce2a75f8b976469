#!/bin/sh
# A device that comes with a claim certificate becomes itself at its first connection, by a provisioning
# template; and gets another certificate by a job, while the old one stays until the new one has connected.
#   fleet.sh posix|mps2-an505
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pty.sh"
need python3 mosquitto openssl

cd "$work"
start_cloud
trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"iot.amazonaws.com"}}]}'
own='{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":"iot:Connect","Resource":"arn:aws:iot:*:*:client/${iot:Connection.Thing.ThingName}"},
  {"Effect":"Allow","Action":["iot:Publish","iot:Receive"],"Resource":["arn:aws:iot:*:*:topic/$aws/things/${iot:Connection.Thing.ThingName}/*",
   "arn:aws:iot:*:*:topic/$aws/certificates/*","arn:aws:iot:*:*:topic/$aws/provisioning-templates/lamps/*"]},
  {"Effect":"Allow","Action":"iot:Subscribe","Resource":["arn:aws:iot:*:*:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/*",
   "arn:aws:iot:*:*:topicfilter/$aws/certificates/*","arn:aws:iot:*:*:topicfilter/$aws/provisioning-templates/lamps/*"]}]}'
claim='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"},
  {"Effect":"Allow","Action":["iot:Publish","iot:Receive"],"Resource":["arn:aws:iot:*:*:topic/$aws/certificates/*","arn:aws:iot:*:*:topic/$aws/provisioning-templates/lamps/*"]},
  {"Effect":"Allow","Action":"iot:Subscribe","Resource":["arn:aws:iot:*:*:topicfilter/$aws/certificates/*","arn:aws:iot:*:*:topicfilter/$aws/provisioning-templates/lamps/*"]}]}'
cat >body.json <<'END'
{"Parameters": {"SerialNumber": {"Type": "String"}},
 "Resources": {
  "thing": {"Type": "AWS::IoT::Thing", "Properties": {
    "ThingName": {"Fn::Join": ["", ["lamp-", {"Ref": "SerialNumber"}]]}, "AttributePayload": {"made": "here"}}},
  "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {
    "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"}},
  "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "lamps"}}}}
END

step "what a fleet's owner makes once: policies, template, claim certificate"
make_certificate claim
together "aws iam create-role --role-name fleet --assume-role-policy-document '$trust'" \
    "aws iot create-policy --policy-name lamps --policy-document '$own'" \
    "aws iot create-policy --policy-name claim --policy-document '$claim'" \
    "ask certificateArn iot register-certificate-without-ca --status ACTIVE --certificate-pem file://claim.crt >principal"
aws iot attach-policy --policy-name claim --target "$(cat principal)"
aws iot create-provisioning-template --template-name lamps --template-body file://body.json --enabled \
    --provisioning-role-arn "arn:aws:iam::$(fact account):role/fleet" >/dev/null

step "a device as it comes from the factory, with its claim and a serial number"
pty_device "$1"
expect device "not provisioned"
paste_to_pty() { # paste_to_pty COMMAND FILE
    pty_type "$1"
    while IFS= read -r text; do
        pty_type "$text"
    done <"$2"
    expect device "SUCCESS"
}
openssl ec -in claim.key -out claim-ec.key 2>/dev/null
paste_to_pty "pki import cert fleetprov_claim_cert" claim.crt
paste_to_pty "pki import key fleetprov_claim_key" claim-ec.key
paste_to_pty "pki import cert root_ca_cert" "$(pty_root_ca)"
for setting in "mqtt_endpoint localhost" "mqtt_port $(fact mqtt_port)" "fleet_template lamps" "fleet_serial 0042" \
    "fleet_cbor $([ "$1" = posix ] && echo 0 || echo 1)"; do
    pty_type "conf set $setting"
    expect device "${setting%% *}="
done
pty_type "conf commit"
expect device "Configuration saved"
pty_type reset
expect device "provisioning by claim: template lamps, serial number 0042"
expect device "provisioned as lamp-0042"
expect device "on line as lamp-0042, version 1.0.0"
first=$(ask 'principals[0]' iot list-thing-principals --thing-name lamp-0042)
[ "$(ask attributes.made iot describe-thing --thing-name lamp-0042)" = here ] || fail "the thing has no attributes"
[ "$(ask certificateDescription.status iot describe-certificate --certificate-id "${first##*/}")" = ACTIVE ] ||
    fail "its certificate is not ACTIVE"

step "another certificate by a job"
aws iot create-job --job-id rotate --targets "$(arn thing/lamp-0042)" \
    --document '{"operation":"rotate-certificate"}' >/dev/null
expect device "trying the new certificate"
expect device "the new certificate has taken the place of the old one"
wait_until "the job has succeeded" sh -c '[ "$0" != x ]' "$(
    for _ in $(seq 40); do
        [ "$(job_status rotate lamp-0042)" = SUCCEEDED ] && echo yes && break
        sleep 0.2
    done | grep yes || echo x)"
[ "$(job_status rotate lamp-0042)" = SUCCEEDED ] || fail "the job is $(job_status rotate lamp-0042)"

step "the old certificate may go: the device comes back with the new one"
[ "$(ask 'length(principals)' iot list-thing-principals --thing-name lamp-0042)" = 2 ] || fail "there are not two certificates"
aws iot update-certificate --certificate-id "${first##*/}" --new-status REVOKED
pty_type reset
expect device "on line as lamp-0042, version 1.0.0"
echo "passed"
