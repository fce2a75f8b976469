#!/bin/sh
# No open door: wrong secret, unknown key, wrong region, no signature; each with AWS's error.
. "$(dirname "$0")/common.sh"

right_id=$AWS_ACCESS_KEY_ID right_secret=$AWS_SECRET_ACCESS_KEY
export AWS_SECRET_ACCESS_KEY=wrong
refused InvalidSignatureException iot list-things
refused SignatureDoesNotMatch s3api list-buckets
refused SignatureDoesNotMatch sts get-caller-identity
refused InvalidSignatureException acm list-certificates
refused InvalidSignatureException signer list-signing-profiles
export AWS_SECRET_ACCESS_KEY="$right_secret" AWS_ACCESS_KEY_ID=AKIANOBODY0000000001
refused UnrecognizedClientException iot list-things
refused InvalidAccessKeyId s3api list-buckets
refused InvalidClientTokenId iam get-role --role-name r
export AWS_ACCESS_KEY_ID="$right_id"
refused InvalidSignatureException iot list-things --region eu-west-1
refused MissingAuthenticationTokenException iot list-things --no-sign-request
refused AccessDenied s3api list-objects-v2 --bucket b --no-sign-request
aws iot list-things >/dev/null

# a presigned URL, and the same one tampered with
aws s3api create-bucket --bucket shared >/dev/null
printf content >"$work/file"
aws s3 cp --quiet "$work/file" "s3://shared/a file"
link=$(aws s3 presign "s3://shared/a file" --expires-in 60)
python=$(command -v python3 || true)
[ -n "$python" ] || exit 0
fetch() {
    "$python" - "$1" <<'PYTHON'
import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen(sys.argv[1]).read().decode())
except urllib.error.HTTPError as error:
    print(error.code)
PYTHON
}
case $link in
*X-Amz-Signature*)
    expect "presigned" content "$(fetch "$link")"
    expect "tampered" 403 "$(fetch "$(echo "$link" | sed 's/Expires=60/Expires=6000/')")"
    ;;
esac
expect "bare" 403 "$(fetch "$url/shared/a%20file")"
