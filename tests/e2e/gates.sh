#!/bin/sh
# A gate of the secure world stays where it was released, when a later version of the secure program has
# one more (tests/hostile/one_more_gate.c), whose name comes before all others: firmware that is in the
# field goes on to call the same addresses.
#
#   gates.sh [BOARD]      mps2-an505/trustzone where none is named
set -eu
. "$(dirname "$0")/lib.sh"

board=${1:-mps2-an505/trustzone}
built=$root/build/$(echo "$board" | tr / -)
need arm-none-eabi-nm arm-none-eabi-gcc cmake
[ -f "$built/firmware/secure.elf" ] || skip "$built is not built: ./otter build --board $board"
cmake --build "$built" --target secure secure-later >"$work/build.log" 2>&1 ||
    fail "it does not build: $(tail -n 20 "$work/build.log")"

gates() { arm-none-eabi-nm "$1" | sed -n 's/^\([0-9a-f]*\) A gate_\([a-z_]*\)$/\2 0x\1/p' | sort; }
sed -n 's/^        gate    \([a-z_]*\), \(0x[0-9a-f]*\)$/\1 \2/p' "$root/boards/$board/gates.s" | sort >"$work/released"
gates "$built/firmware/secure-gates.o" >"$work/now"
gates "$built/tests/hostile/secure-later-gates.o" >"$work/later"

[ "$(wc -l <"$work/released")" -ge 13 ] || fail 'too few gates are released'
cmp -s "$work/released" "$work/now" || fail "gates are not where they were released, or one has no line in gates.s: $(diff "$work/released" "$work/now")"
grep -v '^a_new_one ' "$work/later" | cmp -s - "$work/released" || fail "a new gate moves others: $(diff "$work/released" "$work/later")"
new=$(sed -n 's/^a_new_one //p' "$work/later")
last=$(sed 's/.* //' "$work/released" | sort | tail -n 1)
[ $((new)) -eq $((last + 8)) ] || fail "the new gate is at $new, and the last released one at $last"
echo "passed: $(wc -l <"$work/released") gates stay, the new one is behind them"
