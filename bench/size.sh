#!/bin/sh
# bench size: what bootloader and firmware take on the Cortex-M33, by room, from the linker's maps;
# and what the bootloader core takes by itself, beside MCUboot.
set -eu
build=$1/build/mps2-an505

# room_table MAP: bytes of each output section that ends up in flash or RAM, by archive.
room_table() {
    awk '
    function hex(text,    i, value) {
        for (i = 3; i <= length(text); i++)
            value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
        return value
    }
    function room(path) {
        if (match(path, /room_[a-z0-9_]+\.dir/)) return substr(path, RSTART + 5, RLENGTH - 9)
        if (match(path, /libroom_[a-z0-9_]+/)) return substr(path, RSTART + 8, RLENGTH - 8)
        if (match(path, /libdep_[a-z0-9_]+/)) return substr(path, RSTART + 7, RLENGTH - 7)
        if (path ~ /lib(gcc|c|m)\.a/) return "C library"
        if (path ~ /ltrans/) return "boot, port, as one" # ports/cortex-m/CMakeLists.txt
        if (path ~ /firmware|boot_main|board\.c|image_keys/) return "application"
        return "start-up, linker"
    }
    function add(size, path) {
        if (out == ".bss" || out == ".noinit" || out ~ /^\.stack/ || out ~ /^\.heap/) ram[room(path)] += size
        else { flash[room(path)] += size; if (out == ".data") ram[room(path)] += size }
        seen[room(path)] = 1
    }
    /^Linker script and memory map/ { on = 1 }
    /^\.(text|rodata|data|bss|noinit|ARM|init|preinit|fini|vectors|stack|tls|handover|ctors|isr)/ { out = $1 }
    /^\.(debug|comment|ARM\.attributes|stab|symtab|strtab|shstrtab)/ { out = "" }
    /^\/DISCARD\// { out = "" }
    !on || out == "" { next }
    /^ \.?[A-Za-z*]/ {
        if (NF == 1) { held = 1; next }
        if ($2 ~ /^0x/ && $3 ~ /^0x/) add(hex($3), $4)
        held = 0
        next
    }
    held && /^ +0x/ { if ($2 ~ /^0x/) add(hex($2), $3); held = 0 }
    END {
        for (r in seen) printf "%d %d %s\n", flash[r], ram[r], r
    }' "$1" | sort -rn | awk '
    { flash += $1; ram += $2; name = $3; for (i = 4; i <= NF; i++) name = name " " $i
      if ($1 + $2 > 0) printf "   %-22s %9d %9d\n", name, $1, $2 }
    END { printf "   %-22s %9d %9d\n", "all", flash, ram }'
}

table() {
    printf '%s\n   %-22s %9s %9s\n' "$1" room flash RAM
    room_table "$2"
    printf '   %-22s %9s %9s   %s\n\n' aim "$3" "$4" "$5"
}

table 'Bootloader, swap using scratch, ECDSA P-256, Cortex-M33 -Os (bytes)' \
    "$build/firmware/bootloader.map" 14336 - ''
table 'Firmware, whole, Cortex-M33 -Os (bytes; RAM with stack and TLS arena)' \
    "$build/firmware/firmware-1.0.0.map" 174080 98304 \
    '(STM32U5 reference integration: 507 KB flash, 532 KB RAM)'

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
