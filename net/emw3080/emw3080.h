/* An MXCHIP EMW3080 with ST's firmware 2.x at SPI: a Wi-Fi module in bypass mode, which carries the
 * Ethernet frames of a TCP/IP stack on our side.
 *
 * Without I/O of its own: who links it brings bus, pins and frames (below), time comes in by `now`.
 * Nothing waits: where the module takes its time (FLOW, answers), emw3080_tick goes on the next
 * time. A transaction's bytes are moved in one go, at most 4 KiB of them.
 *
 * What a user would do by hand is done here: a packet whose transaction failed is sent again, an
 * access point that is gone is joined again, a module that does not answer is reset, with waits
 * that grow from 1 s (a reset) or 5 s (a join) to 60 s.
 *
 * Written from what ST's open driver and its users show of the protocol. Not checked: whether
 * 0x8101's parameter has one byte or four (the first one counts), what a status other than 0 means
 * (it is logged as it is), the records of a scan (only their number is read), when 0x8001 comes. */
#ifndef OTTER_NET_EMW3080_H
#define OTTER_NET_EMW3080_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/port.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EMW3080_FRAME_MIN      14u
#define EMW3080_FRAME_MAX      1514u
#define EMW3080_PIECE_MAX      64u /* bytes of one emw3080_exchange */
#define EMW3080_SSID_MAX       32u /* IEEE 802.11 */
#define EMW3080_CREDENTIAL_MAX 64u

struct emw3080; /* its shape is below; all fields are private */

void emw3080_init(struct emw3080 *module, otter_ms now);
/* "" for what is not set. The same ones again change nothing. */
void emw3080_join(struct emw3080 *module, otter_ms now, const char *ssid, const char *credential);
/* OTTER_OK while frames can come and go; else as port_network_status. */
otter_status emw3080_network(const struct emw3080 *module);
/* The module's own address; once emw3080_network has said OTTER_OK. */
const uint8_t *emw3080_mac(const struct emw3080 *module);

/* Does what can be done now. To be called at least every 100 ms, and while emw3080_has_work. */
void emw3080_tick(struct emw3080 *module, otter_ms now);
bool emw3080_has_work(const struct emw3080 *module, otter_ms now);

/* ---- Brought by who links it ------------------------------------------------------------------
 */

/* Pins. */
void emw3080_reset(bool active);
void emw3080_select(bool on);
bool emw3080_notify(void); /* NOTIFY is high */
/* Whether FLOW has risen since the last call of emw3080_forget_flow. */
bool emw3080_flow(void);
void emw3080_forget_flow(void);

/* Clocks `length` bytes, 1 to EMW3080_PIECE_MAX, both ways. False if the bus fails. */
bool emw3080_exchange(const uint8_t *out, uint8_t *in, size_t length);

/* The next frame for the module: its length, 0 without one; its bytes, in order, perhaps more than
 * once; and that it is done with. */
size_t emw3080_frame_length(void);
void emw3080_frame_read(size_t offset, uint8_t *data, size_t length);
void emw3080_frame_sent(void);

/* The next frame from the module. Without room for EMW3080_FRAME_MAX bytes no transaction begins,
 * so the module keeps what it has. Bytes come in order; unless `received` follows, they are void.
 */
bool emw3080_frame_room(void);
void emw3080_frame_write(size_t offset, const uint8_t *data, size_t length);
void emw3080_frame_received(size_t length);

/* ---- Shape ------------------------------------------------------------------------------------
 */

struct emw3080 {
    uint8_t state;
    otter_ms deadline; /* of the state */
    otter_ms judge_at; /* what is late is late then, whatever waits to be read */
    otter_status lacks;
    uint32_t pause_ms; /* the last wait before a reset or a join */
    uint8_t tries;     /* without an answer, so far */
    bool fresh;        /* since its reset it was told nothing that must be undone */
    bool associated;   /* STA_UP came before the answer to the join */

    /* requests */
    uint32_t last_id, command_id;
    bool handed_over;  /* the command of the state; its answer is due */
    uint8_t in_flight; /* frames that were not answered yet */
    otter_ms answer_by;

    /* the transaction, and the packet that goes out in it */
    uint8_t bus;
    uint8_t outgoing;
    uint8_t out_state; /* whose command it is */
    uint32_t out_id;
    uint8_t errors; /* in a row */
    uint16_t out_length, in_length;
    otter_ms flow_by, retry_at;

    uint8_t mac[6];
    char ssid[EMW3080_SSID_MAX + 1];
    char credential[EMW3080_CREDENTIAL_MAX + 1];
};

#ifdef __cplusplus
}
#endif

#endif
