#!/bin/sh
# The unit tests that need no board, compiled for a board's core with its flags and its configuration,
# on a machine of QEMU with that core (tests/core/CMakeLists.txt says which tests).
#
#   core.sh BOARD [--full]      --full: also those that take minutes
set -eu
. "$(dirname "$0")/lib.sh"

board=$1
full=${2:-}
built=$root/build/$(echo "$board" | tr / -)
need qemu-system-arm arm-none-eabi-gcc cmake
[ -f "$built/build.ninja" ] || skip "$built is not configured: ./otter build --board $board"
cpu=$(sed -n 's/^set(BOARD_CPU \([a-z0-9-]*\)).*/\1/p' "$root/boards/$board/board.cmake")
case $cpu in
cortex-m4) machine=mps2-an386 ;;
cortex-m33) machine=mps2-an505 ;;
*) skip "QEMU has no machine with a $cpu" ;;
esac
cmake --build "$built" --target core_tests >"$work/build.log" 2>&1 || fail "it does not build: $(tail -n 20 "$work/build.log")"

passed=0
for name in $(cat "$built/tests/core/programs"); do
    program=$built/tests/core/$name
    name=${name#core_}
    case ${name%.elf}$full in kv_damage | mqtt_messages) continue ;; esac
    code=0
    timeout 200 qemu-system-arm -M "$machine" -semihosting-config enable=on,target=native -display none \
        -monitor none -serial none -nic none -kernel "$program" >"$work/said" 2>&1 </dev/null || code=$?
    { [ "$code" -eq 0 ] && grep -q '^[1-9][0-9]* tests, 0 failed' "$work/said"; } ||
        fail "${name%.elf} on $machine, exit code $code: $(tail -n 20 "$work/said")"
    passed=$((passed + 1))
done
[ "$passed" -ge 14 ] || fail "only $passed programs were there"
echo "passed: $passed programs on $machine"
