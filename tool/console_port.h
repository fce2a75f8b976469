/* The far end of a device's console: a serial port, a pseudo-terminal, or the socket that an
 * emulator offers in place of one. */
#ifndef OTTER_TOOL_CONSOLE_PORT_H
#define OTTER_TOOL_CONSOLE_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "tool/failure.h"

struct console_port {
    int descriptor;
};

/* `name`: "unix:PATH", "tcp:HOST:PORT", or the path of a terminal, which is set to `baud` 8N1 and
 * kept to ourselves. */
otter_status console_port_open(struct console_port *port, const char *name, unsigned baud,
                               struct failure *failure);
void console_port_close(struct console_port *port);

/* Writes all; OTTER_E_IO when the other side is gone, OTTER_E_TIMEOUT when it takes nothing for a
 * second. */
otter_status console_port_send(void *port, const void *data, size_t length);
/* Waits for bytes: how many came, 0 when none did in time, OTTER_E_CLOSED. */
int console_port_receive(void *port, void *data, size_t size, unsigned timeout_ms);
/* Milliseconds of the system's clock. */
uint64_t console_port_now(void *port);

#endif
