/* A packet at the head of a libevent buffer, looked at where it lies. The payload of a PUBLISH is
 * not gathered into one piece unless somebody wants to read it: relaying moves whole pieces of the
 * buffer to the other side instead of copying them. */
#ifndef OTTER_CLOUD_GATEWAY_PACKET_H
#define OTTER_CLOUD_GATEWAY_PACKET_H

#include <event2/buffer.h>

#include "codec/mqtt_version.h"

struct packet {
    const struct mqtt_version *version;
    struct mqtt_header header;
    const uint8_t *body; /* after the fixed header */
    size_t size;         /* of the packet, header included */
    size_t seen;         /* bytes of the body that can be read; all of it but in a PUBLISH */
    struct evbuffer *buffer;
    bool taken; /* it has left the buffer */
};

/* OTTER_E_AGAIN until a whole packet has arrived, OTTER_E_TOO_LONG for one that never will. The
 * views of a packet end with the next call that changes the buffer. */
otter_status packet_peek(struct evbuffer *buffer, const struct mqtt_version *version,
                         uint32_t body_max, struct packet *packet);

/* Its payload has a length but `data == NULL`, unless `whole`. */
otter_status packet_publish(struct packet *packet, bool whole, struct mqtt_publish *publish);

/* Puts `head` and the last `payload` bytes of the packet at the end of `to`. */
bool packet_move_as(struct packet *packet, const struct mqtt_bytes *head, size_t payload,
                    struct evbuffer *to);
/* Puts the packet at the end of `to`. Its body may not be read any more. False: out of memory. */
bool packet_move(struct packet *packet, struct evbuffer *to);
/* Takes it out of its buffer if nobody has yet. */
void packet_done(struct packet *packet);

#endif
