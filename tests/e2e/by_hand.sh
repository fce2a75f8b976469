#!/bin/sh
# The README's "whole path by hand" is run as it is printed: a user who types it gets 1.0.1.
set -eu
. "$(dirname "$0")/lib.sh"
need mosquitto aws openssl cmake ninja

sed -n '/^## The whole path by hand/,/^## /{ /^```sh$/,/^```$/{ /^```/d; p; }; }' "$root/README.md" \
    >"$work/path.sh"
[ "$(wc -l <"$work/path.sh")" -gt 40 ] || fail "the README has no such path any more"

cd "$root"
mkdir "$work/tmp"
OTTER_NO_INSTALL=1 TMPDIR=$work/tmp timeout 900 sh -eu "$work/path.sh" >"$work/said" 2>&1 || {
    background=$(grep -a -l "TMPDIR=$work/tmp" /proc/[0-9]*/environ 2>/dev/null | tr -dc '0-9\n')
    cat "$work/said"
    cat "$work"/tmp/*/device.log
    fail "the path ended early"
}
grep -q '"SUCCEEDED"' "$work/said" || fail "no job has succeeded"
tail -n 5 "$work/said" | grep -q "Otter firmware 1.0.1 on posix" || {
    cat "$work/said"
    fail "the device does not run 1.0.1"
}
gone() {
    ! grep -a -q "TMPDIR=$work/tmp" /proc/[0-9]*/environ 2>/dev/null
}
wait_until "cloud and device end" gone
