/* A model of the EMW3080 Wi-Fi module with the SPI firmware that ST ships on its boards (mx_wifi,
 * V2.3.4), as seen from its pins: written from what is known of its transport and commands, not
 * from our driver.
 *
 * The pins: SPI with chip select (NSS), RESET, and towards the host FLOW (a rising edge when the
 * module is ready for the next bytes) and NOTIFY (high while it has a packet). One transaction
 * exchanges one packet each way, at most: NSS low, FLOW, 8 bytes of header both ways, FLOW, as many
 * bytes as the longer of both packets has, NSS high. A packet is a request, its response or an
 * event; frames of the host's own TCP/IP come as such in bypass mode, the only one here.
 *
 * Without I/O of its own: bytes, time (in ns) and frames come in by call. What a host does wrong is
 * said once, by `complain`: on silicon such a module would hang or answer with garbage. Where the
 * sources leave a detail open, the model does it both ways in turn. Not modelled, and so a
 * complaint: soft access point, the module's own sockets. */
#ifndef OTTER_TWIN_MODEM_EMW3080_MODEL_H
#define OTTER_TWIN_MODEM_EMW3080_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define EMW3080_FRAME_MAX  1514u
#define EMW3080_PACKET_MAX (28u + EMW3080_FRAME_MAX)
#define EMW3080_QUEUE      48u
#define EMW3080_HZ_MAX     31250000u /* the fastest clock that it is known to be used with */

/* What the module does wrong, once: the first five at its n-th transaction, the others at its n-th
 * command. emw3080_model_faults has their names, NULL behind the last. */
enum emw3080_fault {
    EMW3080_SOUND,
    EMW3080_FLOW_LATE,  /* the first FLOW comes after 15 ms, whether NSS is still low or not */
    EMW3080_FLOW_NEVER, /* no first FLOW in this transaction */
    EMW3080_FLOW_ONCE,  /* no second FLOW in this transaction */
    EMW3080_BAD_HEADER, /* its header has lengths that do not fit */
    EMW3080_HANGS,      /* no FLOW any more until it is reset */
    EMW3080_MUTE,       /* no response */
    EMW3080_DROPS,      /* the access point is away for 3 s; the module stays off it */
    EMW3080_BLINKS,     /* the same, but the module joins again by itself */
    EMW3080_RESTARTS,   /* its watchdog bites: it has forgotten all */
    EMW3080_REJECTS,    /* the response says that it failed, and so it did */
    EMW3080_EVENT,      /* an event between the request and its response */
    EMW3080_REORDERS,   /* the response comes behind that of the next request */
    EMW3080_FAULTS
};
extern const char *const emw3080_model_faults[];

struct emw3080_config {
    const char *ssid, *password;
    enum emw3080_fault fault;
    unsigned fault_at; /* counted from power-on, 1 for the first; 0: never */
};

/* The other side of the module. */
struct emw3080_world {
    void *ctx;
    void (*send)(void *ctx, const uint8_t *frame, uint32_t length); /* by radio */
    void (*complain)(void *ctx, const char *what);
};

struct emw3080_packet {
    uint64_t due; /* when the module has it ready */
    uint32_t length;
    uint8_t bytes[EMW3080_PACKET_MAX];
};

enum emw3080_state {
    EMW3080_IDLE,    /* NSS is high */
    EMW3080_WAITING, /* for its own FLOW */
    EMW3080_HEADER,
    EMW3080_WAITING_AGAIN,
    EMW3080_PAYLOAD,
    EMW3080_DONE /* nothing more to exchange */
};

struct emw3080_model {
    struct emw3080_config config;
    struct emw3080_world world;
    uint64_t now;
    /* Power: held in reset since, ready at; UINT64_MAX: not so. */
    uint64_t held_since, ready_at;
    bool surprised; /* it boots without the host's doing */
    bool hangs;
    /* One transaction. */
    enum emw3080_state state;
    bool selected, flow;
    uint64_t flow_up_at, flow_down_at;
    bool flow_is_late; /* it comes even behind the transaction's end */
    uint32_t count;    /* bytes of this state */
    uint8_t header_out[8], header_in[8];
    uint32_t in_length, out_length;
    uint8_t in[4096];
    int out; /* the packet on its way, -1: none */
    /* What waits for the host, in no order: `due` has it. */
    struct emw3080_packet queue[EMW3080_QUEUE];
    bool queued[EMW3080_QUEUE];
    uint64_t order[EMW3080_QUEUE], next_order;
    int held_back; /* of EMW3080_REORDERS; -1: none */
    /* Wi-Fi */
    bool air, joined, bypass, wide_status;
    uint64_t join_at, air_at, rejoin_at;
    char ssid[33], key[65];
    unsigned transactions, commands;
};

/* Power-on. */
void emw3080_model_init(struct emw3080_model *model, const struct emw3080_config *config,
                        const struct emw3080_world *world, uint64_t now);
/* The reset pin's level; low holds the module in reset. */
void emw3080_model_reset(struct emw3080_model *model, bool level, uint64_t now);
/* The reset pin rises because the chip that held it low was reset itself, however early that is. */
void emw3080_model_release(struct emw3080_model *model, uint64_t now);
/* NSS, true for low. */
void emw3080_model_select(struct emw3080_model *model, bool selected, uint64_t now);
/* NSS goes high because the host is reset, maybe in the middle of a transaction. */
void emw3080_model_drop(struct emw3080_model *model, uint64_t now);
/* Eight clocks: a byte in, a byte out. */
uint8_t emw3080_model_exchange(struct emw3080_model *model, uint8_t in, uint64_t now);
/* Pins towards the host. */
bool emw3080_model_flow(const struct emw3080_model *model);
bool emw3080_model_notify(const struct emw3080_model *model);
/* A frame by radio, lost when the module cannot take it. */
void emw3080_model_frame(struct emw3080_model *model, const uint8_t *frame, uint32_t length,
                         uint64_t now);
/* The access point goes or comes back. On at power-on. */
void emw3080_model_air(struct emw3080_model *model, bool on, uint64_t now);
/* Does what is due; emw3080_model_deadline says when that is next. */
void emw3080_model_tick(struct emw3080_model *model, uint64_t now);
uint64_t emw3080_model_deadline(const struct emw3080_model *model);

/* ---- between emw3080_model.c and emw3080_commands.c ---- */

#define EMW3080_MS 1000000ull

void emw3080_complain(struct emw3080_model *model, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Queues `request`'s response or, with request 0, an event. False: no room. */
bool emw3080_queue(struct emw3080_model *model, uint32_t request, uint16_t api, const void *data,
                   uint32_t length, uint64_t due);
void emw3080_status_event(struct emw3080_model *model, uint8_t status, uint64_t due);
/* Not by the reset pin. */
void emw3080_restart(struct emw3080_model *model);
void emw3080_air_lost(struct emw3080_model *model);
/* A packet of the host's. */
void emw3080_command(struct emw3080_model *model, const uint8_t *packet, uint32_t length);
/* A join that was begun comes to its end. */
void emw3080_join_ends(struct emw3080_model *model);

#endif
