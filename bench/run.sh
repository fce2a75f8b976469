#!/bin/sh
# ./otter bench [NAME…]: sizes and speeds, as tables. Every figure in the docs comes from here.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
names='size download'

usage() {
    cat <<'END'
usage: ./otter bench [NAME…]      all of them without a NAME

  size       flash and RAM of bootloader and firmware on the Cortex-M33, by room
  download   the update over the air, at 0 and at 100 ms of added round trip

  ./otter bench size
END
}

for name in "$@"; do
    case $name in
        -h | --help) usage; exit 0 ;;
    esac
    [ -f "$root/bench/$name.sh" ] && [ "$name" != run ] || {
        echo "otter bench: there is no benchmark '$name'" >&2
        usage >&2
        exit 2
    }
done
[ $# -gt 0 ] || set -- $names
for name in "$@"; do
    sh "$root/bench/$name.sh" "$root"
    echo
done
