#!/bin/sh
# create-ota-update in its three ways of code signing, the job and stream that come of it, and jobs.
. "$(dirname "$0")/common.sh"

account=arn:aws:iot:us-east-1:123456789012
role=arn:aws:iam::123456789012:role/ota

status_of() { # waits for the end of the creation
    for _ in $(seq 20); do
        status=$(ask otaUpdateInfo.otaUpdateStatus iot get-ota-update --ota-update-id "$1")
        [ "$status" = CREATE_PENDING ] || break
    done
    echo "$status"
}

document_of() {
    aws iot get-job-document --job-id "AFR_OTA-$1" --output text --query document
}

# what an update needs
aws iot create-thing --thing-name sensor-1 >/dev/null
aws iam create-role --role-name ota --assume-role-policy-document '{"Version":"2012-10-17",
"Statement":[{"Effect":"Allow","Principal":{"Service":"iot.amazonaws.com"},"Action":"sts:AssumeRole"}]}' >/dev/null
make_certificate signer "Otter signer"
openssl x509 -in "$work/signer.pem" -noout -pubkey >"$work/signer.pub"
certificate=$(ask CertificateArn acm import-certificate --certificate "fileb://$work/signer.pem" \
    --private-key "fileb://$work/signer.key")
aws signer put-signing-profile --profile-name ota --platform-id AmazonFreeRTOS-Default \
    --signing-material "certificateArn=$certificate" --signing-parameters certname=ota_signer_pub >/dev/null
aws s3api create-bucket --bucket updates >/dev/null
aws s3api put-bucket-versioning --bucket updates --versioning-configuration Status=Enabled
head -c 54321 /dev/urandom >"$work/fw.bin"
aws s3 cp --quiet "$work/fw.bin" s3://updates/fw.bin
version=$(ask "Versions[?IsLatest].VersionId" s3api list-object-versions --bucket updates --prefix fw.bin)

check_signature() { # check_signature DOCUMENT: the signature in it is over fw.bin
    echo "$1" | sed 's/.*"sig-sha256-ecdsa":"\([^"]*\)".*/\1/' | base64 -d >"$work/sig"
    openssl dgst -sha256 -verify "$work/signer.pub" -signature "$work/sig" "$work/fw.bin" >/dev/null ||
        fail "the signature in the job document does not verify: $1"
}

# A: a signing job is started
cat >"$work/a.json" <<JSON
{"otaUpdateId": "a1", "description": "first", "targets": ["$account:thing/sensor-1"],
 "protocols": ["MQTT"], "targetSelection": "SNAPSHOT",
 "awsJobTimeoutConfig": {"inProgressTimeoutInMinutes": 30},
 "files": [{"fileName": "fw.bin", "fileType": 0, "fileVersion": "1.0.1",
   "fileLocation": {"s3Location": {"bucket": "updates", "key": "fw.bin", "version": "$version"}},
   "codeSigning": {"startSigningJobParameter": {"signingProfileName": "ota",
     "destination": {"s3Destination": {"bucket": "updates", "prefix": "signed/"}}}}}],
 "roleArn": "$role"}
JSON
expect "reply" CREATE_PENDING "$(ask otaUpdateStatus iot create-ota-update \
    --cli-input-json "file://$work/a.json")"
expect "A" CREATE_COMPLETE "$(status_of a1)"
refused ResourceAlreadyExistsException iot create-ota-update --cli-input-json "file://$work/a.json"
expect "job" AFR_OTA-a1 "$(ask otaUpdateInfo.awsIotJobId iot get-ota-update --ota-update-id a1)"
document=$(document_of a1)
stream=$(echo "$document" | sed 's/.*"streamname":"\([^"]*\)".*/\1/')
signature=$(echo "$document" | sed 's/.*"sig-sha256-ecdsa":"\([^"]*\)".*/\1/')
expect "document" '{"afr_ota":{"protocols":["MQTT"],"streamname":"'"$stream"'","files":[{"filepath":"fw.bin","filesize":54321,"fileid":0,"certfile":"ota_signer_pub","fileType":0,"sig-sha256-ecdsa":"'"$signature"'"}]}}' "$document"
check_signature "$document"
expect "stream" "updates fw.bin" "$(ask \
    "join(' ', [streamInfo.files[0].s3Location.bucket, streamInfo.files[0].s3Location.key])" \
    iot describe-stream --stream-id "$stream")"
expect "streams" "$stream" "$(ask 'streams[].streamId' iot list-streams)"
expect "execution" QUEUED "$(ask execution.status iot describe-job-execution --job-id AFR_OTA-a1 \
    --thing-name sensor-1)"
job=$(ask 'otaUpdateInfo.otaUpdateFiles[0].codeSigning.awsSignerJobId' iot get-ota-update \
    --ota-update-id a1)

# B: the finished signing job is used again; short form of --files
aws iot create-ota-update --ota-update-id b1 --targets "$account:thing/sensor-1" --role-arn "$role" \
    --files "fileName=fw.bin,codeSigning={awsSignerJobId=$job}" >/dev/null
expect "B" CREATE_COMPLETE "$(status_of b1)"
check_signature "$(document_of b1)"

# C: a signature of one's own, in an existing stream
aws iot create-stream --stream-id own-stream --role-arn "$role" \
    --files "fileId=3,s3Location={bucket=updates,key=fw.bin,version=$version}" >/dev/null
