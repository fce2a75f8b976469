/* What a port provides to the firmware: time, console, randomness, reset, flash; the network is in
 * port/socket.h.
 * Nothing here blocks. A port implements each function once; unit tests bring their own. */
#ifndef OTTER_PORT_PORT_H
#define OTTER_PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Milliseconds since boot; 64 bits, so it never wraps. Modules take it as an argument `now`. */
typedef uint64_t otter_ms;

#define OTTER_NEVER UINT64_MAX

/* Starts clock, console, network, watchdog and flash (port_flash); called once, before anything
 * else. */
void port_start(void);

otter_ms port_now(void);

/* Writes one finished log line (no newline at its end) to wherever the board shows it. */
void port_log_write(const char *line, size_t length);

/* Console: bytes from the user, or 0 when none wait; output that may be buffered by the port,
 * which drops nothing of at most 4096 bytes written between two calls of port_idle. */
size_t port_console_read(void *data, size_t size);
void port_console_write(const void *data, size_t length);

/* Cryptographically strong random bytes. OTTER_E_CRYPTO when the board has no entropy: a caller
 * must then refuse to make keys or connections. */
otter_status port_random(void *data, size_t length);

/* The number that the manufacturer wrote into the chip: the same at each start, another in each chip,
 * no secret. OTTER_E_NOT_FOUND where there is none, or the flash's error. */
#define PORT_UNIQUE_ID_WORDS 3u
otter_status port_unique_id(uint32_t id[PORT_UNIQUE_ID_WORDS]);

/* Restarts the device through the bootloader. Does not return. */
__attribute__((noreturn)) void port_reset(void);

/* Memory in bytes: what the program occupies in RAM (data, zeroed data, stack), the size of its
 * stack and the most that was ever in use of it. 0 where the port cannot tell. */
size_t port_ram_used(void);
size_t port_stack_size(void);
size_t port_stack_used(void);

/* Tells the watchdog that the loop is alive. */
void port_watchdog_feed(void);

/* Lets the port work (network stack, buffered output) and sleeps until something is due:
 * input on console or network, or `deadline`. */
void port_idle(otter_ms deadline);

#ifdef __cplusplus
}
#endif

#endif
