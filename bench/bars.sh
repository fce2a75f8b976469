# What a board's programs may take, in bytes: read by bench/size.sh and tests/sizes.sh.
bar_bootloader=14336 # flash
bar_firmware=153600  # flash, without header and signature
bar_ram=92160        # of the firmware: all of it, with stack and TLS arena

# boards ROOT: those that a cross compiler makes, profiles behind their board.
boards() {
    (cd "$1/boards" && grep -rlE '^set\(BOARD_CPU|^include' --include=board.cmake . |
        xargs grep -L '^set(BOARD_PORT posix)' | sed 's,^\./,,; s,/board\.cmake$,,' | sort)
}

# sizes ROOT BOARD: prints "BOOTLOADER FIRMWARE RAM"; fails where they are not built.
sizes() {
    folder=$1/build/$(printf '%s' "$2" | tr / -)/firmware
    [ -f "$folder/bootloader.elf" ] && [ -f "$folder/firmware-1.0.0.elf" ] || return 1
    arm-none-eabi-size "$folder/bootloader.elf" "$folder/firmware-1.0.0.elf" |
        awk 'NR == 2 { boot = $1 + $2 } NR == 3 { print boot, $1 + $2, $2 + $3 }'
}
