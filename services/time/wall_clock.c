/* The rules of wall_clock.h, and when SNTP is asked. */
#include "services/time/wall_clock.h"

#include <stdio.h>
#include <string.h>

#include "codec/document.h"
#include "port/log.h"

#define TAG        "TIME"
#define ANSWER_MS  5000u
#define POLL_MS    100u
#define RETRY_MS   15000u /* twice as long after each failure, up to an hour */
#define RETRY_MOST 8u
#define AGAIN_MS   (CLOCK_DAY_S * 1000u)
#define MS_FROM    100000000000u /* a timestamp above is in milliseconds */

const struct config_setting wall_clock_setting[] = {
    {.key = CONFIG_KEY_PREFIX "sntp_server",
     .help = "host that is asked for the time; not set: none",
     .kind = CONFIG_HOST,
     .min = 1,
     .max = 63},
    {.key = CONFIG_KEY_PREFIX "sntp_port",
     .help = "its UDP port",
     .fallback = "123",
     .kind = CONFIG_NUMBER,
     .min = 1,
     .max = UINT16_MAX},
};
const struct config_table wall_clock_settings = {
    wall_clock_setting, sizeof wall_clock_setting / sizeof *wall_clock_setting};

/* ---- what time it is ---- */

static uint32_t later(uint32_t time_s, otter_ms since, otter_ms now)
{
    const uint64_t passed_s = now > since ? (now - since) / 1000u : 0;
    return time_s != 0 && passed_s < UINT32_MAX - time_s ? time_s + (uint32_t)passed_s : time_s;
}

uint32_t wall_clock_now_s(const struct wall_clock *c, otter_ms now)
{
    return later(c->floor_s, c->floor_at, now);
}

uint32_t wall_clock_sure_s(const struct wall_clock *c, otter_ms now)
{
    return c->told ? wall_clock_now_s(c, now) : 0;
}

static void ask_soon(struct wall_clock *c, otter_ms now)
{
    if (c->query == CLOCK_RESTING && c->due > now + RETRY_MS)
        c->due = now + RETRY_MS;
}

bool wall_clock_accepts(struct wall_clock *c, otter_ms now, uint64_t from_s, uint64_t to_s)
{
    const uint32_t floor_s = wall_clock_now_s(c, now),
                   claim_s = later(c->claim_s, c->claim_at, now);
    const bool by_claim = claim_s != 0 && claim_s > to_s;
    if ((c->on_probation || floor_s <= to_s) && !by_claim)
        return true;
    const bool mark_is_wrong = !c->told && claim_s >= from_s && claim_s <= to_s && claim_s != 0;
    if (!by_claim && mark_is_wrong) {
        LOG_WRN(
            TAG,
            "time_hwm says %lu, SNTP %lu, and the server's certificate ends between: connecting "
            "on probation",
            (unsigned long)floor_s, (unsigned long)claim_s);
        c->on_probation = true;
        c->from_s = from_s;
        c->to_s = to_s;
        return true;
    }
    LOG_ERR(TAG, "a certificate ended at %lu, and %s says that it is %lu; %s", (unsigned long)to_s,
            by_claim ? "SNTP" : "time_hwm", (unsigned long)(by_claim ? claim_s : floor_s),
            by_claim       ? "SNTP is asked again"
            : claim_s != 0 ? "SNTP agrees that it is over"
                           : "if that is wrong, set sntp_server, or time_hwm by `conf`");
    ask_soon(c, now);
    return false;
}

void wall_clock_claim(struct wall_clock *c, otter_ms now, uint32_t time_s)
{
    c->claims++;
    c->claim_s = time_s;
    c->claim_at = now;
    LOG_INF(TAG, "SNTP says %lu", (unsigned long)time_s);
}

static void keep_mark(struct wall_clock *c, uint32_t time_s)
{
    char text[12];
    snprintf(text, sizeof text, "%lu", (unsigned long)time_s);
    const otter_status status = config_set_text(c->config.kv, CONFIG_TIME_HWM, text);
    if (status != OTTER_OK)
        LOG_ERR(TAG, "time_hwm cannot be kept: %s", otter_status_text(status));
}

void wall_clock_told(struct wall_clock *c, otter_ms now, uint32_t time_s)
{
    const uint64_t mark = config_get_u64(c->config.kv, CONFIG_TIME_HWM);
    if (c->on_probation && (time_s < c->from_s || time_s > c->to_s)) {
        LOG_ERR(TAG, "the cloud's time %lu is outside that of its own certificate: not believed",
                (unsigned long)time_s);
        return;
    }
    if (mark > (uint64_t)time_s + CLOCK_DAY_S)
        LOG_WRN(TAG, "time_hwm was ahead: %llu, the cloud says %lu", (unsigned long long)mark,
                (unsigned long)time_s);
    if (mark > (uint64_t)time_s + CLOCK_DAY_S || mark + CLOCK_DAY_S < time_s)
        keep_mark(c, time_s);
    c->told = true;
    c->on_probation = false;
    c->floor_s = time_s;
    c->floor_at = now;
    c->claim_s = 0; /* the cloud knows better */
}

/* ---- the cloud's answers ---- */

static bool ends_with(const struct mqtt_message *message, const char *ending)
{
    const size_t length = strlen(ending);
    return message->topic_length >= length &&
           memcmp(message->topic + message->topic_length - length, ending, length) == 0;
}

