#!/bin/sh
# AWS's own SDKs for JavaScript against `otter cloud`, in every way that they connect to AWS.
# usage: sdks.sh OTTER FOLDER    (FOLDER keeps what npm has brought, for the next time)
set -eu

otter=$1
packages=$2
work=$(mktemp -d)
dir=$work/cloud
cloud=
wanted="aws-iot-device-sdk@2.2.15 aws-iot-device-sdk-v2@1.28.0 aws-crt@1.33.1"

for program in node npm aws; do
    command -v $program >/dev/null || { echo "skipped: $program is not installed"; exit 77; }
done

finish() {
    code=$?
    trap - EXIT
    [ -z "$cloud" ] || { kill "$cloud" 2>/dev/null || true; wait "$cloud" 2>/dev/null || true; }
    [ $code = 0 ] || [ $code = 77 ] || { echo "---- the cloud's log:"; cat "$work/cloud.log"; }
    rm -rf "$work"
    exit $code
}
trap finish EXIT

if [ "$(cat "$packages/wanted" 2>/dev/null || true)" != "$wanted" ]; then
    mkdir -p "$packages"
    # shellcheck disable=SC2086
    timeout 60 npm install --prefix "$packages" --no-audit --no-fund --ignore-scripts --fetch-retries 0 $wanted \
        >"$work/npm.log" 2>&1 || {
        echo "skipped: npm did not bring $wanted within a minute (is its registry within reach?)"
        tail -n 3 "$work/npm.log"
        exit 77
    }
    echo "$wanted" >"$packages/wanted"
fi

"$otter" cloud --dir "$dir" --limit connect=0 --limit greeting=60 >"$work/cloud.log" 2>&1 &
cloud=$!
for _ in $(seq 300); do
    [ -e "$dir/cloud.json" ] && break
    sleep 0.1
done
aws() {
    "$otter" aws --dir "$dir" "$@"
}
arn=$(aws iot create-keys-and-certificate --set-as-active --certificate-pem-outfile "$work/device.pem" \
    --private-key-outfile "$work/device.key" --query certificateArn --output text)
aws iot create-policy --policy-name all --policy-document \
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}' >/dev/null
aws iot attach-policy --policy-name all --target "$arn"
aws iot create-thing --thing-name sdk-v1 >/dev/null
NODE_EXTRA_CA_CERTS=$dir/root_ca.pem NODE_PATH=$packages/node_modules \
    node "$(dirname "$0")/sdks.js" "$dir" "$work/device.pem" "$work/device.key"
