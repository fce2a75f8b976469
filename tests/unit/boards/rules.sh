#!/bin/sh
# Every map of boards/ compiles, and a map that breaks a rule does not: the compiler says which.
#   rules.sh SOURCE_FOLDER
set -eu
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
status=0
count=0

compile() { # compile HEADER: board.c, or $source, with this map
    ${CC:-cc} -fsyntax-only -std=c11 -Wall -Wextra -Werror -I "$root" "-DOTTER_BOARD_HEADER=\"$1\"" \
        '-DOTTER_BOARD_NAME="x"' "$root/${source:-boards/board.c}" 2>"$work/errors"
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
breaks 'BOARD_UPDATE: none of' $base UPDATE 17
breaks 'BOARD_DEVICE_0: wants count and size' $base DEVICE_0 \
    '0x80000000u, 4u, 0x1000u, 0x1000u, 1u, 0x1000u, 1u, 0x1000u, 1u, 0x1000u'
breaks 'BOARD_DEVICE_0: wants count and size' $base DEVICE_0 '0x80000000u, 4u, 0x1000u, 0x1000u, 1u'
breaks 'BOARD_DEVICE_0: reaches beyond 4 GiB' $base DEVICE_0 '0x80000000u, 4u, 0x101000u, 0x1000u'
breaks 'BOARD_DEVICE_0: reaches beyond 4 GiB' $base DEVICE_0 '0xffff0000u, 4u, 0x1000u, 0x1000u'
breaks 'the devices together reach beyond 4 GiB' $base DEVICE_1 '0u, 4u, 0xfffffu, 0x1000u'
breaks 'BOARD_DEVICE_0 and BOARD_DEVICE_1 are mapped over each other' $base DEVICE_1 \
    '0x80100000u, 4u, 0x400u, 0x1000u'
breaks 'BOARD_STORE: reaches beyond its device' $base STORE '0, 0xffffe000u, 0x5000u'
breaks 'BOARD_PRIMARY: programs run there' $base DEVICE_1 '0u, 4u, 0x400u, 0x1000u' \
    PRIMARY '1, 0u, 0x73000u'
breaks 'BOARD_BOOT: programs run there' $base DEVICE_1 '0u, 4u, 0x400u, 0x1000u' BOOT '1, 0u, 0x10000u'
breaks 'BOARD_PRIMARY: the vector table' $base DEVICE_0 '0x80000010u, 4u, 0x1000u, 0x1000u'
breaks 'BOARD_SECONDARY: the vector table' $base/direct-xip DEVICE_0 \
    '0x80000000u, 4u, 0x100000u, 0x100u' SECONDARY '0, 0x083100u, 0x72f00u' \
    PRIMARY '0, 0x10000u, 0x72f00u' MAX_SECTORS 2000u
breaks 'BOARD_HEADER_SIZE: an image says it in 16 bits' $base HEADER_SIZE 0x10000u
breaks 'BOARD_STORE: wants sectors of one size' $base DEVICE_1 '0u, 4u, 1u, 0x1000u, 1u, 0x2000u' \
    STORE '1, 0u, 0x3000u'
breaks 'BOARD_STORE: wants sectors of one size' $base DEVICE_1 '0u, 4u, 0x10u, 0x40u' STORE '1, 0u, 0x400u'
breaks 'BOARD_SCRATCH: smaller than a sector of the primary' $base DEVICE_0 \
    '0x80000000u, 4u, 0x20u, 0x1000u, 2u, 0x10000u, 0xf00u, 0x1000u' PRIMARY '0, 0x10000u, 0x60000u' \
    SECONDARY '0, 0x083000u, 0x60000u'
breaks 'move and offset need sectors of one size' $base/move DEVICE_0 \
    '0x80000000u, 4u, 0x20u, 0x1000u, 2u, 0x10000u, 0xf00u, 0x1000u' PRIMARY '0, 0x10000u, 0x60000u' \
    SECONDARY '0, 0x083000u, 0x60000u'
breaks 'BOARD_SCRATCH: the sectors of the slots have no common end' $base DEVICE_1 \
    '0u, 4u, 0x100u, 0x1800u' SECONDARY '1, 0u, 0x72000u' PRIMARY '0, 0x10000u, 0x72000u'
breaks 'sectors of several sizes: those of both slots' $base DEVICE_1 \
    '0u, 4u, 1u, 0x1000u, 0x80u, 0x2000u' SECONDARY '1, 0u, 0x73000u'
breaks 'sectors of several sizes: those of both slots' $base SCRATCH '0, 0x0fd000u, 0x2000u' \
    DEVICE_1 '0u, 4u, 0x40u, 0x1800u, 0x80u, 0x1000u' SECONDARY '1, 0u, 0x73000u'
breaks 'BOARD_BOOT: bank swap starts' $base/bank-swap BOOT '0, 0x080000u, 0x10000u'
source=ports/mps2-an505/banks.c
breaks 'BOARD_DEVICE_0: bank swap of this port' $base/bank-swap DEVICE_0 \
    '0x80000000u, 4u, 0x80u, 0x1000u, 0x100u, 0x800u'
breaks 'BOARD_DEVICE_2: bank swap of this port wants two sectors' $base/bank-swap DEVICE_2 '0u, 4u, 1u, 0x1000u'
breaks 'BOARD_DEVICE_2: bank swap of this port wants it for itself' $base/bank-swap STORE '2, 0u, 0x2000u'
echo "$count maps that break a rule were refused"
exit $status
