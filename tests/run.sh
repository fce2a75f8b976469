#!/bin/sh
# Runs every test that ./otter test has built, and closes with one line of counts.
#
#   tests/run.sh [NAME…]    only tests whose name holds one of the words
#
# Unit, simulation, end-to-end and interop tests are ctest's; each fuzz target then runs on its
# corpus and for some seconds of new input (FUZZ_SECONDS, default 5).
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
results=$root/build/test-results
fuzz_seconds=${FUZZ_SECONDS:-5}
mkdir -p "$results"

pattern=.
for word in "$@"; do
    [ "$pattern" = . ] && pattern=$word || pattern="$pattern|$word"
done

run_ctest() {
    ctest --test-dir "$root/build/host-asan" --parallel 2 --output-on-failure --no-tests=ignore \
        --tests-regex "$pattern" 2>&1 | tee "$results/ctest.log" |
        grep -vE '^(Internal ctest|Test project| +Start +[0-9]+:)' || true
}

# fuzz NAME PROGRAM: prints a line as ctest does.
fuzz() {
    corpus=$root/tests/fuzz/corpus/$1
    new=$root/build/fuzz-corpus/$1
    log=$results/fuzz-$1.log
    mkdir -p "$new" "$corpus"
    if "$2" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$results/fuzz-$1-" "$new" "$corpus" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        printf '      Fuzz: %-32s Passed    %s inputs\n' "$1" "$runs"
    else
        printf '      Fuzz: %-32s ***Failed  (input and report: build/test-results/fuzz-%s-*)\n' \
            "$1" "$1"
        tail -n 25 "$log"
    fi
}

run_fuzz() {
    : >"$results/fuzz.log"
    for program in "$root"/build/fuzz/tests/fuzz_*; do
        name=${program##*/fuzz_}
        [ -x "$program" ] && [ -f "$program" ] || continue
        printf 'fuzz_%s' "$name" | grep -qE "$pattern" || continue
        fuzz "$name" "$program" | tee -a "$results/fuzz.log"
    done
}

count() {
    cat "$results/ctest.log" "$results/fuzz.log" | grep -cE "$1" || true
}

run_ctest
run_fuzz
passed=$(count '(Test +#[0-9]+|Fuzz): .* Passed ')
skipped=$(count 'Test +#[0-9]+: .*\*\*\*Skipped')
failed=$(count '(Test +#[0-9]+|Fuzz): .*\*\*\*(Failed|Timeout|Exception|Not Run)')
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
