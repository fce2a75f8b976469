#!/bin/sh
# Runs the whole demo on each profile of the emulated board, well and with each kind of fault, one
# after the other; `./otter test` runs two of these on each. Some six minutes.
#
#   profiles.sh [PROFILE…]      after ./otter test, or ./otter demo --board mps2-an505/PROFILE
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
[ $# -gt 0 ] || set -- move offset overwrite direct-xip bank-swap external trustzone
failed=0
for profile in "$@"; do
    for fault in none signature self-test version power; do
        code=0
        sh "$here/demo.sh" "mps2-an505/$profile" "$fault" >"${TMPDIR:-/tmp}/profiles.$$" 2>&1 || code=$?
        [ "$code" -eq 0 ] || { failed=$((failed + 1)); cat "${TMPDIR:-/tmp}/profiles.$$"; }
        printf '%-12s %-10s %s\n' "$profile" "$fault" "$([ "$code" -eq 0 ] && echo passed || echo "exit code $code")"
    done
done
rm -f "${TMPDIR:-/tmp}/profiles.$$"
[ "$failed" -eq 0 ]
