#!/bin/sh
# A board in its twin that stays on line: keep-alives, a link that goes and comes back every two minutes, and
# at the end no restart, no error, no more memory in use, and an answer at the console. Not in the default
# run, as a core that sleeps takes the host's time.
#
#   twin_soak.sh BOARD [MINUTES]    30 minutes unless said
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"

minutes=${2:-30}
pause=110

# What lib.sh does for the host process, for this board.
new_device() {
    sign_image 1.0.0 "$built/firmware/firmware-1.0.0.bin" "$work/1.0.0.bin"
    merge "$work/1.0.0.bin" "$work/merged.hex"
    twin "$work/flash" --hex "$work/merged.hex"
    expect device "not provisioned"
    case $(text network) in
    esp8266 | emw3080)
        configure wifi_ssid workshop
        configure wifi_credential otter-demo
        ;;
    esac
}

high_water() { # of the TLS arena and the stack, as the console says
    from=$read_device
    type_line stat
    expect device "RAM "
    tail -n "+$((from + 1))" "$work/device.log" | tr -d '\r' | grep -a '^\(RAM\|TLS arena\) ' || true
}

starts() {
    grep -a -c "started by " "$work/device.log" || true
}

start_cloud --limit greeting=120
open_console
provisioned_device
starts_before=$(starts)

step "on line for $minutes minutes"
end=$(($(date +%s) + minutes * 60))
blinks=0
while [ "$(date +%s)" -lt "$end" ]; do
    sleep "$pause"
    alive "$device" || fail "the twin has ended"
    kill -USR1 "$device"
    expect device "the link is gone"
    expect device "off line"
    kill -USR1 "$device"
    expect device "the link is back"
    expect device "on line as device"
    blinks=$((blinks + 1))
done

step "it still answers, and was never started anew"
type_line version
expect device "Otter firmware 1.0.0"
[ "$(starts)" -eq "$starts_before" ] || fail "it was started $(($(starts) - starts_before)) times more"
! grep -a '<ERR>.*\[FAULT' "$work/device.log" || fail "a fault"
high_water
stop_twin
sed -n 's/.*stopped after /  /p' "$work/device.log" | tail -n 1
echo "passed: $minutes minutes, $blinks times off line and back"
