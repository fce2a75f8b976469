#!/bin/sh
# A board in its twin that stays on line: keep-alives, and a link that goes and comes back every two minutes.
# At the end no restart; no error but what the network says while the link is gone; and the most that was
# used of stack and TLS arena has grown by no more than 512 bytes each since the first third. Not in the
# default run, as a core that sleeps takes the host's time.
#
#   twin_soak.sh BOARD [MINUTES]    30 minutes unless said
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"

minutes=${2:-30}
pause=110
growth_max=512

high_water() { # the most that was used so far of the stack, and of the TLS arena
    from=$read_device
    type_line stat
    expect device "TLS arena "
    tail -n "+$((from + 1))" "$work/device.log" |
        sed -n 's/^\(RAM\|TLS arena\) .*(most used: \([0-9]*\)).*/\2/p' | head -n 2
}

no_more_than() { # no_more_than WHAT BEFORE AFTER
    [ $(($3 - $2)) -le "$growth_max" ] || fail "the most that was used of the $1 grew from $2 to $3 bytes"
    echo "  of the $1 $2 bytes were used at most in the first third, $3 in all"
}

# Errors in the log but those of the network from the link's end until the board is on line again.
errors() {
    tr -d '\r' <"$work/device.log" | awk -v from="$1" '
        NR <= from { next }
        /the link is gone/ { gone = 1 }
        /on line as device/ { gone = 0 }
        /<ERR>/ && !(gone && /\[(NET|TLS|MQTT|MODEM) *\]/)'
}

starts() {
    grep -a -c "started by " "$work/device.log" || true
}

start_cloud --limit greeting=120
open_console
provisioned_device
starts_before=$(starts)
on_line=$(lines device)
first=

step "on line for $minutes minutes"
began=$(date +%s)
end=$((began + minutes * 60))
blinks=0
while [ $(($(date +%s) + pause)) -lt "$end" ]; do
    sleep "$pause"
    alive "$device" || fail "the twin has ended"
    link_blinks
    blinks=$((blinks + 1))
    [ -n "$first" ] || [ $((($(date +%s) - began) * 3)) -lt $((minutes * 60)) ] || first=$(high_water)
done

step "it still answers, and was never started anew"
type_line version
expect device "Otter firmware 1.0.0"
[ "$(starts)" -eq "$starts_before" ] || fail "it was started $(($(starts) - starts_before)) times more"
[ -z "$(errors "$on_line")" ] || fail "errors: $(errors "$on_line")"
last=$(high_water)
[ "$(echo $first $last | wc -w)" -eq 4 ] || fail "the console does not say what was used: $first, $last"
no_more_than stack $(echo $first | cut -d ' ' -f 1) $(echo $last | cut -d ' ' -f 1)
no_more_than "TLS arena" $(echo $first | cut -d ' ' -f 2) $(echo $last | cut -d ' ' -f 2)
stop_twin
sed -n 's/.*stopped after /  /p' "$work/device.log" | tail -n 1
echo "passed: $minutes minutes, $blinks times off line and back"