openssl dgst -sha256 -sign "$work/signer.key" -out "$work/own.sig" "$work/fw.bin"
cat >"$work/c.json" <<JSON
{"otaUpdateId": "c1", "targets": ["$account:thing/sensor-1"], "roleArn": "$role",
 "files": [{"fileName": "fw.bin", "fileLocation": {"stream": {"streamId": "own-stream", "fileId": 3}},
   "codeSigning": {"customCodeSigning": {"hashAlgorithm": "SHA256", "signatureAlgorithm": "ECDSA",
     "signature": {"inlineDocument": "$(base64 -w0 "$work/own.sig")"},
     "certificateChain": {"certificateName": "my_key"}}}}]}
JSON
aws iot create-ota-update --cli-input-json "file://$work/c.json" >/dev/null
expect "C" CREATE_COMPLETE "$(status_of c1)"
document=$(document_of c1)
check_signature "$document"
case $document in
*'"streamname":"own-stream"'*'"fileid":3,"certfile":"my_key"'*) ;;
*) fail "document of an own stream: $document" ;;
esac
expect "updates" 3 "$(ask 'length(otaUpdates)' iot list-ota-updates)"

# short form of --files with a signing job
aws iot create-ota-update --ota-update-id a2 --targets "$account:thing/sensor-1" --role-arn "$role" \
    --files "fileName=fw.bin,fileType=0,fileLocation={s3Location={bucket=updates,key=fw.bin,version=$version}},codeSigning={startSigningJobParameter={signingProfileName=made,signingProfileParameter={certificateArn=$certificate,platform=AmazonFreeRTOS-Default,certificatePathOnDevice=on_device},destination={s3Destination={bucket=updates}}}}" >/dev/null
expect "A, short" CREATE_COMPLETE "$(status_of a2)"
case $(document_of a2) in
*'"certfile":"on_device"'*) ;;
*) fail "certificatePathOnDevice is not in the document" ;;
esac

# what goes wrong is told, at once or in errorInfo
sed 's/"a1"/"bad"/; s/"key": "fw.bin"/"key": "gone.bin"/' "$work/a.json" >"$work/bad.json"
aws iot create-ota-update --cli-input-json "file://$work/bad.json" >/dev/null
expect "no such object" CREATE_FAILED "$(status_of bad)"
expect "why" ResourceNotFoundException "$(ask otaUpdateInfo.errorInfo.code iot get-ota-update \
    --ota-update-id bad)"
sed 's/"a1"/"norole"/; s#role/ota#role/nobody#' "$work/a.json" >"$work/norole.json"
aws iot create-ota-update --cli-input-json "file://$work/norole.json" >/dev/null
expect "no such role" CREATE_FAILED "$(status_of norole)"
refused InvalidRequestException iot create-ota-update --ota-update-id x --targets thing \
    --role-arn "$role" --files fileName=f
refused ResourceNotFoundException iot get-ota-update --ota-update-id nothing

# jobs
aws iot create-job --job-id plain --targets "$account:thing/sensor-1" --document '{"do":"this"}' >/dev/null
expect "plain document" '{"do":"this"}' "$(ask document iot get-job-document --job-id plain)"
expect "jobs" 5 "$(ask 'length(jobs)' iot list-jobs)"
expect "job status" IN_PROGRESS "$(ask job.status iot describe-job --job-id plain)"
expect "things of the job" "$account:thing/sensor-1" "$(ask 'executionSummaries[].thingArn' \
    iot list-job-executions-for-job --job-id plain)"
expect "jobs of the thing" 5 "$(ask 'length(executionSummaries)' iot list-job-executions-for-thing \
    --thing-name sensor-1)"
refused InvalidRequestException iot delete-ota-update --ota-update-id a1
aws iot cancel-job-execution --job-id AFR_OTA-b1 --thing-name sensor-1
expect "cancelled" CANCELED "$(ask execution.status iot describe-job-execution --job-id AFR_OTA-b1 \
    --thing-name sensor-1)"
aws iot cancel-job --job-id plain >/dev/null
expect "job cancelled" CANCELED "$(ask job.status iot describe-job --job-id plain)"
expect "pending" AFR_OTA-a1 "$(ask 'queuedJobs[0].jobId' iot-jobs-data get-pending-job-executions \
    --thing-name sensor-1)"
expect "started" AFR_OTA-a1 "$(ask execution.jobId iot-jobs-data start-next-pending-job-execution \
    --thing-name sensor-1)"
aws iot-jobs-data update-job-execution --job-id AFR_OTA-a1 --thing-name sensor-1 --status SUCCEEDED \
    --status-details reason=accepted >/dev/null
expect "succeeded" "SUCCEEDED accepted" "$(ask \
    "join(' ', [execution.status, execution.statusDetails.detailsMap.reason])" \
    iot describe-job-execution --job-id AFR_OTA-a1 --thing-name sensor-1)"
aws iot delete-ota-update --ota-update-id a1 --delete-stream
refused ResourceNotFoundException iot get-ota-update --ota-update-id a1
refused ResourceNotFoundException iot describe-stream --stream-id "$stream"
aws iot delete-ota-update --ota-update-id c1 --force-delete-aws-job --delete-stream
aws iot delete-stream --stream-id own-stream
