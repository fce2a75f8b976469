#!/bin/sh
# Runs clang-tidy (.clang-tidy: bugprone and cert) over one part of the code.
#   lint.sh device|host|ports SOURCE_FOLDER BUILD_FOLDER    the build folder holds compile_commands.json
# Of the ports each file is looked at as the first board takes it that is built, for its processor.
command -v clang-tidy >/dev/null 2>&1 || { echo "skipped: no clang-tidy here"; exit 77; }
half=$1
build=$3
cd "$2" || exit 1
case $half in
device)
    set -- port/*.c codec/*.c image/*.c store/*.c net/*.c net/*/*.c pki/*.c secure/*.c services/*/*.c cli/*.c console/*.c boot/*.c \
        firmware/*.c ports/modem/*.c
    ;;
host) set -- cloud/*/*.c cloud/*/*/*.c pkcs11/*.c twin/*.c twin/*/*.c tool/*.c tool/demo/*.c ports/posix/*.c ;;
ports)
    ls build/*/firmware/bootloader.elf >/dev/null 2>&1 || { echo "skipped: no board is built"; exit 77; }
    set -- secure/gates.c secure/nonsecure.c ports/cortex-m/*.c ports/cortex-m/*/*.c ports/lwip/*.c ports/mps2-an505/*.c \
        ports/nuvoton/*.c ports/stm32/*.c
    ;;
*) echo "lint.sh: device, host or ports, not '$half'"; exit 2 ;;
esac

# board_flags FILE: what a board's build says of it that clang knows, too, as words of the shell.
board_flags() {
    cat build/*/compile_commands.json | awk -v file="/$1\"" '
        /^ *"command": / && /arm-none-eabi-gcc/ { command = $0 }
        /^ *"file": / && command != "" && index($0, file) {
            words = split(command, word, " ")
            for (i = 1; i <= words; i++)
                if (word[i] == "-isystem" || word[i] == "-include")
                    print word[i] " " word[++i]
                else if (word[i] ~ /^-(D|I|mcpu|mthumb|mfloat|mcmse|std)/)
                    print word[i]
            exit
        }
        /^ *"file": / { command = "" }' | sed 's/\\\(.\)/\1/g'
}

lint_port() {
    flags=$(board_flags "$1" | tr '\n' ' ')
    [ -n "$flags" ] || return 0 # of a board that is not built
    eval "clang-tidy --quiet $1 -- --target=arm-none-eabi -ffreestanding -w \
        -isystem /usr/lib/picolibc/arm-none-eabi/include $flags" 2>/dev/null
}

lint() {
    case $half in
    ports) lint_port "$1" ;;
    *) ! grep -qF "/$1\"" "$build/compile_commands.json" || # of another board's build
        clang-tidy -p "$build" --quiet "$1" 2>/dev/null ;;
    esac
}

status=0
for file in "$@"; do
    lint "$file" | grep -E 'error:|warning:' && status=1
done
exit $status
