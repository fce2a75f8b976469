#!/bin/sh
# One run of `otter demo`, checked by its exit code and by the story that it tells.
#
#   demo.sh BOARD FAULT [CLI]    FAULT: none, signature, self-test, version, power, secure; mqtt5: the same in
#                                MQTT 5; modem: the modem
#                                restarts by itself in the middle of the download; link: the cable
#                                of a board in its twin is pulled then, and put back; interrupt: Ctrl-C
#                                in the middle; keep: --keep; quiet: --quiet; width: on a terminal,
#                                whose TERM is then given. CLI: the AWS CLI that it is to use.
set -eu
. "$(dirname "$0")/lib.sh"

board=$1
fault=$2
cli=${3:-}

need mosquitto aws openssl
case $board in
mps2-an505*)
    need qemu-system-arm
    built=build/$(echo "$board" | tr / -)
    [ -f "$root/$built/firmware/bootloader.elf" ] || skip "$built is not built"
    ;;
numaker* | b-u585* | stm32*)
    built=build/$(echo "$board" | tr / -)
    [ -f "$root/$built/firmware/bootloader.bin" ] || skip "$built is not built"
    ;;
esac
if [ -n "$cli" ] && [ "$fault" != width ]; then
    [ -x "$cli" ] || skip "there is no AWS CLI $cli"
    [ "$(command -v aws)" != "$cli" ] || skip "$cli is the AWS CLI that the other runs use"
    export OTTER_AWS_CLI="$cli"
fi
case $fault in
mqtt5) set -- --board "$board" --mqtt 5 ;;
none | link | interrupt) set -- --board "$board" ;;
modem) set -- --board "$board" --modem restarts@120 ;;
keep) set -- --board "$board" --keep ;;
quiet) set -- --board "$board" --quiet ;;
width) set -- --board "$board" ;;
*) set -- --board "$board" --fault "$fault" ;;
esac

# All that the demo makes lies in a folder of this test's, and all that it starts knows that.
mkdir "$work/tmp"
story=$work/story
if [ "$fault" = width ]; then
    need script
    term=$cli
    cli=
    TMPDIR=$work/tmp TERM=$term script -q -e -c "stty cols 80 rows 24; '$otter' demo $*" /dev/null \
        >"$story" 2>&1 </dev/null &
else
    TMPDIR=$work/tmp "$otter" demo "$@" >"$story" 2>&1 </dev/null &
fi
demo=$!
background=$demo

if [ "$fault" = interrupt ]; then
    wait_until "the device is on line" grep -q "on line as otter-demo" "$story"
    kill -INT "$demo"
fi

leftovers() {
    grep -a -l "TMPDIR=$work/tmp" /proc/[0-9]*/environ 2>/dev/null | tr -dc '0-9\n'
}

twin_pid() {
    for pid in $(leftovers); do
        tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q " twin --board" && echo "$pid"
    done
}

if [ "$fault" = link ]; then
    patience_s=240 # a twin computes at a fraction of its board's speed
    wait_until "blocks arrive" grep -q "block [0-9]*/" "$story"
    kill -USR1 "$(twin_pid)"
    wait_until "the device sees it" grep -q "link down" "$story"
    kill -USR1 "$(twin_pid)"
fi
code=0
wait "$demo" || code=$?
background=

wrong() {
    sed 's/^/  story: /' "$story" | cut -c1-200
    background=$(leftovers)
    fail "$*"
}

# in_order TEXT…: the lines that hold these texts come in this order.
in_order() {
    line=0
    for text in "$@"; do
        next=$(tail -n "+$((line + 1))" "$story" | grep -n -m 1 -F -e "$text" | cut -d : -f 1)
        [ -n "$next" ] || wrong "not in the story, or not there: $text"
        line=$((line + next))
    done
}

absent() {
    ! grep -q -F -e "$1" "$story" || wrong "this must not happen: $1"
}

# The part of the story that follows the (only) line with this text.
after() {
    sed "1,/$1/d" "$story"
}

