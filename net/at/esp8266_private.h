/* Private to net/at/: between the bytes (esp8266_input.c), the commands (esp8266.c), the network
 * (esp8266_network.c) and the connection (esp8266_link.c). */
#ifndef OTTER_NET_AT_ESP8266_PRIVATE_H
#define OTTER_NET_AT_ESP8266_PRIVATE_H

#include "net/at/esp8266.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TAG "MODEM"

#define ANSWER_MS 2000u /* of a command that needs nobody else */

enum phase {
    PHASE_OFF,   /* waits before a reset */
    PHASE_RESET, /* the pin is active */
    PHASE_BOOT,  /* until `ready` */
    PHASE_SETUP,
    PHASE_JOIN, /* not in a network: joining, or waiting to */
    PHASE_UP
};

enum command {
    COMMAND_NONE,
    COMMAND_PROBE, /* AT */
    COMMAND_RESET, /* AT+RST, where there is no pin */
    COMMAND_SETUP,
    COMMAND_JOIN,
    COMMAND_LEAVE,
    COMMAND_ADDRESS,
    COMMAND_LOOK_UP, /* from here on: of the connection */
    COMMAND_CONNECT,
    COMMAND_SEND,
    COMMAND_LENGTH,
    COMMAND_READ,
    COMMAND_CLOSE
};

/* ---- esp8266.c: commands and the modem's life ---- */

/* Begins the command, which none may be in flight. `begin` when modem->text is in place. */
void esp8266_say(struct esp8266 *modem, otter_ms now, enum command command, uint32_t timeout_ms,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
void esp8266_begin(struct esp8266 *modem, otter_ms now, enum command command, uint32_t timeout_ms);
/* The next pause: twice the last one, from `least` on. */
uint32_t esp8266_longer_pause(struct esp8266 *modem, uint32_t least);
void esp8266_reset_later(struct esp8266 *modem, otter_ms now, otter_status lacks);
/* The connection, if there is one, is broken. */
void esp8266_lose_link(struct esp8266 *modem, otter_status error);
/* One line without its end, a NUL behind it. */
void esp8266_on_line(struct esp8266 *modem, otter_ms now, const char *line);
/* The modem waits for the data of a send. */
void esp8266_on_prompt(struct esp8266 *modem);
/* What it sends can no longer be understood. */
void esp8266_on_nonsense(struct esp8266 *modem, otter_ms now);
/* Does what is due. */
void esp8266_pump(struct esp8266 *modem, otter_ms now);

/* ---- esp8266_network.c ---- */

void esp8266_next_step(struct esp8266 *modem, otter_ms now);
void esp8266_on_step(struct esp8266 *modem, otter_ms now, bool good);
void esp8266_next_join(struct esp8266 *modem, otter_ms now);
void esp8266_on_join(struct esp8266 *modem, otter_ms now, bool good);
void esp8266_ask_address(struct esp8266 *modem, otter_ms now);
void esp8266_on_address(struct esp8266 *modem, otter_ms now);
/* WIFI DISCONNECT */
void esp8266_left_network(struct esp8266 *modem, otter_ms now);

/* ---- esp8266_link.c ---- */

void esp8266_next_of_link(struct esp8266 *modem, otter_ms now);
void esp8266_on_look_up(struct esp8266 *modem, bool good);
void esp8266_on_connect(struct esp8266 *modem, otter_ms now, bool good);
void esp8266_on_sent(struct esp8266 *modem, bool good);
/* What came was taken by the application. */
bool esp8266_all_taken(const struct esp8266 *modem);

/* ---- esp8266_input.c ---- */

/* The number at the start of `text`, at most 65535; 0 without one. */
uint32_t esp8266_number(const char *text);

#ifdef __cplusplus
}
#endif

#endif
