#!/bin/sh
# rooms.sh finds each kind of disorder: six are made in a copy of the tree, one at a time.
#   rooms_test.sh ROOT
set -eu
root=$(cd "$1" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' INT TERM HUP

fresh() {
    rm -rf "$copy/cloud" "$copy/tests"
    mkdir -p "$copy/tests"
    cp -R "$root/cloud" "$copy/cloud"
    (cd "$root" && tar cf - tests/CMakeLists.txt tests/*/*/CMakeLists.txt tests/fuzz/*.cmake) | tar xf - -C "$copy"
}
refused() { # refused WHAT WORDS
    if "$root/tests/rooms.sh" "$root" "$copy" 2>"$copy/said"; then
        echo "$1 is not noticed"
        exit 1
    fi
    grep -q "$2" "$copy/said" || { echo "$1 is noticed, but called:"; cat "$copy/said"; exit 1; }
}

fresh
"$root/tests/rooms.sh" "$root" "$copy"

sed -i '1i #include "cloud/gateway/client.h"' "$copy/cloud/core/jobs/jobs_device.c"
refused "an include of a room above" "cloud/core/jobs includes headers of cloud/gateway"

fresh
sed -i 's/room_cloud_registry /&room_cloud_ota /' "$copy/cloud/core/jobs/CMakeLists.txt"
refused "a room that uses one above" "cloud/core/jobs uses room_cloud_ota, which does not lie below"

fresh
sed -i '1i #include "cloud/store/db_internal.h"' "$copy/cloud/core/jobs/jobs_device.c"
refused "an internal header abroad" "db_internal.h, which belongs to another folder"

fresh
echo '#define TOPIC "$aws/things/"' >>"$copy/cloud/core/jobs/jobs_device.c"
refused "a topic in the core" "core must know no loop"

fresh
echo 'static long now(void) { return time(NULL); }' >>"$copy/cloud/core/jobs/jobs_device.c"
refused "a clock in the core" "core must ask cloud_now"

fresh
mkdir "$copy/tests/unit/forgotten"
touch "$copy/tests/unit/forgotten/CMakeLists.txt"
refused "a folder of tests that is not listed" "does not list unit/forgotten"
