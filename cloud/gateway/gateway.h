/* The doors of the local cloud for devices, all TLS 1.2 and 1.3: MQTT with client certificates,
 * MQTT over WebSockets for users who sign, and messages by HTTPS with certificates. */
#ifndef OTTER_CLOUD_GATEWAY_GATEWAY_H
#define OTTER_CLOUD_GATEWAY_GATEWAY_H

#include <stddef.h>
#include <stdint.h>

#include "cloud/gateway/rules.h"
#include "cloud/loop/loop.h"

struct broker;
struct gateway;

struct gateway_config {
    const char *address; /* NULL: 127.0.0.1 */
    const char *names;   /* further names and addresses for the certificate, parted by commas */
    uint16_t port;       /* 0: a free one, see gateway_port */
    uint16_t web_port, publish_port;            /* AWS's 443 and 8443, see web.h; 0: free ones */
    bool or_free, web_or_free, publish_or_free; /* when that port is taken, or not permitted */
    unsigned delay_ms;    /* added to each round trip, half of it each way; throughput stays */
    unsigned rate_kib;    /* that each device gets a second at most; 0: no limit */
    unsigned drop_blocks; /* N > 0: every Nth block of a stream is lost; for tests */
    struct rules rules;
};

/* Serves the devices of the loop's cloud, before `broker`; both must live longer. Makes
 * DIR/root_ca.pem (and its key) if they are not there, DIR being the cloud's folder. Listens to
 * changes of identities (cloud->watch). NULL with the reason in `reason`. */
struct gateway *gateway_start(struct loop *loop, struct broker *broker,
                              const struct gateway_config *config, char *reason, size_t size);
uint16_t gateway_port(const struct gateway *gateway);
uint16_t gateway_web_port(const struct gateway *gateway);
uint16_t gateway_publish_port(const struct gateway *gateway);
/* Ends all connections. */
void gateway_stop(struct gateway *gateway);

#endif
