#!/bin/sh
# otter build as a user runs it: what it leaves in build/BOARD, and that merged.hex is what its parts
# say and what a board starts from; the list; wrong words.
#
#   board_build.sh BOARD
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/twin_lib.sh"

version=7.8.9 # that nobody else builds
image=$built/firmware-$version.signed.bin

# fails CODE TEXT COMMAND…
fails() {
    wanted=$1 text=$2
    shift 2
    code=0
    said=$("$@" 2>&1 </dev/null) || code=$?
    [ "$code" -eq "$wanted" ] || fail "exit code $code, not $wanted, from: $*"
    case $said in *"$text"*) ;; *) fail "it should say '$text', and said: $said" ;; esac
}

same() { # same FILE OTHER: as far as the first goes
    cmp -n "$(stat -c %s "$1")" "$1" "$2" || fail "$1 is not what lies in the flash"
}

step "what is flashed"
rm -f "$built/bootloader.hex" "$built/merged.hex"
"$otter" build --board "$board" -V "$version" >"$work/said"
grep -q "^  $(realpath "$built")/\$" "$work/said" || fail "it does not say where: $(cat "$work/said")"
cp "$built/merged.hex" "$built/bootloader.hex" "$work"
mv "$image" "$work/image"
"$otter" build --board "$board" >/dev/null # merged.hex is the first version's again
for name in bootloader.hex merged.hex "firmware-$version.signed.bin"; do
    grep -q "^ *$name " "$work/said" || fail "it does not name $name: $(cat "$work/said")"
done

step "merged.hex is the bootloader and the signed image"
twin "$work/flash" --hex "$work/merged.hex" --cut-after 1
ends 3 "power cut after"
take_from boot "$work/boot" "$work/flash"
take_from primary "$work/primary" "$work/flash"
same "$built/firmware/bootloader.bin" "$work/boot"
same "$work/image" "$work/primary"
"$otter" verify -k "$built/keys/boot-signing.pem" "$work/image" >/dev/null || fail "the signature does not hold"
twin "$work/alone" --hex "$work/bootloader.hex" --cut-after 1
ends 3 "power cut after"
take_from boot "$work/alone.boot" "$work/alone"
cmp "$work/boot" "$work/alone.boot" || fail "bootloader.hex holds another bootloader"

step "but for version and signature it is the image that the demo signs and runs"
sign_image "$version" "$built/firmware/firmware-1.0.0.bin" "$work/demo"
[ "$(stat -c %s "$work/demo")" -ge "$(stat -c %s "$built/firmware/firmware-1.0.0.bin")" ] || fail "no image"
cmp -n $(($(number header_size) + $(stat -c %s "$built/firmware/firmware-1.0.0.bin"))) "$work/demo" "$work/image" ||
    fail "the demo's image is another"

step "a board starts from it"
twin "$work/flash"
expect device "Image version: v$version"
expect device "Otter firmware $version (build 1.0.0) on $board"
stop_twin

step "the list has the sizes"
"$otter" build --list >"$work/list"
sizes=$(stat -c %s "$built/firmware/bootloader.bin" "$built/firmware/firmware-1.0.0.bin" | tr '\n' ' ')
[ "$(awk -v board="$board" '$1 == board { print $(NF - 2), $(NF - 1), "" }' "$work/list")" = "$sizes" ] ||
    fail "the sizes are $sizes, and the list says: $(cat "$work/list")"
for folder in "$root"/boards/*/board.cmake; do
    name=$(basename "$(dirname "$folder")")
    [ "$name" = posix ] || grep -q "^ *$name " "$work/list" || fail "$name is not in the list"
done

step "a key is named from where the person is"
"$otter" keygen -t ecdsa-p256 -k "$work/product.pem" >/dev/null
(cd "$work" && "$otter" build --board "$board" -V "$version" -k product.pem >/dev/null 2>"$work/warning") ||
    fail "the key is not found"
grep -q "does not trust .*product.pem and will not start" "$work/warning" || fail "no warning of a key that is not trusted"
mv "$image" "$work/own"
"$otter" build --board "$board" -k "$built/keys/boot-signing.pem" >/dev/null 2>"$work/warning"
[ ! -s "$work/warning" ] || fail "the build's own key: $(cat "$work/warning")"
"$otter" verify -k "$work/product.pem" "$work/own" >/dev/null || fail "it is not signed with that key"

step "a blank board says so"
fails 1 "the flash is blank: no program at" "$otter" twin --board "$board" --flash "$work/blank"

step "wrong words"
fails 1 "numaker-x" "$otter" build --board numaker-x
fails 1 "there is no board 'numaker-x'; there are: " env OTTER_NO_INSTALL=1 "$root/otter" build --board numaker-x
fails 2 "--board is needed" "$otter" build
fails 1 "nothing is flashed" "$otter" build --board posix
fails 1 "no-such-key.pem" "$otter" build --board "$board" -k no-such-key.pem
echo "passed"
