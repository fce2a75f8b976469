#!/bin/sh
# iam, acm and signer: roles, a key pair, a profile, and a signature that openssl verifies.
. "$(dirname "$0")/common.sh"

# roles
trust='{"Version":"2012-10-17",
"Statement":[{"Effect":"Allow","Principal":{"Service":"iot.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
expect "role" arn:aws:iam::123456789012:role/ota "$(ask Role.Arn iam create-role --role-name ota \
    --assume-role-policy-document "$trust")"
refused EntityAlreadyExists iam create-role --role-name ota --assume-role-policy-document "$trust"
refused MalformedPolicyDocument iam create-role --role-name bad --assume-role-policy-document '{'
expect "trust" iot.amazonaws.com "$(ask \
    'Role.AssumeRolePolicyDocument.Statement[0].Principal.Service' iam get-role --role-name ota)"
aws iam attach-role-policy --role-name ota \
    --policy-arn arn:aws:iam::aws:policy/service-role/AmazonFreeRTOSOTAUpdate
policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
aws iam put-role-policy --role-name ota --policy-name s3 --policy-document "$policy"
own=$(ask Policy.Arn iam create-policy --policy-name own --policy-document "$policy")
aws iam attach-role-policy --role-name ota --policy-arn "$own"
refused NoSuchEntity iam get-role --role-name nobody
refused NoSuchEntity iam attach-role-policy --role-name ota \
    --policy-arn arn:aws:iam::123456789012:policy/nothing

# a certificate with its key
make_certificate signer "Otter signer"
make_certificate other "Somebody else"
arn=$(ask CertificateArn acm import-certificate --certificate "fileb://$work/signer.pem" \
    --private-key "fileb://$work/signer.key")
refused InvalidParameterException acm import-certificate --certificate "fileb://$work/signer.pem" \
    --private-key "fileb://$work/other.key"
expect "kind" "IMPORTED EC_prime256v1 ISSUED CODE_SIGNING" "$(ask \
    "join(' ', [Certificate.Type, Certificate.KeyAlgorithm, Certificate.Status, \
Certificate.ExtendedKeyUsages[0].Name])" acm describe-certificate --certificate-arn "$arn")"
expect "listed" "$arn" "$(ask 'CertificateSummaryList[].CertificateArn' acm list-certificates \
    --includes keyTypes=EC_prime256v1)"
expect "not listed" "" "$(ask 'CertificateSummaryList[].CertificateArn' acm list-certificates)"

# a profile
aws signer put-signing-profile --profile-name ota_profile --platform-id AmazonFreeRTOS-Default \
    --signing-material "certificateArn=$arn" --signing-parameters certname=ota_signer_pub >/dev/null
expect "profile" "Active ota_signer_pub" "$(ask "join(' ', [status, signingParameters.certname])" \
    signer get-signing-profile --profile-name ota_profile)"
expect "profiles" ota_profile "$(ask 'profiles[].profileName' signer list-signing-profiles)"
refused ValidationException signer put-signing-profile --profile-name p2 --platform-id Nonsense \
    --signing-material "certificateArn=$arn"
refused ResourceNotFoundException signer get-signing-profile --profile-name nobody

# a job: the signature is over the object as it was uploaded
aws s3api create-bucket --bucket firmware >/dev/null
aws s3api put-bucket-versioning --bucket firmware --versioning-configuration Status=Enabled
head -c 30000 /dev/urandom >"$work/image.bin"
version=$(ask VersionId s3api put-object --bucket firmware --key image.bin --body "$work/image.bin")
job=$(ask jobId signer start-signing-job --profile-name ota_profile \
    --source "s3={bucketName=firmware,key=image.bin,version=$version}" \
    --destination "s3={bucketName=firmware,prefix=signed/}")
expect "job" Succeeded "$(ask status signer describe-signing-job --job-id "$job")"
key=$(ask signedObject.s3.key signer describe-signing-job --job-id "$job")
expect "signed object" "signed/$job" "$key"
aws s3 cp --quiet "s3://firmware/$key" "$work/signed.json"
sed 's/.*"signature":"\([^"]*\)".*/\1/' "$work/signed.json" | base64 -d >"$work/signature"
openssl x509 -in "$work/signer.pem" -noout -pubkey >"$work/signer.pub"
openssl dgst -sha256 -verify "$work/signer.pub" -signature "$work/signature" "$work/image.bin" >/dev/null ||
    fail "the signature does not verify"
expect "no such object" Failed "$(ask status signer describe-signing-job --job-id "$(ask jobId signer \
    start-signing-job --profile-name ota_profile \
    --source "s3={bucketName=firmware,key=nothing,version=$version}" \
    --destination "s3={bucketName=firmware}")")"
refused ResourceNotFoundException signer describe-signing-job --job-id 00000000
