#!/bin/sh
# Runs clang-tidy (.clang-tidy: bugprone and cert) over the device's code.
#   lint.sh SOURCE_FOLDER BUILD_FOLDER      the build folder holds compile_commands.json
command -v clang-tidy >/dev/null 2>&1 || { echo "skipped: no clang-tidy here"; exit 77; }
cd "$1" || exit 1
status=0
for file in port/*.c codec/*.c image/*.c store/*.c net/*.c pki/*.c services/ota/*.c cli/*.c \
    boot/*.c firmware/*.c; do
    clang-tidy -p "$2" --quiet "$file" 2>/dev/null | grep -E 'error:|warning:' && status=1
done
exit $status
