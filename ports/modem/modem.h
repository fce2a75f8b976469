/* port/socket.h over an AT modem at a UART, for any port whose board has one: what such a port
 * calls, and the UART that it brings. */
#ifndef OTTER_PORTS_MODEM_MODEM_H
#define OTTER_PORTS_MODEM_MODEM_H

#include <stdbool.h>
#include <stddef.h>

#include "net/at/esp8266.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Brought by the port. The driver keeps at least ESP8266_RING_MIN bytes that come in, fed by
 * interrupt; `write` takes what fits and never waits. */
size_t modem_uart_read(void *data, size_t size);
size_t modem_uart_write(const void *data, size_t length);
/* Called when one of the two changes: the reset pin, and whether RTS and CTS are to be minded. */
void modem_uart_control(bool reset, bool rts_cts);

/* Called by the port. */
void modem_start(const struct esp8266_wiring *wiring);
/* Moves bytes both ways and does what is due. True when something happened that the application may
 * wait for. */
bool modem_poll(void);
/* When modem_poll is due, apart from bytes that come in or have gone out. */
otter_ms modem_deadline(void);

#ifdef __cplusplus
}
#endif

#endif
