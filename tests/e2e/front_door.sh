#!/bin/sh
# The script `otter` itself, over a project of one file: what it says of a build that fails, of a
# mistyped command, of somebody else's folder; a checkout that was moved; two runs at once.
set -eu
. "$(dirname "$0")/lib.sh"
need cmake ninja gcc

house=$work/house

# project LINE…: a checkout with these lines in its CMakeLists.txt and one program, `otter`.
project() {
    rm -rf "$house"
    mkdir -p "$house/tool"
    cp "$root/otter" "$house/otter"
    cat >"$house/CMakePresets.json" <<'END'
{"version": 6, "configurePresets": [
  {"name": "host", "generator": "Ninja", "binaryDir": "${sourceDir}/build/host"}]}
END
    {
        echo 'cmake_minimum_required(VERSION 3.25)'
        echo 'project(house C)'
        printf '%s\n' "$@"
    } >"$house/CMakeLists.txt"
    echo 'add_executable(otter main.c)' >"$house/tool/CMakeLists.txt"
    echo '#include <stdio.h>
          int main(void) { return puts("it runs") < 0; }' >"$house/tool/main.c"
}

# front CODE [word…]: runs the script there; what it prints lies in $work/said.
front() {
    want=$1
    shift
    code=0
    (cd "$house" && OTTER_NO_INSTALL=1 ./otter "$@") >"$work/said" 2>&1 </dev/null || code=$?
    [ "$code" -eq "$want" ] || {
        cat "$work/said"
        fail "./otter $*: exit code $code, not $want"
    }
}

says() {
    grep -qF -- "$1" "$work/said" || {
        cat "$work/said"
        fail "it did not say: $1"
    }
}

step 'the commands that it lists are those that there are'
(cd "$root" && ./otter --help) | awk '/^  [a-z]/ { print $1 }' | sort >"$work/listed"
{
    echo bench
    echo test
    "$otter" --help | awk '/^  [a-z]/ && $1 != "otter" { print $1 }'
} | sort >"$work/built"
diff "$work/listed" "$work/built" || fail 'the script and the program list different commands'

step 'a board that does not exist is answered without a build, with those that there are'
(cd "$root" && ./otter demo --board nonsense) >"$work/said" 2>&1 && fail 'it went on with a board that is none'
says "there is no board 'nonsense'; there are: b-u585i-iot02a, "

step 'a mistyped command is answered without a build'
project 'add_subdirectory(tool)'
front 2 sing
says "there is no command 'sing'"
[ ! -e "$house/build" ] || fail 'it has built something for a command that does not exist'

step 'what it builds runs, and runs again after the checkout was moved or copied'
front 0 inspect
says 'it runs'
mv "$house" "$work/moved"
house=$work/moved
front 0 inspect
says 'it runs'
cp -r "$house" "$work/copied"
house=$work/copied
front 0 inspect
says 'it runs'

step 'a build that fails says why: CMake'
house=$work/house
project 'message(FATAL_ERROR "the wheel has come off")'
front 1 inspect
says 'the wheel has come off'
says 'build/host.log'

step 'a build that fails says why: the compiler'
project 'add_subdirectory(tool)'
echo 'int main(void) { return wheel; }' >"$house/tool/main.c"
front 1 inspect
says 'wheel'

step 'a build that fails says why: words that no pattern knows'
project 'add_custom_target(odd ALL COMMAND sh -c "echo no wheel in sight && exit 3")'
front 1 inspect
says 'no wheel in sight'

step 'two runs at once take turns'
project 'add_subdirectory(tool)' \
    'add_custom_target(alone ALL COMMAND mkdir busy COMMAND sleep 0.2 COMMAND rmdir busy)'
(cd "$house" && OTTER_NO_INSTALL=1 ./otter inspect) >"$work/first" 2>&1 &
first=$!
background=$first
front 0 inspect
says 'it runs'
wait "$first" || fail "the first of the two failed: $(cat "$work/first")"
background=

step 'a build folder of somebody else is explained'
project 'add_subdirectory(tool)'
mkdir "$house/build"
if [ "$(id -u)" = 0 ]; then
    chmod -R a+rX "$work"
    chmod 711 "$work"
    as_other='setpriv --reuid 65534 --clear-groups'
    $as_other sh -c "cd '$house' && OTTER_NO_INSTALL=1 ./otter inspect" >"$work/said" 2>&1 &&
        fail 'a build into a folder of somebody else succeeded'
else
    chmod a-w "$house/build"
    front 1 inspect
fi
says 'cannot write to'
says 'which belongs to'
