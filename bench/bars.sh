# What a board's programs may take, in bytes: read by bench/size.sh and tests/sizes.sh.

# bar_bootloader BOARD: flash of the bootloader, in two worlds with the secure program; bar_secure_ram: of each of the two,
# since one has the RAM after the other.
bar_secure_ram=9216
bar_bootloader() {
    case $1 in
    b-u585i-iot02a/trustzone) echo 41472 ;; # flash with its ECC, clocks and entropy of a real chip
    */trustzone) echo 38912 ;;
    *) echo 14336 ;;
    esac
}

# bars ROOT BOARD: prints "FIRMWARE RAM" by what is in the build that stands in build/: flash without
# header and signature; RAM of the firmware, all of it, with stack and TLS arena. One that can do
# updates only has less, and on the emulated Cortex-M33 the reference's RAM is the measure. A real board
# with all services has drivers that the emulated one lacks: Wi-Fi, sensors.
bars() {
    folder=$1/build/$(printf '%s' "$2" | tr / -)/firmware
    if [ -n "$(cat "$folder/services" 2>/dev/null)" ]; then
        case $2 in
        mps2-an505*) echo 189440 102400 ;;
        *) echo 196608 102400 ;;
        esac
    else
        case $2 in
        mps2-an505*) echo 153600 87040 ;;
        *) echo 153600 92160 ;;
        esac
    fi
}

# boards ROOT: those that a cross compiler makes, profiles behind their board.
boards() {
    (cd "$1/boards" && grep -rlE '^set\(BOARD_CPU|^include' --include=board.cmake . |
        xargs grep -L '^set(BOARD_PORT posix)' | sed 's,^\./,,; s,/board\.cmake$,,' | sort)
}

# sizes ROOT BOARD: prints "BOOTLOADER FIRMWARE RAM", the first with the secure program; fails where they are not built.
sizes() {
    folder=$1/build/$(printf '%s' "$2" | tr / -)/firmware
    [ -f "$folder/bootloader.elf" ] && [ -f "$folder/firmware-1.0.0.elf" ] || return 1
    secure=
    [ ! -f "$folder/secure.elf" ] || secure=$folder/secure.elf
    # shellcheck disable=SC2086 # one program or none
    arm-none-eabi-size "$folder/firmware-1.0.0.elf" "$folder/bootloader.elf" $secure |
        awk 'NR == 2 { firmware = $1 + $2; ram = $2 + $3 } NR > 2 { boot += $1 + $2 } END { print boot, firmware, ram }'
}

# worlds ROOT BOARD: prints "BOOTLOADER SECURE RAM RAM", the RAM of each; fails where they are not built, or there is one world.
worlds() {
    folder=$1/build/$(printf '%s' "$2" | tr / -)/firmware
    [ -f "$folder/bootloader.elf" ] && [ -f "$folder/secure.elf" ] || return 1
    arm-none-eabi-size "$folder/bootloader.elf" "$folder/secure.elf" |
        awk 'NR > 1 { flash = flash " " $1 + $2; ram = ram " " $2 + $3 } END { print flash ram }'
}

# in_one_world ROOT BOARD: prints the flash of the firmware of the board that this one in two worlds is a profile of;
# fails where it is not built with the same services.
in_one_world() {
    cmp -s "$1/build/$(printf '%s' "$2" | tr / -)/firmware/services" \
        "$1/build/$(printf '%s' "${2%/trustzone}" | tr / -)/firmware/services" || return 1
    found=$(sizes "$1" "${2%/trustzone}") || return 1
    echo "$found" | cut -d' ' -f2
}

# service_budget NAME: flash that a service may add; - where none is set. README.md says what each is for.
service_budget() {
    case $1 in
    fleet) echo 6656 ;;
    defender) echo 4608 ;;
    time) echo 3584 ;;
    http) echo 5632 ;;
    mqtt5) echo 2816 ;;
    *) echo - ;;
    esac
}
