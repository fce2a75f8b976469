/* The shadow client: subscriptions, one report at a time, its answer, and deltas.
 *
 * What is to be told is in the document's bits: `dirty` becomes `sent` with a report, and dirty
 * again when it was refused, lost or not answered. */
#include "services/shadow/shadow.h"

#include <stdio.h>
#include <string.h>

#include "port/log.h"
#include "services/shadow/shadow_inner.h"

#define REPLY_TIMEOUT_MS 10000u
#define BACKOFF_MAX_MS   3600000u
#define DOUBLINGS_MAX    9u
#define CONFLICT         409u

enum topic { UPDATE, ACCEPTED, REJECTED, DELTA, OTHER };

static const char *const endings[] = {"update", "update/accepted", "update/rejected",
                                      "update/delta"};

/* ---- reports ---- */

static uint8_t all_of(const struct shadow_document *document)
{
    return (uint8_t)((1u << document->property_count) - 1u);
}

static const char *topic_of(const struct shadow *shadow, const struct shadow_document *document,
                            enum topic topic)
{
    return document->name != NULL ? shadow->topics[topic] : endings[topic];
}

static void back_off(struct shadow *shadow, otter_ms now)
{
    const uint64_t wait = (uint64_t)shadow->config.reply_timeout_ms << shadow->retries;
    if (shadow->retries < DOUBLINGS_MAX)
        shadow->retries++;
    shadow->deadline = now + (wait < BACKOFF_MAX_MS ? (otter_ms)wait : BACKOFF_MAX_MS);
}

/* What was sent is to be told again. */
static void take_back(struct shadow *shadow)
{
    struct shadow_document *document = shadow->asked;
    if (document == NULL)
        return;
    document->dirty |= document->sent;
    document->claimed |= document->sent_claim;
    document->whole |= document->sent_whole;
    document->sent = document->sent_claim = 0;
    document->sent_whole = false;
    shadow->asked = NULL;
    (void)mqtt_withdraw(shadow->config.mqtt, &shadow->ticket);
}

static void fail(struct shadow *shadow, otter_ms now, const char *why)
{
    LOG_WRN(SHADOW_TAG, "the report is not taken: %s", why);
    take_back(shadow);
    back_off(shadow, now);
}

static void on_result(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status)
{
    struct shadow *shadow = ctx;
    (void)ticket;
    if (status != OTTER_OK && shadow->asked != NULL)
        fail(shadow, now, otter_status_text(status));
}

static void send_report(struct shadow *shadow, struct shadow_document *document, otter_ms now)
{
    shadow->counter++;
    const int length = shadow_report_write(shadow, document);
    document->sent = document->dirty;
    document->sent_claim = document->claimed;
    document->sent_whole = document->whole;
    document->dirty = document->claimed = 0;
    document->whole = false;
    if (length < 0) { /* it would not fit the next time either */
        LOG_ERR(SHADOW_TAG, "the report is longer than %u bytes", SHADOW_REPORT_MAX);
        document->sent = document->sent_claim = 0;
        document->sent_whole = false;
        return;
    }
    shadow->asked = document;
    shadow->ticket = (struct mqtt_ticket){.topic = topic_of(shadow, document, UPDATE),
                                          .payload = shadow->report,
                                          .length = (size_t)length,
                                          .on_result = on_result};
    shadow->deadline = now + shadow->config.reply_timeout_ms;
    const otter_status status =
        mqtt_send(shadow->config.mqtt, now, &shadow->service, &shadow->ticket);
    if (status != OTTER_OK)
        fail(shadow, now, otter_status_text(status));
}

/* A document whose turn it is to be reported, or NULL. */
static struct shadow_document *next_report(const struct shadow *shadow)
{
    for (unsigned i = 0; i < shadow->config.document_count; i++) {
        struct shadow_document *document = &shadow->config.documents[i];
        if (document->dirty != 0 || document->whole || document->claimed != 0)
            return document;
    }
    return NULL;
}

/* ---- answers ---- */

static bool is_answer(const struct shadow *shadow, const struct shadow_document *document,
                      const struct json *json)
{
    char token[16];
    snprintf(token, sizeof token, "s%lu", (unsigned long)shadow->counter);
    return shadow->asked == document && json_equals(json, json_find(json, 0, "clientToken"), token);
}

static uint32_t version_of(const struct json *json)
{
    uint32_t version = 0;
    (void)json_get_uint(json, json_find(json, 0, "version"), UINT32_MAX, &version);
    return version;
}

static void on_accepted(struct shadow *shadow, struct shadow_document *document,
                        const struct json *json)
{
    if (!is_answer(shadow, document, json))
        return;
    document->version = version_of(json);
    document->sent = document->sent_claim = 0;
    document->sent_whole = false;
    shadow->asked = NULL;
    shadow->retries = 0;
    shadow->deadline = 0;
}

