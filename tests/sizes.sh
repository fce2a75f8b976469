#!/bin/sh
# Bootloader and firmware of each board that is built keep within the bars of bench/bars.sh.
#   sizes.sh ROOT
set -eu
root=$1
. "$root/bench/bars.sh"
command -v arm-none-eabi-size >/dev/null 2>&1 || { echo 'skipped: no arm-none-eabi-size'; exit 77; }

checked=0
failed=0
check() { # check BOARD WHAT IS BAR [ITS NAME]
    if [ "$3" -gt "$4" ]; then
        echo "FAIL: $1: $2 takes $3 bytes, $(($3 - $4)) above ${5:-its bar of} $4"
        failed=1
    fi
}
for board in $(boards "$root"); do
    found=$(sizes "$root" "$board") || continue
    # shellcheck disable=SC2046,SC2086 # three numbers and two bars
    set -- $found $(bars "$root" "$board")
    firmware=$2
    printf '%-26s bootloader %6d, firmware %7d (of %d), RAM %6d (of %d)\n' "$board" "$1" "$2" "$4" "$3" "$5"
    check "$board" 'the bootloader' "$1" "$(bar_bootloader "$board")"
    check "$board" 'the firmware' "$2" "$4"
    check "$board" "the firmware's RAM" "$3" "$5"
    if found=$(worlds "$root" "$board"); then
        # shellcheck disable=SC2086 # four numbers
        set -- $found
        printf '%-26s of it the secure program %6d; RAM %6d and %6d\n' '' "$2" "$3" "$4"
        check "$board" "the bootloader's RAM" "$3" "$bar_secure_ram"
        check "$board" "the secure program's RAM" "$4" "$bar_secure_ram"
        if found=$(in_one_world "$root" "$board"); then
            check "$board" 'the firmware' "$firmware" "$found" "its size without the split,"
        fi
    fi
    checked=$((checked + 1))
done
[ "$checked" -gt 0 ] || { echo 'skipped: no board is built (./otter build --board BOARD)'; exit 77; }
[ "$failed" -eq 0 ] || echo 'A folder of build/ that is older than the sources: ./otter build --board BOARD'
exit $failed
