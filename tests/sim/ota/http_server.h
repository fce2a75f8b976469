/* A server of files by ranges, as S3 is behind presigned URLs, and the device's connection to it:
 * the agent's real source (services/ota/source_http.h) asks, the world's clock and chance are the
 * network. It serves the files of the world's jobs under the addresses in their documents. While
 * the connection is lent the device has no session: there is one of it.
 *
 * Pieces of an answer come late and in any size; the connection breaks, or is closed between two
 * answers; a range is refused for now (503), or its address is (403). */
#ifndef OTTER_TESTS_SIM_OTA_HTTP_SERVER_H
#define OTTER_TESTS_SIM_OTA_HTTP_SERVER_H

#include "services/ota/source_http.h"

#define HTTP_SERVER_URL_MAX 1024u

struct world;

struct http_server {
    struct ota_source_http source;
    struct http_client client;
    struct http_line line;
    struct ota_source_ops ops; /* the source's; `read` is counted */
    const struct ota_source_ops *real;
    struct world *world;
    uint8_t room[4096];
    bool lent;
    bool broken;
    bool closes; /* the connection, once its answer is out */
    otter_ms open_at, next_at;
    uint32_t requests;
    uint32_t uses; /* of the address */
    char request[HTTP_REQUEST_MAX + 1];
    uint32_t request_length;
    uint32_t puts;
    char stored[4096]; /* the last object that came by PUT */
    uint32_t stored_length;
    char head[400];
    uint32_t head_at;
    const uint8_t *body;
    uint32_t body_at, body_length;
};

void http_server_init(struct http_server *server, struct world *world);
/* The device's side, in each turn of its loop. */
void http_server_tick(struct http_server *server, otter_ms now);
otter_ms http_server_deadline(const struct http_server *server, otter_ms now);

#endif
