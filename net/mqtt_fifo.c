/* The bytes that an MQTT session has to send. */
#include "net/mqtt_fifo.h"

#include <string.h>

#define PUBLISH_DUPLICATE 0x08u /* in the first byte of a PUBLISH */

void mqtt_fifo_restart(struct mqtt_fifo *f)
{
    f->start = 0;
    f->end = 0;
    f->kept_due = false;
}

uint8_t *mqtt_fifo_space(struct mqtt_fifo *f, size_t *size)
{
    if (f->start > 0) {
        memmove(f->data, f->data + f->start, f->end - f->start);
        f->end -= f->start;
        f->start = 0;
    }
    *size = f->size - f->kept_length - f->end;
    return f->data + f->end;
}

void mqtt_fifo_queue(struct mqtt_fifo *f, size_t length)
{
    f->end += length;
}

void mqtt_fifo_keep(struct mqtt_fifo *f, size_t length)
{
    memmove(f->data + f->size - length, f->data + f->end, length);
    f->kept_length = length;
    f->kept_begun = false;
    mqtt_fifo_repeat(f);
}

void mqtt_fifo_repeat(struct mqtt_fifo *f)
{
    if (f->kept_begun)
        f->data[f->size - f->kept_length] |= PUBLISH_DUPLICATE;
    f->kept_sent = 0;
    f->kept_ahead = f->end - f->start;
    f->kept_due = true;
}

bool mqtt_fifo_kept_is_out(const struct mqtt_fifo *f)
{
    return f->kept_length > 0 && f->kept_due && f->kept_sent == f->kept_length;
}

void mqtt_fifo_forget(struct mqtt_fifo *f)
{
    f->kept_length = 0;
    f->kept_due = false;
}

static bool kept_is_waiting(const struct mqtt_fifo *f)
{
    return f->kept_due && f->kept_sent < f->kept_length;
}

static bool kept_is_first(const struct mqtt_fifo *f)
{
    return kept_is_waiting(f) && f->kept_ahead == 0;
}

size_t mqtt_fifo_front(const struct mqtt_fifo *f, const uint8_t **data)
{
    if (kept_is_first(f)) {
        *data = f->data + f->size - f->kept_length + f->kept_sent;
        return f->kept_length - f->kept_sent;
    }
    *data = f->data + f->start;
    return kept_is_waiting(f) ? f->kept_ahead : f->end - f->start;
}

static void account(struct mqtt_fifo *f, size_t length)
{
    if (kept_is_first(f)) {
        f->kept_sent += length;
        f->kept_begun = true;
        return;
    }
    if (kept_is_waiting(f))
        f->kept_ahead -= length;
    f->start += length;
}

void mqtt_fifo_sent(struct mqtt_fifo *f, size_t length)
{
    const uint8_t *data;
    size_t front = mqtt_fifo_front(f, &data);
    while (length > 0 && front > 0) {
        const size_t step = length < front ? length : front;
        account(f, step);
        length -= step;
        front = mqtt_fifo_front(f, &data);
    }
}
