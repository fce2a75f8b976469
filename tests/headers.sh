#!/bin/sh
# Each header of the device's rooms compiles alone, twice in one file, as C11 and as C++17, and
# declares with C linkage; so a product in either language includes what it needs and no more.
# Headers are found, not listed: a new one is covered from its first day.
#   headers.sh SOURCE_FOLDER
cd "$1" || exit 1
cxx=$(command -v clang++ || command -v g++) || { echo 'skipped: no C++ compiler here'; exit 77; }
flags='-fsyntax-only -I. -Wall -Wextra -Werror -pedantic -DOTTER_BOARD_HEADER="boards/mps2-an505/board.h"'
headers=$(find port codec boards image store pki net services cli console boot firmware \
    -name '*.h' 2>/dev/null | grep -v '^boards/.*/' | sort) # maps of boards: map.h includes one
[ "$(echo "$headers" | wc -l)" -ge 50 ] || { echo 'fewer than 50 headers: look at the rooms here'; exit 1; }

status=0
fail() { echo "$1"; status=1; }
for header in $headers; do
    text=$(printf '#include "%s"\n#include "%s"\nextern int not_empty;' "$header" "$header")
    # shellcheck disable=SC2086 # words on purpose
    echo "$text" | ${CC:-cc} -x c -std=c11 $flags - || fail "$header does not compile alone as C11"
    # shellcheck disable=SC2086
    echo "$text" | "$cxx" -x c++ -std=c++17 $flags - || fail "$header does not compile alone as C++17"
done

# Each function that gcc sees declared in C is declared once more for C++, with C linkage: whoever
# lacks it conflicts. Nobody includes both the bootloader and the application.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for other in boot firmware; do
    echo "$headers" | grep -v "^$other/" | sed 's/.*/#include "&"/' >"$work/all.c"
    # shellcheck disable=SC2086
    gcc -std=c11 $flags -aux-info "$work/functions" "$work/all.c" || fail "the headers do not compile together"
    {
        cat "$work/all.c"
        echo 'extern "C" {'
        grep -E '^/\* [a-z_./-]+\.h:' "$work/functions" | grep -vE '^/\* /|\*/ static '
        echo '}'
    } >"$work/all.cc"
    [ "$(grep -c ');$' "$work/all.cc")" -ge 400 ] || fail "fewer than 400 functions were found"
    # shellcheck disable=SC2086
    "$cxx" -std=c++17 $flags -D_Bool=bool "$work/all.cc" ||
        fail 'a function above lacks extern "C": a C++ program could not link it'
done
exit $status
