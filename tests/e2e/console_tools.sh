#!/bin/sh
# What a person at a device's console types and reads while its log goes on: the line's keys, a password, the tools,
# an assertion that the watchdog ends, the log that outlives it, single keys in place of lines.
#   console_tools.sh posix|mps2-an505 [full]    full: waits for the watchdog, a minute in which the processor spins
set -eu
board=$1
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/emulated.sh"
need openssl

up='\033[A'
left='\033[D'

keys() { # keys TEXT: as printf takes it, and no more
    printf "$1" >&3
}

ask() { # ask COMMAND ANSWER…
    type_line "$1"
    shift
    for answer in "$@"; do
        expect device "$answer"
    done
}

step "a device whose log never ends, as it finds no cloud"
new_device
make_certificate nobody
configure thing_name device
configure mqtt_endpoint localhost
configure mqtt_port 9
ask "conf commit" "Configuration saved"
paste "pki import cert root_ca_cert" "$work/nobody.crt"
expect device "SUCCESS: certificate"
ask "pki generate key" "-----END PUBLIC KEY-----"
ask "pki generate cert" "-----END CERTIFICATE-----"
type_line reset
expect device "<ERR>"

step "lines are edited, completed and brought back while it goes on"
keys 'conf get mqtt_pt'
expect device "<ERR>" # amid the line
expect device "next try in"
keys "${left}or\r"
expect device "mqtt_port=9"
keys "$up"
keys '\r'
expect device "mqtt_port=9"
keys 'upt\t\r'
expect device "up 0 day(s) 00:00:"
keys 'conf se\tmqtt_po\t10'
expect device "<ERR>"
keys '\010\r'
expect device "mqtt_port=1"

step "a password is neither shown nor brought back"
ask "conf set wifi_credential hunter2222" 'wifi_credential="********"'
ask "conf get wifi_credential" 'wifi_credential="********"'
keys "$up$up"
keys '\r' # that before them
expect device "mqtt_port=1"
ask "conf get" 'wifi_credential="********"' "Not saved yet"
[ "$(grep -a -c hunter2222 "$work/device.log")" = 1 ] || fail "the password is there more often than it was typed"

step "the tools"
ask ps "link       RUNNING" "telemetry  RUNNING" "console    RUNNING"
ask "kill telemetry"
ask ps "telemetry  SUSPENDED"
ask "killall -SIGCONT telemetry"
ask ps "telemetry  RUNNING"
ask "kill link" "link cannot be stopped."
ask heapstat "| Heap Total       | 38912       | 0x9800      | 100 %   |" "| Max. Heap Alloc. | "
if [ "$board" = posix ]; then ask stackstat "(host process)"; else ask stackstat "Stack size: "; fi
ask "rngtest 0x80" "==" "DONE"
tr -d '\r' <"$work/device.log" | grep -a -E '^[A-Za-z0-9+/]{86}==[A-Za-z0-9+/]{86}==$' >"$work/random" || fail "no random bytes"
[ "$(cut -c1-88 "$work/random")" != "$(cut -c89- "$work/random")" ] || fail "the random bytes are $(cat "$work/random")"
ask net "network    up" "cloud      localhost:9, off line" "last       "
ask "ota status" "primary    1.0.0, "
ask "ota abort" "No update can be given up now"
ask version "Otter firmware 1.0.0 on $board"
ask "help kill" "kill [-SIGNAL] <id or name>..."
ask "log error" "log level: error"
ask "log info" "log level: info"

if [ "$board" = posix ] || [ "${2:-}" = full ]; then
    step "an assertion fails: the watchdog restarts the device, and the log in flash has it"
    patience_s=100
    type_line assert
    expect device "Assertion failed"
    [ "${2:-}" = full ] || kill -ALRM "$device" # as the watchdog's timer would, a minute later
    expect device "started by watchdog reset"
    expect device "<ERR>"
    ask "log show" "Assertion failed" "---- start, reset reason 2"
fi

step "single keys in place of lines"
ask "conf set line_mode 0" "line_mode=0"
ask "conf commit" "Configuration saved"
type_line reset
expect device "started by software reset"
expect device "connecting to"
keys h
expect device "** MBED HEAP STATS **"
keys s
expect device "** MBED THREAD STACK STATS **"
keys r
expect device "System reset after 2 secs..."
expect device "started by software reset"
expect device "connecting to"
keys '\003'
ask version "Otter firmware 1.0.0 on $board"
echo passed
