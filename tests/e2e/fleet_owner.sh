# What the owner of a fleet makes once: policies, the provisioning template `lamps`, and claim.crt with claim.key, by
# which a device becomes the thing lamp-SERIAL. Sourced after lib.sh, with a cloud up.

trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"iot.amazonaws.com"}}]}'
own='{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":"iot:Connect","Resource":"arn:aws:iot:*:*:client/${iot:Connection.Thing.ThingName}"},
  {"Effect":"Allow","Action":["iot:Publish","iot:Receive"],"Resource":["arn:aws:iot:*:*:topic/$aws/things/${iot:Connection.Thing.ThingName}/*", "arn:aws:iot:*:*:topic/data/*",
   "arn:aws:iot:*:*:topic/$aws/certificates/*","arn:aws:iot:*:*:topic/$aws/provisioning-templates/lamps/*"]},
  {"Effect":"Allow","Action":"iot:Subscribe","Resource":["arn:aws:iot:*:*:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/*",
   "arn:aws:iot:*:*:topicfilter/$aws/certificates/*","arn:aws:iot:*:*:topicfilter/$aws/provisioning-templates/lamps/*"]}]}'
claim='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"},
  {"Effect":"Allow","Action":["iot:Publish","iot:Receive"],"Resource":["arn:aws:iot:*:*:topic/$aws/certificates/*","arn:aws:iot:*:*:topic/$aws/provisioning-templates/lamps/*"]},
  {"Effect":"Allow","Action":"iot:Subscribe","Resource":["arn:aws:iot:*:*:topicfilter/$aws/certificates/*","arn:aws:iot:*:*:topicfilter/$aws/provisioning-templates/lamps/*"]}]}'
cat >"$work/body.json" <<'END'
{"Parameters": {"SerialNumber": {"Type": "String"}},
 "Resources": {
  "thing": {"Type": "AWS::IoT::Thing", "Properties": {
    "ThingName": {"Fn::Join": ["", ["lamp-", {"Ref": "SerialNumber"}]]}, "AttributePayload": {"made": "here"}}},
  "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {
    "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"}},
  "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "lamps"}}}}
END

make_certificate claim
together "aws iam create-role --role-name fleet --assume-role-policy-document '$trust'" \
    "aws iot create-policy --policy-name lamps --policy-document '$own'" \
    "aws iot create-policy --policy-name claim --policy-document '$claim'" \
    "ask certificateArn iot register-certificate-without-ca --status ACTIVE --certificate-pem 'file://$work/claim.crt' >'$work/principal'"
aws iot attach-policy --policy-name claim --target "$(cat "$work/principal")"
aws iot create-provisioning-template --template-name lamps --template-body "file://$work/body.json" --enabled \
    --provisioning-role-arn "arn:aws:iam::$(fact account):role/fleet" >/dev/null
