/* When a report goes out, and what its answer means; see defender.h for the states. */
#include "services/defender/defender.h"

#include <stdio.h>
#include <string.h>

#include "port/log.h"

#define TAG "DEFENDER"
#define KEY "defender"

const struct config_setting defender_setting[] = {
    {.key = CONFIG_KEY_PREFIX "defender_period_s",
     .help = "seconds between reports to Device Defender (AWS: from 300); 0: none",
     .fallback = "300",
     .kind = CONFIG_NUMBER,
     .max = 86400},
    {.key = CONFIG_KEY_PREFIX "defender_form",
     .help = "of these reports: cbor, cbor-long (names), json or json-long",
     .fallback = "cbor",
     .kind = CONFIG_NAME,
     .min = 1,
     .max = 9},
};
const struct config_table defender_settings = {defender_setting,
                                               sizeof defender_setting / sizeof *defender_setting};

static const char *topic(const struct defender *d)
{
    return d->form.json ? "json" : "cbor";
}

/* ---- the report's number ---- */

struct record {
    uint32_t mark, resets;
};

/* OTTER_E_NOT_FOUND on the first start: zeros. */
static otter_status read_record(struct defender *d, struct record *record)
{
    uint32_t length;
    *record = (struct record){0};
    const otter_status status = kv_get(d->config.kv, KEY, record, sizeof *record, &length);
    if (status != OTTER_OK || length != sizeof *record)
        *record = (struct record){0};
    return status;
}

/* The next number; its mark is in the store before it is used. */
static otter_status take_id(struct defender *d)
{
    const struct defender_hooks *hooks = d->config.hooks;
    struct record record = {.mark = d->mark, .resets = d->resets};
    const uint32_t time = hooks->time_s != NULL ? hooks->time_s(d->config.ctx) : 0;
    const bool first = d->resets == 0;
    if (first) {
        (void)read_record(d, &record);
        record.resets++;
        d->id = record.mark;
    }
    uint32_t id = d->id < UINT32_MAX ? d->id + 1 : UINT32_MAX;
    if (time > id)
        id = time;
    if (first || id >= record.mark) {
        record.mark = id < UINT32_MAX - DEFENDER_AHEAD ? id + DEFENDER_AHEAD : UINT32_MAX;
        const otter_status status = kv_set(d->config.kv, KEY, &record, sizeof record);
        if (status != OTTER_OK)
            return status;
    }
    d->mark = record.mark;
    d->resets = record.resets;
    d->id = id;
    return OTTER_OK;
}

/* ---- out ---- */

static void rest(struct defender *d, otter_ms now)
{
    uint64_t wait_s = (uint64_t)d->period_s << (d->refusals < 16 ? d->refusals : 16);
    if (wait_s > DEFENDER_PAUSE_MAX_S)
        wait_s = DEFENDER_PAUSE_MAX_S;
    d->state = DEFENDER_IDLE;
    d->due = now + wait_s * 1000u;
}

static void go_unanswered(struct defender *d, otter_ms now)
{
    LOG_WRN(TAG, "no answer to report %lu", (unsigned long)d->id);
    d->unanswered++;
    rest(d, now);
}

static void on_result(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status)
{
    struct defender *d = ctx;
    (void)ticket;
    if (d->state != DEFENDER_SENDING) /* the answer was quicker */
        return;
    if (status == OTTER_OK) {
        d->state = DEFENDER_WAITING;
        d->due = now + DEFENDER_ANSWER_MS;
        return;
    }
    LOG_ERR(TAG, "report %lu could not be sent: %s", (unsigned long)d->id,
            otter_status_text(status));
    d->refusals++;
    rest(d, now);
}

static struct traffic since(const struct traffic *then, const struct traffic *now)
{
    return (struct traffic){.bytes_in = now->bytes_in - then->bytes_in,
                            .bytes_out = now->bytes_out - then->bytes_out,
                            .packets_in = now->packets_in - then->packets_in,
                            .packets_out = now->packets_out - then->packets_out};
}

static otter_status send_report(struct defender *d, otter_ms now)
{
    otter_status status = take_id(d);
    if (status != OTTER_OK)
        return status;
    d->config.hooks->traffic(d->config.ctx, &d->reported);
    const struct traffic counts = since(&d->told, &d->reported);
    const int length =
        defender_report_write(&d->config, d->form, d->id, &counts, d->report, sizeof d->report);
    if (length < 0)
        return (otter_status)length;
    d->ticket = (struct mqtt_ticket){
        .topic = topic(d), .payload = d->report, .length = (size_t)length, .on_result = on_result};
    status = mqtt_send(d->config.mqtt, now, &d->service, &d->ticket);
    if (status == OTTER_OK)
        d->state = DEFENDER_SENDING;
    return status;
}

/* ---- in ---- */

static void on_accepted(struct defender *d, otter_ms now)
{
    LOG_INF(TAG, "report %lu accepted", (unsigned long)d->id);
    d->accepted++;
    d->refusals = 0;
    d->told = d->reported;
    rest(d, now);
}

static void on_rejected(struct defender *d, otter_ms now, const struct defender_reply *reply)
{
    const uint64_t cloud_s = reply->timestamp_ms / 1000u;
    d->rejected++;
    d->refusals++;
    if (cloud_s > d->id && cloud_s < UINT32_MAX) /* perhaps the number was not above the last */
        d->id = (uint32_t)cloud_s;
    rest(d, now);
    LOG_ERR(TAG, "report rejected: %s, %s; the next one in %lu s", reply->code, reply->message,
            (unsigned long)((d->due - now) / 1000u));
}

