#!/bin/sh
# mosquitto_pub and mosquitto_sub in MQTT 5 and 3.1.1 before a Mosquitto broker, each packet decoded and encoded
# again on its way: what they say in every packet that takes properties must go through unchanged.
# usage: versions.sh MQTT_REWRITER
set -eu

rewriter=$1
for program in mosquitto mosquitto_pub mosquitto_sub; do
    command -v $program >/dev/null || { echo "skipped: $program is not installed"; exit 77; }
done
work=$(mktemp -d)
started=
finish() {
    code=$?
    trap - EXIT
    for pid in $started; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    [ $code = 0 ] || cat "$work"/*.log
    rm -rf "$work"
    exit $code
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

wait_for() { # wait_for TEXT FILE
    for _ in $(seq 200); do
        grep -q -- "$1" "$2" 2>/dev/null && return 0
        sleep 0.05
    done
    fail "'$1' does not come up in $2"
}

# A free port for the broker: it cannot choose one itself.
for port in $(seq 20000 61 60000); do
    printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >"$work/broker.conf"
    mosquitto -v -c "$work/broker.conf" >"$work/broker.log" 2>&1 &
    broker=$!
    for _ in $(seq 100); do
        grep -q 'running' "$work/broker.log" && break
        kill -0 "$broker" 2>/dev/null || break
        sleep 0.05
    done
    kill -0 "$broker" 2>/dev/null && grep -q 'running' "$work/broker.log" && break
    wait "$broker" || true
done
started=$broker
"$rewriter" "$port" "$work/port" >"$work/counts" 2>"$work/rewriter.log" &
middle=$!
started="$started $middle"
wait_for . "$work/port"
to="-h 127.0.0.1 -p $(cat "$work/port")"

# shellcheck disable=SC2086,SC2016 # options are words; $share is a word of MQTT
listen_5() {
    mosquitto_sub $to -V 5 -i listener -c -x 60 -q 2 -t 'a/#' -t '$share/group/b/+' -U a/b -C 4 \
        --retain-as-published --will-topic w/t --will-payload gone --will-qos 1 \
        -D CONNECT receive-maximum 20 -D CONNECT user-property k v -D CONNECT request-problem-information 1 \
        -D WILL will-delay-interval 5 -D WILL content-type text/plain -D WILL user-property x y \
        -D SUBSCRIBE subscription-identifier 7 -D SUBSCRIBE user-property s t -D UNSUBSCRIBE user-property u w \
        -D DISCONNECT session-expiry-interval 3 -F '%t|%p|%C|%R|%D|%S|%P' >"$work/5.out" 2>"$work/5.log" &
    listener=$!
    started="$started $listener"
    wait_for "Sending UNSUBACK to listener" "$work/broker.log"
}

# shellcheck disable=SC2086
say() { # say VERSION ARGUMENTS...
    version=$1
    shift
    timeout 10 mosquitto_pub $to -V "$version" "$@"
}

listen_5
head -c 100000 /dev/zero | tr '\0' z >"$work/large"
say 5 -i one -q 1 -t a/x -m hello -u me -P secret -D CONNECT session-expiry-interval 10 \
    -D CONNECT maximum-packet-size 65000 -D PUBLISH content-type text/plain -D PUBLISH response-topic r/t \
    -D PUBLISH correlation-data c0 -D PUBLISH message-expiry-interval 99 -D PUBLISH payload-format-indicator 1 \
    -D PUBLISH user-property n 1 -D PUBLISH user-property n 2 -D PUBLISH topic-alias 3
say 5 -i two -q 2 -t b/x -m shared
say 5 -q 1 -t nobody/listens -m none
say 5 -q 0 -t a/large -f "$work/large"
say 5 -q 0 -t a/kept -m kept -r
wait "$listener" || fail "mosquitto_sub -V 5 ended with $?"
grep -qx 'a/x|hello|text/plain|r/t|c0|7|n:1 n:2' "$work/5.out" || fail "$(cat "$work/5.out" "$work/5.log")"
grep -q '^b/x|shared|' "$work/5.out" || fail "the shared subscription brought nothing"
[ "$(grep '^a/large' "$work/5.out" | wc -c)" -gt 100000 ] || fail "the large message is cut"

# shellcheck disable=SC2086
mosquitto_sub $to -V 311 -i old -q 1 -t a/kept -C 1 >"$work/4.out" 2>"$work/4.log" || fail "3.1.1 ended with $?"
grep -qx kept "$work/4.out" || fail "3.1.1 got $(cat "$work/4.out")"

kill -TERM "$middle"
wait "$middle" || fail "the rewriter ended with $?"
for packet in CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK DISCONNECT; do
    grep -q "^5 $packet " "$work/counts" || fail "no $packet of MQTT 5 went through: $(cat "$work/counts")"
done
grep -q '^4 PUBLISH ' "$work/counts" || fail "no PUBLISH of 3.1.1 went through"
echo "ok: $(awk '{ n += $3 } END { print n }' "$work/counts") packets"
