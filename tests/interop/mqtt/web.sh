#!/bin/sh
# MQTT over WebSockets, ALPN and messages by HTTPS, with the tools people have.
# usage: web.sh OTTER
. "$(dirname "$0")/lib.sh"

need mosquitto_pub openssl aws curl
need_python 'paho.mqtt.client, botocore'
start_cloud
arn=$(aws iot create-keys-and-certificate --set-as-active --certificate-pem-outfile "$work/d.pem" \
    --private-key-outfile "$work/d.key" --query certificateArn --output text)
aws iot create-policy --policy-name all --policy-document \
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}' >/dev/null
aws iot attach-policy --policy-name all --target "$arn"
aws iam create-user --user-name dashboard >/dev/null
aws iam put-user-policy --user-name dashboard --policy-name see --policy-document \
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iot:Connect","iot:Subscribe","iot:Receive"],"Resource":"*"}]}'
aws iam create-access-key --user-name dashboard --output json >"$work/key.json"
wss=$(fact wss_port)
tls="--cafile $dir/root_ca.pem --cert $work/d.pem --key $work/d.key"

echo "-- ALPN on the port of WebSockets: mutual TLS by x-amzn-mqtt-ca, nobody without a certificate"
alpn() { # alpn PROTOCOL [ARGUMENT]...
    protocol=$1
    shift
    openssl s_client -connect "localhost:$wss" -servername localhost -CAfile "$dir/root_ca.pem" \
        -alpn "$protocol" "$@" </dev/null 2>&1 || true
}
alpn x-amzn-mqtt-ca -cert "$work/d.pem" -key "$work/d.key" | grep -q 'ALPN protocol: x-amzn-mqtt-ca' ||
    fail "x-amzn-mqtt-ca is not taken"
alpn x-amzn-mqtt-ca -tls1_2 | grep -qi 'alert' || fail "x-amzn-mqtt-ca needs no certificate"
alpn http/1.1 | grep -q 'ALPN protocol: http/1.1' || fail "http/1.1 is not taken"
alpn http/1.1 | grep -q 'Acceptable client certificate CA names' && fail "a browser is asked for a certificate"
mosquitto_pub -h localhost -p "$wss" $tls --tls-alpn x-amzn-mqtt-ca -i alpn-1 -t a/b -m x -q 1 ||
    fail "mosquitto_pub --tls-alpn x-amzn-mqtt-ca"

echo "-- WebSockets: paho, by hand, rights of users"
"$python" "$(dirname "$0")/web.py" "$dir" "$work/key.json"

echo "-- messages by HTTPS"
post() { # post PATH [CURL ARGUMENT]...
    path=$1
    shift
    curl -s --noproxy '*' --cacert "$dir/root_ca.pem" --cert "$work/d.pem" --key "$work/d.key" \
        -d hello "$@" "https://localhost:$(fact publish_port)$path"
}
post '/topics/by/https?qos=1' | grep -q '"message":"OK"' || fail "a message by HTTPS"
post '/topics/by%2Fhttps?qos=1&retain=true' | grep -q '"message":"OK"' || fail "a retained one"
aws iot-data get-retained-message --topic by/https --query payload --output text | grep -q aGVsbG8= ||
    fail "the message by HTTPS was not published"
post '/things/x/shadow' -o /dev/null -w '%{http_code}' | grep -q 404 || fail "another path"
aws iot detach-policy --policy-name all --target "$arn"
post '/topics/by/https' -o /dev/null -w '%{http_code}' | grep -q 403 || fail "without rights"
curl -s --noproxy '*' --cacert "$dir/root_ca.pem" -d x "https://localhost:$(fact publish_port)/topics/a" &&
    fail "without a certificate"
echo "ok"
