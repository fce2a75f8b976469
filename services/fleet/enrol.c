/* The exchange: certificate, registration, and what happens when it goes wrong; see enrol.h. */
#include "services/fleet/enrol.h"

#include <stdio.h>
#include <string.h>

#include "codec/document.h"
#include "port/log.h"

#define PREFIX      "$aws/"
#define REQUEST     "certificates/create-from-csr/"
#define CSR_SIZE    512u /* of a P-256 key under a name of FLEET_SERIAL_MAX: 420 */
#define REST_MS     10000u
#define RESTS_MAX   6u /* doublings: 640 s */
#define REASON_SIZE 128u

static const char *format_of(const struct enrol *enrol)
{
    return enrol->config.cbor ? "cbor" : "json";
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void fail(struct enrol *enrol, otter_ms now, const char *reason)
{
    const unsigned rests = enrol->failures < RESTS_MAX ? enrol->failures : RESTS_MAX;
    LOG_ERR("FLEET", "%s; again in %lu s", reason, (unsigned long)((REST_MS << rests) / 1000u));
    enrol->wake = now + (REST_MS << rests);
    enrol->state = ENROL_RESTING;
    if (enrol->failures < UINT8_MAX)
        enrol->failures++;
    if (enrol->config.on_failure != NULL)
        enrol->config.on_failure(enrol->config.ctx, now, reason);
}

static void fail_by(struct enrol *enrol, otter_ms now, const char *what, otter_status status)
{
    char reason[REASON_SIZE];
    snprintf(reason, sizeof reason, "%s: %s", what, otter_status_text(status));
    fail(enrol, now, reason);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void on_result(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status)
{
    struct enrol *enrol = ctx;
    (void)ticket;
    if (status != OTTER_OK &&
        (enrol->state == ENROL_CERTIFICATE || enrol->state == ENROL_REGISTERING))
        fail_by(enrol, now, "the request was not taken", status);
}

/* A reply may come before the PUBACK of its request. OTTER_E_AGAIN: a little later. */
static otter_status free_ticket(struct enrol *enrol)
{
    if (!mqtt_ticket_held(&enrol->ticket))
        return OTTER_OK;
    return mqtt_withdraw(enrol->config.mqtt, &enrol->ticket);
}

static void send(struct enrol *enrol, otter_ms now, int length, enum enrol_state next)
{
    enrol->ticket.topic = enrol->topic;
    enrol->ticket.payload = enrol->payload;
    enrol->ticket.length = (size_t)length;
    enrol->ticket.on_result = on_result;
    const otter_status status =
        length < 0 ? (otter_status)length
                   : mqtt_send(enrol->config.mqtt, now, &enrol->service, &enrol->ticket);
    if (status != OTTER_OK) {
        fail_by(enrol, now, "the request cannot be sent", status);
        return;
    }
    enrol->state = next;
    enrol->wake = now + enrol->config.reply_timeout_ms;
}

static otter_status need_key(struct enrol *enrol)
{
    uint32_t length;
    const otter_status status = pki_length(enrol->config.pki, enrol->config.key_label, &length);
    return status == OTTER_E_NOT_FOUND
               ? pki_generate_key(enrol->config.pki, enrol->config.key_label)
               : status;
}

static void ask(struct enrol *enrol, otter_ms now)
{
    char csr[CSR_SIZE];
    if (free_ticket(enrol) == OTTER_E_AGAIN)
        return;
    otter_status status = need_key(enrol);
    if (status == OTTER_OK)
        status = pki_generate_csr(enrol->config.pki, enrol->config.key_label, enrol->config.serial,
                                  csr, sizeof csr);
    if (status != OTTER_OK) {
        fail_by(enrol, now, enrol->config.key_label, status);
        return;
    }
    snprintf(enrol->topic, sizeof enrol->topic, REQUEST "%s", format_of(enrol));
    LOG_INF("FLEET", "asking for a certificate for %s", enrol->config.key_label);
    send(enrol, now,
         enrol_write_request(enrol->config.cbor, csr, enrol->payload, sizeof enrol->payload),
         ENROL_CERTIFICATE);
}

static void put_registration_topic(const struct enrol *enrol, char topic[ENROL_TOPIC_SIZE],
                                   const char *rest)
{
    snprintf(topic, ENROL_TOPIC_SIZE, "provisioning-templates/%s/provision/%s%s",
             enrol->config.template_name, format_of(enrol), rest);
}

/* ---- Replies --------------------------------------------------------------------------------- */

static void take_certificate(struct enrol *enrol, otter_ms now, const struct document *reply)
{
    char token[ENROL_TOKEN_MAX + 1];
    const char *pem;
    size_t length;
    otter_status status = document_text(reply, "certificateOwnershipToken", token, sizeof token);
    if (status == OTTER_OK)
        status = document_raw_text(reply, "certificatePem", &pem, &length);
    if (status == OTTER_OK)
        status = pki_import(enrol->config.pki, PKI_NEXT_CERT, PKI_CERTIFICATE, pem, length);
    if (status == OTTER_OK)
        status = free_ticket(enrol);
    if (status != OTTER_OK) {
        fail_by(enrol, now, "the new certificate", status);
        return;
    }
    put_registration_topic(enrol, enrol->topic, "");
    send(enrol, now,
         enrol_write_registration(enrol->config.cbor, token, enrol->config.serial, enrol->payload,
                                  sizeof enrol->payload),
         ENROL_REGISTERING);
}

static void take_thing(struct enrol *enrol, otter_ms now, const struct document *reply)
{
    char name[ENROL_THING_MAX + 1];
    otter_status status = document_text(reply, "thingName", name, sizeof name);
    if (status == OTTER_OK || status == OTTER_E_NOT_FOUND) {
        (void)free_ticket(enrol);
        enrol->state = ENROL_DONE;
        status = enrol->config.on_done(enrol->config.ctx, now, name);
    }
    if (status == OTTER_OK)
        return;
    enrol->failures = RESTS_MAX; /* each try leaves a certificate that is registered */
    fail_by(enrol, now, "the thing that the template gives", status);
}

static void take_refusal(struct enrol *enrol, otter_ms now, const struct document *reply)
{
    char code[48], message[REASON_SIZE], reason[REASON_SIZE + 16];
    (void)document_text(reply, "errorCode", code, sizeof code);
    if (document_text(reply, "errorMessage", message, sizeof message) == OTTER_E_TOO_LONG)
        message[0] = '\0';
    snprintf(reason, sizeof reason, "refused: %s%s%.80s", code, message[0] != '\0' ? ", " : "",
             message);
    fail(enrol, now, reason);
}

/* The present request's topic and one level more. */
static bool is_reply(const struct enrol *enrol, const struct mqtt_message *message,
                     const char *which)
{
    const size_t length = strlen(enrol->topic);
    return message->topic_length == length + 1 + strlen(which) &&
           memcmp(message->topic, enrol->topic, length) == 0 && message->topic[length] == '/' &&
           memcmp(message->topic + length + 1, which, strlen(which)) == 0;
}

static void on_message(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    struct enrol *enrol = ctx;
    struct document reply;
    const bool waits = enrol->state == ENROL_CERTIFICATE || enrol->state == ENROL_REGISTERING;
    const bool accepted = waits && is_reply(enrol, message, "accepted");
    if (!accepted && !(waits && is_reply(enrol, message, "rejected")))
        return;
    const otter_status status =
        document_read(&reply, enrol->config.cbor, message->payload, message->payload_length,
                      enrol->config.tokens, enrol->config.token_count);
    if (status != OTTER_OK)
        fail_by(enrol, now, "an answer of the cloud", status);
    else if (!accepted)
        take_refusal(enrol, now, &reply);
    else if (enrol->state == ENROL_CERTIFICATE)
        take_certificate(enrol, now, &reply);
    else
        take_thing(enrol, now, &reply);
}

/* ---- The connection -------------------------------------------------------------------------- */

static void on_online(void *ctx, otter_ms now, otter_status granted)
{
    struct enrol *enrol = ctx;
    enrol->on_line = true;
    if (enrol->state != ENROL_OFFLINE)
        return;
    if (granted == OTTER_OK)
        enrol->state = ENROL_ASKING;
    else
        fail(enrol, now, "the policy refuses the subscriptions");
}

/* The token was for this connection's exchange: it begins anew. */
static void on_offline(void *ctx, otter_ms now)
{
    struct enrol *enrol = ctx;
    (void)now;
    enrol->on_line = false;
    if (enrol->state == ENROL_ASKING || enrol->state == ENROL_CERTIFICATE ||
        enrol->state == ENROL_REGISTERING)
        enrol->state = ENROL_OFFLINE;
}

static otter_status subscribe(struct enrol *enrol, otter_ms now)
{
    put_registration_topic(enrol, enrol->register_filter, "/+");
    enrol->filters[0].filter = enrol->config.cbor ? REQUEST "cbor/+" : REQUEST "json/+";
    enrol->filters[1].filter = enrol->register_filter;
    otter_status status =
        mqtt_subscribe(enrol->config.mqtt, now, &enrol->service, &enrol->filters[0]);
    return status == OTTER_OK
               ? mqtt_subscribe(enrol->config.mqtt, now, &enrol->service, &enrol->filters[1])
               : status;
}

otter_status enrol_start(struct enrol *enrol, const struct enrol_config *config, otter_ms now)
{
    enrol_stop(enrol);
    enrol->config = *config;
    enrol->failures = 0;
    enrol->service.prefix = PREFIX;
    enrol->service.on_message = on_message;
    enrol->service.on_online = on_online;
    enrol->service.on_offline = on_offline;
    enrol->service.ctx = enrol;
    mqtt_register(config->mqtt, &enrol->service);
    const otter_status status = subscribe(enrol, now);
    if (status == OTTER_OK)
        enrol->state = enrol->on_line ? ENROL_ASKING : ENROL_OFFLINE;
    return status;
}

void enrol_stop(struct enrol *enrol)
{
    if (enrol->state == ENROL_OFF)
        return;
    (void)free_ticket(enrol);
    (void)mqtt_unsubscribe(enrol->config.mqtt, &enrol->filters[0]);
    (void)mqtt_unsubscribe(enrol->config.mqtt, &enrol->filters[1]);
    enrol->state = ENROL_OFF;
}

/* Subscriptions that were made on a connection that stands are granted a little later. */
static bool subscribed(const struct enrol *enrol)
{
    return mqtt_subscription_status(&enrol->filters[0]) != OTTER_E_AGAIN &&
           mqtt_subscription_status(&enrol->filters[1]) != OTTER_E_AGAIN;
}

void enrol_tick(struct enrol *enrol, otter_ms now)
{
    switch (enrol->state) {
    case ENROL_ASKING:
        if (subscribed(enrol))
            ask(enrol, now);
        break;
    case ENROL_CERTIFICATE:
    case ENROL_REGISTERING:
        if (now >= enrol->wake)
            fail(enrol, now, "the cloud does not answer");
        break;
    case ENROL_RESTING:
        if (now >= enrol->wake)
            enrol->state = enrol->on_line ? ENROL_ASKING : ENROL_OFFLINE;
        break;
    default:
        break;
    }
}

otter_ms enrol_deadline(const struct enrol *enrol)
{
    switch (enrol->state) {
    case ENROL_ASKING:
        return 0; /* at once */
    case ENROL_CERTIFICATE:
    case ENROL_REGISTERING:
    case ENROL_RESTING:
        return enrol->wake;
    default:
        return OTTER_NEVER;
    }
}
