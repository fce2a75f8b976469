/* A model of an ESP8266 with Espressif's AT firmware, as seen from its UART: written from what is
 * known of the module (commands, answers, limits, oddities of 1.7 and 2.x), not from our driver.
 *
 * Without I/O of its own: bytes, time and the network come in by call. Strict where a driver could
 * go wrong: a command that comes while another is worked on is lost (busy p...), at most 2048 bytes
 * go into one send or read, echo until ATE0, garbage before `ready`. Faults can be injected at the
 * n-th command, those of sends (no-prompt, send-fail, eats) at the first send from there on. */
#ifndef OTTER_TWIN_MODEM_ESP8266_MODEL_H
#define OTTER_TWIN_MODEM_ESP8266_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "twin/modem/setup.h"

#define MODEL_LINKS  5
#define MODEL_BUFFER 5744u /* of a link, AT 2.x; 2920 with 1.7 */

/* What the module does wrong, once, at the n-th command that it gets. esp8266_model_faults has
 * their names, NULL behind the last. */
enum model_fault {
    MODEL_SOUND,
    MODEL_BUSY,      /* busy p... three times */
    MODEL_MUTE,      /* no answer; works again at the next command */
    MODEL_HANGS,     /* no answer to anything until it is reset */
    MODEL_RESTARTS,  /* the watchdog bites: garbage and `ready` in mid-flow */
    MODEL_NOISE,     /* a stray byte in the answer */
    MODEL_LOSES,     /* the answer loses a byte */
    MODEL_REFUSES,   /* ERROR */
    MODEL_NO_PROMPT, /* a send gets its OK, but no `> ` */
    MODEL_SEND_FAIL, /* SEND FAIL instead of SEND OK, and the link closes */
    MODEL_DROPS,     /* the link closes */
    MODEL_EATS,      /* every other byte of a send is lost on the way to it */
    MODEL_NO_WIFI,   /* WIFI DISCONNECT; back after 3 s */
    MODEL_FAULTS
};

extern const char *const esp8266_model_faults[];
struct model_config;
/* "drops@12": the fault, and the command that it strikes (1 unless said). False for another text.
 */
bool esp8266_model_take_fault(struct model_config *config, const char *text);

struct model_config {
    unsigned major; /* AT 1.7 or 2.2 */
    const char *ssid, *password;
    bool no_dhcp;      /* WIFI CONNECTED, but no address */
    bool no_passive;   /* an AT firmware before 1.7 */
    bool forgets;      /* each second +IPD line is not sent, as 1.x does */
    unsigned delay_ms; /* between a command and its answer */
    enum model_fault fault;
    unsigned fault_at; /* counted from power-on, 1 for the first; 0: never */
};

/* A sound module of AT 1.7, at an access point that the demo and the tools know. */
#define MODEL_DEFAULTS                                                                             \
    {                                                                                              \
        .major = 1, .ssid = MODEM_SSID, .password = MODEM_PASSWORD, .delay_ms = 1, .fault_at = 1   \
    }

/* The module's side of the radio. `link` is 0 to 4. */
struct model_network {
    void *ctx;
    bool (*look_up)(void *ctx, const char *host, char address[16]);
    bool (*connect)(void *ctx, int link, const char *address, uint16_t port);
    bool (*send)(void *ctx, int link, const void *data, size_t length); /* takes all */
    /* Bytes, 0 when none wait, -1 when the other side has ended. */
    int (*receive)(void *ctx, int link, void *data, size_t size);
    void (*close)(void *ctx, int link);
    /* UDP; each `send` and `receive` is one datagram. NULL: none. */
    bool (*connect_udp)(void *ctx, int link, const char *host, uint16_t port);
};

struct model_link {
    bool open;
    bool udp;      /* 1.7 keeps nothing of that back, in passive mode either */
    bool ended;    /* by the other side */
    bool told;     /* 2.x: +IPD was sent for what waits */
    unsigned ipds; /* sent or forgotten */
    size_t waiting;
    uint8_t data[MODEL_BUFFER];
};

struct esp8266_model {
    struct model_config config;
    const struct model_network *network;
    uint64_t now;
    uint64_t boot_at, answer_at, back_at; /* UINT64_MAX: not so */
    unsigned commands;                    /* since power-on */
    unsigned struck_at;                   /* the command that the fault came at; 0: not yet */
    unsigned busy_left;
    bool hangs, mute, echo, mux, passive, info, joined;
    bool off_air, rejoins; /* no access point; joins by itself when it is back */
    bool lose_byte, add_byte;
    unsigned eaten;
    int send_link; /* -1: no send in progress */
    size_t send_left, send_length;
    uint8_t send_data[2048];
    char line[512];
    size_t line_length;
    char command[512]; /* being worked on; "" when idle */
    struct model_link links[MODEL_LINKS];
    size_t out_length;
    uint8_t out[32768];
};

/* Power-on. */
void esp8266_model_init(struct esp8266_model *model, const struct model_config *config,
                        const struct model_network *network, uint64_t now);
/* The reset pin. */
void esp8266_model_reset(struct esp8266_model *model, uint64_t now);
/* The access point goes, with every link, or comes back: 3 s later the module has joined again, if
 * it had before. On at power-on. */
void esp8266_model_air(struct esp8266_model *model, bool on, uint64_t now);
void esp8266_model_input(struct esp8266_model *model, uint64_t now, const void *data,
                         size_t length);
/* Takes bytes that the module sends. */
size_t esp8266_model_output(struct esp8266_model *model, void *data, size_t size);
/* Looks for data from the network, and answers what is due. */
void esp8266_model_tick(struct esp8266_model *model, uint64_t now);
/* True while data from the network would be taken. */
bool esp8266_model_has_room(const struct esp8266_model *model, int link);
/* Its fault has come. */
bool esp8266_model_has_struck(const struct esp8266_model *model);
/* When esp8266_model_tick is due for its own sake. */
uint64_t esp8266_model_deadline(const struct esp8266_model *model);

#endif
