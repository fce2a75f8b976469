#!/bin/sh
# bench boot: what an update costs the flash, by mode, and the instructions of a boot.
set -eu
root=$1
. "$root/bench/lib.sh"
board=$root/build/mps2-an505
modes='scratch move offset overwrite direct_xip bank_swap'
cryptographies='small bearssl'
image_kib=160
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

build_all() {
    wear=
    for mode in $modes; do wear="$wear boot_wear_$mode"; done
    # shellcheck disable=SC2086 # targets are words
    build_optimised $wear
    # The board's build was configured by ./otter bench.
    cmake --build "$board" --target boot_count >"$board.log" 2>&1 || {
        tail -n 20 "$board.log" >&2
        echo "otter bench: building boot_count failed; the whole log is build/mps2-an505.log" >&2
        exit 1
    }
}

wear_table() {
    printf 'Flash wear of an update: 115 + 115 sectors of 4 KiB, scratch 2, write unit 4; without the download\n'
    printf '   %-11s %-7s %10s   %6s %6s %6s   %11s %11s %6s\n' mode boot 'image' erases least \
        ratio programmed least ratio
    for mode in $modes; do
        "$build/bench/boot_wear_$mode" | awk -v mode="$mode" '
            function ratio(is, least) { return least > 0 ? sprintf("%.2f", is / least) : "-" }
            $1 != "no-update" {
                printf "   %-11s %-7s %8d B   %6d %6d %6s   %9d B %9d B %6s\n", mode, $1, $2,
                    $3, $4, ratio($3, $4), $5, $6, ratio($5, $6) }
            $1 == "no-update" && $3 + $5 > 0 { print "   " mode ": a boot without an update wrote" }'
    done
    cat <<'END'
   Both images as large as said: 160 KiB, and the largest that the mode takes. Least: each sector that
   holds any of an image erased once and each byte programmed once, in every slot whose content
   changes. Erases, programs: counted by the NOR simulator. A boot without an update writes nothing.
END
}

# Flash of the emulated board with a signed image of $image_kib KiB in the primary slot.
make_flash() {
    key=$board/keys/boot-signing.pem
    [ -f "$key" ] || {
        echo "otter bench: $key is not there (OTTER_SIGNING_KEY is set?): cannot sign an image" >&2
        exit 1
    }
    seq 1 1000000 | head -c $((image_kib * 1024 - 4096)) >"$work/payload.bin"
    "$root/build/host/tool/otter" sign -k "$key" -v 1.0.0 -H 4096 --pad-header -S 0x73000 \
        --align 4 -M 115 "$work/payload.bin" "$work/image.bin" >/dev/null
    head -c 16777216 /dev/zero | tr '\0' '\377' >"$work/flash.img"
    dd if="$work/image.bin" of="$work/flash.img" bs=65536 seek=1 conv=notrunc status=none
}

# count MODE CRYPTOGRAPHY: one line "hashing signature verify boot stack".
count() {
    timeout 120 qemu-system-arm -M mps2-an505,memory-backend=nor \
        -object "memory-backend-file,id=nor,size=16M,mem-path=$work/flash.img,share=on" \
        -kernel "$board/bench/boot_count_$1_$2.elf" -nic none -display none -monitor none \
        -serial stdio -icount shift=0 -semihosting-config enable=on \
        >"$work/counts" 2>"$work/qemu" </dev/null || true
    awk -v what="$1, $2" '
        { value[$1] = $2; sub(/\r/, "", value[$1]) }
        END {
            if (value["check_status"] != 0 || value["boot_status"] != 0 || !("boot_status" in value)) {
                print "otter bench: the boot did not work: " what > "/dev/stderr"
                exit 1
            }
            print value["verify"] - value["signature"], value["signature"], value["verify"],
                value["boot"], value["stack"], value["hashed"]
        }' "$work/counts" || { cat "$work/qemu" "$work/counts" >&2; exit 1; }
}

verify_table() {
    printf 'Instructions to verify an image of %s KiB, ECDSA P-256, SHA-256 (Cortex-M33 code, QEMU -icount)\n' \
        "$image_kib"
    printf '   %-14s %14s %14s %14s %14s\n' cryptography 'SHA-256' 'of it per KiB' signature 'in all'
    for crypto in $cryptographies; do
        figures=$(count scratch "$crypto")
        echo "$figures" | awk -v crypto="$crypto" '{
            printf "   %-14s %14d %14d %14d %14d\n", crypto, $1, $1 * 1024 / $6, $2, $3 }'
    done
}

boot_table() {
    printf 'Instructions of a boot without an update, same image, from boot_go to the image to start\n'
    printf '   %-14s %14s %20s %18s\n' mode instructions 'beside verifying' 'stack used, bytes'
    for mode in $modes; do
        figures=$(count "$mode" small)
        echo "$figures" | awk -v mode="$mode" '{
            printf "   %-14s %14d %20d %18d\n", mode, $4, $4 - $3 - $2, $5 }'
    done
    cat <<'END'
   Cryptography "small" (image/p256_small.c, sha256_small.c). Each boot verifies the signature twice, so
   that no single fault accepts an image. Counted in steps of 50 instructions; flash reads cost
   what they cost from RAM; no log. Stack: painted, the C library and start-up included.
END
}

build_all
make_flash
wear_table
echo
verify_table
echo
boot_table
