/* The bytes that an MQTT session has to send. */
#include "net/mqtt_fifo.h"

#include <string.h>

void mqtt_fifo_restart(struct mqtt_fifo *f)
{
    f->start = 0;
    f->end = 0;
    f->body_left = false;
}

uint8_t *mqtt_fifo_space(struct mqtt_fifo *f, size_t *size)
{
    if (f->start > 0) {
        memmove(f->data, f->data + f->start, f->end - f->start);
        f->end -= f->start;
        f->start = 0;
    }
    *size = f->size - f->end;
    return f->data + f->end;
}

void mqtt_fifo_queue(struct mqtt_fifo *f, size_t length)
{
    f->end += length;
}

void mqtt_fifo_body(struct mqtt_fifo *f, size_t head, const uint8_t *body, size_t length)
{
    f->body = body;
    f->body_length = length;
    f->body_sent = 0;
    f->ahead = f->end - f->start;
    f->head = head;
    f->body_left = true;
}

bool mqtt_fifo_body_begun(const struct mqtt_fifo *f)
{
    return f->ahead < f->head;
}

size_t mqtt_fifo_front(const struct mqtt_fifo *f, const uint8_t **data)
{
    if (f->body_left && f->ahead == 0) {
        *data = f->body + f->body_sent;
        return f->body_length - f->body_sent;
    }
    *data = f->data + f->start;
    return f->body_left ? f->ahead : f->end - f->start;
}

static void account(struct mqtt_fifo *f, size_t length)
{
    if (f->body_left && f->ahead == 0) {
        f->body_sent += length;
    } else {
        f->start += length;
        if (f->body_left)
            f->ahead -= length;
    }
    if (f->body_left && f->ahead == 0 && f->body_sent == f->body_length)
        f->body_left = false;
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