static void on_rejected(struct shadow *shadow, struct shadow_document *document, otter_ms now,
                        const struct json *json)
{
    char why[64] = "";
    uint32_t code = 0;
    if (!is_answer(shadow, document, json))
        return;
    (void)json_get_uint(json, json_find(json, 0, "code"), UINT32_MAX, &code);
    (void)json_get_string(json, json_find(json, 0, "message"), why, sizeof why);
    if (code == CONFLICT && document->sent_claim != 0) {
        LOG_INF(SHADOW_TAG, "the shadow has been changed meanwhile: what it desires counts");
        document->sent_claim = 0;
        take_back(shadow);
        shadow->deadline = 0;
    } else {
        fail(shadow, now, why);
    }
}

/* An old one may come late. */
static void on_delta(struct shadow *shadow, struct shadow_document *document,
                     const struct json *json)
{
    const uint32_t version = version_of(json);
    if (version < document->version)
        return;
    document->version = version;
    shadow_desired_take(shadow, document, json);
}

static bool is_text(const char *text, size_t length, const char *expected)
{
    return strlen(expected) == length && memcmp(text, expected, length) == 0;
}

static struct shadow_document *find(struct shadow *shadow, const struct mqtt_message *message,
                                    enum topic *topic)
{
    for (unsigned i = 0; i < shadow->config.document_count; i++) {
        struct shadow_document *document = &shadow->config.documents[i];
        for (*topic = ACCEPTED; *topic < OTHER; (*topic)++) {
            if (is_text(message->topic, message->topic_length, topic_of(shadow, document, *topic)))
                return document;
        }
    }
    return NULL;
}

static void on_message(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    struct shadow *shadow = ctx;
    struct json json;
    enum topic topic = OTHER;
    struct shadow_document *document = shadow->runs ? find(shadow, message, &topic) : NULL;
    if (document == NULL)
        return;
    const otter_status status =
        json_parse(&json, (const char *)message->payload, message->payload_length,
                   shadow->config.tokens, shadow->config.token_count);
    if (status != OTTER_OK) {
        LOG_WRN(SHADOW_TAG, "cannot read %.*s: %s", (int)message->topic_length, message->topic,
                otter_status_text(status));
        return;
    }
    if (topic == ACCEPTED)
        on_accepted(shadow, document, &json);
    else if (topic == REJECTED)
        on_rejected(shadow, document, now, &json);
    else
        on_delta(shadow, document, &json);
}

static void on_oversized(void *ctx, otter_ms now, const char *topic, size_t topic_length,
                         uint32_t length)
{
    (void)ctx, (void)now;
    LOG_WRN(SHADOW_TAG, "%.*s of %lu bytes is too large to be read", (int)topic_length, topic,
            (unsigned long)length);
}

/* ---- the connection ---- */

static void report_all(struct shadow *shadow)
{
    for (unsigned i = 0; i < shadow->config.document_count; i++) {
        struct shadow_document *document = &shadow->config.documents[i];
        document->dirty = all_of(document);
        document->whole = true;
    }
    shadow->retries = 0;
    shadow->deadline = 0;
}

/* What is still desired and cannot be taken comes again with the first delta. */
static void forget_answers(struct shadow *shadow)
{
    for (unsigned i = 0; i < shadow->config.document_count; i++) {
        struct shadow_document *document = &shadow->config.documents[i];
        document->refused = 0;
        for (unsigned k = 0; k < document->property_count; k++)
            document->values[k].answered = 0;
    }
}

/* Where a policy forbids the answers, it most likely forbids reports too, and AWS IoT ends the
 * connection at such a publish: nothing is said then, for the sake of the other services. */
static void on_online(void *ctx, otter_ms now, otter_status granted)
{
    struct shadow *shadow = ctx;
    (void)now;
    shadow->online = granted == OTTER_OK;
    forget_answers(shadow);
    if (!shadow->online)
        LOG_WRN(SHADOW_TAG,
                "a policy of the cloud forbids the shadow's topics: nothing is reported");
    report_all(shadow);
}

static void on_offline(void *ctx, otter_ms now)
{
    struct shadow *shadow = ctx;
    (void)now;
    shadow->online = false;
    take_back(shadow);
}

void shadow_tick(struct shadow *shadow, otter_ms now)
{
    if (!shadow->runs || !shadow->online || now < shadow->deadline)
        return;
    if (shadow->asked != NULL)
        fail(shadow, now, "no answer");
    else if (!mqtt_ticket_held(&shadow->ticket) && next_report(shadow) != NULL)
        send_report(shadow, next_report(shadow), now);
}

