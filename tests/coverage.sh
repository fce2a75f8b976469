#!/bin/sh
# Line coverage of boot/ and image/ by their unit tests and simulations, from gcc and gcov.
#
#   coverage.sh [--lines]      --lines: also every line that no test runs
#
# Exit status 1 if a test fails, or less than OTTER_COVERAGE_MIN percent (95) of all lines are run.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/bench/lib.sh"
least=${OTTER_COVERAGE_MIN:-95}
# Folders of tests that run the two rooms; the power cuts in their daily share.
folders='unit/boot unit/image unit/recovery sim/boot'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

build_with_counters() {
    targets=
    for folder in $folders; do
        [ ! -f "$root/tests/$folder/CMakeLists.txt" ] || targets="$targets tests/$folder/all"
    done
    # shellcheck disable=SC2086 # targets are words
    build_tests coverage -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_C_FLAGS=--coverage" \
        -DCMAKE_C_FLAGS_DEBUG=-Og -- $targets
    find "$build" -name '*.gcda' -delete
}

# CMake keeps the tests of a folder in that folder of the build.
run_tests() {
    for folder in $folders; do
        [ -d "$build/tests/$folder" ] || continue
        ctest --test-dir "$build/tests/$folder" --parallel 2 --output-on-failure \
            >>"$work/tests" 2>&1 || {
            tail -n 40 "$work/tests" >&2
            echo "coverage: a test failed, so the figures would say nothing" >&2
            exit 1
        }
    done
    grep -c ' Passed ' "$work/tests"
}

# "FILE LINE COUNT" for each line that has code. A file may be compiled into several libraries.
read_counters() {
    find "$build/boot" "$build/image" -name '*.gcno' >"$work/notes"
    while read -r note; do
        (cd "$work" && gcov --stdout "$note" 2>/dev/null)
    done <"$work/notes" | awk -v root="$root/" '
        { where = index($0, ":"); count = substr($0, 1, where - 1); rest = substr($0, where + 1)
          where = index(rest, ":"); line = substr(rest, 1, where - 1) + 0
          gsub(/[ *]/, "", count) }
        line == 0 {
            if (match(rest, /Source:/)) {
                file = substr(rest, RSTART + 7)
                if (index(file, root) == 1) file = substr(file, length(root) + 1)
            }
            next
        }
        count == "-" || file !~ /^(boot|image)\// { next }
        { print file, line, count ~ /^[#=]/ ? 0 : 1 }' |
        sort -u -k1,1 -k2,2n -k3,3nr | awk '!seen[$1, $2]++'
}

table() {
    printf 'Lines of boot/ and image/ that unit tests and simulations run (gcov; %s tests)\n' "$1"
    printf '   %-28s %7s %7s %8s\n' file lines run ''
    awk '
        { lines[$1]++; run[$1] += $3 }
        END { for (f in lines) printf "%s %d %d\n", f, lines[f], run[f] }' "$work/lines" | sort |
        awk -v least="$least" '
        { printf "   %-28s %7d %7d %7.1f%%\n", $1, $2, $3, 100 * $3 / $2; lines += $2; run += $3 }
        END { printf "   %-28s %7d %7d %7.1f%%   at least %s%%\n", "all", lines, run,
                  100 * run / lines, least
              exit 100 * run < least * lines }'
}

untested() {
    printf '\nLines that no test runs\n'
    awk '$3 == 0' "$work/lines" | while read -r file line _; do
        printf '   %-28s %s\n' "$file:$line" "$(sed -n "${line}s/^ *//p" "$root/$file")"
    done
}

build_with_counters
tests=$(run_tests)
read_counters >"$work/lines"
enough=0
table "$tests" || enough=1
[ "${1:-}" != --lines ] || untested
exit "$enough"
