# What the end-to-end tests share. Sourced by a test that has said `set -eu`; it takes the programs
# from build/host (and build/mps2-an505), as a user has them, and works in a folder of its own.
#
#   $root $otter $work     source folder, the built `otter`, the folder (gone when the test ends)
#
# A test runs at most one cloud and one device at a time. Each has its log: $work/cloud.log and
# $work/device.log. `expect` reads a log line by line, so that lines are expected in their order;
# its deadline is only there to end a test that is stuck.

root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
otter=$root/build/host/tool/otter
firmware=$root/build/host/firmware/firmware
patience_s=60
own_policy= # of the device, beside that of `register`
cloud=
device=
background=

skip() {
    echo "skipped: $*"
    exit 77
}

step() {
    echo "-- $*"
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# need PROGRAM…: skips the test where one is not installed. Debian keeps mosquitto in /usr/sbin.
need() {
    for program in "$@"; do
        PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || skip "$program is not installed"
    done
}

[ -x "$otter" ] || skip "build/host is not built: cmake --preset host && cmake --build build/host"
work=$(mktemp -d)
work=$(CDPATH= cd -P -- "$work" && pwd)
: >"$work/cloud.log"
: >"$work/device.log"

finish() {
    code=$?
    trap - EXIT
    set +e
    for pid in $background $device $cloud; do
        kill -CONT "$pid" 2>/dev/null # it may have been halted
        kill "$pid" 2>/dev/null
    done
    for pid in $background $device $cloud; do
        wait "$pid" 2>/dev/null
    done
    if [ "$code" -ne 0 ] && [ "$code" -ne 77 ]; then
        for log in cloud device; do
            echo "---- the end of the $log's log:"
            tail -n 60 "$work/$log.log" | tr -cd '\n\040-\176' | cut -c1-240
        done
    fi
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

# ---- logs ------------------------------------------------------------------------------------

alive() {
    kill -0 "$1" 2>/dev/null
}

# wait_until WHAT COMMAND…: until the command succeeds.
wait_until() {
    what=$1
    shift
    deadline=$(($(date +%s) + patience_s))
    until "$@"; do
        [ "$(date +%s)" -lt "$deadline" ] || fail "this did not come within $patience_s s: $what"
        sleep 0.05
    done
}

# lines LOG: how many whole lines it has.
lines() {
    wc -l <"$work/$1.log"
}

read_cloud=0
read_device=0

# The number of the first line after line $2 of log $1 that holds the text $3, or nothing.
find_line() {
    tail -n "+$(($2 + 1))" "$work/$1.log" | grep -a -n -m 1 -F -e "$3" | cut -d : -f 1
}

seen() {
    eval "from=\$read_$1"
    found=$(find_line "$1" "$from" "$2")
    [ -n "$found" ] || return 1
    eval "read_$1=$((from + found))"
}

seen_or_over() {
    seen "$1" "$2" && return 0
    eval "pid=\$$1"
    ! { [ -n "$pid" ] && alive "$pid"; } || return 1
    seen "$1" "$2" || fail "the $1 ended before it said: $2"
}

# expect cloud|device TEXT: reads on until a line holds the text.
expect() {
    wait_until "the $1 says: $2" seen_or_over "$1" "$2"
}

# Lines that `expect` read before, and those that it has passed over, do not count from here on.
skip_lines() {
    eval "read_$1=$(lines "$1")"
}

# never cloud|device TEXT FROM: no line after number FROM holds the text.
never() {
    [ -z "$(find_line "$1" "$3" "$2")" ] || fail "the $1 said: $2"
}

# ---- the cloud -------------------------------------------------------------------------------

fact() { # fact NAME: of the running cloud
    sed -n "s/.*\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" "$work/cloud/cloud.json"
}

cloud_is_up() {
    [ -e "$work/cloud/cloud.json" ] && return 0
    alive "$cloud" || fail "the cloud does not come up"
    return 1
}

start_cloud() { # start_cloud OPTION…
    need mosquitto aws openssl
    "$otter" cloud --strict --limit connect=0 --dir "$work/cloud" "$@" >>"$work/cloud.log" 2>&1 3>&- &
    cloud=$!
    wait_until "the cloud comes up" cloud_is_up
}

stop_cloud() {
    kill "$cloud"
    code=0
    wait "$cloud" || code=$?
    cloud=
    [ "$code" -eq 0 ] || fail "the cloud ended with exit code $code"
}

aws() {
    "$otter" aws --dir "$work/cloud" "$@"
}

ask() { # ask QUERY ARGUMENT…: one value of the answer
    query=$1
    shift
    aws "$@" --output text --query "$query"
}

arn() { # arn KIND/NAME of iot
    echo "arn:aws:iot:us-east-1:$(fact account):$1"
}

# together COMMAND_LINE…: runs shell command lines side by side; all must succeed.
together() {
    running=
    for line in "$@"; do
        eval "$line" >/dev/null &
        running="$running $!"
    done
    for pid in $running; do
        wait "$pid" || fail "one of these did not succeed: $*"
    done
}

make_certificate() { # make_certificate NAME: NAME.key, NAME.crt, self-signed
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=$1" \
        -keyout "$work/$1.key" -out "$work/$1.crt" 2>/dev/null
}

# Registers lamp, and writes lamp.conf, what it takes from behind its image: who it is, and the settings
# that come on stdin.
lamp_to_image() {
    make_certificate lamp
    register lamp "$work/lamp.crt"
    {
        printf 'conf set thing_name lamp\nconf set mqtt_endpoint localhost\nconf set mqtt_port %s\n' "$(fact mqtt_port)"
        cat
        printf 'pki import cert root_ca_cert < %s\n' "$(fact root_ca)"
        printf 'pki import cert tls_cert < lamp.crt\npki import key tls_key_priv < lamp.key\n'
    } >"$work/lamp.conf"
}

# register THING CERTIFICATE: what a fleet's owner does for each device. The policy lets a thing do
# what lies below its own topics.
register() {
    cat >"$work/policy.json" <<'JSON'
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "iot:Connect",
   "Resource": "arn:aws:iot:*:*:client/${iot:Connection.Thing.ThingName}"},
  {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"],
   "Resource": ["arn:aws:iot:*:*:topic/$aws/things/${iot:Connection.Thing.ThingName}/*",
                "arn:aws:iot:*:*:topic/data/*"]},
  {"Effect": "Allow", "Action": "iot:Subscribe",
   "Resource": ["arn:aws:iot:*:*:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/*",
                "arn:aws:iot:*:*:topicfilter/data/*"]}]}
