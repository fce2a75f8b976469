#!/bin/sh
# What the bootloader core costs: links bare boot configurations for Cortex-M and prints text, data,
# bss and the deepest stack, beside MCUboot 2.4 with tinycrypt linked and counted the same way: text
# without flash driver, clock set-up, printf and what Otter's bare build does not have either; RAM as
# data, bss and the deepest stack.
#
#   size.sh [--bearssl FOLDER] [--libsodium FOLDER] [CPU...]
#                                            default: cortex-m33 cortex-m4 cortex-m23
#
# --bearssl: sources of BearSSL 0.6, to measure its cryptography as well, and encrypted images and RSA,
# which need it. --libsodium: sources of libsodium 1.0.18, to measure Ed25519.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
bearssl=
sodium=
while :; do
    case ${1:-} in
    --bearssl) bearssl=$(cd "$2" && pwd) ;;
    --libsodium) sodium=$(cd "$2" && pwd)/src/libsodium ;;
    *) break ;;
    esac
    shift 2
done
[ $# -gt 0 ] || set -- cortex-m33 cortex-m4 cortex-m23
command -v arm-none-eabi-gcc >/dev/null 2>&1 || {
    echo "size.sh: arm-none-eabi-gcc is missing; install it with:" \
         "apt-get install gcc-arm-none-eabi picolibc-arm-none-eabi" >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

common="port/flash.c image/image.c image/version.c image/check.c image/scheme_p256.c image/trailer.c image/trailer_next.c boot/boot.c
boot/images.c boot/size/bare.c"

# What boot/CMakeLists.txt makes a mode of.
mode_sources() {
    sources=$(sed -n "s/^boot_room($1 \(.*\))\$/\1/p" "$root/boot/CMakeLists.txt")
    [ -n "$sources" ] || {
        echo "size.sh: boot/CMakeLists.txt has no line boot_room($1 ...)" >&2
        exit 1
    }
    for file in $sources; do printf 'boot/%s ' "$file"; done
}
scratch_sources=$(mode_sources boot)
overwrite_sources=$(mode_sources boot_overwrite)
move_sources=$(mode_sources boot_move)
offset_sources=$(mode_sources boot_offset)
xip_sources=$(mode_sources boot_direct_xip)
bank_sources=$(mode_sources boot_bank_swap)
recovery_sources="boot/recovery.c boot/recovery_serve.c codec/smp_frame.c codec/base64.c codec/cbor.c"
defines=-DBOOT_ENCRYPTION=0 # of the next rows

crypto_sources() {
    case $1 in
    small) echo "$root/image/p256_small.c $root/image/sha256_small.c" ;;
    bearssl)
        s=$bearssl/src
        echo "$root/image/p256_bearssl.c" "$root/image/sha256_bearssl.c" "$s"/settings.c "$s"/codec/ccopy.c "$s"/codec/*32be.c \
            "$s"/codec/*64be.c "$s"/ec/ec_prime_i15.c "$s"/ec/ec_secp*.c \
            "$s"/ec/ecdsa_i15_bits.c "$s"/ec/ecdsa_i15_vrfy_raw.c "$s"/hash/sha2small.c \
            "$s"/int/i15*.c "$s"/int/i32_div32.c
        ;;
    esac
}

# What image/enc_bearssl.c calls beside what verifies images; "small" brings nothing of BearSSL.
encryption_sources() {
    s=$bearssl/src
    echo "$root/image/enc_bearssl.c" "$s"/symcipher/aes_ct.c "$s"/symcipher/aes_ct_enc.c \
        "$s"/symcipher/aes_ct_ctr.c "$s"/symcipher/aes_common.c "$s"/kdf/hkdf.c "$s"/mac/hmac.c
    [ "$1" = bearssl ] || crypto_sources bearssl | sed 's,[^ ]*/[a-z0-9]*_bearssl.c,,g'
}

