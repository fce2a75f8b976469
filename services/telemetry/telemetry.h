/* Telemetry: measurements as ordinary messages, at QoS 0, on <thing>/NAME or another prefix.
 *
 * It never delays anything and keeps nothing: a source is asked when its message is due and the
 * session can take it at that moment; what cannot go out then is dropped and counted. There is no
 * queue, and one message leaves in each turn. While its owner is busy (a job is under way) it is
 * silent. The messages are the STM32U5 reference's, byte for byte in their names and order; numbers
 * with a fraction have three decimals where it has six.
 *
 * The policy of the device must allow iot:Publish on these topics: AWS IoT ends the connection of a
 * device that publishes what it may not. The session finds out and lets telemetry pause, but each
 * trial costs a connection; so it is off until telemetry_period_s says otherwise. */
#ifndef OTTER_SERVICES_TELEMETRY_TELEMETRY_H
#define OTTER_SERVICES_TELEMETRY_TELEMETRY_H

#include "net/mqtt.h"
#include "port/traffic.h"
#include "services/telemetry/sensors.h"
#include "store/config.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TELEMETRY_PAYLOAD_MAX 256u
#define TELEMETRY_PREFIX_MAX  130u /* bytes of the topics' prefix, with its slash and a NUL */

/* Settings: the period in seconds (0: off), and what topics begin with (default: the thing). */
extern const struct config_table telemetry_settings;
extern const struct config_setting telemetry_setting[];
#define CONFIG_TELEMETRY_PERIOD (&telemetry_setting[0])
#define CONFIG_TELEMETRY_TOPIC  (&telemetry_setting[1])

struct telemetry_source {
    const char *topic; /* behind the prefix */
    /* Writes one message, at most `size` bytes. Its length; negative: there is none now. */
    int (*write)(void *ctx, otter_ms now, char *out, size_t size);
};

struct telemetry_config {
    struct mqtt_session *mqtt;
    struct kv *kv;
    const char *thing;
    const struct telemetry_source *sources;
    size_t source_count;
    bool (*busy)(void *ctx); /* nothing is sent now; NULL: never */
    void *ctx;
};

/* All but the counts is private. */
struct telemetry {
    uint32_t sent; /* messages */
    uint32_t dropped;

    struct telemetry_config config;
    struct mqtt_service service;
    bool registered;
    bool stopped;
    bool refused; /* as last logged */
    uint32_t period_s;
    size_t next;  /* source */
    otter_ms due; /* of the first source; the others follow it, one in each turn */
    char prefix[TELEMETRY_PREFIX_MAX];
};

/* Reads the settings; `telemetry` is zero at first. May be started again after a stop.
 * OTTER_E_ARGUMENT for a prefix that no topic may have (logged). */
otter_status telemetry_start(struct telemetry *telemetry, const struct telemetry_config *config,
                             otter_ms now);
void telemetry_stop(struct telemetry *telemetry);
void telemetry_tick(struct telemetry *telemetry, otter_ms now);
otter_ms telemetry_deadline(const struct telemetry *telemetry);

/* The messages; as struct telemetry_source.write. What is SENSOR_NONE is left out; OTTER_E_IO when
 * that is all. */
int telemetry_environment(const struct environment *values, char *out, size_t size);
int telemetry_motion(const struct motion *values, char *out, size_t size);
int telemetry_network(const struct traffic *values, uint32_t connects, char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
