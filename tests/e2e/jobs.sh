#!/bin/sh
# Jobs that are not what they should be, sent to a device that is on line: it refuses what claims to
# be firmware and is none, jobs of others and jobs too large to be read, and says why; it stops when
# an update is cancelled in mid-download, and takes the next good update.
set -eu
. "$(dirname "$0")/lib.sh"

start_cloud --rate 40
provisioned_device
signature=$(head -c 64 /dev/zero | base64 -w 0)

create_job() { # create_job ID DOCUMENT
    aws iot create-job --job-id "$1" --targets "$(arn thing/device)" --document "$2" >/dev/null
}

# refused ID REASON DOCUMENT
refused() {
    create_job "$1" "$3"
    expect cloud "device reports $1 REJECTED"
    expect device "update refused: $2"
    expect device "job $1 is done: $2"
}

# file MEMBERS: an otherwise good document with these members of its file.
file() {
    echo '{"afr_ota":{"protocols":["MQTT"],"streamname":"s","files":[{"filepath":"f",'"$1"'}]}}'
}

step "documents that claim to be an update"
refused text "job document: afr_ota is no object" '{"afr_ota":"please"}'
[ "$(job_status text)" = REJECTED ] || fail "the job is $(job_status text)"
[ "$(job_reason text)" = "job document: afr_ota is no object" ] ||
    fail "the reason is $(job_reason text)"
refused protocol "job document: protocols do not offer MQTT" \
    '{"afr_ota":{"protocols":["FTP"],"streamname":"s","files":[{}]}}'
refused stream "job document: streamname has characters" \
    '{"afr_ota":{"protocols":["MQTT"],"streamname":"a/+/#","files":[{"filesize":9999}]}}'
refused two "job has 2 files" \
    '{"afr_ota":{"protocols":["MQTT"],"streamname":"s","files":[{},{}]}}'
refused small "filesize 1 is too small" "$(file '"filesize":1,"fileid":0')"
refused large "filesize 99999999 does not fit" "$(file '"filesize":99999999,"fileid":0')"
refused type "job document: filesize is missing or no whole number" \
    "$(file '"filesize":"many","fileid":0')"
refused key "certfile 'theirs' is not a key of this device" \
    "$(file '"filesize":9999,"fileid":0,"certfile":"theirs"')"
refused zeros "sig-sha256-ecdsa is no DER signature" "$(file \
    '"filesize":9999,"fileid":0,"certfile":"ota_signer_pub","sig-sha256-ecdsa":"'"$signature"'"')"

step "a good document about a stream that there is not"
create_job gone "$(file '"filesize":9999,"fileid":0,"certfile":"ota_signer_pub","sig-sha256-ecdsa":"'"$(
    : >"$work/nothing"
    openssl dgst -sha256 -sign "$work/signer.key" "$work/nothing" | base64 -w 0
)"'"')"
expect device "update refused: stream refused: "
expect cloud "device reports gone REJECTED"

step "jobs of somebody else"
create_job theirs '{"operation":"dance"}'
expect cloud "device reports theirs REJECTED"
expect device "job theirs is refused: no service of this device takes the job"
expect device "job theirs is done: no service of this device takes the job"
# More than the device's buffers take, and wider than it reads.
create_job wide "{\"list\":[$(head -c 3000 /dev/zero | tr '\0' 1 | sed 's/1/1,/g')1]}"
create_job huge "{\"text\":\"$(head -c 30000 /dev/zero | tr '\0' x)\"}"
for job in wide huge; do
    expect cloud "device reports $job REJECTED"
    case $(job_reason $job) in
    "the job is too large to be read: "*) ;;
    *) fail "the reason is $(job_reason $job)" ;;
    esac
done
type_line version
expect device "Otter firmware 1.0.0 on posix"

step "an update that is cancelled in mid-download"
make_release 1.0.1 440
create_update 1.0.1
expect device "job AFR_OTA-update-1-0-1 accepted"
expect device "[OTA       ] block "
kill -STOP "$device"
[ "$(job_status AFR_OTA-update-1-0-1)" = IN_PROGRESS ] || fail "the update is not in progress"
aws iot cancel-job --job-id AFR_OTA-update-1-0-1 --force >/dev/null
kill -CONT "$device"
expect device "job AFR_OTA-update-1-0-1 was cancelled or is over"
never device "blocks are on flash; checking" 0
never device "Swap type: test" 0
[ "$(job_status AFR_OTA-update-1-0-1)" = CANCELED ] || fail "the update is not cancelled"
type_line version
expect device "Otter firmware 1.0.0 on posix"

step "the next update is taken, which offers a presigned URL, too"
make_release 1.0.2
protocols='["MQTT", "HTTP"]'
create_update 1.0.2
expect device "version 1.0.2 is offered, 1.0.0 is running"
expect device "code signature and image verified"
expect device "Otter firmware 1.0.2 (build 1.0.1) on posix"
expect device "job AFR_OTA-update-1-0-2 is done: accepted v1.0.2"
[ "$(job_status AFR_OTA-update-1-0-2)" = SUCCEEDED ] || fail "the update did not succeed"
power_cut
stop_cloud
echo "passed"
