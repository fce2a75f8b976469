#!/bin/sh
# The rooms of the cloud keep to what their CMakeLists.txt says, and the build lists all tests.
#
#   rooms.sh ROOT [PLACE]    PLACE: another tree to look at in place of ROOT (rooms_test.sh)
#
# Each room names in USES the rooms whose headers it includes, and no other; rooms come in the order
# of their floors, so that what they use lies below them. A header NAME_internal.h is included in
# its own folder only. The core has no event loop, thread, clock, packet or topic.
set -eu
root=${2:-$1}
cd "$root"
failed=0
fail() {
    echo "rooms: $1" >&2
    failed=1
}

# The folders of the rooms, lowest floor first.
folders=$(sed -n 's/^otter_add_rooms(\(.*\))$/\1/p' cloud/CMakeLists.txt)
core=$(sed -n 's/^otter_add_rooms(\(.*\))$/\1/p' cloud/core/CMakeLists.txt)
rooms=
for folder in $folders; do
    if [ "$folder" = core ]; then
        for part in $core; do rooms="$rooms cloud/core/$part"; done
    fi
    rooms="$rooms cloud/$folder"
done

name_of() { sed -n 's/^otter_room(\([a-z_]*\).*/room_\1/p' "$1/CMakeLists.txt"; }
uses_of() { sed -n '/^otter_room(/,$p' "$1/CMakeLists.txt" | grep -o '[ (]room_[a-z_]*' | tr -d ' ('; }

below="room_port room_codec"
for room in $rooms; do
    name=$(name_of "$room")
    [ -n "$name" ] || fail "$room/CMakeLists.txt makes no room"
    uses=$(uses_of "$room" || true)
    for used in $uses; do
        case " $below " in
        *" $used "*) ;;
        *) fail "$room uses $used, which does not lie below it" ;;
        esac
    done
    includes=$(sed -n 's/^#include "\(.*\)\/[^/]*"$/\1/p' "$room"/*.[ch] | sort -u)
    for folder in $includes; do
        [ "$folder" != "$room" ] || continue
        case $folder in
        cloud/*) wanted=$(name_of "$folder") ;;
        *) wanted=room_$folder ;;
        esac
        case " $(echo $uses) " in
        *" $wanted "*) ;;
        *) fail "$room includes headers of $folder, but does not name $wanted in its CMakeLists.txt" ;;
        esac
    done
    below="$below $name"
done

grep -rn '^#include ".*_internal\.h"' cloud | while IFS= read -r line; do
    file=${line%%:*}
    header=$(echo "$line" | sed 's/.*"\(.*\)".*/\1/')
    [ "$(dirname "$file")" = "$(dirname "$header")" ] || echo "$file includes $header"
done >"${TMPDIR:-/tmp}/rooms.$$"
while IFS= read -r line; do fail "$line, which belongs to another folder"; done <"${TMPDIR:-/tmp}/rooms.$$"
rm -f "${TMPDIR:-/tmp}/rooms.$$"

if grep -rnE '#include (<event2/|<pthread|"cloud/(loop|broker|gateway|api|reserved)/|"codec/mqtt)|"\$aws/' \
    cloud/core --include='*.[ch]' >&2; then
    fail "the core must know no loop, thread, broker, packet or topic: see the lines above"
fi
# Its time is cloud_now_ms: the system's is asked for there alone.
if grep -rnE '\b(clock_gettime|gettimeofday|time\(NULL|X509_gmtime_adj|X509_cmp_current_time)|(adj|adj_ex)\(.*NULL\)' \
    cloud/core --include='*.[ch]' | grep -v '^cloud/core/ground/cloud.c:[0-9]*:    clock_gettime(CLOCK_REALTIME' >&2; then
    fail "the core must ask cloud_now for the time: see the lines above"
fi

for list in tests/unit/*/CMakeLists.txt tests/sim/*/CMakeLists.txt tests/interop/*/CMakeLists.txt; do
    folder=${list#tests/}
    folder=${folder%/CMakeLists.txt}
    grep -qw "$folder" tests/CMakeLists.txt || fail "tests/CMakeLists.txt does not list $folder"
done
for target in tests/fuzz/fuzz_*.cmake; do
    name=${target#tests/fuzz/fuzz_}
    sed -n '/foreach(name/,/)/p' tests/CMakeLists.txt | grep -qw "${name%.cmake}" ||
        fail "tests/CMakeLists.txt does not list the fuzz target ${name%.cmake}"
done
exit $failed
