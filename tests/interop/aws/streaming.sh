#!/bin/sh
# Uploads in aws-chunked framing, with a checksum trailer and with signed chunks.
. "$(dirname "$0")/common.sh"

command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
put() {
    python3 -W ignore "$(dirname "$0")/streaming.py" "$url" "$AWS_ACCESS_KEY_ID" \
        "$AWS_SECRET_ACCESS_KEY" "$1"
}
aws s3api create-bucket --bucket updates >/dev/null
for mode in trailer signed; do
    expect "$mode" "200 " "$(put $mode)"
    aws s3 cp --quiet s3://updates/streamed "$work/back"
    expect "content" 933a1d4cb15c704ff3ef254fd45ad4fc "$(md5sum <"$work/back" | cut -d' ' -f1)"
    aws s3 rm --quiet s3://updates/streamed
done
case $(put tampered) in
403*SignatureDoesNotMatch*) ;;
*) fail "a changed chunk was not refused" ;;
esac
case $(put wrong-crc) in
400*BadDigest*) ;;
*) fail "a wrong checksum was not refused" ;;
esac
refused 404 s3api head-object --bucket updates --key streamed
