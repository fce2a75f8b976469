#!/bin/sh
# run.sh itself: a failing, dying or shrinking ctest fails the command, and the counts are right.
# The tests that it runs here are written by hand, so that a real ctest reads them.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# suite LINE…: what ctest finds; no fuzz targets.
suite() {
    rm -rf "$work/build"
    mkdir -p "$work/build/host-asan"
    printf '%s\n' "$@" >"$work/build/host-asan/CTestTestfile.cmake"
}

# ends CODE CLOSING_LINE WHAT [word…]: runs it; its exit code and its last line, a shell pattern, must
# be these.
ends() {
    want_code=$1
    want_line=$2
    what=$3
    shift 3
    code=0
    OTTER_TEST_BUILD=$work/build sh "$here/run.sh" "$@" >"$work/output" 2>&1 || code=$?
    line=$(tail -n 1 "$work/output")
    # shellcheck disable=SC2254 # a pattern
    case $code:$line in $want_code:$want_line) return ;; esac
    echo "FAILED: $what: exit code $code and '$line', not $want_code and '$want_line'; it printed:"
    cat "$work/output"
    exit 1
}

good='add_test(good true)'
bad='add_test(bad false)'
skips='add_test(skips sh -c "exit 77")
set_tests_properties(skips PROPERTIES SKIP_RETURN_CODE 77)'

suite "$good" 'add_test(well true)'
ends 0 '2 passed, 0 failed, 0 skipped' 'all good'
ends 0 '1 passed, 0 failed, 0 skipped' 'one by name' well
ends 1 '0 passed, 0 failed, 0 skipped' 'a name that no test has' absent
suite "$good" "$bad" "$skips"
ends 1 '1 passed, 1 failed, 1 skipped' 'one of each'
suite "$skips"
ends 1 '0 passed, 0 failed, 1 skipped' 'nothing but skipped tests'
suite "$good" 'add_test(gone /no/such/program)'
ends 1 '1 passed, 1 failed, 0 skipped' 'a program that is not there'
# ctest dies in the middle, as when memory runs out. Whether it had told of the good one by then is
# chance.
suite "$good" 'add_test(murder sh -c "kill -9 $PPID")' 'add_test(after sleep 1)'
ends 1 '[01] passed, 1 failed, 0 skipped' 'a ctest that dies' good murder
suite 'this is not a suite('
ends 1 '0 passed, 1 failed, 0 skipped' 'a suite that ctest cannot read'
# What fails beside others and passes alone counts as passed, and is named; what fails twice has failed.
suite "$good" "add_test(once sh -c \"test -e '$work/again' || { touch '$work/again'; false; }\")"
ends 0 '2 passed, 0 failed, 0 skipped' 'one that fails once'
grep -q '^Unsteady: once ' "$work/output" || { echo 'FAILED: it is not named'; exit 1; }
rm -f "$work/again"
suite "$bad" "add_test(once sh -c \"test -e '$work/again' || { touch '$work/again'; false; }\")"
ends 1 '1 passed, 1 failed, 0 skipped' 'one that fails once beside one that fails twice'
