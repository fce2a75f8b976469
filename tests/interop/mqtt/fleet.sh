#!/bin/sh
# Fleet provisioning with the tools people have: a device with a claim certificate, in JSON (request.py);
# and a device whose certificate comes from an authority that the user has registered.
# usage: fleet.sh OTTER
. "$(dirname "$0")/lib.sh"

need mosquitto_pub openssl aws python3
cd "$work"

ask() { # ask QUERY ARGUMENT...
    query=$1
    shift
    aws "$@" --output text --query "$query"
}

member() { # member NAME <JSON
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]], end="")' "$1"
}

start_cloud

as() { # as NAME PROGRAM ARGUMENT...: with the certificate NAME.crt
    name=$1 program=$2
    shift 2
    "$program" -h localhost -p "$port" --cafile cloud/root_ca.pem --cert "$name.crt" --key "$name.key" "$@"
}

request() { # request NAME TOPIC PAYLOAD [accepted|rejected]
    python3 "$here/request.py" "$port" cloud/root_ca.pem "$1.crt" "$1.key" "$1" "$2" "$3" "${4:-accepted}"
}

echo "-- roles, policies, templates"
trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"iot.amazonaws.com"}}]}'
role=$(ask Role.Arn iam create-role --role-name fleet --assume-role-policy-document "$trust")
aws iot create-policy --policy-name all --policy-document \
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}' >/dev/null
cat >fleet.json <<'END'
{"Parameters": {"SerialNumber": {"Type": "String"}}, "Resources": {
  "t": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Fn::Join": ["-", ["pump", {"Ref": "SerialNumber"}]]}}},
  "c": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}}},
  "p": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "all"}}},
 "DeviceConfiguration": {"hello": "world"}}
END
cat >jitp.json <<'END'
{"Parameters": {"AWS::IoT::Certificate::CommonName": {"Type": "String"}, "AWS::IoT::Certificate::Id": {"Type": "String"}}, "Resources": {
  "t": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "AWS::IoT::Certificate::CommonName"}}},
  "c": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "ACTIVE"}},
  "p": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "all"}}}}
END
aws iot create-provisioning-template --template-name pumps --template-body file://fleet.json --enabled \
    --provisioning-role-arn "$role" >/dev/null
aws iot create-provisioning-template --template-name factory --type JITP --template-body file://jitp.json --enabled \
    --provisioning-role-arn "$role" >/dev/null

echo "-- a claim for some minutes makes a device itself"
aws iot create-provisioning-claim --template-name pumps >claim.json
member certificatePem <claim.json >claim.crt
python3 -c 'import json; print(json.load(open("claim.json"))["keyPair"]["PrivateKey"], end="")' >claim.key
request claim '$aws/certificates/create/json' '{}' >made.json
member certificatePem <made.json >pump.crt
member privateKey <made.json >pump.key
token=$(member certificateOwnershipToken <made.json)
if as pump mosquitto_pub -i pump-7 -t x -m x 2>/dev/null; then
    fail "a certificate that waits for its registration may connect"
fi
provision='$aws/provisioning-templates/pumps/provision/json'
request claim "$provision" '{"certificateOwnershipToken":"wrong","parameters":{"SerialNumber":"7"}}' rejected |
    grep -q InvalidCertificateOwnershipToken || fail "a wrong token is not refused"
request claim "$provision" "{\"certificateOwnershipToken\":\"$token\",\"parameters\":{\"SerialNumber\":\"7\"}}" >reply.json
[ "$(member thingName <reply.json)" = pump-7 ] || fail "the thing is $(cat reply.json)"
grep -q '"hello":"world"' reply.json || fail "there is no deviceConfiguration"
as pump mosquitto_pub -i pump-7 -q 1 -t pumps/7 -m here || fail "the device cannot connect as itself"
if as claim mosquitto_pub -i claim -q 1 -t pumps/7 -m here 2>/dev/null; then
    fail "a claim may publish elsewhere"
fi

echo "-- a device of the user's own authority registers itself"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=factory \
    -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.crt 2>/dev/null
sign() { # sign NAME: NAME.crt, NAME.key
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" 2>/dev/null |
        openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out "$1.crt" 2>/dev/null
}
code=$(ask registrationCode iot get-registration-code)
sign "$code"
ca=$(ask certificateId iot register-ca-certificate --ca-certificate file://ca.crt --verification-certificate "file://$code.crt" \
    --set-as-active --allow-auto-registration --registration-config templateName=factory)
sign valve
if as valve mosquitto_pub -i valve -q 1 -t valves -m x 2>/dev/null; then
    fail "the first connection is taken, other than on AWS"
fi
as valve mosquitto_pub -i valve -q 1 -t valves -m x || fail "the second connection is not taken"
[ "$(ask 'length(principals)' iot list-thing-principals --thing-name valve)" = 1 ] || fail "there is no thing valve"
aws iot update-ca-certificate --certificate-id "$ca" --new-status INACTIVE
sign late
for _ in 1 2; do
    if as late mosquitto_pub -i late -q 1 -t valves -m x 2>/dev/null; then
        fail "a device of an authority that is INACTIVE may connect"
    fi
done
kill "$cloud"
wait "$cloud" || fail "the cloud ended badly"
cloud=
echo passed
