#!/bin/sh
# s3: buckets, versions, ranges, uploads in parts, keys that need encoding.
. "$(dirname "$0")/common.sh"

aws s3api create-bucket --bucket updates >/dev/null
aws s3api create-bucket --bucket updates >/dev/null
aws s3api head-bucket --bucket updates >/dev/null
refused InvalidBucketName s3api create-bucket --bucket no..dots
refused 404 s3api head-bucket --bucket nothing-here
expect "buckets" updates "$(ask 'Buckets[].Name' s3api list-buckets)"

# before versioning
printf one >"$work/small"
expect "etag" "\"$(md5sum <"$work/small" | cut -d' ' -f1)\"" \
    "$(ask ETag s3api put-object --bucket updates --key early --body "$work/small")"
expect "null version" null "$(ask 'Versions[].VersionId' s3api list-object-versions --bucket updates)"
aws s3api put-bucket-versioning --bucket updates --versioning-configuration Status=Enabled
expect "versioning" Enabled "$(ask Status s3api get-bucket-versioning --bucket updates)"

# versions of one key
head -c 100000 /dev/urandom >"$work/first.bin"
head -c 200001 /dev/urandom >"$work/second.bin"
first=$(ask VersionId s3api put-object --bucket updates --key "fw/a b+c=ü.bin" --body "$work/first.bin" \
    --metadata board=m467)
aws s3 cp --quiet "$work/second.bin" "s3://updates/fw/a b+c=ü.bin"
second=$(ask "Versions[?IsLatest && Key=='fw/a b+c=ü.bin'].VersionId" s3api list-object-versions \
    --bucket updates --prefix fw/)
[ "$first" != "$second" ] || fail "two versions have the same id"
aws s3api get-object --bucket updates --key "fw/a b+c=ü.bin" "$work/back" >/dev/null
cmp "$work/back" "$work/second.bin"
aws s3api get-object --bucket updates --key "fw/a b+c=ü.bin" --version-id "$first" "$work/back" >/dev/null
cmp "$work/back" "$work/first.bin"
expect "metadata" m467 "$(ask Metadata.board s3api head-object --bucket updates \
    --key "fw/a b+c=ü.bin" --version-id "$first")"
expect "size" 200001 "$(ask ContentLength s3api head-object --bucket updates --key "fw/a b+c=ü.bin")"
refused NoSuchVersion s3api get-object --bucket updates --key "fw/a b+c=ü.bin" --version-id nope "$work/back"

# ranges
aws s3api get-object --bucket updates --key early --range bytes=1-1 "$work/back" >/dev/null
expect "range" n "$(cat "$work/back")"
aws s3api get-object --bucket updates --key early --range bytes=-2 "$work/back" >/dev/null
expect "range from the end" ne "$(cat "$work/back")"
refused InvalidRange s3api get-object --bucket updates --key early --range bytes=9- "$work/back"

# lists
aws s3api put-object --bucket updates --key fw/x/one --body "$work/small" >/dev/null
aws s3api put-object --bucket updates --key fw/x/two --body "$work/small" >/dev/null
aws s3api put-object --bucket updates --key "last&<key>" --body "$work/small" >/dev/null
expect "keys" "early	fw/a b+c=ü.bin	fw/x/one	fw/x/two	last&<key>" \
    "$(ask 'Contents[].Key' s3api list-objects-v2 --bucket updates)"
expect "one by one" 5 "$(ask 'Contents[].Key' s3api list-objects-v2 --bucket updates --page-size 1 |
    wc -l)"
expect "folders" fw/ "$(ask 'CommonPrefixes[].Prefix' s3api list-objects-v2 --bucket updates \
    --delimiter /)"
expect "folders within" fw/x/ "$(ask 'CommonPrefixes[].Prefix' s3api list-objects-v2 --bucket updates \
    --delimiter / --prefix fw/)"
expect "versions by page" 6 "$(ask 'Versions[].VersionId' s3api list-object-versions --bucket updates \
    --page-size 1 | tr '\t' '\n' | wc -l)"
aws s3 ls s3://updates/fw/ >"$work/list"
grep -q "PRE x/" "$work/list" || fail "s3 ls shows no folder"

# a large file goes in parts, and comes back in ranges
head -c 18000000 /dev/urandom >"$work/large.bin"
aws s3 cp --quiet "$work/large.bin" s3://updates/large.bin
case $(ask ETag s3api head-object --bucket updates --key large.bin) in
*-3\") ;;
*) fail "the tag of an upload in three parts must end in -3" ;;
esac
aws s3 cp --quiet s3://updates/large.bin "$work/back"
cmp "$work/back" "$work/large.bin"
upload=$(ask UploadId s3api create-multipart-upload --bucket updates --key parts)
aws s3api upload-part --bucket updates --key parts --upload-id "$upload" --part-number 1 \
    --body "$work/small" >/dev/null
refused InvalidPart s3api complete-multipart-upload --bucket updates --key parts \
    --upload-id "$upload" --multipart-upload 'Parts=[{PartNumber=1,ETag=abc}]'
aws s3api abort-multipart-upload --bucket updates --key parts --upload-id "$upload"
refused NoSuchUpload s3api abort-multipart-upload --bucket updates --key parts --upload-id "$upload"

# deletion leaves a marker, and the marker can be taken away
marker=$(ask VersionId s3api delete-object --bucket updates --key early)
refused NoSuchKey s3api get-object --bucket updates --key early "$work/back"
expect "marker" "$marker" "$(ask 'DeleteMarkers[].VersionId' s3api list-object-versions --bucket updates)"
aws s3api delete-object --bucket updates --key early --version-id "$marker" >/dev/null
aws s3api get-object --bucket updates --key early "$work/back" >/dev/null
refused BucketNotEmpty s3api delete-bucket --bucket updates
refused NoSuchBucket s3api put-object --bucket nothing-here --key k --body "$work/small"
refused NotImplemented s3api get-bucket-acl --bucket updates

aws s3 mb s3://scratch >/dev/null
aws s3 cp --quiet "$work/small" s3://scratch/a
aws s3 rm --quiet --recursive s3://scratch
aws s3 rb s3://scratch >/dev/null
expect "buckets left" updates "$(ask 'Buckets[].Name' s3api list-buckets)"
