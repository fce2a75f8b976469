#!/bin/sh
# What only the AWS CLI does: its own uploads in parts and folders, short forms of arguments, files
# as arguments, queries, presigned links. The rest is in sdk_*.py.
. "$(dirname "$0")/common.sh"

# s3: a large file goes in parts, and comes back in ranges; folders go and come
aws s3 mb s3://updates >/dev/null
head -c 9000000 /dev/urandom >"$work/large.bin"
aws s3 cp --quiet "$work/large.bin" "s3://updates/fw/a b+c=ü.bin"
aws s3 cp --quiet "s3://updates/fw/a b+c=ü.bin" "$work/back"
cmp "$work/back" "$work/large.bin"
case $(ask ETag s3api head-object --bucket updates --key "fw/a b+c=ü.bin") in
*-2\") ;;
*) fail "the tag of an upload in two parts must end in -2" ;;
esac
case $(aws s3 ls s3://updates/) in
*"PRE fw/"*) ;;
*) fail "s3 ls shows no folder" ;;
esac
link=$(aws s3 presign "s3://updates/fw/a b+c=ü.bin" --expires-in 60)
case $link in
*Signature=*) ;;
*) fail "no link: $link" ;;
esac
aws s3 rm --quiet --recursive s3://updates
refused NoSuchKey s3api get-object --bucket updates --key "fw/a b+c=ü.bin" "$work/back"

# iot: files and JSON as arguments, PATCH, an update in its short form
make_certificate device sensor-1
id=$(ask certificateId iot register-certificate-without-ca --status ACTIVE \
    --certificate-pem "file://$work/device.pem")
target=$(ask thingArn iot create-thing --thing-name sensor-1 \
    --attribute-payload '{"attributes":{"room":"kitchen"}}')
aws iot update-thing --thing-name sensor-1 --attribute-payload 'attributes={room=hall},merge=true'
expect "attribute" hall "$(ask attributes.room iot describe-thing --thing-name sensor-1)"
certificate=arn:aws:iot:us-east-1:123456789012:cert/$id
aws iot attach-thing-principal --thing-name sensor-1 --principal "$certificate"
trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"iot.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
role=$(ask Role.Arn iam create-role --role-name ota --assume-role-policy-document "$trust")
signer=$(ask CertificateArn acm import-certificate --certificate "fileb://$work/device.pem" \
    --private-key "fileb://$work/device.key")
aws s3api put-bucket-versioning --bucket updates --versioning-configuration Status=Enabled
head -c 1000 /dev/urandom >"$work/fw.bin"
version=$(ask VersionId s3api put-object --bucket updates --key fw.bin --body "$work/fw.bin")
aws iot create-ota-update --ota-update-id u --targets "$target" --role-arn "$role" \
    --files "fileName=fw.bin,fileType=0,fileLocation={s3Location={bucket=updates,key=fw.bin,version=$version}},codeSigning={startSigningJobParameter={signingProfileName=made,signingProfileParameter={certificateArn=$signer,platform=AmazonFreeRTOS-Default,certificatePathOnDevice=on_device},destination={s3Destination={bucket=updates}}}}" >/dev/null
created() {
    status=$(ask otaUpdateInfo.otaUpdateStatus iot get-ota-update --ota-update-id u)
    [ "$status" != CREATE_PENDING ]
}
created || created || true
expect "update" CREATE_COMPLETE "$status"
expect "job" QUEUED "$(ask execution.status iot describe-job-execution --job-id AFR_OTA-u \
    --thing-name sensor-1)"
refused ResourceAlreadyExistsException iot create-thing --thing-name sensor-1
