/* The AWS HTTP APIs of the local cloud: iot, iot-data, iot-jobs-data, s3, acm, signer, iam, sts on
 * one port.
 *
 * GET /health and GET /metrics (Prometheus) answer who asks from this machine, unsigned: watch.c.
 * Every other request must be signed (SigV4, header or presigned query) with the cloud's
 * credentials; the service in the credential scope picks the API. It listens on the cloud's event
 * loop. */
#ifndef OTTER_CLOUD_API_API_H
#define OTTER_CLOUD_API_API_H

#include <openssl/types.h>

#include "cloud/loop/loop.h"

struct api;
struct evhttp_request;

/* Another way in than signatures, for a page that this process serves to browsers. */
struct api_pass {
    /* Whether a request with this head, a text, may bring a large body. */
    bool (*knows)(void *context, const char *head);
    /* Takes each request. False: it answers it itself, now or later. True: the request is for a
     * service, as the account's owner asks: `service` says which, `target` is what of the request's
     * target belongs to it, and stays as long as the request. */
    bool (*lets_in)(void *context, struct evhttp_request *request, const char **service,
                    const char **target);
    void *context;
};

/* What /health and /metrics say of the rest of the cloud. May all be NULL. */
struct api_watched {
    bool (*is_broker_up)(void *context);
    void *context;
};

struct api_config {
    const char *address;      /* NULL: 127.0.0.1 */
    uint16_t port;            /* 0: a free one, see api_port */
    const char *iot_endpoint; /* host that describe-endpoint answers; NULL: localhost */
    SSL_CTX *tls;             /* NULL: plain HTTP, for loopback; a reference is taken */
    unsigned patience_s;      /* with slow clients; 0: 20 */
    bool downloads;           /* presigned GET, HEAD and PUT of S3's objects, and nothing else */
    unsigned delay_ms;        /* added to every round trip */
    unsigned rate_kib;        /* that each connection gets a second at most; 0: no limit */
    struct api_pass pass;     /* all NULL: signatures */
    struct api_watched watched;
};

/* NULL with the reason in `reason`: port taken, no credentials. Serves the loop's
 * cloud; the loop must live longer. */
struct api *api_start(struct loop *loop, const struct api_config *config, char *reason,
                      size_t size);
uint16_t api_port(const struct api *api);
/* Ends all connections; answers under way are dropped. */
void api_stop(struct api *api);

#endif
