/* Private to net/emw3080/: between the transactions (emw3080_bus.c) and the module's life
 * (emw3080.c). */
#ifndef OTTER_NET_EMW3080_PRIVATE_H
#define OTTER_NET_EMW3080_PRIVATE_H

#include "net/emw3080/emw3080.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TAG "MODEM"

/* An IPC packet: request u32, api u16, parameters. All numbers are little-endian, nothing is
 * aligned. A request of 0 is an event. */
#define IPC_HEADER  6u
#define IPC_FRAME   28u                 /* of a frame's packet: where the frame starts */
#define COMMAND_MAX (IPC_HEADER + 176u) /* connect */
#define FRAME_ID    0x80000000u         /* in the request of a frame, never in that of a command */

#define FRAME_ANSWER_MS 1000u

enum api {
    API_VERSION = 0x0003,
    API_MAC = 0x0101,
    API_SCAN = 0x0102,
    API_CONNECT = 0x0103,
    API_DISCONNECT = 0x0104,
    API_LINK_INFO = 0x0108,
    API_BYPASS_SET = 0x010c,
    API_BYPASS_OUT = 0x010e,
    API_REBOOTED = 0x8001,
    API_WIFI_STATUS = 0x8101,
    API_BYPASS_IN = 0x8102
};

/* A command's states last until its answer. The order matters: see the uses of < and >. */
enum state {
    STATE_OFF,   /* waits before a reset */
    STATE_RESET, /* the pin is active */
    STATE_BOOT,
    STATE_VERSION,
    STATE_MAC,
    STATE_BYPASS_OFF,
    STATE_DISCONNECT,
    STATE_REST, /* not in a network: until the next join; for ever without a name */
    STATE_BYPASS_ON,
    STATE_CONNECT,
    STATE_AWAIT, /* STA_UP */
    STATE_SCAN,  /* why could it not join? */
    STATE_UP,    /* from here on: frames come and go */
    STATE_CHECK, /* still in the network? */
    STATE_PROBE  /* does it answer at all? */
};

/* ---- emw3080.c ---- */

/* The api of the state's command; 0: it has none. */
uint16_t emw3080_api(const struct emw3080 *module);
/* Writes the command of `out_state`, all COMMAND_MAX bytes; returns how many count. */
size_t emw3080_command(const struct emw3080 *module, uint8_t packet[COMMAND_MAX]);
/* That command has reached the module, whose answer is due. */
void emw3080_command_handed_over(struct emw3080 *module, otter_ms now);
/* What came that is not a frame; `packet` is its first `length` bytes, IPC_HEADER or more. */
void emw3080_on_packet(struct emw3080 *module, otter_ms now, const uint8_t *packet, size_t length);
void emw3080_reset_later(struct emw3080 *module, otter_ms now, otter_status lacks);

/* ---- emw3080_bus.c ---- */

/* Goes one step on with the transaction; false when it has to wait. */
bool emw3080_bus_step(struct emw3080 *module, otter_ms now);
/* No transaction is going on, and none can begin now. */
bool emw3080_bus_rests(const struct emw3080 *module, otter_ms now);
/* Whatever was going on is over. */
void emw3080_bus_stop(struct emw3080 *module);

static inline uint32_t emw3080_get32(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static inline void emw3080_put16(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static inline void emw3080_put32(uint8_t *to, uint32_t value)
{
    emw3080_put16(to, value);
    emw3080_put16(to + 2, value >> 16);
}

#ifdef __cplusplus
}
#endif

#endif