/* 0 when there is none. */
static uint32_t read_timestamp(struct wall_clock *c, const struct mqtt_message *message)
{
    struct document doc;
    if (document_read(&doc, false, message->payload, message->payload_length, c->config.tokens,
                      c->config.token_count) != OTTER_OK)
        return 0;
    uint64_t value = document_number(&doc, "timestamp");
    value = value >= MS_FROM ? value / 1000u : value;
    return value < UINT32_MAX ? (uint32_t)value : 0;
}

static void on_message(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    struct wall_clock *c = ctx;
    if (c->stopped || now < c->listen_at || message->payload_length > CLOCK_MESSAGE_MAX ||
        (!ends_with(message, "/accepted") && !ends_with(message, "/rejected")))
        return;
    const uint32_t time_s = read_timestamp(c, message);
    if (time_s == 0)
        return;
    wall_clock_told(c, now, time_s);
    c->listen_at = now + CLOCK_LISTEN_MS;
}

/* What the next connection says is heard anew: the last one may have been on probation. */
static void on_offline(void *ctx, otter_ms now)
{
    ((struct wall_clock *)ctx)->listen_at = now;
}

/* ---- SNTP ---- */

static void rest(struct wall_clock *c, otter_ms now, bool answered)
{
    c->config.packets->close();
    c->query = CLOCK_RESTING;
    c->failures = answered ? 0 : (uint8_t)(c->failures + (c->failures < RETRY_MOST));
    c->due = now + (answered ? (otter_ms)AGAIN_MS : (otter_ms)RETRY_MS << (c->failures - 1u));
}

static void open_query(struct wall_clock *c, otter_ms now)
{
    char host[64];
    if (config_get_text(c->config.kv, CONFIG_SNTP_SERVER, host, sizeof host) != OTTER_OK) {
        c->due = OTTER_NEVER;
        return;
    }
    const uint16_t port = config_get_u16(c->config.kv, CONFIG_SNTP_PORT);
    otter_status status = c->config.packets->open(host, port);
    if (status == OTTER_OK)
        status = c->config.packets->random(c->nonce, sizeof c->nonce);
    if (status == OTTER_E_UNSUPPORTED) {
        LOG_WRN(TAG, "this board's network carries no UDP: sntp_server is of no use");
        c->due = OTTER_NEVER;
    } else if (status != OTTER_OK) {
        rest(c, now, false);
    } else {
        c->query = CLOCK_OPENING;
        c->due = now + ANSWER_MS;
    }
}

static void send_query(struct wall_clock *c, otter_ms now)
{
    uint8_t packet[SNTP_PACKET_SIZE];
    sntp_request_write(packet, c->nonce);
    const otter_status status = c->config.packets->send(packet, sizeof packet);
    if (status == OTTER_OK) {
        c->query = CLOCK_ASKING;
        c->due = now + ANSWER_MS;
    } else if (status != OTTER_E_AGAIN) {
        rest(c, now, false);
    }
}

static void take_answers(struct wall_clock *c, otter_ms now)
{
    uint8_t packet[SNTP_PACKET_SIZE];
    uint32_t time_s;
    size_t length;
    while (c->query == CLOCK_ASKING &&
           (length = c->config.packets->receive(packet, sizeof packet)) > 0) {
        const otter_status status = sntp_reply_read(packet, length, c->nonce, &time_s);
        if (status == OTTER_OK)
            wall_clock_claim(c, now, time_s);
        if (status == OTTER_OK || status == OTTER_E_REFUSED)
            rest(c, now, status == OTTER_OK);
    }
}

void wall_clock_tick(struct wall_clock *c, otter_ms now)
{
    if (c->stopped)
        return;
    c->poll_at = now + POLL_MS;
    if (c->query == CLOCK_OPENING)
        send_query(c, now);
    if (c->query == CLOCK_ASKING)
        take_answers(c, now);
    if (now < c->due)
        return;
    if (c->query == CLOCK_RESTING) {
        open_query(c, now);
    } else {
        LOG_WRN(TAG, "no answer from the SNTP server");
        rest(c, now, false);
    }
}

otter_ms wall_clock_deadline(const struct wall_clock *c)
{
    if (c->stopped)
        return OTTER_NEVER;
    return c->query == CLOCK_RESTING || c->due < c->poll_at ? c->due : c->poll_at;
}

otter_status wall_clock_start(struct wall_clock *c, const struct wall_clock_config *config,
                              otter_ms now)
{
    c->config = *config;
    if (!c->registered) {
        const uint64_t mark = config_get_u64(config->kv, CONFIG_TIME_HWM);
        c->floor_s = mark < UINT32_MAX ? (uint32_t)mark : UINT32_MAX;
        c->floor_at = now;
        c->service = (struct mqtt_service){
            .prefix = "$aws/things/", .on_message = on_message, .on_offline = on_offline, .ctx = c};
        mqtt_register(config->mqtt, &c->service);
        c->registered = true;
    }
    c->stopped = false;
    c->query = CLOCK_RESTING;
    c->failures = 0;
    c->due = now;
    return OTTER_OK;
}

void wall_clock_stop(struct wall_clock *c)
{
    if (c->query != CLOCK_RESTING)
        c->config.packets->close();
    c->query = CLOCK_RESTING;
    c->stopped = true;
}
