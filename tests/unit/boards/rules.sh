#!/bin/sh
# Every map of boards/ compiles, and a map that breaks a rule does not: the compiler says which.
#   rules.sh SOURCE_FOLDER
set -eu
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
status=0
count=0

compile() { # compile HEADER: board.c with this map
    ${CC:-cc} -fsyntax-only -std=c11 -Wall -Wextra -Werror -I "$root" "-DOTTER_BOARD_HEADER=\"$1\"" \
        '-DOTTER_BOARD_NAME="x"' "$root/boards/board.c" 2>"$work/errors"
}

for map in $(cd "$root" && find boards -path 'boards/*/board.h'); do
    compile "$map" || { echo "$map does not compile:"; cat "$work/errors"; status=1; }
done

# breaks MESSAGE BOARD NAME VALUE [NAME VALUE]…: the map of BOARD with other lines.
breaks() {
    message=$1
    printf '#include "boards/%s/board.h"\n' "$2" >"$work/map.h"
    shift 2
    while [ $# -gt 0 ]; do
        printf '#undef BOARD_%s\n#define BOARD_%s %s\n' "$1" "$1" "$2" >>"$work/map.h"
        shift 2
    done
    count=$((count + 1))
    if compile "$work/map.h"; then
        echo "this map should not compile ($message):"; cat "$work/map.h"; status=1
    elif ! grep -q -F -e "$message" "$work/errors"; then
        echo "not said: $message; but:"; cat "$work/errors"; status=1
    fi
}

base=mps2-an505
breaks 'BOARD_DEVICE_0: the write unit is 1, 2, 4' $base DEVICE_0 '0u, 3u, 0x1000u, 0x1000u'
breaks 'BOARD_DEVICE_0: the write unit is 1, 2, 4' $base DEVICE_0 '0u, 64u, 0x1000u, 0x1000u'
breaks 'BOARD_DEVICE_0: the write unit does not divide' $base DEVICE_0 '0u, 32u, 0x1000u, 0x1010u'
breaks 'BOARD_DEVICE_0: a sector of 0 bytes' $base DEVICE_0 '0u, 4u, 0x1000u, 0u'
breaks 'BOARD_SECONDARY: the board has no such device' $base SECONDARY '1, 0u, 0x73000u'
breaks 'BOARD_SECONDARY: reaches beyond its device' $base SECONDARY '0, 0xfff000u, 0x73000u'
breaks 'BOARD_PRIMARY: does not begin where a sector' $base PRIMARY '0, 0x10800u, 0x73000u'
breaks 'BOARD_PRIMARY: does not end where a sector' $base PRIMARY '0, 0x10000u, 0x72800u'
breaks 'BOARD_PRIMARY and BOARD_SECONDARY overlap' $base SECONDARY '0, 0x082000u, 0x73000u'
breaks 'BOARD_BOOT and BOARD_PRIMARY overlap' $base BOOT '0, 0u, 0x11000u'
breaks 'BOARD_STORE and BOARD_PROGRESS overlap' $base STORE '0, 0x0f6000u, 0x6000u'
breaks 'BOARD_SCRATCH and BOARD_SEED overlap' $base SCRATCH '0, 0x0fd000u, 0x3000u'
breaks 'BOARD_STORE: fewer than two sectors' $base STORE '0, 0x0f6000u, 0x1000u'
breaks 'BOARD_PROGRESS: no sector' $base PROGRESS '0, 0x0fb000u, 0u'
breaks 'BOARD_SEED: fewer than two sectors' $base SEED '0, 0x0ff000u, 0x1000u'
breaks 'BOARD_HEADER_SIZE: the vector table' $base HEADER_SIZE 0x100u
breaks 'BOARD_HEADER_SIZE: the vector table' $base HEADER_SIZE 0x300u
breaks 'BOARD_HEADER_SIZE: larger than the slot' $base HEADER_SIZE 0x80000u
breaks 'BOARD_MAX_ALIGN: fields of the trailer' $base MAX_ALIGN 4u
breaks 'BOARD_MAX_ALIGN: less than the write unit' $base DEVICE_0 '0u, 16u, 0x1000u, 0x1000u'
breaks 'BOARD_MAX_SECTORS: a slot has more' $base MAX_SECTORS 114u
breaks 'the slots are not equal in size' $base PRIMARY '0, 0x010000u, 0x72000u'
breaks 'the slots leave no room for an image' $base PRIMARY '0, 0x010000u, 0x2000u' SECONDARY \
    '0, 0x083000u, 0x2000u' MAX_SECTORS 600u
breaks 'BOARD_SCRATCH: smaller than a sector of the primary' $base SCRATCH '0, 0u, 0u'
breaks 'BOARD_SCRATCH: smaller than a sector of the secondary' $base/external SCRATCH '0, 0x0fd000u, 0x1000u'
breaks 'BOARD_SCRATCH: its own trailer does not fit' $base DEVICE_0 '0u, 8u, 0x100000u, 0x10u' \
    SCRATCH '0, 0x0fd000u, 0x10u' MAX_SECTORS 60000u
breaks 'move and offset need sectors of one size' $base/move DEVICE_1 '0u, 4u, 0x400u, 0x2000u' \
    PRIMARY '0, 0x010000u, 0x72000u' SECONDARY '1, 0u, 0x72000u'
breaks 'move and offset need the same write unit' $base/offset DEVICE_1 '0u, 8u, 0x400u, 0x1000u' \
    SECONDARY '1, 0u, 0x73000u'
breaks 'the slots are not equal in size' $base/offset SECONDARY '0, 0x083000u, 0x71000u'
breaks 'direct XIP: both slots lie on one mapped device' $base/direct-xip DEVICE_1 \
    '0u, 4u, 0x400u, 0x1000u' SECONDARY '1, 0u, 0x73000u'
breaks 'bank swap: the slots lie at the same place' $base/bank-swap SECONDARY '0, 0x080000u, 0x70000u'
breaks 'bank swap: what must stay where it is' $base/bank-swap PROGRESS '0, 0x00000u, 0x2000u' BOOT '0, 0u, 0u'
echo "$count maps that break a rule were refused"
exit $status
