#!/bin/sh
# Runs clang-tidy (.clang-tidy: bugprone and cert) over one half of the code.
#   lint.sh device|host SOURCE_FOLDER BUILD_FOLDER    the build folder holds compile_commands.json
command -v clang-tidy >/dev/null 2>&1 || { echo "skipped: no clang-tidy here"; exit 77; }
half=$1
build=$3
cd "$2" || exit 1
case $half in
device)
    set -- port/*.c codec/*.c image/*.c store/*.c net/*.c net/*/*.c pki/*.c secure/*.c services/*/*.c cli/*.c console/*.c boot/*.c \
        firmware/*.c ports/modem/*.c
    ;;
host) set -- cloud/*/*.c cloud/*/*/*.c pkcs11/*.c twin/*.c twin/*/*.c tool/*.c tool/demo/*.c ;;
*) echo "lint.sh: device or host, not '$half'"; exit 2 ;;
esac
status=0
for file in "$@"; do
    grep -qF "/$file\"" "$build/compile_commands.json" || continue # of another board's build
    clang-tidy -p "$build" --quiet "$file" 2>/dev/null | grep -E 'error:|warning:' && status=1
done
exit $status
