# The device of lib.sh on the emulated board $board instead of as a process; nothing changes for posix. Sourced
# after lib.sh. With an ESP8266 (mps2-an505/modem) the model of one is started with the first device, and
# `join_wifi` configures it.

join_wifi() { :; }

if [ "$board" != posix ]; then
    need qemu-system-arm
    built=$root/build/$(echo "$board" | tr / -)
    network='-nic user,model=lan9118'
    uart= # the console, if not at the FIFO
    firmware=$built/firmware/firmware
    seed_sector=$(($(area seed 1) / 4096))
    case $board in */trustzone) seed_sector=$((0x92 + 0x80)) ;; esac # on device 1 of its map
    [ -f "$firmware-1.0.0.bin" ] || skip "$built is not built"
    sign_image() {
        "$otter" sign -k "$built/keys/boot-signing.pem" --align 4 -v "$1+0" --header-size 4096 \
            --pad-header -S 0x73000 "$2" "$3" >/dev/null
    }
    case $board in
    */trustzone) # the secure program, which is image 0; its slot is on device 1, too
        secure_sector=$((0x92 + 0x90))
        "$otter" sign -k "$built/keys/boot-signing.pem" --align 4 -v 1.0.0+0 --header-size 4096 --pad-header -S 0x10000 \
            "$built/firmware/secure.bin" "$work/secure.signed.bin" >/dev/null
        ;;
    esac
    make_flash() {
        head -c $((16 << 20)) /dev/zero | tr '\0' '\377' >"$1"
        dd if="$2" of="$1" bs=4096 seek=$primary_sector conv=notrunc status=none
        [ ! -f "$work/secure.signed.bin" ] ||
            dd if="$work/secure.signed.bin" of="$1" bs=4096 seek="$secure_sector" conv=notrunc status=none
        { printf 'RNG1\0\0\0\0' && head -c 32 /dev/urandom; } >"$work/seed" # ports/mps2-an505/random.h
        { cat "$work/seed" && gzip -c "$work/seed" | tail -c 8 | head -c 4; } |
            dd of="$1" bs=4096 seek="$seed_sector" conv=notrunc status=none
    }
    power_on() {
        if [ ! -p "$work/console" ]; then
            mkfifo "$work/console"
            exec 3<>"$work/console"
        fi
        qemu-system-arm -M mps2-an505,memory-backend=nor \
            -object "memory-backend-file,id=nor,size=16M,share=on,mem-path=$work/flash.img" \
            -kernel "$built/firmware/bootloader.elf" -display none \
            -monitor none -chardev "${uart:-stdio,signal=off},id=uart" -serial chardev:uart $network \
            <"$work/console" >>"$work/device.log" 2>&1 3>&- &
        device=$!
    }
    if [ "$board" = mps2-an505/modem ]; then
        network="-chardev socket,id=modem,path=$work/modem.sock -serial chardev:modem -nic none"
        "$otter" modem --socket "$work/modem.sock" --ssid workshop --password correct-horse >"$work/modem.log" 2>&1 3>&- &
        background="$background $!"
        wait_until "the modem's model comes up" test -S "$work/modem.sock"
        join_wifi() {
            configure wifi_ssid workshop
            type_line "conf set wifi_credential correct-horse"
            expect device "wifi_credential="
        }
    fi
fi