closed_well() { # closed_well STATUS REASON VERSION
    in_order "== What the cloud says" "status $1, reason \"$2\"" \
        "Otter firmware $3 on $board" "== Summary"
    grep -q -E "^ +job +$1: " "$story" || wrong "the summary has no job $1"
}

outcome() { # outcome TEXT: what the summary says came of it
    grep -q -E "^ +outcome +$1\$" "$story" || wrong "the summary does not say: $1"
}

went_over_the_air() {
    in_order "Otter firmware 1.0.0 (build 1.0.0) on $board" "not provisioned" \
        "Configuration saved" "SUCCESS: certificate stored in root_ca_cert" \
        "SUCCESS: public key stored in ota_signer_pub" "on line as otter-demo, version 1.0.0" \
        "create-ota-update" "version 1.0.1 is offered, 1.0.0 is running" \
        "job AFR_OTA-otter-demo-1 accepted" "[####" "blocks are on flash; checking" "$@"
}

# What the bootloader says of an update, of its way back, and after a cut in the middle, by update mode.
case $board in
*/overwrite) mode=overwrite ;;
*/direct-xip) mode=direct-xip ;;
b-u585*/trustzone) mode=scratch ;;
*/bank-swap | b-u585* | stm32*) mode='bank swap' ;;
*/move) mode=move ;;
*/offset) mode=offset ;;
*) mode=scratch ;;
esac

# installs TEXT…: the new image was brought in and started, then these texts.
installs() {
    case $mode in
    overwrite)
        went_over_the_air "code signature and image verified" "Swap type: perm" \
            "Starting swap using overwrite" "Image version: v1.0.1" "$@"
        absent "runs on trial"
        ;;
    direct-xip)
        went_over_the_air "code signature and image verified" "Swap type: test" \
            "Image version: v1.0.1" "runs on trial" "$@"
        absent "Starting swap"
        ;;
    *)
        went_over_the_air "code signature and image verified" "Swap type: test" \
            "Starting swap using $mode" "Image version: v1.0.1" "runs on trial" "$@"
        ;;
    esac
}

case $fault in
none)
    installs "on line as otter-demo, version 1.0.1" "this firmware is confirmed"
    absent "Swap type: revert"
    closed_well SUCCEEDED "accepted v1.0.1" 1.0.1
    outcome "1.0.0 -> 1.0.1"
    ;;
mqtt5)
    in_order "mqtt_version=5" "MQTT 5, packets of 149504 bytes, 8 aliases" "otter-demo connected from"
    installs "MQTT 5, packets of 149504 bytes" "on line as otter-demo, version 1.0.1" "this firmware is confirmed"
    closed_well SUCCEEDED "accepted v1.0.1" 1.0.1
    outcome "1.0.0 -> 1.0.1"
    ;;
modem)
    went_over_the_air "code signature and image verified" "Swap type: test" \
        "on line as otter-demo, version 1.0.1" "this firmware is confirmed"
    in_order "otter-demo reads stream" "it has restarted by itself" "joining workshop" \
        "in workshop, address" "connected as" "blocks are on flash; checking"
    closed_well SUCCEEDED "accepted v1.0.1" 1.0.1
    outcome "1.0.0 -> 1.0.1"
    ;;
link)
    # The connection outlives it, or another one takes its place: in both cases no block is lost.
    in_order "job AFR_OTA-otter-demo-1 accepted" "[####" "link down" "link up" \
        "blocks are on flash; checking" "code signature and image verified" "Swap type: test" \
        "this firmware is confirmed"
    closed_well SUCCEEDED "accepted v1.0.1" 1.0.1
    outcome "1.0.0 -> 1.0.1"
    ;;
signature)
    went_over_the_air "update failed: code signature check failed (ota_signer_pub)"
    absent "the bootloader will try the new image"
    absent "Swap type: test"
    absent "Swap type: perm"
    closed_well FAILED "code signature check failed (ota_signer_pub)" 1.0.0
    outcome "1.0.1 was refused after its download; 1.0.0 runs on"
    ;;