static bool ends(const struct mqtt_message *message, const char *form, const char *ending)
{
    const size_t length = strlen(form);
    return message->topic_length == length + strlen(ending) &&
           memcmp(message->topic, form, length) == 0 &&
           memcmp(message->topic + length, ending, strlen(ending)) == 0;
}

/* An answer without a number is one to the present report: there is one at a time. */
static void on_message(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    struct defender *d = ctx;
    struct defender_reply reply;
    const bool accepted = ends(message, topic(d), "/accepted");
    if (d->stopped || d->state == DEFENDER_IDLE ||
        (!accepted && !ends(message, topic(d), "/rejected")))
        return;
    if (defender_reply_read(&reply, d->form.json, message->payload, message->payload_length,
                            d->config.tokens, d->config.token_count) != OTTER_OK ||
        (reply.id != 0 && reply.id != d->id) || (accepted && reply.id == 0)) {
        LOG_WRN(TAG, "an answer to no report of mine was passed over");
        return;
    }
    if (reply.timestamp_ms != 0 && d->config.hooks->told_time != NULL)
        d->config.hooks->told_time(d->config.ctx, reply.timestamp_ms);
    if (accepted)
        on_accepted(d, now);
    else
        on_rejected(d, now, &reply);
}

static void on_online(void *ctx, otter_ms now, otter_status granted)
{
    struct defender *d = ctx;
    (void)now;
    d->online = granted == OTTER_OK;
    if (granted != OTTER_OK)
        LOG_ERR(TAG, "the cloud's policy does not let this device hear answers at %s%s/+",
                d->prefix, topic(d));
}

static void on_offline(void *ctx, otter_ms now)
{
    struct defender *d = ctx;
    d->online = false;
    if (d->state == DEFENDER_WAITING && !d->stopped)
        go_unanswered(d, now);
}

/* ---- start, stop, turns ---- */

static otter_status read_form(struct defender *d)
{
    static const struct {
        const char *name;
        struct defender_form form;
    } forms[] = {{"cbor", {false, true}},
                 {"cbor-long", {false, false}},
                 {"json", {true, true}},
                 {"json-long", {true, false}}};
    char text[CONFIG_TEXT_MAX + 1];
    (void)config_get_text(d->config.kv, CONFIG_DEFENDER_FORM, text, sizeof text);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(text, forms[i].name) == 0) {
            d->form = forms[i].form;
            return OTTER_OK;
        }
    }
    LOG_ERR(TAG, "defender_form must be cbor, cbor-long, json or json-long, not %s", text);
    return OTTER_E_ARGUMENT;
}

/* The filters follow the form, which a restart may change. */
static otter_status listen(struct defender *d, otter_ms now)
{
    static const char *const filters[2][2] = {{"cbor/accepted", "cbor/rejected"},
                                              {"json/accepted", "json/rejected"}};
    otter_status status = OTTER_OK;
    for (unsigned i = 0; i < 2 && status == OTTER_OK; i++) {
        const char *filter = filters[d->form.json][i];
        if (d->answers[i].filter == filter)
            continue;
        if (d->answers[i].filter != NULL)
            status = mqtt_unsubscribe(d->config.mqtt, &d->answers[i]);
        if (status != OTTER_OK)
            break;
        d->answers[i] = (struct mqtt_subscription){.filter = filter, .qos = 1};
        status = mqtt_subscribe(d->config.mqtt, now, &d->service, &d->answers[i]);
    }
    return status;
}

otter_status defender_start(struct defender *d, const struct defender_config *config, otter_ms now)
{
    d->config = *config;
    d->stopped = true;
    d->period_s = (uint32_t)config_get_u64(config->kv, CONFIG_DEFENDER_PERIOD);
    otter_status status = read_form(d);
    if (status != OTTER_OK)
        return status;
    const int length =
        snprintf(d->prefix, sizeof d->prefix, "$aws/things/%s/defender/metrics/", config->thing);
    if (length < 0 || (size_t)length >= sizeof d->prefix)
        return OTTER_E_TOO_LONG;
    if (!d->registered) {
        d->service = (struct mqtt_service){.prefix = d->prefix,
                                           .on_message = on_message,
                                           .on_online = on_online,
                                           .on_offline = on_offline,
                                           .ctx = d};
        mqtt_register(config->mqtt, &d->service);
        d->registered = true;
    }
    status = listen(d, now);
    d->stopped = status != OTTER_OK;
    d->refusals = 0;
    d->state = DEFENDER_IDLE;
    d->due = now;
    return status;
}

void defender_stop(struct defender *d)
{
    d->stopped = true;
    if (mqtt_ticket_held(&d->ticket))
        (void)mqtt_withdraw(d->config.mqtt, &d->ticket);
}

static bool may_report(const struct defender *d)
{
    return !d->stopped && d->online && d->period_s > 0 && d->state == DEFENDER_IDLE &&
           !mqtt_ticket_held(&d->ticket);
}

void defender_tick(struct defender *d, otter_ms now)
{
    if (d->stopped || now < d->due)
        return;
    if (d->state == DEFENDER_WAITING)
        go_unanswered(d, now);
    if (!may_report(d) || now < d->due)
        return;
    const otter_status status = send_report(d, now);
    if (status == OTTER_OK)
        return;
    LOG_ERR(TAG, "no report: %s", otter_status_text(status));
    d->refusals++;
    rest(d, now);
}

otter_ms defender_deadline(const struct defender *d)
{
    if (d->stopped || (d->state == DEFENDER_IDLE && !may_report(d)) || d->state == DEFENDER_SENDING)
        return OTTER_NEVER;
    return d->due;
}
