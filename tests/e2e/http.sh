#!/bin/sh
# http.sh posix|mps2-an505 [expired]: updates by HTTP from presigned URLs, over TLS, with the AWS CLI on the
# other side: HTTP alone, through a power cut; MQTT first and HTTP after its stream has failed; an URL that
# expires on the way (`expired`, which waits a minute for that); and the device's log, sent by a job.
set -eu
board=$1
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/emulated.sh"

patience_s=120 # two images of 400 KiB are swapped on the way

start_cloud --rate 128 # or a fast device has its image before the script can cut its power
provisioned_device
host=localhost:

end_of() { # end_of VERSION WORDS: the update's job has ended well
    wait_until "update $1 ends" ended "AFR_OTA-update-$(echo "$1" | tr . -)"
    [ "$(job_status "AFR_OTA-update-$(echo "$1" | tr . -)")" = SUCCEEDED ] || fail "update $1 has not succeeded"
}
ended() {
    case $(job_status "$1") in QUEUED | IN_PROGRESS) return 1 ;; esac
}
# The device must not be faster than this script: it is off until there is a job for it.
switch_off() {
    power_cut
    [ "$board" = posix ] || rm "$work/console"
}

if [ "${2:-}" = expired ]; then
    step "a URL that expires on the way is asked for anew, through the job"
    make_release 1.0.1 400
    switch_off
    protocols='["HTTP"], "awsJobPresignedUrlConfig": {"expiresInSec": 60}'
    create_update 1.0.1
    power_on 1000000,90 # a second for each sector: the download outlives the URL
    expect device "the session pauses for $host"
    expect device "localhost: HTTP 403"
    expect device "the session pauses for $host"
    switch_off
    power_on
    expect device "going on at block "
    expect device "on line as device, version 1.0.1"
    end_of 1.0.1
    echo "passed"
    exit 0
fi

step "an update by HTTP alone, through a power cut"
make_release 1.0.1 400
switch_off
protocols='["HTTP"]'
create_update 1.0.1
power_on
expect device "the session pauses for $host"
expect device "[OTA       ] block "
expect device "[OTA       ] block "
switch_off
power_on
expect device "going on at block "
expect device "the session pauses for $host"
expect device "on line as device, version 1.0.1"
end_of 1.0.1

step "MQTT first, and HTTP once its stream is gone"
switch_off
make_release 1.0.2
protocols='["MQTT", "HTTP"]'
create_update 1.0.2
stream=$(ask 'streams[0].streamId' iot list-streams --no-ascending-order)
aws iot delete-stream --stream-id "$stream"
power_on
expect device "looking for another source"
expect device "the session pauses for $host"
expect device "on line as device, version 1.0.2"
end_of 1.0.2
echo "passed"
