/* The connection to the cloud: keeps the MQTT session on a TLS connection.
 *
 * Opens TCP and TLS when the session wants a transport, moves bytes both ways, and tells the
 * session when the transport is gone. Owned by the application; nothing here waits. */
#ifndef OTTER_FIRMWARE_LINK_H
#define OTTER_FIRMWARE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware/tuning.h"
#include "net/mqtt.h"
#include "net/tls.h"
#include "pki/pki.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A block with its CBOR map and topic; the longest status update. */
#define LINK_INPUT_SIZE  (TUNE_BLOCK_SIZE + 512u)
#define LINK_OUTPUT_SIZE 832u
#define LINK_HOST_MAX    128u
#define LINK_CLIENT_MAX  128u

struct link {
    struct mqtt_session mqtt;
    struct tls tls;
    struct pki *pki;
    bool provisioned; /* everything is there that a connection needs */
    bool more_input;  /* the last turn read its share, and more may wait */
#if OTTER_SERVICE_HTTP
    bool lent; /* `tls` is somebody else's for a while, as is `input` */
#endif
    const char *fault; /* why the last connection ended or did not come up; NULL: no reason */
    uint16_t port;
    char host[LINK_HOST_MAX + 1];
    char client_id[LINK_CLIENT_MAX + 1];
    uint8_t input[LINK_INPUT_SIZE];
    uint8_t output[LINK_OUTPUT_SIZE];
};

struct link_config {
    const char *client_id; /* copied, as is the host */
    const char *host;
    uint16_t port;
    uint8_t version;    /* of MQTT: 5, or 3.1.1 */
    uint32_t spread_ms; /* the first connection comes at random within this time */
};

/* A host or client id that is empty or too long leaves the link unprovisioned: it then never
 * connects. */
void link_init(struct link *link, struct pki *pki, const struct link_config *config, otter_ms now);

/* Without entropy no transport is opened at all: the attempt counts as failed, and the wait for the
 * next one is as long as it can be. */
void link_tick(struct link *link, otter_ms now);

/* When link_tick is due at the latest, apart from bytes that come in. */
otter_ms link_deadline(const struct link *link, otter_ms now);

#if OTTER_SERVICE_HTTP
/* The session says goodbye and stays off line; `tls`, closed, and the room of `input` are the
 * caller's until it ends the loan, with `tls` open or not. */
void link_lend(struct link *link, otter_ms now);
void link_end_loan(struct link *link);
#endif

/* Ends the connection in good order, before a reset. */
void link_close(struct link *link, otter_ms now);

#ifdef __cplusplus
}
#endif

#endif
