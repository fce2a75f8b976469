/* What time it is, on a board without a clock, and how far that can be trusted.
 *
 * There are three sources:
 *
 *     the mark     `time_hwm` of the settings: a time that has been, set at provisioning and moved
 * on here. It is later than that now, however long the board was off. a claim      an SNTP answer.
 * Anybody on the way can make one. the cloud    the `timestamp` in its answers below $aws/things/:
 * they came over TLS, from a server that has shown a certificate of the trusted root for the
 * endpoint's name.
 *
 * and these rules:
 *
 * 1. A certificate is expired when its end lies before the mark (and what passed since boot), or
 *    before the claim. So a claim can have a good certificate refused, as can anybody who cuts the
 *    line; nothing of it is kept, and each refusal asks for a new one.
 * 2. Only the cloud moves the mark: on when it is more than a day behind (a write of flash a day at
 *    most), back when it is more than a day ahead.
 * 3. The way out for a device whose mark is wrong. With a mark in the far future each good
 *    certificate looks expired, and the cloud is never heard. If a claim lies before the mark, and
 *    within the time of the very certificate that only the mark refuses, the device connects on
 *    probation: until the cloud has told its time, the claim counts in place of the mark. The mark
 *    itself stays until the cloud's answer comes (rule 2), in this connection, or is in force again
 *    after a reset. All else about the certificate (its chain, its name, the proof of the key) is
 *    checked as ever. So neither a forged packet nor an expired certificate whose key was
 *    stolen is enough to get around the mark; who has both of them, on the way between device and
 * cloud, gets what such a key would get from a device without a mark, and still no firmware in:
 * that is signed. An answer that lies outside the time of the certificate on probation is not
 * believed.
 *
 * That a certificate is not valid yet cannot be told from a mark, which is a lower bound. */
#ifndef OTTER_SERVICES_TIME_WALL_CLOCK_H
#define OTTER_SERVICES_TIME_WALL_CLOCK_H

#include "codec/json.h"
#include "net/mqtt.h"
#include "services/time/sntp.h"
#include "store/config.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CLOCK_DAY_S       86400u
#define CLOCK_LISTEN_MS   600000u /* between two looks at the cloud's answers */
#define CLOCK_MESSAGE_MAX 4096u

/* Settings: the SNTP server (not set: none is asked) and its port. */
extern const struct config_table wall_clock_settings;
extern const struct config_setting wall_clock_setting[];
#define CONFIG_SNTP_SERVER (&wall_clock_setting[0])
#define CONFIG_SNTP_PORT   (&wall_clock_setting[1])

/* How packets go, as in port/datagram.h. */
struct wall_clock_packets {
    otter_status (*open)(const char *host, uint16_t port);
    otter_status (*send)(const void *data, size_t length);
    size_t (*receive)(void *data, size_t size);
    void (*close)(void);
    otter_status (*random)(void *data, size_t length);
};

struct wall_clock_config {
    struct mqtt_session *mqtt;
    struct kv *kv;
    jsmntok_t *tokens; /* scratch, during a call only */
    size_t token_count;
    const struct wall_clock_packets *packets;
};

enum wall_clock_query { CLOCK_RESTING, CLOCK_OPENING, CLOCK_ASKING };

/* All is private. */
struct wall_clock {
    struct wall_clock_config config;
    struct mqtt_service service;
    bool registered;
    bool stopped;
    bool told; /* the cloud has said the time since boot */
    bool on_probation;
    uint32_t claims;       /* so many SNTP answers were taken */
    uint32_t floor_s;      /* time at `floor_at` at least; 0: not known */
    uint32_t claim_s;      /* at `claim_at`; 0: none */
    uint64_t from_s, to_s; /* of the certificate on probation */
    otter_ms floor_at;
    otter_ms claim_at;
    otter_ms listen_at; /* when the cloud's answers are looked at again */
    otter_ms due;       /* of the query */
    otter_ms poll_at;   /* while one is under way: a look at what has come */
    enum wall_clock_query query;
    uint8_t failures; /* in a row */
    uint8_t nonce[SNTP_NONCE_SIZE];
};

/* `clock` is zero at first. May be started again after a stop. */
otter_status wall_clock_start(struct wall_clock *clock, const struct wall_clock_config *config,
                              otter_ms now);
/* Asks nobody and listens to nobody; the time goes on. */
void wall_clock_stop(struct wall_clock *clock);
void wall_clock_tick(struct wall_clock *clock, otter_ms now);
otter_ms wall_clock_deadline(const struct wall_clock *clock);

/* Seconds since 1970: the cloud's word, or a lower bound from the mark; 0 when neither is there. */
uint32_t wall_clock_now_s(const struct wall_clock *clock, otter_ms now);
/* The same, but 0 unless the cloud has said it. */
uint32_t wall_clock_sure_s(const struct wall_clock *clock, otter_ms now);

/* Whether a certificate that is valid from..to may be taken now: rules 1 and 3. */
bool wall_clock_accepts(struct wall_clock *clock, otter_ms now, uint64_t from_s, uint64_t to_s);
/* An SNTP answer. */
void wall_clock_claim(struct wall_clock *clock, otter_ms now, uint32_t time_s);
/* The cloud's word: rule 2. */
void wall_clock_told(struct wall_clock *clock, otter_ms now, uint32_t time_s);

#ifdef __cplusplus
}
#endif

#endif
