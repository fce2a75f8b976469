/* Packets where they lie. */
#include "cloud/gateway/packet.h"

/* Smaller packets are copied once: moving them would take pieces of memory along that are much
 * larger than they are. Of larger ones, this much is looked at first. */
#define SMALL 2048u

/* Makes `wanted` bytes of the body readable in one piece, if there are as many. */
static bool see(struct packet *packet, size_t wanted)
{
    if (wanted > packet->header.body_length)
        wanted = packet->header.body_length;
    const uint8_t *bytes = evbuffer_pullup(packet->buffer, (ssize_t)(packet->header.size + wanted));
    if (!bytes)
        return false;
    packet->body = bytes + packet->header.size;
    packet->seen = wanted;
    return true;
}

otter_status packet_peek(struct evbuffer *buffer, const struct mqtt_version *version,
                         uint32_t body_max, struct packet *packet)
{
    const size_t length = evbuffer_get_length(buffer);
    const size_t peek = length < MQTT_HEADER_MAX ? length : MQTT_HEADER_MAX;
    const otter_status status =
        version->decode_header(evbuffer_pullup(buffer, (ssize_t)peek), peek, &packet->header);
    if (status != OTTER_OK)
        return status;
    if (packet->header.body_length > body_max)
        return OTTER_E_TOO_LONG;
    packet->size = packet->header.size + packet->header.body_length;
    packet->version = version;
    packet->buffer = buffer;
    packet->taken = false;
    if (length < packet->size)
        return OTTER_E_AGAIN;
    const bool in_parts = packet->header.type == MQTT_PACKET_PUBLISH;
    return see(packet, in_parts ? SMALL : packet->header.body_length) ? OTTER_OK : OTTER_E_MEMORY;
}

otter_status packet_publish(struct packet *packet, bool whole, struct mqtt_publish *publish)
{
    const uint8_t flags = packet->header.flags;
    const size_t length = packet->header.body_length;
    if (whole && packet->seen < length && !see(packet, length))
        return OTTER_E_MEMORY;
    otter_status status =
        packet->version->decode_publish(flags, packet->body, packet->seen, publish);
    if (status != OTTER_OK && packet->seen < length) { /* a long head */
        if (!see(packet, length))
            return OTTER_E_MEMORY;
        status = packet->version->decode_publish(flags, packet->body, packet->seen, publish);
    }
    if (status != OTTER_OK)
        return status;
    publish->payload.length += length - packet->seen;
    if (!whole)
        publish->payload.data = NULL;
    return OTTER_OK;
}

bool packet_move(struct packet *packet, struct evbuffer *to)
{
    if (packet->seen == packet->header.body_length)
        return evbuffer_add(to, packet->body - packet->header.size, packet->size) == 0;
    packet->taken = true;
    return evbuffer_remove_buffer(packet->buffer, to, packet->size) == (int)packet->size;
}

bool packet_move_as(struct packet *packet, const struct mqtt_bytes *head, size_t payload,
                    struct evbuffer *to)
{
    packet->taken = true;
    return evbuffer_add(to, head->data, head->length) == 0 &&
           evbuffer_drain(packet->buffer, packet->size - payload) == 0 &&
           evbuffer_remove_buffer(packet->buffer, to, payload) == (int)payload;
}

void packet_done(struct packet *packet)
{
    if (!packet->taken)
        evbuffer_drain(packet->buffer, packet->size);
    packet->taken = true;
}