rsa_sources() {
    s=$bearssl/src
    echo "$root/image/scheme_rsa.c" "$s"/rsa/rsa_i15_pub.c "$s"/codec/ccopy.c "$s"/codec/*32be.c \
        "$s"/int/i15*.c
}

ed25519_sources() {
    echo "$root/image/scheme_ed25519.c" "$sodium"/crypto_sign/ed25519/ref10/open.c \
        "$sodium"/crypto_sign/ed25519/ref10/sign.c \
        "$sodium"/crypto_core/ed25519/ref10/ed25519_ref10.c \
        "$sodium"/crypto_hash/sha512/cp/hash_sha512_cp.c "$sodium"/crypto_verify/sodium/verify.c \
        "$sodium"/sodium/utils.c
}

cat >"$work/bare.ld" <<'LD'
SECTIONS
{
    .text 0 : { *(.text*) *(.rodata*) }
    /DISCARD/ : { *(.ARM.exidx*) *(.stack*) *(.comment*) *(.ARM.attributes*) }
    .data 0x20000000 : { *(.data*) }
    .bss : { *(.bss*) *(COMMON) }
}
LD

# build CPU CRYPTO SOURCES...: leaves boot.elf and call graphs with stack use (*.ci) in $work/out.
build() {
    cpu=$1
    crypto=$2
    shift 2
    rm -rf "$work/out"
    mkdir "$work/out"
    files=
    for file in $common "$@"; do files="$files $root/$file"; done
    (cd "$work/out" &&
        arm-none-eabi-gcc -mcpu="$cpu" -mthumb -mfloat-abi=soft --specs=picolibc.specs -std=gnu11 \
            -Os -w -ffunction-sections -fdata-sections -fno-common -fcallgraph-info=su \
            -DBOOT_IMAGES_MAX=1 -DBOOT_MAP_IS_CHECKED=0 $defines -I"$root" \
            ${bearssl:+-I"$bearssl/inc" -I"$bearssl/src"} \
            ${sodium:+-I"$sodium/include" -I"$sodium/include/sodium"} \
            -c $files $(crypto_sources "$crypto") ${extra:-} &&
        arm-none-eabi-gcc -mcpu="$cpu" -mthumb -mfloat-abi=soft --specs=picolibc.specs \
            -nostartfiles -Wl,--gc-sections -Wl,-e,reset_handler -T "$work/bare.ld" ./*.o \
            -o boot.elf)
}

# The deepest path from reset_handler. Calls through pointers are the flash driver's, which is not
# measured, and those named here.
stack() {
    cat "$work"/out/*.ci | awk '
        function name(text) { sub(/^.*:/, "", text); return text }
        function deepest(f,   i, n, most, d, list) {
            if (f in memo) return memo[f]
            memo[f] = own[f]
            n = split(calls[f], list, " ")
            for (i = 1; i <= n; i++) {
                d = deepest(list[i])
                if (d > most) most = d
            }
            return memo[f] = own[f] + most
        }
        match($0, /title: "[^"]*"/) && /^node:/ {
            f = name(substr($0, RSTART + 8, RLENGTH - 9))
            if (match($0, /[0-9]+ bytes/)) own[f] = substr($0, RSTART, RLENGTH) + 0
        }
        /^edge:/ {
            match($0, /sourcename: "[^"]*"/); a = name(substr($0, RSTART + 13, RLENGTH - 14))
            match($0, /targetname: "[^"]*"/); b = name(substr($0, RSTART + 13, RLENGTH - 14))
            calls[a] = calls[a] " " b
        }
        END {
            calls["swap_step"] = calls["swap_step"] " fill back_up install"
            calls["attempt"] = calls["attempt"] " fill back_up install" # swap_step inlined
            calls["swap_advance"] = calls["swap_advance"] " fill back_up install"
            calls["flash_read"] = calls["flash_read"] " mixed_read"
            schemes = " verify_p256 verify_rsa verify_ed25519"
            calls["check_tlvs"] = calls["check_tlvs"] schemes
            calls["check_tlv"] = calls["check_tlv"] schemes
            calls["verify_signature"] = calls["verify_signature"] schemes
            calls["br_ecdsa_i15_vrfy_raw"] = calls["br_ecdsa_i15_vrfy_raw"] " api_muladd"
            calls["hash_some"] = calls["hash_some"] " decrypt"
            calls["image_check_step"] = calls["image_check_step"] " decrypt"
            calls["decrypt"] = calls["decrypt"] " image_payload_crypt"
            calls["boot_cipher_apply"] = calls["boot_cipher_apply"] " image_payload_crypt"
            calls["boot_cipher_open"] = calls["boot_cipher_open"] " image_key_unwrap"
            calls["image_key_unwrap"] = calls["image_key_unwrap"] " api_mul"
            calls["recovery_input"] = calls["recovery_input"] " write_console echo console_echo" \
                " reset parameters list upload slot_info"
            hmac = "process_key br_hmac_key_init br_hmac_init br_hmac_update br_hmac_out"
            n = split(hmac, list, " ")
            for (i = 1; i <= n; i++)
                calls[list[i]] = calls[list[i]] " br_sha256_update br_sha224_update br_sha256_out"
            print deepest("reset_handler")
        }'
}

# row NAME CRYPTO CPU MCUBOOT_TEXT MCUBOOT_RAM SOURCES...
row() {
    title=$1
    crypto=$2
    cpu=$3
    text_mark=$4
    ram_mark=$5
    shift 5
    build "$cpu" "$crypto" "$@"
    set -- $(arm-none-eabi-size "$work/out/boot.elf" | tail -1)
    depth=$(stack)
    printf '%-11s %-16s %-8s %6d %5d %5d %6d %6d %8s %6s\n' "$cpu" "$title" "$crypto" \
        "$1" "$2" "$3" "$depth" $(($2 + $3 + depth)) "$text_mark" "$ram_mark"
}

printf '%-11s %-16s %-8s %6s %5s %5s %6s %6s %8s %6s\n' core mode crypto text data bss stack RAM \
    MCUboot RAM
for cpu in "$@"; do
    scratch=- scratch_ram=- overwrite=- overwrite_ram=- move=- move_ram=- offset=- offset_ram=-
    if [ "$cpu" = cortex-m33 ]; then
        scratch=12040 scratch_ram=5800 overwrite=8864 overwrite_ram=4784
        move=11316 move_ram=4764 offset=11937 offset_ram=4832
    fi
    for crypto in small ${bearssl:+bearssl}; do
        row overwrite-only $crypto "$cpu" $overwrite $overwrite_ram $overwrite_sources
        row swap-scratch $crypto "$cpu" $scratch $scratch_ram $scratch_sources
        row swap-move $crypto "$cpu" $move $move_ram $move_sources
        row swap-offset $crypto "$cpu" $offset $offset_ram $offset_sources
        row direct-xip $crypto "$cpu" - - $xip_sources
        row bank-swap $crypto "$cpu" - - $bank_sources
        defines='-DBOOT_ENCRYPTION=0 -DOTTER_BOOT_RECOVERY'
        row scratch+recovery $crypto "$cpu" - - $scratch_sources $recovery_sources
        if [ -n "$bearssl" ]; then
            defines=-DBOOT_ENCRYPTION=1
            extra=$(encryption_sources $crypto)
            row scratch+encrypt $crypto "$cpu" - - $scratch_sources boot/encrypted.c
            defines='-DBOOT_ENCRYPTION=1 -DOTTER_BOOT_RECOVERY'
            row scratch+both $crypto "$cpu" - - $scratch_sources boot/encrypted.c $recovery_sources
            extra=
        fi
        defines=-DBOOT_ENCRYPTION=0
    done
    if [ -n "$bearssl" ]; then
        defines='-DBOOT_ENCRYPTION=0 -DBARE_SCHEME=image_rsa_3072'
        extra=$(rsa_sources)
        row scratch+rsa3072 small "$cpu" - - $scratch_sources
    fi
    if [ -n "$sodium" ]; then
        defines='-DBOOT_ENCRYPTION=0 -DBARE_SCHEME=image_ed25519'
        extra=$(ed25519_sources)
        row scratch+ed25519 small "$cpu" - - $scratch_sources
    fi
    defines=-DBOOT_ENCRYPTION=0
    extra=
done