JSON
    together \
        "aws iot create-thing --thing-name $1" \
        "aws iot create-policy --policy-name $1 --policy-document 'file://$work/policy.json'" \
        "ask certificateArn iot register-certificate-without-ca --status ACTIVE \
            --certificate-pem 'file://$2' >'$work/principal'"
    principal=$(cat "$work/principal")
    together \
        "aws iot attach-thing-principal --thing-name $1 --principal $principal" \
        "aws iot attach-policy --policy-name $1 --target $principal" \
        "${own_policy:+aws iot attach-policy --policy-name $own_policy --target $principal}"
}

# ---- images and updates ----------------------------------------------------------------------

sign_image() { # sign_image VERSION PAYLOAD OUT [KEY]
    "$otter" sign -k "${4:-$root/build/host/keys/boot-signing.pem}" --align 4 -v "$1+0" \
        --header-size 4096 --pad-header -S 0x73000 "$2" "$3" >/dev/null
}

make_bucket() { # once
    [ ! -e "$work/bucket" ] || return 0
    : >"$work/bucket"
    trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"iot.amazonaws.com"}}]}'
    together "aws s3api create-bucket --bucket updates" \
        "aws iam create-role --role-name ota --assume-role-policy-document '$trust'"
    aws s3api put-bucket-versioning --bucket updates --versioning-configuration Status=Enabled
}

# make_release VERSION [KIB]: signs firmware 1.0.1 as that version, filled up to that size, and
# uploads it.
make_release() {
    cp "$firmware-1.0.1.bin" "$work/payload"
    truncate -s ">${2:-1}K" "$work/payload"
    sign_image "$1" "$work/payload" "$work/$1.bin"
    make_bucket
    aws s3 cp --quiet "$work/$1.bin" "s3://updates/$1.bin"
}

