#!/bin/sh
# Provisioning for development, end to end through power cuts: the process is killed again and again while it takes
# its identity from what lies behind its image, each time started on what the flash then holds.
#   provision_cuts.sh [KILLS]
set -eu
kills=${1:-8}
. "$(dirname "$0")/lib.sh"

start_cloud
lamp_to_image <<END
conf set telemetry_topic data/lamp
conf set log_level 2
conf set sntp_port 12300
END
sign_image 1.0.0 "$firmware-1.0.0.bin" "$work/1.0.0.bin"
"$otter" provision --to-image "$work/1.0.0.bin" --from "$work/lamp.conf" -o "$work/provisioned.bin" --quiet
make_flash "$work/flash.img" "$work/provisioned.bin"

# How long it takes, on a flash as slow as a board's, says where to cut.
slow=20000,400
cp "$work/flash.img" "$work/blank.img"
began=$(date +%s%N)
power_on $slow
expect device "restarting: provisioned for development"
takes_ms=$((($(date +%s%N) - began) / 1000000))
power_cut

cuts=0
while [ "$cuts" -lt "$kills" ]; do
    step "cut $((cuts + 1)) of $kills, within the $takes_ms ms that it takes"
    [ $((cuts % 2)) -eq 1 ] || cp "$work/blank.img" "$work/flash.img" # else it goes on from the last cut
    power_on $slow
    sleep "$(awk -v part=$((cuts + 1)) -v parts=$((kills + 1)) -v ms=$takes_ms 'BEGIN { print ms * part / parts / 1000 }')"
    power_cut
    cuts=$((cuts + 1))
    [ $((cuts % 2)) -eq 0 ] || continue
    power_on
    expect device "on line as lamp, version 1.0.0"
    for line in 'telemetry_topic="data/lamp"' 'sntp_port=12300' 'log_level=2'; do
        type_line "conf get ${line%%=*}"
        expect device "$line"
    done
    power_cut
done
! grep -q -e "$(sed -n 2p "$work/lamp.key")" "$work/device.log" || fail "the key is in what the console showed"
echo "passed: $cuts cuts"
