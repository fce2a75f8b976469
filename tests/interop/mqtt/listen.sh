#!/bin/sh
# `otter cloud` beyond loopback: HTTPS for the APIs, the names that were given in the certificate and
# in what is announced. Loopback addresses other than 127.0.0.1 stand in where none else is there.
otter=$1
for tool in openssl curl; do
    command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
own=$(ip -4 -o addr show scope global up 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }')
[ -n "$own" ] || { echo "skipped: this machine has no address but loopback"; exit 77; }

work=$(mktemp -d)
pid=
stop() { [ -z "$pid" ] || { kill "$pid" && wait "$pid"; }; pid=; }
trap 'stop; rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; cat "$work/log" >&2; exit 1; }

# start OPTION…: waits for cloud.json.
start() {
    "$otter" cloud --dir "$work/cloud" --mqtt-port 0 --api-port 0 "$@" >"$work/log" 2>&1 &
    pid=$!
    for _ in $(seq 600); do
        [ -e "$work/cloud/cloud.json" ] && return
        kill -0 "$pid" 2>/dev/null || fail "the cloud did not start with $*"
        sleep 0.1
    done
    fail "not ready with $*"
}
fact() { sed -n "s/^ *\"$1\": \"*\([^\",]*\)\"*,*\$/\1/p" "$work/cloud/cloud.json"; }
# What an unsigned request is told over the announced URL, the certificate checked.
ask() { curl -s --cacert "$work/cloud/root_ca.pem" "$@" "$(fact api_url)/things"; }
named() {
    openssl s_client -connect "$1" -CAfile "$work/cloud/root_ca.pem" </dev/null 2>/dev/null |
        openssl x509 -noout -ext subjectAltName
}

start
[ "$(fact mqtt_host)" = localhost ] || fail "announced $(fact mqtt_host)"
case $(fact api_url) in http://127.0.0.1:*) ;; *) fail "announced $(fact api_url)" ;; esac
ask | grep -q Missing || fail "no answer on loopback"
stop

# MQTT for the network, the APIs for this machine alone.
start --mqtt-listen "$own"
[ "$(fact mqtt_host)" = "$own" ] || fail "announced $(fact mqtt_host)"
case $(fact api_url) in http://127.0.0.1:*) ;; *) fail "announced $(fact api_url)" ;; esac
named "$own:$(fact mqtt_port)" | grep -q "$own" || fail "the address is not in the certificate"
stop

# Both for the network: HTTPS, never plain.
start --listen 0.0.0.0
case $(fact api_url) in "https://$own:"*) ;; *) fail "announced $(fact api_url)" ;; esac
ask | grep -q Missing || fail "no answer over HTTPS"
port=$(fact api_url | sed 's/.*://')
! curl -s "http://$own:$port/things" | grep -q Missing || fail "plain HTTP is answered"
if command -v aws >/dev/null; then
    "$otter" aws --dir "$work/cloud" iot list-things | grep -q things || fail "no CLI over HTTPS"
fi
stop

# Names.
start --listen 0.0.0.0 --host cloud.example --host 203.0.113.7
[ "$(fact mqtt_host)" = cloud.example ] || fail "announced $(fact mqtt_host)"
case $(fact api_url) in https://cloud.example:*) ;; *) fail "announced $(fact api_url)" ;; esac
port=$(fact api_url | sed 's/.*://')
ask --resolve "cloud.example:$port:127.0.0.1" | grep -q Missing || fail "the name is not accepted"
names=$(named "127.0.0.1:$(fact mqtt_port)")
for name in cloud.example 203.0.113.7 "$own"; do
    case $names in *"$name"*) ;; *) fail "$name is not in the certificate: $names" ;; esac
done
grep -q "MQTT (TLS)   cloud.example:" "$work/log" || fail "the ready lines do not name it"
stop

for bad in '' 'a b' '*.x'; do
    ! "$otter" cloud --dir "$work/cloud" --host "$bad" >/dev/null 2>"$work/log" || fail "--host '$bad'"
    grep -q "needs a name" "$work/log" || fail "no reason for --host '$bad'"
done
