/* The port under the application's tests: virtual time, simulated flash, a network on which nobody
 * answers, and what a test wants to set or to know of it. */
#ifndef OTTER_TESTS_UNIT_FIRMWARE_FAKE_PORT_H
#define OTTER_TESTS_UNIT_FIRMWARE_FAKE_PORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "boards/board.h"
#include "boards/map.h"
#include "port/handover.h"
#include "port/port.h"
#include "port/socket.h"
#include "tests/sim/nor_sim.h"

#define FAKE_SECTOR  DEVICE_SECTOR_1(BOARD_DEVICE_0)
#define FAKE_SECTORS (AREA_END(BOARD_LOG) / FAKE_SECTOR)

struct fake_port {
    otter_ms now;
    bool entropy;
    uint8_t next_random; /* a counter, or what every byte is */
    bool random_counts;
    unsigned connects; /* calls of socket_connect */
    struct socket *last_socket;
    otter_ms quiet_at;    /* until then something waits for its way out */
    otter_status network; /* what lacks */
    char joined[128];     /* SSID/credential as last handed to the port */
    struct handover handover;
    const char *keyed; /* what a person has yet to type */
    unsigned floods;   /* so many reads are left of one who types without end */
    char logged[16384];
    char shown[16384];
    jmp_buf reset; /* where port_reset goes */
    struct nor_power power;
    struct nor_device device; /* the board's flash */
};
extern struct fake_port fake;

/* All as a board has it whose flash is blank and which gets its power. nor_destroy ends it. */
void fake_port_power_on(void);

/* Adds to a text in a buffer of `size` bytes. */
void fake_append(char *text, size_t size, const char *more, size_t length);

#endif