self-test)
    if [ "$mode" = overwrite ]; then
        installs "(build 1.0.1, unfit)" "update failed: self-test failed"
        absent "Swap type: revert"
        closed_well FAILED \
            "self-test failed (input/output failed); 1.0.1 stays, this device has no way back" 1.0.1
        outcome "1.0.1 failed its self-test and stays: this board has no way back to 1.0.0"
    else
        back="Swap type: revert"
        [ "$mode" != direct-xip ] || back="Swap type: perm" # the agent wants the image that ran, for good
        went_over_the_air "code signature and image verified" "Swap type: test" \
            "Image version: v1.0.1" "(build 1.0.1, deaf)" "runs on trial" "trial failed" "$back" \
            "Image version: v1.0.0" "on line as otter-demo, version 1.0.0" \
            "rolled back: 1.0.1 did not confirm"
        closed_well FAILED \
            "rolled back: 1.0.1 did not confirm within 8 s (no connection to the cloud)" 1.0.0
        outcome "1.0.1 was tried and rolled back; 1.0.0 runs again"
    fi
    absent "this firmware is confirmed"
    ;;
version)
    in_order "create-ota-update" "update refused: version 1.0.0 is not above the running 1.0.0"
    absent "[OTA       ] block"
    absent "Swap type: test"
    ! grep -q "IN_PROGRESS" "$story" || wrong "a refused version was accepted at first"
    closed_well REJECTED "version 1.0.0 is not above the running 1.0.0" 1.0.0
    outcome "1.0.0 was refused before its download; 1.0.0 runs on"
    ;;
power)
    case $mode in
    overwrite)
        set -- "Swap type: perm" "] Swapping: " "the power is cut, in the middle of the copy" \
            "Swap type: perm" "Starting swap using overwrite" "Image version: v1.0.1" "started by power on"
        ;;
    direct-xip)
        set -- "will try the new image" "the power is cut, in the middle of the restart" \
            "Swap type: test" "Image version: v1.0.1" "started by power on" "runs on trial"
        ;;
    'bank swap')
        set -- "Starting swap using bank swap" \
            "the power is cut, in the middle of the exchange of the banks" "Swap type: test" \
            "Image version: v1.0.1" "started by power on" "runs on trial"
        ;;
    *)
        set -- "Swap type: test" "] Swapping: " "the power is cut, in the middle of the swap" \
            "Boot source: primary slot, Swap type: test" "Image version: v1.0.1" \
            "started by power on" "runs on trial"
        # With two images one of them has nothing to resume.
        after "in the middle of the swap" | grep "Boot source: " | head -n 2 |
            grep -q "Boot source: primary slot" || wrong "the swap was not resumed"
        ;;
    esac
    in_order "create-ota-update" "the power is cut, in the middle of the download" \
        "started by power on" "going on at block" "blocks are on flash; checking" \
        "code signature and image verified" "$@" "this firmware is confirmed"
    resumed=$(sed -n 's/.*going on at block \([0-9]*\/[0-9]*\).*/\1/p' "$story")
    { [ "${resumed%/*}" -gt 0 ] && [ "${resumed%/*}" -lt "${resumed#*/}" ]; } ||
        wrong "the download went on at block $resumed: not cut in its middle"
    closed_well SUCCEEDED "accepted v1.0.1" 1.0.1
    outcome "1.0.0 -> 1.0.1, through two power cuts"
    ;;
secure)
    went_over_the_air "code signature and image verified" "file 2 of 2 comes next" \
        "code signature and image verified" "Swap type: test" "Swap type: test" \
        "self-test failed; going back to the secure program before this one" "Swap type: revert" \
        "Swap type: revert" "Image version: v1.0.0" "on line as otter-demo, version 1.0.0" \
        "rolled back: 1.0.1 was not confirmed" "secure     1.0.0, "
    absent "Otter firmware 1.0.1"
    absent "this firmware is confirmed"
    closed_well FAILED \
        "rolled back: 1.0.1 was not confirmed (the secure program failed its self-test)" 1.0.0
    outcome "1.0.1 was tried and rolled back; 1.0.0 runs again"
    ;;
