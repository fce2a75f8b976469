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
#ifdef OTTER_ESP8266_DATAGRAMS
    COMMAND_DATAGRAM,
#endif
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
bool esp8266_is_send(const struct esp8266 *modem); /* the command in flight */
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

/* A name with a quotation mark in it would be another command. */
bool esp8266_is_host(const char *host);

/* ---- esp8266_datagram.c: without it, nothing of it is left in the others ---- */

#ifdef OTTER_ESP8266_DATAGRAMS
/* The command in flight is of datagrams; it is a send; its OK counts only behind an answer. */
bool esp8266_of_datagram(const struct esp8266 *modem);
bool esp8266_datagram_sends(const struct esp8266 *modem);
bool esp8266_datagram_needs_answer(const struct esp8266 *modem);
void esp8266_prompt_datagram(struct esp8266 *modem);
/* A line before its result. */
void esp8266_answer_datagram(struct esp8266 *modem, const char *line);
void esp8266_on_datagram(struct esp8266 *modem, bool good);
void esp8266_next_datagram(struct esp8266 *modem, otter_ms now);
void esp8266_lose_datagrams(struct esp8266 *modem, otter_status error);
/* One waits in the modem. */
void esp8266_datagram_waits(struct esp8266 *modem);
/* A payload of so many bytes begins; some of it: false when that is not a datagram's. */
void esp8266_begin_datagram(struct esp8266 *modem, uint32_t length);
bool esp8266_take_datagram(struct esp8266 *modem, const uint8_t *data, size_t length);
#else
static inline bool esp8266_of_datagram(const struct esp8266 *modem)
{
    (void)modem;
    return false;
}
#define esp8266_datagram_sends                esp8266_of_datagram
#define esp8266_datagram_needs_answer         esp8266_of_datagram
#define esp8266_prompt_datagram(modem)        ((void)(modem))
#define esp8266_answer_datagram(modem, line)  ((void)(modem), (void)(line))
#define esp8266_on_datagram(modem, good)      ((void)(modem))
#define esp8266_next_datagram(modem, now)     ((void)(modem))
#define esp8266_lose_datagrams(modem, error)  ((void)(modem))
#define esp8266_begin_datagram(modem, length) ((void)(modem))
#endif

/* ---- esp8266_input.c ---- */

/* The number at the start of `text`, at most 65535; 0 without one. */
uint32_t esp8266_number(const char *text);

#ifdef __cplusplus
}
#endif

#endif
