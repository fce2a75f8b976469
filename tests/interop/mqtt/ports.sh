#!/bin/sh
# The ports of AWS are the cloud's while it can have them. In a network of its own, where nobody has them.
# usage: ports.sh OTTER
set -eu
if [ "${2:-}" != inside ]; then
    unshare -rn true 2>/dev/null || { echo "skipped: no network namespace can be made here (unshare -rn)"; exit 77; }
    command -v ip >/dev/null || { echo "skipped: ip is not installed"; exit 77; }
    exec unshare -rn sh "$0" "$1" inside
fi
otter=$1
ip link set lo up
work=$(mktemp -d)
pids=
finish() {
    code=$?
    trap - EXIT
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    [ $code = 0 ] || cat "$work"/*.log
    rm -rf "$work"
    exit $code
}
trap finish EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
start() { # start NAME [OPTION]...
    name=$1
    shift
    "$otter" cloud --dir "$work/$name" "$@" >"$work/$name.log" 2>&1 &
    pids="$pids $!"
    for _ in $(seq 600); do
        [ -e "$work/$name/cloud.json" ] && return
        kill -0 $! 2>/dev/null || fail "$name did not start"
        sleep 0.1
    done
    fail "$name is not ready"
}
fact() { sed -n "s/^ *\"$2\": \([0-9]*\),*\$/\1/p" "$work/$1/cloud.json"; }

start first
for pair in mqtt_port=8883 wss_port=443 publish_port=8443; do
    [ "$(fact first "${pair%=*}")" = "${pair#*=}" ] || fail "$pair, but it is $(fact first "${pair%=*}")"
done
start second
for name in mqtt_port wss_port publish_port; do
    [ "$(fact second $name)" != "$(fact first $name)" ] || fail "two clouds have the same $name"
done
start slow --delay 10
case $(fact slow wss_port) in 443 | '') fail "a slow cloud" ;; esac
! "$otter" cloud --dir "$work/third" --wss-port 443 >"$work/third.log" 2>&1 || fail "a port that is taken was had"
grep -q "port 443 for MQTT over WebSockets" "$work/third.log" || fail "which port is taken is not said"
echo "8883, 443 and 8443, or free ones"
