#!/bin/sh
# A device that comes with a claim certificate becomes itself at its first connection, by a provisioning
# template; and gets another certificate by a job, while the old one stays until the new one has connected.
#   fleet.sh posix|mps2-an505
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pty.sh"
need python3 mosquitto openssl

cd "$work"
start_cloud
step "what a fleet's owner makes once: policies, template, claim certificate"
. "$root/tests/e2e/fleet_owner.sh"

step "a device as it comes from the factory, with its claim and a serial number"
pty_device "$1"
expect device "not provisioned"
paste_to_pty() { # paste_to_pty COMMAND FILE
    pty_type "$1"
    while IFS= read -r text; do
        pty_type "$text"
    done <"$2"
    expect device "SUCCESS"
}
openssl ec -in claim.key -out claim-ec.key 2>/dev/null
paste_to_pty "pki import cert fleetprov_claim_cert" claim.crt
paste_to_pty "pki import key fleetprov_claim_key" claim-ec.key
paste_to_pty "pki import cert root_ca_cert" "$(pty_root_ca)"
for setting in "mqtt_endpoint localhost" "mqtt_port $(fact mqtt_port)" "fleet_template lamps" "fleet_serial 0042" \
    "fleet_cbor $([ "$1" = posix ] && echo 0 || echo 1)"; do
    pty_type "conf set $setting"
    expect device "${setting%% *}="
done
pty_type "conf commit"
expect device "Configuration saved"
pty_type reset
expect device "provisioning by claim: template lamps, serial number 0042"
expect device "provisioned as lamp-0042"
expect device "on line as lamp-0042, version 1.0.0"
first=$(ask 'principals[0]' iot list-thing-principals --thing-name lamp-0042)
[ "$(ask attributes.made iot describe-thing --thing-name lamp-0042)" = here ] || fail "the thing has no attributes"
[ "$(ask certificateDescription.status iot describe-certificate --certificate-id "${first##*/}")" = ACTIVE ] ||
    fail "its certificate is not ACTIVE"

step "another certificate by a job"
aws iot create-job --job-id rotate --targets "$(arn thing/lamp-0042)" \
    --document '{"operation":"rotate-certificate"}' >/dev/null
expect device "trying the new certificate"
expect device "the new certificate has taken the place of the old one"
wait_until "the job has succeeded" sh -c '[ "$0" != x ]' "$(
    for _ in $(seq 40); do
        [ "$(job_status rotate lamp-0042)" = SUCCEEDED ] && echo yes && break
        sleep 0.2
    done | grep yes || echo x)"
[ "$(job_status rotate lamp-0042)" = SUCCEEDED ] || fail "the job is $(job_status rotate lamp-0042)"

step "the old certificate may go: the device comes back with the new one"
[ "$(ask 'length(principals)' iot list-thing-principals --thing-name lamp-0042)" = 2 ] || fail "there are not two certificates"
aws iot update-certificate --certificate-id "${first##*/}" --new-status REVOKED
pty_type reset
expect device "on line as lamp-0042, version 1.0.0"
if [ "$1" != posix ]; then
    echo "passed"
    exit 0
fi

step "several jobs at once while its services are at work: a certificate, an update, settings, one more certificate"
make_certificate signer
openssl pkey -in signer.key -pubout -out signer.pub
paste_to_pty "pki import key ota_signer_pub" signer.pub
for setting in "defender_period_s 1" "telemetry_period_s 1" "telemetry_topic data/lamp"; do
    pty_type "conf set $setting"
    expect device "${setting%% *}="
done
pty_type "conf commit"
expect device "Configuration saved"
make_release 1.0.1
pty_type reset
expect device "on line as lamp-0042, version 1.0.0"
expect device "accepted (defender"
rotate() { # rotate JOB
    aws iot create-job --job-id "$1" --targets "$(arn thing/lamp-0042)" --document '{"operation":"rotate-certificate"}' >/dev/null
}
rotate second
create_update 1.0.1 lamp-0042
aws iot create-job --job-id settings --targets "$(arn thing/lamp-0042)" \
    --document '{"operation":"configure","settings":{"telemetry_period_s":2,"defender_period_s":2}}' >/dev/null
rotate third
expect device "job second is done: connected with the new certificate"
expect device "on line as lamp-0042, version 1.0.1"
expect device "job AFR_OTA-update-1-0-1 is done: accepted v1.0.1"
expect device "job settings is done: 2 settings changed"
expect device "job third is done: connected with the new certificate"
expect device "accepted (defender"
all_succeeded() {
    for job in second AFR_OTA-update-1-0-1 settings third; do
        [ "$(job_status $job lamp-0042)" = SUCCEEDED ] || return 1
    done
}
wait_until "the cloud has all of them as SUCCEEDED" all_succeeded
pty_type stat
expect device ", every 2 s"
echo "passed"
