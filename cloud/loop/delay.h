/* A network with a longer and narrower way: relays TCP connections, holding each byte back for a
 * fixed time in each direction, without limiting how much is under way; towards the device at most
 * so many bytes a second come out. For demonstrations, benchmarks and tests. */
#ifndef OTTER_CLOUD_LOOP_DELAY_H
#define OTTER_CLOUD_LOOP_DELAY_H

#include <stddef.h>
#include <stdint.h>

struct delay;
struct event_base;

struct delay_config {
    const char *address; /* IPv4, to listen on */
    uint16_t port;       /* 0: a free one */
    uint16_t to_port;    /* on 127.0.0.1 */
    unsigned each_way_us;
    unsigned bytes_per_second; /* to each device; 0: no limit */
};

/* NULL with errno when the port cannot be had. */
struct delay *delay_start(struct event_base *base, const struct delay_config *config);
uint16_t delay_port(const struct delay *delay);
void delay_stop(struct delay *delay);

#endif
