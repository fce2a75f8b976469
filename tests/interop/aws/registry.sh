#!/bin/sh
# sts, and iot's things, certificates, policies and what is attached to what.
. "$(dirname "$0")/common.sh"

expect "account" 123456789012 "$(ask Account sts get-caller-identity)"
expect "endpoint" localhost "$(ask endpointAddress iot describe-endpoint --endpoint-type iot:Data-ATS)"

# things
arn=$(ask thingArn iot create-thing --thing-name sensor-1 \
    --attribute-payload '{"attributes":{"room":"kitchen"}}')
expect "thing arn" arn:aws:iot:us-east-1:123456789012:thing/sensor-1 "$arn"
aws iot create-thing --thing-name sensor-1 --attribute-payload '{"attributes":{"room":"kitchen"}}' \
    >/dev/null
refused ResourceAlreadyExistsException iot create-thing --thing-name sensor-1
aws iot create-thing --thing-name a:second_thing >/dev/null
expect "attribute" kitchen "$(ask attributes.room iot describe-thing --thing-name sensor-1)"
expect "things" "a:second_thing	sensor-1" "$(ask 'things[].thingName' iot list-things)"
expect "things by page" "a:second_thing
sensor-1" "$(ask 'things[].thingName' iot list-things --page-size 1)"
expect "things by attribute" sensor-1 "$(ask 'things[].thingName' iot list-things \
    --attribute-name room --attribute-value kitchen)"
refused ResourceNotFoundException iot describe-thing --thing-name nobody

# a self-signed certificate
make_certificate device sensor-1
id=$(ask certificateId iot register-certificate-without-ca --status ACTIVE \
    --certificate-pem "file://$work/device.pem")
expect "certificate id" "$id" \
    "$(openssl x509 -in "$work/device.pem" -outform DER | sha256sum | cut -d' ' -f1)"
certificate=arn:aws:iot:us-east-1:123456789012:cert/$id
refused ResourceAlreadyExistsException iot register-certificate-without-ca \
    --certificate-pem "file://$work/device.pem"
refused CertificateValidationException iot register-certificate-without-ca \
    --certificate-pem "not a certificate"
expect "status" ACTIVE "$(ask certificateDescription.status iot describe-certificate \
    --certificate-id "$id")"
expect "mode" SNI_ONLY "$(ask certificateDescription.certificateMode iot describe-certificate \
    --certificate-id "$id")"

# certificates of the cloud's own authority
aws iot create-keys-and-certificate --set-as-active --certificate-pem-outfile "$work/made.pem" \
    --private-key-outfile "$work/made.key" >"$work/made.json"
openssl x509 -in "$work/made.pem" -noout -pubkey >"$work/one"
openssl pkey -in "$work/made.key" -pubout >"$work/two" 2>/dev/null
cmp "$work/one" "$work/two" || fail "key and certificate do not belong together"
openssl req -new -key "$work/device.key" -subj /CN=whoever -out "$work/device.csr"
expect "from csr" INACTIVE "$(ask certificateDescription.status iot describe-certificate \
    --certificate-id "$(ask certificateId iot create-certificate-from-csr \
        --certificate-signing-request "file://$work/device.csr")")"
expect "certificates" 3 "$(ask 'length(certificates)' iot list-certificates)"

# attached to the thing
aws iot attach-thing-principal --thing-name sensor-1 --principal "$certificate"
aws iot attach-thing-principal --thing-name sensor-1 --principal "$certificate"
expect "principals" "$certificate" "$(ask principals iot list-thing-principals --thing-name sensor-1)"
expect "things of it" sensor-1 "$(ask things iot list-principal-things --principal "$certificate")"
refused ResourceNotFoundException iot attach-thing-principal --thing-name nobody \
    --principal "$certificate"

# policies
policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}'
expect "version" 1 "$(ask policyVersionId iot create-policy --policy-name all --policy-document "$policy")"
refused ResourceAlreadyExistsException iot create-policy --policy-name all --policy-document "$policy"
refused MalformedPolicyException iot create-policy --policy-name bad --policy-document '{"Version":1}'
expect "document" "$policy" "$(ask policyDocument iot get-policy --policy-name all)"
aws iot attach-policy --policy-name all --target "$certificate"
aws iot attach-policy --policy-name all --target "$certificate"
expect "attached" all "$(ask 'policies[].policyName' iot list-attached-policies --target "$certificate")"
expect "targets" "$certificate" "$(ask targets iot list-targets-for-policy --policy-name all)"
expect "policies" all "$(ask 'policies[].policyName' iot list-policies)"

# nothing goes while it is in use
refused DeleteConflictException iot delete-policy --policy-name all
refused InvalidRequestException iot delete-thing --thing-name sensor-1
refused CertificateStateException iot delete-certificate --certificate-id "$id"
aws iot update-certificate --certificate-id "$id" --new-status INACTIVE
refused DeleteConflictException iot delete-certificate --certificate-id "$id"
aws iot detach-policy --policy-name all --target "$certificate"
aws iot detach-thing-principal --thing-name sensor-1 --principal "$certificate"
aws iot delete-certificate --certificate-id "$id"
aws iot delete-policy --policy-name all
aws iot delete-thing --thing-name sensor-1
refused ResourceNotFoundException iot describe-certificate --certificate-id "$id"

# a second start on the same folder finds everything again
stop_server
start_server
url=$(fact api_url)
[ -z "${AWS_ENDPOINT_URL:-}" ] || export AWS_ENDPOINT_URL="$url"
expect "things after a restart" a:second_thing "$(ask 'things[].thingName' iot list-things)"
