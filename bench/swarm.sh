#!/bin/sh
# bench swarm: a fleet that connects to the cloud at once, in rounds; the last round after the cloud was
# killed and started again.
set -eu
root=$1
count=${SWARM_COUNT:-5000}
rounds=${SWARM_ROUNDS:-3}
cmake --preset host -S "$root" >/dev/null
cmake --build "$root/build/host" --parallel 2 --target otter cloud_swarm >/dev/null
otter=$root/build/host/tool/otter
work=$(mktemp -d)
cloud=
finish() {
    [ -z "$cloud" ] || kill "$cloud" 2>/dev/null || true
    [ -z "$cloud" ] || wait "$cloud" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

start_cloud() {
    "$otter" cloud --dir "$work/cloud" --mqtt-port 0 --api-port 0 >>"$work/log" 2>&1 &
    cloud=$!
    until [ -e "$work/cloud/cloud.json" ]; do
        kill -0 "$cloud" || { cat "$work/log" >&2; exit 1; }
        sleep 0.05
    done
    port=$(sed -n 's/.*"mqtt_port": \([0-9]*\).*/\1/p' "$work/cloud/cloud.json")
}

swarm() { # swarm ROUNDS
    "$root/build/host/bench/cloud_swarm" "$port" "$work/crt" "$work/key" "$count" "$1" ||
        echo "   (not all came back)"
}

start_cloud
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=swarm \
    -keyout "$work/key" -out "$work/crt" 2>/dev/null
aws() {
    "$otter" aws --dir "$work/cloud" "$@"
}
principal=$(aws iot register-certificate-without-ca --status ACTIVE \
    --certificate-pem "file://$work/crt" --query certificateArn --output text)
aws iot create-policy --policy-name all --policy-document \
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}' >/dev/null
aws iot attach-policy --policy-name all --target "$principal"

printf '%s clients connect at once: TCP, TLS 1.3, CONNECT, SUBSCRIBE\n' "$count"
printf '%5s %8s %10s %10s %10s %10s %8s\n' round back 'half at s' 'all at s' 'each s' 'retries' lost
swarm "$rounds"
kill -KILL "$cloud"
wait "$cloud" 2>/dev/null || true
rm -f "$work/cloud/cloud.json"
start_cloud
echo "after kill -9 and a new start:"
swarm 1
echo "the cloud: $(awk '{ print ($14 + $15) / 100 }' "/proc/$cloud/stat") s of processor in the last round," \
    "$(awk '/VmHWM/ { print $2 }' "/proc/$cloud/status") KiB at most; load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "Clients and cloud share the processors; the clients do not verify the server."
