# What these tests share: `otter cloud` in a folder of its own, and tools that people have. Sourced with the
# test's own arguments, of which OTTER is the first.
#
#   need PROGRAM…               skips the test where one is not installed
#   need_python MODULES         $python, which has them
#   start_cloud OPTION…         $cloud, in $dir; its log is $work/cloud.log, its port of MQTT $port
#   fact NAME                   out of its cloud.json
#   aws …                       the AWS CLI, aimed at it
#   wait_for TEXT FILE
#   fail WORD…
#
# What is named in $background is ended with the test, like the cloud.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
otter=$1
work=$(mktemp -d)
dir=$work/cloud
cloud=
background=

finish() {
    code=$?
    trap - EXIT
    for pid in $background $cloud; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    case $code in
    0 | 77) ;;
    *) echo "---- the cloud's log:" && cat "$work/cloud.log" ;;
    esac
    rm -rf "$work"
    exit $code
}
trap finish EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

need() {
    for program in "$@"; do
        command -v "$program" >/dev/null || { echo "skipped: $program is not installed"; exit 77; }
    done
}

# Debian's packages are for Debian's Python.
need_python() {
    for python in /usr/bin/python3 python3; do
        "$python" -c "import $1" 2>/dev/null && return
    done
    echo "skipped: no Python here has $1"
    exit 77
}

start_cloud() {
    "$otter" cloud --dir "$dir" --limit connect=0 "$@" >>"$work/cloud.log" 2>&1 &
    cloud=$!
    for _ in $(seq 600); do
        [ -e "$dir/cloud.json" ] && break
        kill -0 "$cloud" 2>/dev/null || break
        sleep 0.1
    done
    [ -e "$dir/cloud.json" ] || fail "the cloud does not come up"
    port=$(fact mqtt_port)
}

fact() {
    sed -n "s/.*\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\}.*/\1/p" "$dir/cloud.json"
}

aws() {
    "$otter" aws --dir "$dir" "$@"
}

wait_for() {
    for _ in $(seq 200); do
        grep -q -- "$1" "$2" 2>/dev/null && return
        sleep 0.1
    done
    fail "'$1' does not come up in $(basename "$2"): $(cat "$2")"
}