keep)
    in_order "The device runs 1.0.1, delivered over the air."
    background=$(leftovers)
    [ "$(echo "$background" | wc -l)" -ge 3 ] || wrong "cloud, broker and device do not run on"
    # What it tells people to type works as it stands: `typed NAME…` are its commands, in order.
    # shellcheck disable=SC1003
    sed -n '/^   \$ /,/[^\\]$/{ s/^   \$ //; p; }' "$story" >"$work/typed"
    cd "$(sed -n 's/^cd //p' "$work/typed" | head -n 1)"
    echo help | ./otter console . >"$work/console" || wrong "otter console failed"
    grep -q "Restart the device" "$work/console" || wrong "the device does not answer \`help\`"
    can_be_repeated() {
        case $1 in
        ./otter\ aws\ signer\ put-*) false ;; # a profile never changes
        ./otter\ sign* | openssl* | ./otter\ aws\ *\ describe* | ./otter\ aws\ *\ attach-*) true ;;
        ./otter\ aws\ *\ put-* | ./otter\ aws\ *\ list-things | ./otter\ aws\ *\ create-thing*) true ;;
        *) false ;;
        esac
    }
    step "the commands that it showed before the next release, typed again"
    sed '/firmware-1.0.2/,$d' "$work/typed" >"$work/shown"
    repeated=0
    while read -r command; do
        can_be_repeated "$command" || continue
        sh -c "$command" >"$work/answer" 2>&1 </dev/null ||
            wrong "as shown, this fails: $command: $(cat "$work/answer")"
        repeated=$((repeated + 1))
    done <"$work/shown"
    [ "$repeated" -ge 11 ] || wrong "only $repeated commands were shown that can be repeated"
    step "the next release, as it says"
    sed -n '/1.0.2+0/,/create-ota-update/p' "$work/typed" >"$work/next"
    sh -e "$work/next" >"$work/answer" 2>&1 || wrong "the next release: $(cat "$work/answer")"
    confirmed() {
        echo version | ./otter console . | grep -q "Otter firmware 1.0.2" &&
            ./otter aws iot describe-job-execution --thing-name otter-demo \
                --job-id AFR_OTA-otter-demo-2 | grep -q SUCCEEDED
    }
    wait_until "1.0.2 runs" confirmed
    folder=$PWD
    cd "$root"
    ending=$(grep '^kill ' "$work/typed")
    eval "$ending"
    over() {
        [ -z "$(leftovers)" ]
    }
    wait_until "all of it ends" over
    background=
    rm -r "$folder"
    ;;
width)
    # Drawn by a terminal of 80 columns; a line is what lies between two ends or two redraws.
    in_order "The device runs 1.0.1, delivered over the air."
    escape=$(printf '\033')
    sed "s/$escape\[[0-9;]*[mK]//g" "$story" | tr '\r' '\n' >"$work/plain"
    longest=$(awk '{ if (length($0) > longest) longest = length($0) } END { print longest }' "$work/plain")
    [ "$longest" -le 80 ] || wrong "a line of $longest columns: $(awk 'length($0) > 80' "$work/plain" | head -n 1)"
    case $term in
    xterm) grep -q "$escape\[K" "$story" || wrong "no bar that moves" ;;
    *) ! grep -q "$escape" "$story" || wrong "a dumb terminal got escape sequences" ;;
    esac
    ;;
quiet)
    in_order "== The update goes over the air" "== Summary" "The device runs 1.0.1"
    absent "device |"
    absent "cloud  |"
    absent "\$ "
    [ "$(wc -l <"$story")" -lt 50 ] || wrong "quiet is $(wc -l <"$story") lines"
    ;;
interrupt)
    [ "$code" -eq 130 ] || wrong "exit code $code after an interrupt, wanted 130"
    absent "== Summary"
    ;;
esac
[ "$fault" = interrupt ] || [ "$code" -eq 0 ] || wrong "exit code $code"

step "nothing is left behind"
[ -z "$(leftovers)" ] || wrong "still running: $(leftovers | tr '\n' ' ')"
[ -z "$(ls -A "$work/tmp")" ] || wrong "left on the disk: $(ls -A "$work/tmp")"
echo "passed"
