#!/bin/sh
# bench size: what bootloader and firmware of each board take, by room; and what the bootloader core
# takes by itself, beside MCUboot.
set -eu
root=$1
. "$root/bench/bars.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# Boards, not their profiles, that are built; and the emulated board's that can do updates only. Of the
# profiles of real boards, the sums. `otter bench` builds all of them.
built=
profiles=
for board in $(boards "$root"); do
    case $board in
    */ota | */trustzone) ! sizes "$root" "$board" >/dev/null || built="$built $board" ;;
    mps2-an505/*) ;;
    */*) ! sizes "$root" "$board" >/dev/null || profiles="$profiles $board" ;;
    *) ! sizes "$root" "$board" >/dev/null || built="$built $board" ;;
    esac
done

summary() {
    echo 'What a board takes, -Os (bytes; RAM of the firmware with stack and TLS arena)'
    printf '   %-24s %10s %9s %9s   %s\n' board bootloader firmware RAM 'bars, services'
    for board in $built $profiles; do
        services=$(cat "$root/build/$(echo "$board" | tr / -)/firmware/services" | tr ';' ' ')
        # shellcheck disable=SC2046 # three numbers, two bars
        printf '   %-24s %10d %9d %9d   %d %d %d, %s\n' "$board" $(sizes "$root" "$board") \
            "$(bar_bootloader "$board")" $(bars "$root" "$board") "${services:-updates only}"
    done
    printf '   (STM32U5 reference integration: 507 KB of flash, 532 KB of RAM)\n\n'
}

# Of boards in two worlds; with the firmware of the same board in one world, where that is built.
two_worlds() {
    for board in $(boards "$root"); do
        found=$(worlds "$root" "$board") || continue
        # shellcheck disable=SC2046,SC2086 # four numbers, three
        set -- "$board" $found $(sizes "$root" "$board")
        [ -n "${said:-}" ] || printf 'In two worlds: services and bootloader; the firmware, and that of the board in one world (bytes; the RAM of one after the other)\n   %-24s %10s %9s %9s %9s %9s %9s   %s\n' \
            board bootloader secure sum RAM firmware 'in one' 'bars of sum, RAM'
        said=1
        printf '   %-24s %10d %9d %9d %9d %9d %9s   %d %d\n' "$1" "$2" "$3" $(($2 + $3)) $(($4 > $5 ? $4 : $5)) "$7" \
            "$(in_one_world "$root" "$board" || echo -)" "$(bar_bootloader "$1")" "$bar_secure_ram"
    done
    [ -z "${said:-}" ] || echo
}

# by_room PROGRAM COLUMN TITLE: a row for each room, a column for each board that has the program.
by_room() {
    with=
    for board in $built; do
        [ ! -f "$root/build/$(echo "$board" | tr / -)/firmware/$1.elf" ] || with="$with $board"
    done
    [ -n "$with" ] || return 0
    printf '%s\n   %-22s' "$3" room
    for board in $with; do printf ' %10.10s' "$(echo "$board" | sed 's/^numaker-//; s/-iot02a$//; s/-dk$//; s,^mps2-an505/,an505/,')"; done
    echo
    : >"$work/rows"
    number=0
    for board in $with; do
        number=$((number + 1))
        program=$root/build/$(echo "$board" | tr / -)/firmware/$1
        arm-none-eabi-readelf --debug-dump=info "$program.elf" >"$work/dwarf" 2>/dev/null
        awk -f "$root/bench/rooms.awk" "$work/dwarf" "$program.map" |
            awk -v number=$number -v column="$2" '
                { name = $3; for (i = 4; i <= NF; i++) name = name " " $i
                  if ($column) print number "|" name "|" $column }' >>"$work/rows"
    done
    awk -F'|' -v count=$number '
        { size[$2, $1] = $3; all[$1] += $3; if ($3 > most[$2]) most[$2] = $3 }
        function row(name,    i, line) {
            line = sprintf("   %-22s", name)
            for (i = 1; i <= count; i++) line = line sprintf(" %10d", size[name, i])
            return line
        }
        END {
            for (name in most) print most[name] " " row(name) | "sort -rn | cut -d\" \" -f2-"
            close("sort -rn | cut -d\" \" -f2-")
            for (i = 1; i <= count; i++) size["all", i] = all[i]
            print row("all")
        }' "$work/rows"
    echo
}

summary
two_worlds
by_room firmware-1.0.0 1 'Flash of the firmware by room (bytes; what is put into its caller counts there: main and what it calls, ports/cortex-m)'
by_room firmware-1.0.0 2 'RAM of the firmware by room (bytes)'
by_room bootloader 1 'Flash of the bootloader by room (bytes)'
by_room secure 1 'Flash of the secure program by room (bytes)'
echo 'A text that the linker keeps once for several rooms counts in each: the sums are some 200 bytes above the boards.'
echo

core_table() {
    printf 'Bootloader core, linked with -Os, one image, ECDSA P-256 if not said (bytes), beside MCUboot 2.4 with tinycrypt\n'
    sodium="$1/build/deps/libsodium" # there once a build with OTTER_SIGNATURE=ed25519 has fetched it
    [ -d "$sodium" ] || sodium=
    sh "$1/boot/size/size.sh" --bearssl "$1/build/deps/bearssl" ${sodium:+--libsodium "$sodium"} |
        sed 's/^/   /'
    cat <<'END'
   No flash driver, clock set-up, printf or log text, as in MCUboot's figures (Cortex-M33 only), which
   are also without the features that these rows lack. RAM on both sides: data, bss and the worst stack.
   Stack: the deepest path from the reset handler by GCC's call graph (-fcallgraph-info=su), calls
   through pointers added by name, without the C library's leaf functions and interrupts; bench boot
   paints the stack and reads what a boot used. "small": image/p256_small.c, sha256_small.c. Encryption
   needs BearSSL's elliptic curves in any case; with it, BearSSL for the signature too is the smaller choice.
END
}
core_table "$1"
