#!/bin/sh
# The ports of AWS are the cloud's while it can have them. In a network of its own, where nobody has them.
# usage: ports.sh OTTER
set -eu
if [ "${2:-}" != inside ]; then
    unshare -rn true 2>/dev/null || { echo "skipped: no network namespace can be made here (unshare -rn)"; exit 77; }
    command -v ip >/dev/null || { echo "skipped: ip is not installed"; exit 77; }
    exec unshare -rn sh "$0" "$1" inside
fi
ip link set lo up
. "$(dirname "$0")/lib.sh"
start() { # start NAME [OPTION]...: a cloud beside those that run
    dir=$work/$1
    shift
    start_cloud "$@"
    background="$background $cloud"
}
fact_of() { (dir=$work/$1 && fact "$2"); }

start first
for pair in mqtt_port=8883 wss_port=443 publish_port=8443; do
    [ "$(fact_of first "${pair%=*}")" = "${pair#*=}" ] || fail "$pair, but it is $(fact_of first "${pair%=*}")"
done
start second
for name in mqtt_port wss_port publish_port; do
    [ "$(fact_of second $name)" != "$(fact_of first $name)" ] || fail "two clouds have the same $name"
done
start slow --delay 10
case $(fact_of slow wss_port) in 443 | '') fail "a slow cloud" ;; esac
! "$otter" cloud --dir "$work/third" --wss-port 443 >"$work/third.log" 2>&1 || fail "a port that is taken was had"
grep -q "port 443 for MQTT over WebSockets" "$work/third.log" || fail "which port is taken is not said"
echo "8883, 443 and 8443, or free ones"
