/* Device Defender on the device: tells the cloud every few minutes what the device did, and minds
 * the answer. Sans-IO: it works by calls with `now` over the shared MQTT session; what it reports
 * it asks of its owner.
 *
 * AWS IoT Device Defender, "Sending metrics from devices". A report goes to
 * $aws/things/<thing>/defender/metrics/json or /cbor with QoS 1; the answer comes on .../accepted
 * or .../rejected. Counts are what passed since the last report that was accepted: one that is
 * lost or refused loses nothing.
 *
 *     sending   until the broker has it; a connection that is lost repeats it
 *     waiting   for the answer, DEFENDER_ANSWER_MS
 *     idle      until the next one: the period after the answer, or after it did not come; twice as
 *               long with each refusal in a row, up to DEFENDER_PAUSE_MAX_S
 *
 * The report's number must grow over resets, also on a board without a clock: it is the time in
 * seconds where that is known, else one more than the last, and a mark in the store that is above
 * all that were used ("defender": the mark and the number of resets, two uint32 little-endian) is
 * moved on once in DEFENDER_AHEAD numbers, and at each start. A refusal brings the cloud's own
 * time, from which the numbers then go on. */
#ifndef OTTER_SERVICES_DEFENDER_DEFENDER_H
#define OTTER_SERVICES_DEFENDER_DEFENDER_H

#include "codec/json.h"
#include "net/mqtt.h"
#include "port/traffic.h"
#include "store/config.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DEFENDER_REPORT_MAX  768u   /* bytes of a report; what does not fit is not sent */
#define DEFENDER_ANSWER_MS   30000u /* AWS names no time; its own devices wait as long */
#define DEFENDER_PAUSE_MAX_S 86400u
#define DEFENDER_AHEAD       21600u
#define DEFENDER_TOPIC_MAX   160u
#define DEFENDER_TEXT_MAX    96u /* of an answer's message */
/* Tokens that an answer in JSON takes. */
#define DEFENDER_TOKENS_MIN 32u

/* Settings: the period (0: off), and the form of a report: cbor, cbor-long, json, json-long. */
extern const struct config_table defender_settings;
extern const struct config_setting defender_setting[];
#define CONFIG_DEFENDER_PERIOD (&defender_setting[0])
#define CONFIG_DEFENDER_FORM   (&defender_setting[1])

/* A custom metric of type `number`, registered in the cloud by create-custom-metric. */
struct defender_metric {
    const char *name;
    uint32_t (*read)(void *ctx);
};

/* All with `ctx`. */
struct defender_hooks {
    void (*traffic)(void *ctx, struct traffic *traffic);
    /* As in port/traffic.h. */
    bool (*connection)(void *ctx, unsigned index, struct traffic_peer *peer);
    uint16_t (*listening)(void *ctx, bool udp, unsigned index);
    uint32_t (*time_s)(void *ctx); /* since 1970; 0 while it is not known. NULL: never */
    /* The cloud's clock in an answer, which came over the authenticated connection. NULL: nobody
     * wants it. */
    void (*told_time)(void *ctx, uint64_t ms);
    const struct defender_metric *metrics;
    size_t metric_count;
};

struct defender_config {
    struct mqtt_session *mqtt;
    struct kv *kv;
    const char *thing;
    jsmntok_t *tokens; /* scratch, during a call only; DEFENDER_TOKENS_MIN */
    size_t token_count;
    const struct defender_hooks *hooks;
    void *ctx;
};

struct defender_form {
    bool json;
    bool brief; /* short names */
};

enum defender_state { DEFENDER_IDLE, DEFENDER_SENDING, DEFENDER_WAITING };

/* All but the counts is private. */
struct defender {
    uint32_t accepted; /* counts of answers, for `stat` */
    uint32_t rejected;
    uint32_t unanswered;
    uint32_t resets; /* starts of this device, this one included; 0 before the first report */

    struct defender_config config;
    struct mqtt_service service;
    struct mqtt_subscription answers[2];
    struct mqtt_ticket ticket;
    enum defender_state state;
    bool registered;
    bool stopped;
    bool online;
    struct defender_form form;
    uint32_t refusals; /* in a row */
    uint32_t period_s;
    uint32_t id;   /* of the last report */
    uint32_t mark; /* in the store: no report had this number or a higher one before the start */
    otter_ms due;  /* while idle; the answer's deadline while waiting */
    struct traffic told;     /* as the last accepted report had it */
    struct traffic reported; /* as the present one has it */
    char prefix[DEFENDER_TOPIC_MAX];
    uint8_t report[DEFENDER_REPORT_MAX];
};

/* Reads the settings; `defender` is zero at first, and the struct may be started again after a
 * stop. OTTER_E_ARGUMENT for a form that is none (logged), OTTER_E_TOO_LONG for the thing's name,
 * OTTER_E_NO_SPACE when the session has no subscription left. */
otter_status defender_start(struct defender *defender, const struct defender_config *config,
                            otter_ms now);
/* Says nothing more. Its counts stay. */
void defender_stop(struct defender *defender);
void defender_tick(struct defender *defender, otter_ms now);
otter_ms defender_deadline(const struct defender *defender);

/* ---- the parts, for tests and fuzzing -------------------------------------------------------- */

/* Writes the report number `id`, with `counts` passed since the last one. Its length, or
 * OTTER_E_TOO_LONG. */
int defender_report_write(const struct defender_config *config, struct defender_form form,
                          uint32_t id, const struct traffic *counts, uint8_t *out, size_t size);

struct defender_reply {
    uint32_t id;           /* 0: none */
    uint64_t timestamp_ms; /* 0: none */
    char code[24];
    char message[DEFENDER_TEXT_MAX]; /* both printable, "" when not said */
};
/* What an answer says, in either form; unknown members are passed over. OTTER_E_MALFORMED. */
otter_status defender_reply_read(struct defender_reply *reply, bool json, const uint8_t *data,
                                 size_t length, jsmntok_t *tokens, size_t token_count);

#ifdef __cplusplus
}
#endif

#endif
