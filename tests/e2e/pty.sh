# A device at a pseudo-terminal, $work/tty, as a board is at its serial port. Sourced after lib.sh.

pty_script= # what lies behind the image for its first boot: `otter provision --to-image`
pty_flash() {
    [ -z "$pty_script" ] || "$otter" provision --to-image "$work/1.0.0.bin" --from "$pty_script" -o "$work/1.0.0.bin" --quiet
    make_flash "$work/flash.img" "$work/1.0.0.bin"
}

# pty_device posix|mps2-an505: a new one, as yet without identity; $device is the program that holds
# the terminal, the log is that of `expect device`.
pty_device() {
    pty_board=$1
    case $1 in
    posix)
        sign_image 1.0.0 "$firmware-1.0.0.bin" "$work/1.0.0.bin"
        pty_flash
        python3 "$root/tests/e2e/on_pty.py" "$work/tty" "$work/device.log" \
            env OTTER_FLASH_TIMING=0,0 "$root/build/host/firmware/bootloader" --flash "$work/flash.img" 3>&- &
        ;;
    *)
        need qemu-system-arm
        [ -f "$root/build/$1/firmware/firmware-1.0.0.bin" ] || skip "build/$1 is not built"
        "$otter" sign -k "$root/build/$1/keys/boot-signing.pem" --align 4 -v 1.0.0+0 --header-size 4096 --pad-header \
            -S 0x73000 "$root/build/$1/firmware/firmware-1.0.0.bin" "$work/1.0.0.bin" >/dev/null
        pty_flash
        head -c $((16 * 1024 * 1024 - flash_size)) /dev/zero | tr '\0' '\377' >>"$work/flash.img"
        { printf 'RNG1\0\0\0\0' && head -c 32 /dev/urandom; } >"$work/seed" # ports/mps2-an505/random.h
        { cat "$work/seed" && gzip -c "$work/seed" | tail -c 8 | head -c 4; } |
            dd of="$work/flash.img" bs=4096 seek=$(($(area seed 1) / 4096)) conv=notrunc status=none
        python3 "$root/tests/e2e/on_pty.py" "$work/tty" "$work/device.log" \
            qemu-system-arm -M mps2-an505,memory-backend=nor \
            -object "memory-backend-file,id=nor,size=16M,share=on,mem-path=$work/flash.img" \
            -kernel "$root/build/$1/firmware/bootloader.elf" -display none -monitor none -chardev stdio,id=uart,signal=off -serial chardev:uart \
            -nic user,model=lan9118 3>&- &
        ;;
    esac
    device=$!
}

# The root certificate of the cloud, as the device reaches it.
pty_root_ca() {
    fact root_ca
}

pty_type() { # pty_type LINE
    printf '%s\r' "$1" >"$work/tty"
}
