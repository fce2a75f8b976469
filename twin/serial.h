/* A serial line between a UART's model and what sits at its other end: a console, a modem. */
#ifndef OTTER_TWIN_SERIAL_H
#define OTTER_TWIN_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

/* The other end. The UART fills the last three fields when it is connected. */
struct serial {
    const char *name;
    uint32_t baud;
    void (*take)(void *ctx, uint8_t byte); /* a byte has come from the UART */
    void *ctx;
    bool clear_to_send; /* the UART's CTS: it may send; serial_resume after it turned true */
    bool honours_rts;   /* waits while the UART's RTS holds it off */
    void *uart;
    bool (*give)(void *uart, const void *data, uint32_t size);
    void (*resume)(void *uart);
};

/* Bytes to the UART, which come in one after the other at the line's rate. False, and none taken,
 * when more wait already than the model holds. */
static inline bool serial_give(struct serial *serial, const void *data, uint32_t size)
{
    return serial->give && serial->give(serial->uart, data, size);
}

static inline void serial_resume(struct serial *serial)
{
    if (serial->resume)
        serial->resume(serial->uart);
}

#endif
