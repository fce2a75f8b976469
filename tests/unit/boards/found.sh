#!/bin/sh
# How boards are found and described: found.sh SOURCE_FOLDER OTTER FOLDER
set -eu
root=$1
otter=$2
work=$3
rm -rf "$work"
mkdir -p "$work"
fail() { echo "$*"; exit 1; }

says() { # says TEXT COMMAND…
    text=$1
    shift
    "$@" >"$work/out" 2>&1 || true
    grep -q -F -e "$text" "$work/out" || { cat "$work/out"; fail "not said: $text"; }
}

# All that has a board.cmake is known by name, with no list to keep.
for board in $(cd "$root/boards" && find . -name board.cmake | sed 's,^\./,,; s,/board.cmake$,,'); do
    says "$board" "$otter" demo --board nonsense
    description=$(dirname "$otter")/../boards/$(echo "$board" | tr / -).json
    grep -q "\"name\" : \"$board\"" "$description" || fail "$board is not described in $description"
done
says "there is no board 'nonsense'; there are b-u585i-iot02a" "$otter" demo --board nonsense
says "or it has not been built" "$otter" inspect --board "$work" "$0"
says 'is no host process' "$otter" device --board mps2-an505 --flash "$work/flash.img"

# A board outside of the tree is a folder; a new map shows in what the build writes down.
mkdir "$work/lamp"
cp "$root/boards/posix/board.cmake" "$work/lamp"
{
    echo '#include "boards/mps2-an505/board.h"'
    echo '#undef BOARD_STORE'
    echo '#define BOARD_STORE 0, 0x200000u, (4u * 0x1000u)'
} >"$work/lamp/board.h"
cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
include($root/cmake/board.cmake)
otter_use_board($work/lamp)
project(lamp LANGUAGES C)
otter_read_board(\${OTTER_BOARD_FOLDER} \${OTTER_BOARD_NAME} $work/board.json)
message(STATUS "lamp updates by \${board_update}, its primary slot is at \${board_primary_address}")
END
says 'lamp updates by swap-scratch, its primary slot is at 2147549184' cmake -S "$work" -B "$work/build"
tr -d ' \n' <"$work/board.json" | grep -q '"store":{"device":0,"offset":2097152,"size":16384}' ||
    fail "the description does not follow the map: $(cat "$work/board.json")"
sed -i 's/otter_use_board(.*/otter_use_board(no-such-board)/' "$work/CMakeLists.txt"
says "there is no board 'no-such-board'" cmake -S "$work" -B "$work/build2"
says 'mps2-an505/move' cmake -S "$work" -B "$work/build2"
echo passed
