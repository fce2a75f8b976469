#!/bin/sh
# Runs every test that ./otter test has built, and closes with one line of counts.
#
#   tests/run.sh [NAME…]    only tests whose name holds one of the words
#
# Unit, simulation, end-to-end and interop tests are ctest's; beside them each fuzz target runs on
# its corpus and for some seconds of new input. Environment: FUZZ_SECONDS (5), OTTER_TEST_BUILD (the
# folder that holds host-asan/ and fuzz/: build/).
#
# Exit status 0 only when something ran, nothing failed, and as many tests reported as there are.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
build=${OTTER_TEST_BUILD:-$root/build}
results=$build/test-results
fuzz_seconds=${FUZZ_SECONDS:-5}
mkdir -p "$results"

# Two runs would write over each other's results. Nothing that a test starts may hold the lock.
if command -v flock >/dev/null 2>&1; then
    exec 9>"$results/lock"
    flock -n 9 || {
        echo 'Another run of the tests is under way here; waiting for it …'
        flock 9
    }
fi

pattern=.
for word in "$@"; do
    [ "$pattern" = . ] && pattern=$word || pattern="$pattern|$word"
done

ctest_here() {
    ctest --test-dir "$build/host-asan" --tests-regex "$pattern" --no-tests=ignore "$@"
}

# One more than processors: what runs against a cloud waits, too.
processors=$(nproc 2>/dev/null || echo 2)
[ "$processors" -ge 2 ] || processors=2

# ctest's exit code lies in a file, because the pipe that shows its lines has one of its own.
run_ctest() {
    expected=$(ctest_here -N | sed -n 's/^Total Tests: *//p')
    {
        code=0
        ctest_here --parallel $((processors + 1)) --output-on-failure 2>&1 9>&- || code=$?
        echo "$code" >"$results/ctest.code"
    } | tee "$results/ctest.log" |
        grep --line-buffered -vE '^(Internal ctest|Test project| +Start +[0-9]+:)' || true
}

# fuzz NAME PROGRAM: prints a line as ctest does.
fuzz() {
    corpus=$root/tests/fuzz/corpus/$1
    new=$build/fuzz-corpus/$1
    log=$results/fuzz-$1.log
    mkdir -p "$new" "$corpus"
    if nice -n 19 "$2" -max_total_time="$fuzz_seconds" -timeout=30 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$results/fuzz-$1-" "$new" "$corpus" >"$log" 2>&1 9>&-; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        printf '      Fuzz: %-32s Passed    %s inputs\n' "$1" "$runs"
    else
        printf '      Fuzz: %-32s ***Failed  (input and report: build/test-results/fuzz-%s-*)\n' \
            "$1" "$1"
        tail -n 25 "$log"
    fi
}

run_fuzz() {
    for program in "$build"/fuzz/tests/fuzz_*; do
        name=${program##*/fuzz_}
        [ -x "$program" ] && [ -f "$program" ] || continue
        printf 'fuzz_%s' "$name" | grep -qE "$pattern" || continue
        fuzz "$name" "$program"
    done >"$results/fuzz.log"
}

# count LOG PATTERN
count() {
    grep -cE "$2" "$results/$1" || true
}

# Those that failed, once more and one at a time. One that passes now hangs on what runs beside it: a
# defect of that test, told at the end, but not one of what it tests. After many failures, nothing.
run_again() {
    : >"$results/again.log"
    failures=$(grep -E "$test_line\*\*\*(Failed|Timeout)" "$results/ctest.log" |
        sed -E 's/^[^:]*: ([^ ]+) .*/\1/' | sort -u)
    [ -n "$failures" ] && [ "$(echo "$failures" | wc -l)" -le 3 ] || return 0
    echo "Once more, alone: $(echo $failures)"
    ctest --test-dir "$build/host-asan" --output-on-failure --tests-regex \
        "^($(echo $failures | tr ' ' '|'))\$" >"$results/again.log" 2>&1 9>&- || true
    grep -vE '^(Internal ctest|Test project| +Start +[0-9]+:)' "$results/again.log" || true
    unsteady=$(grep -E "$test_line Passed " "$results/again.log" | sed -E 's/^[^:]*: ([^ ]+) .*/\1/')
}

test_line='^ *[0-9]+/[0-9]+ +Test +#[0-9]+: .*'
unsteady=
run_fuzz 9>&- & # takes what tests that wait leave
fuzzing=$!
trap 'kill "$fuzzing" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
run_ctest
run_again
wait "$fuzzing" || true
trap - EXIT
cat "$results/fuzz.log"
passed=$(count ctest.log "$test_line Passed ")
skipped=$(count ctest.log "$test_line\*\*\*Skipped")
failed=$(count ctest.log "$test_line\*\*\*(Failed|Timeout|Exception|Not Run)")
reported=$((passed + skipped + failed))
passed=$((passed + $(count fuzz.log '^ *Fuzz: .* Passed ')))
failed=$((failed + $(count fuzz.log '^ *Fuzz: .*\*\*\*Failed')))
code=$(cat "$results/ctest.code")
if [ "$reported" -ne "${expected:-0}" ]; then
    echo "ctest has ${expected:-no} tests of this name and $reported reported (its exit code: $code)"
    failed=$((failed + 1))
elif [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then
    echo "ctest ended with exit code $code, although each of its tests passed"
    failed=$((failed + 1))
fi
for name in $unsteady; do
    echo "Unsteady: $name failed beside others and passed alone (build/test-results/ctest.log)"
    failed=$((failed - 1))
    passed=$((passed + 1))
done
[ "$passed" -gt 0 ] || echo "no test ran${1:+ whose name holds: $*}"
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