# create_update VERSION [THING]: a release's update (update-1-0-1, say) for the thing, `device`, signed by
# signer.key here and not in the cloud: customCodeSigning. Offers $protocols, a JSON list; $file_type is the number of
# its image.
protocols='["MQTT"]'
file_type=0
create_update() {
    signature=$(openssl dgst -sha256 -sign "$work/signer.key" "$work/$1.bin" | base64 -w 0)
    cat >"$work/update.json" <<JSON
{"otaUpdateId": "update-$(echo "$1" | tr . -)", "targets": ["$(arn "thing/${2:-device}")"],
 "roleArn": "arn:aws:iam::$(fact account):role/ota", "protocols": $protocols,
 "files": [{"fileName": "$1.bin", "fileType": $file_type,
   "fileLocation": {"s3Location": {"bucket": "updates", "key": "$1.bin"}},
   "codeSigning": {"customCodeSigning": {"hashAlgorithm": "SHA256", "signatureAlgorithm": "ECDSA",
     "signature": {"inlineDocument": "$signature"},
     "certificateChain": {"certificateName": "ota_signer_pub"}}}}]}
JSON
    aws iot create-ota-update --cli-input-json "file://$work/update.json" >/dev/null
}

job_status() { # job_status JOB [THING]
    ask execution.status iot describe-job-execution --job-id "$1" --thing-name "${2:-device}"
}

job_reason() {
    ask execution.statusDetails.detailsMap.reason iot describe-job-execution --job-id "$1" \
        --thing-name "${2:-device}"
}

# ---- the device: the firmware as a host process, its console a FIFO -----------------------------

# area AREA 1|2: offset or size of an area on the board's one flash device, as the build describes it.
area() {
    tr -d ' \n' <"$root/build/host/boards/posix.json" |
        sed "s/.*\"$1\":{\"device\":0,\"offset\":\([0-9]*\),\"size\":\([0-9]*\)}.*/\\$2/"
}
if [ -f "$root/build/host/boards/posix.json" ]; then
    flash_size=$(($(tr -d ' \n' <"$root/build/host/boards/posix.json" |
        sed 's/.*"sectors":\[\([0-9]*\),\([0-9]*\)\].*/\1 * \2/')))
    primary_sector=$(($(area primary 1) / 4096))
    store_sector=$(($(area store 1) / 4096))
    store_sectors=$(($(area store 2) / 4096))
fi

make_flash() { # make_flash FILE IMAGE: blank, with the image in the primary slot
    head -c $flash_size /dev/zero | tr '\0' '\377' >"$1"
    dd if="$2" of="$1" bs=4096 seek=$primary_sector conv=notrunc status=none
}

power_on() { # power_on [ERASE_US,PROGRAM_US]
    if [ ! -p "$work/console" ]; then
        mkfifo "$work/console"
        exec 3<>"$work/console"
    fi
    OTTER_FLASH_TIMING=${1:-0,0} "$root/build/host/firmware/bootloader" \
        --flash "$work/flash.img" <"$work/console" >>"$work/device.log" 2>&1 3>&- &
    device=$!
}

power_cut() {
    kill -KILL "$device"
    wait "$device" 2>/dev/null || true
    device=
    skip_lines device
}

type_line() {
    printf '%s\r' "$1" >&3
}

paste() { # paste COMMAND FILE
    type_line "$1"
    while IFS= read -r text; do
        type_line "$text"
    done <"$2"
}

configure() { # configure KEY VALUE
    type_line "conf set $1 $2"
    expect device "$1="
}

# New device with firmware 1.0.0, its flash in flash.img, not provisioned.
new_device() {
    sign_image 1.0.0 "$firmware-1.0.0.bin" "$work/1.0.0.bin"
    make_flash "$work/flash.img" "$work/1.0.0.bin"
    power_on
    expect device "not provisioned"
}

# From a blank flash to on line as the thing `device`.
provisioned_device() {
    new_device
    make_certificate signer
    openssl pkey -in "$work/signer.key" -pubout -out "$work/signer.pub"
    configure thing_name device
    configure mqtt_endpoint localhost
    configure mqtt_port "$(fact mqtt_port)"
    type_line "conf commit"
    expect device "Configuration saved"
    paste "pki import cert root_ca_cert" "$(fact root_ca)"
    expect device "SUCCESS: certificate"
    paste "pki import key ota_signer_pub" "$work/signer.pub"
    expect device "SUCCESS: public key"
    type_line "pki generate key"
    expect device "-----END PUBLIC KEY-----"
    from=$read_device
    type_line "pki generate cert"
    expect device "-----END CERTIFICATE-----"
    tail -n "+$((from + 1))" "$work/device.log" | tr -d '\r' |
        sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' >"$work/device.crt"
    register device "$work/device.crt"
    type_line reset
    expect device "on line as device, version 1.0.0"
}
