#!/bin/sh
# Every file and folder that docs/where.md sends a reader to is there; names in capitals stand for what
# does not exist yet.
#
#   where.sh ROOT
set -eu
cd "$1"
missing=0
count=0
for path in $(grep -o '`[a-z][A-Za-z0-9_./-]*`' docs/where.md | tr -d '`' | sort -u); do
    case $path in
        */*) ;;
        *) continue ;;
    esac
    case $path in services/ota/source_http.c) continue ;; esac # the change itself makes it
    case $path in *NAME*) continue ;; esac
    count=$((count + 1))
    [ -e "$path" ] || {
        echo "docs/where.md names $path, which is not there"
        missing=1
    }
done
[ "$count" -ge 20 ] || { echo "only $count paths found in docs/where.md: is its form another?"; exit 1; }
[ "$missing" = 0 ] && echo "$count paths of docs/where.md are there"
exit "$missing"
