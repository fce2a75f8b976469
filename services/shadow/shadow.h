/* The AWS IoT Device Shadow client: reports what the device is and how it is set, and takes what is
 * desired of its settings.
 *
 * A document is the classic shadow or a named one. It has facts, which are only reported (version,
 * board), and properties: settings of the typed store (store/config.h) under a name of the
 * document's own. A whole report goes out after each connect; a cloud in which more is desired
 * answers it with a delta, so that changes of many days off line come then, and no `get` is needed.
 *
 * Of a delta each desired value is checked by its setting's rule. One that keeps it is committed to
 * the store and reported; one that does not is reported as not taken, once:
 *
 *   {"state":{"reported":{"telemetryPeriod":60,"notTaken":{"telemetryPeriod":"takes 5 to 86400"}}}}
 *
 * The cloud repeats a delta as long as desired and reported differ; what has been answered before
 * is not answered again. Members that are no property are left to others.
 *
 * A setting that is changed on the device (shadow_refresh) is reported, and desired in the same
 * update, under the version last seen: else the next delta would take the change back. On a version
 * conflict somebody in the cloud was quicker, and wins: the report goes out without it. A change
 * made before the first connection since boot is reported only, so there the cloud wins, too.
 *
 * Where the cloud does not grant the subscriptions nothing is reported on that connection.
 *
 * A refusal or no answer is met with a back-off, from the reply timeout up to an hour.
 *
 * Sans-IO: `now` comes in, messages go through the MQTT session. The caller owns everything. */
#ifndef OTTER_SERVICES_SHADOW_SHADOW_H
#define OTTER_SERVICES_SHADOW_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/json.h"
#include "net/mqtt.h"
#include "port/port.h"
#include "store/config.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SHADOW_THING_NAME_MAX 128u
#define SHADOW_NAME_MAX       64u
#define SHADOW_PROPERTIES_MAX 6u   /* of a document */
#define SHADOW_REPORT_MAX     416u /* bytes of the longest report */
#define SHADOW_TOKENS_MIN     128u

struct shadow_fact {
    const char *name, *value;
};

struct shadow_property {
    const char *name;                     /* a member, in which no '.' or '[' is */
    const struct config_setting *setting; /* not secret, and with a default */
};

/* What has become of a property since the start; private. */
struct shadow_value {
    uint32_t known;    /* checksum of the value last reported or taken */
    uint32_t answered; /* ... of the desired value that was answered last; 0: none */
};

/* Zero but for the first five. All of it must outlive the service. */
struct shadow_document {
    const char *name; /* NULL: the classic one */
    const struct shadow_fact *facts;
    const struct shadow_property *properties;
    uint8_t fact_count, property_count;

    /* private: bits of properties */
    uint8_t dirty, sent;         /* to be reported, being reported */
    uint8_t claimed, sent_claim; /* the same of what the device desires itself */
    uint8_t refused;             /* the desired value is not taken */
    bool whole, sent_whole;      /* the facts, too */
    uint32_t version;            /* last seen; 0: none */
    struct shadow_value values[SHADOW_PROPERTIES_MAX];
    struct mqtt_subscription subscriptions[3];
};

struct shadow_config {
    struct mqtt_session *mqtt;
    struct kv *kv;
    const char *thing_name;
    jsmntok_t *tokens;    /* scratch for reading one message, free between calls: may be shared */
    uint16_t token_count; /* at least SHADOW_TOKENS_MIN */
    struct shadow_document *documents; /* the classic one, one with a name, or both */
    uint8_t document_count;
    uint32_t reply_timeout_ms; /* 0: 10 s */
    /* A property's setting has another value now, by the cloud or by shadow_refresh. */
    void (*changed)(void *ctx, const struct shadow_property *property);
    void *ctx;
};

#define SHADOW_PREFIX_SIZE (sizeof "$aws/things//shadow/" + SHADOW_THING_NAME_MAX)
#define SHADOW_TOPIC_SIZE  (sizeof "name//update/accepted" + SHADOW_NAME_MAX)

/* Zero at first; all fields are private. */
struct shadow {
    struct shadow_config config;
    struct mqtt_service service;
    bool runs, online;
    uint8_t retries;
    uint32_t counter;              /* of clientTokens */
    struct shadow_document *asked; /* whose report waits for its answer */
    otter_ms deadline;             /* of the answer, or until the next report may go; 0: none */
    struct mqtt_ticket ticket;
    char prefix[SHADOW_PREFIX_SIZE];
    char topics[4][SHADOW_TOPIC_SIZE]; /* of the named document: update, its answers and delta */
    char report[SHADOW_REPORT_MAX];
};

/* Subscribes, and reports from the next connection on; again after shadow_stop. OTTER_E_ARGUMENT
 * when a name or count breaks a rule above: then there is nothing to stop. */
otter_status shadow_start(struct shadow *shadow, const struct shadow_config *config, otter_ms now);
void shadow_stop(struct shadow *shadow);
void shadow_tick(struct shadow *shadow, otter_ms now);
/* When shadow_tick is due at the latest. */
otter_ms shadow_deadline(const struct shadow *shadow);

/* Settings may have been changed otherwise: those that were are reported. */
void shadow_refresh(struct shadow *shadow);

#ifdef __cplusplus
}
#endif

#endif
