# What the tests of boards in their twins share, behind lib.sh: the board's facts as the build
# describes them, images signed for it, its flash devices as files. Sourced with the board as $1.

board=$1
built=$root/build/$(echo "$board" | tr / -)
description=$root/build/host/boards/$(echo "$board" | tr / -).json
[ -f "$built/firmware/bootloader.bin" ] || skip "$built is not built"
patience_s=240 # a twin computes at a fraction of its board's speed, and beside other tests
case $board in # a peripheral that each start of this board touches
stm32* | b-u585i*) traced=USART1 ;;
*) traced=UART0 ;;
esac

facts() {
    tr -d ' \n' <"$description"
}

number() { # number NAME: a member of the description
    facts | sed "s/.*\"$1\":\([0-9]*\).*/\1/"
}

text() {
    facts | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"
}

# place AREA 1|2|3: its device, offset, size
place() {
    facts | sed "s/.*\"$1\":{\"device\":\([0-9]*\),\"offset\":\([0-9]*\),\"size\":\([0-9]*\)}.*/\\$2/"
}

# device DEVICE NAME: a number of it
device_number() {
    facts | sed 's/.*"devices":\[\({.*}\)\],.*/\1/; s/},{/}\n{/g' | sed -n "$(($1 + 1))p" |
        sed "s/.*\"$2\":\[\{0,1\}\([0-9]*\).*/\1/"
}

has_way_back() {
    [ "$(text update)" != overwrite ]
}

# ---- images ----

exchanges_banks() {
    [ "$(text update)" = bank-swap ]
}

sign_image() { # sign_image VERSION PROGRAM OUT
    version=$1 program=$2 out=$3
    shift 3
    ! exchanges_banks || set -- --mode direct-xip
    "$otter" sign -k "$built/keys/boot-signing.pem" -v "$version" --pad-header --vid otter --cid "$board" \
        --header-size "$(number header_size)" -S "$(place primary 3)" \
        --align "$(device_number "$(place secondary 1)" write_size)" --max-align "$(number max_align)" \
        -M "$(number max_sectors)" "$@" "$program" "$out" >/dev/null
}

merge() { # merge IMAGE OUT: with the bootloader, as a programmer takes it
    base=$(device_number 0 base)
    bootloader=$built/firmware/bootloader.bin
    set -- "$2" "$bootloader@$((base + $(place boot 2)))" "$1@$((base + $(place primary 2)))"
    ! exchanges_banks ||
        set -- "$@" "$bootloader@$((base + $(place secondary 2) - $(place primary 2) + $(place boot 2)))"
    "$otter" merge -o "$@" >/dev/null
}

# ---- flash as files ----

# device_file DEVICE FLASH: the first is the chip's own, the second what is soldered or put beside it.
device_file() {
    if [ "$1" -eq 0 ]; then
        ls "$2"/aprom.bin
    else
        ls "$2"/spi-flash.bin "$2"/sd-card.bin 2>/dev/null
    fi
}

put_into() { # put_into AREA FILE FLASH
    dd if="$2" of="$(device_file "$(place "$1" 1)" "$3")" bs=512 seek=$(($(place "$1" 2) / 512)) \
        conv=notrunc status=none
}

take_from() { # take_from AREA FILE FLASH
    dd if="$(device_file "$(place "$1" 1)" "$3")" of="$2" bs=512 skip=$(($(place "$1" 2) / 512)) \
        count=$(($(place "$1" 3) / 512)) status=none
}

# ---- the twin ----

open_console() { # what is written to file descriptor 3 is typed
    mkfifo "$work/keys"
    exec 3<>"$work/keys"
    input=$work/keys
}

# Where each access of the program is to be looked at, this is empty.
pace=--quick
twin() { # twin FLASH OPTION…: from power-on, until it is stopped or ends; input and log are files
    flash=$1
    shift
    "$otter" twin --board "$board" --flash "$flash" $pace "$@" <"${input:-/dev/null}" \
        >>"$work/device.log" 2>&1 3>&- &
    device=$!
}

stop_twin() {
    kill "$device"
    wait "$device" || fail "the twin ended with exit code $?"
    device=
    skip_lines device
}

# ends CODE TEXT: the twin ends by itself, with this exit code and a word.
ends() {
    code=0
    wait "$device" || code=$?
    device=
    [ "$code" -eq "$1" ] || fail "the twin ended with exit code $code, not $1"
    expect device "$2"
    skip_lines device
}

not_alive() {
    ! alive "$1"
}

# ---- ends that nobody asked for ----

# Some number below $1, another one each time.
chance() {
    echo $(($(od -A n -N 4 -t u4 /dev/urandom) % $1))
}

# killed N VERSION: a twin on $work/flash is killed at N moments, each started again on what is left there;
# then this version is started.
killed() {
    kills=0
    while [ "$kills" -lt "$1" ]; do
        twin "$work/flash"
        sleep "0.$(chance 10)$(chance 10)"
        kill -KILL "$device"
        wait "$device" 2>/dev/null || true
        device=
        kills=$((kills + 1))
    done
    twin "$work/flash"
    expect device "Image version: v$2"
    stop_twin
}

# reset_in VERSION OPERATION: the chip alone is reset in the middle of a flash operation, as by a debugger, and
# goes on by itself to the start of this version.
reset_in() {
    twin "$work/flash" --reset-in-operation "$2"
    expect device "Image version: v$1"
    stop_twin
}

# ---- on line ----

has_radio() {
    case $(text network) in
    esp8266 | emw3080) ;;
    *) false ;;
    esac
}

# What lib.sh does for the host process. A blank board, programmed once.
new_device() {
    sign_image 1.0.0 "$built/firmware/firmware-1.0.0.bin" "$work/1.0.0.bin"
    merge "$work/1.0.0.bin" "$work/merged.hex"
    twin "$work/flash" --hex "$work/merged.hex"
    expect device "not provisioned"
    has_radio || return 0
    configure wifi_ssid workshop
    configure wifi_credential otter-demo
}

# The access point, or the cable, is away for a while.
link_blinks() {
    kill -USR1 "$device"
    expect device "the link is gone"
    expect device "off line"
    kill -USR1 "$device"
    expect device "the link is back"
    expect device "on line as device"
}