otter_ms shadow_deadline(const struct shadow *shadow)
{
    if (!shadow->runs || !shadow->online)
        return OTTER_NEVER;
    if (shadow->asked == NULL && next_report(shadow) == NULL)
        return OTTER_NEVER;
    /* a ticket that is still held comes back with the input */
    if (shadow->asked == NULL && mqtt_ticket_held(&shadow->ticket))
        return OTTER_NEVER;
    return shadow->deadline;
}

/* ---- settings ---- */

void shadow_refresh(struct shadow *shadow)
{
    char text[CONFIG_TEXT_MAX + 1];
    for (unsigned i = 0; shadow->runs && i < shadow->config.document_count; i++) {
        struct shadow_document *document = &shadow->config.documents[i];
        for (unsigned k = 0; k < document->property_count; k++) {
            struct shadow_value *value = &document->values[k];
            shadow_value_read(shadow, &document->properties[k], text);
            const uint32_t sum = shadow_value_sum(text, strlen(text), 0);
            if (sum == value->known)
                continue;
            *value = (struct shadow_value){.known = sum};
            document->dirty |= (uint8_t)(1u << k);
            document->refused &= (uint8_t) ~(1u << k);
            if (document->version > 0)
                document->claimed |= (uint8_t)(1u << k);
            if (shadow->config.changed != NULL)
                shadow->config.changed(shadow->config.ctx, &document->properties[k]);
        }
    }
}

/* ---- start ---- */

static bool length_is(const char *text, size_t most)
{
    return text[0] != '\0' && strlen(text) <= most;
}

static bool fits(const struct shadow_config *config)
{
    if (!length_is(config->thing_name, SHADOW_THING_NAME_MAX) ||
        config->token_count < SHADOW_TOKENS_MIN || config->document_count > 2)
        return false;
    unsigned named = 0;
    for (unsigned i = 0; i < config->document_count; i++) {
        const struct shadow_document *document = &config->documents[i];
        named += document->name != NULL;
        if (document->property_count > SHADOW_PROPERTIES_MAX ||
            (document->name != NULL && !length_is(document->name, SHADOW_NAME_MAX)))
            return false;
    }
    return config->document_count <= 1 || named == 1;
}

static void name_topics(struct shadow *shadow, const char *name)
{
    for (unsigned i = UPDATE; i < OTHER; i++)
        snprintf(shadow->topics[i], sizeof shadow->topics[i], "name/%s/%s", name, endings[i]);
}

static otter_status subscribe(struct shadow *shadow, struct shadow_document *document, otter_ms now)
{
    otter_status status = OTTER_OK;
    if (document->name != NULL)
        name_topics(shadow, document->name);
    for (unsigned i = ACCEPTED; i < OTHER && status == OTTER_OK; i++) {
        struct mqtt_subscription *subscription = &document->subscriptions[i - ACCEPTED];
        subscription->filter = topic_of(shadow, document, (enum topic)i);
        subscription->qos = 1;
        status = mqtt_subscribe(shadow->config.mqtt, now, &shadow->service, subscription);
    }
    return status;
}

/* What was changed while the service did not run is no claim of the device's. */
static void look_at_settings(struct shadow *shadow)
{
    shadow_refresh(shadow);
    for (unsigned i = 0; i < shadow->config.document_count; i++)
        shadow->config.documents[i].claimed = 0;
}

otter_status shadow_start(struct shadow *shadow, const struct shadow_config *config, otter_ms now)
{
    otter_status status = OTTER_OK;
    if (!fits(config))
        return OTTER_E_ARGUMENT;
    shadow->config = *config;
    if (config->reply_timeout_ms == 0)
        shadow->config.reply_timeout_ms = REPLY_TIMEOUT_MS;
    snprintf(shadow->prefix, sizeof shadow->prefix, "$aws/things/%s/shadow/", config->thing_name);
    shadow->service.prefix = shadow->prefix;
    shadow->service.on_message = on_message;
    shadow->service.on_oversized = on_oversized;
    shadow->service.on_online = on_online;
    shadow->service.on_offline = on_offline;
    shadow->service.ctx = shadow;
    mqtt_register(config->mqtt, &shadow->service);
    for (unsigned i = 0; i < config->document_count && status == OTTER_OK; i++)
        status = subscribe(shadow, &config->documents[i], now);
    if (status != OTTER_OK)
        return status;
    shadow->runs = true;
    look_at_settings(shadow);
    report_all(shadow);
    return OTTER_OK;
}

void shadow_stop(struct shadow *shadow)
{
    take_back(shadow);
    shadow->runs = false;
    for (unsigned i = 0; i < shadow->config.document_count; i++) {
        for (unsigned k = 0; k < 3; k++)
            (void)mqtt_unsubscribe(shadow->config.mqtt,
                                   &shadow->config.documents[i].subscriptions[k]);
    }
}
