/* An ESP8266 with Espressif's AT firmware (1.7 and later, or 2.x): Wi-Fi, name look-up and one TCP
 * connection over a UART.
 *
 * Without I/O of its own: bytes from the UART go in by esp8266_input, bytes for it come out by
 * esp8266_output, time by `now`; esp8266_tick is due at esp8266_deadline. One command is in flight
 * at a time, each with a deadline; what a user would do by hand when the modem does not answer
 * (probe, then reset) is done here, with waits that grow from 1 s to 60 s.
 *
 * Data comes in passive mode: the modem keeps it until it is asked for, at most
 * ESP8266_RECEIVE_MAX bytes at once. So a UART that can take that much and some lines
 * (ESP8266_RING_MIN) loses nothing, however long the firmware is busy. An older firmware of the
 * modem, which has no passive mode, is refused (OTTER_E_VERSION).
 *
 * Whether bytes that were handed to the modem have reached the server is unclear once it does not
 * say SEND OK: the connection then counts as broken, and nothing is ever sent twice. */
#ifndef OTTER_NET_AT_ESP8266_H
#define OTTER_NET_AT_ESP8266_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/port.h"
#include "port/socket.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ESP8266_SEND_MAX       1024u /* bytes of one AT+CIPSEND; the modem takes 2048 */
#define ESP8266_RECEIVE_MAX    2048u /* bytes of one AT+CIPRECVDATA, the modem's limit */
#define ESP8266_RING_MIN       4096u /* what the UART's driver must be able to keep */
#define ESP8266_HOST_MAX       128u
#define ESP8266_SSID_MAX       32u /* IEEE 802.11 */
#define ESP8266_CREDENTIAL_MAX 64u

/* How the modem is wired. */
struct esp8266_wiring {
    bool reset_pin; /* there is one, driven as esp8266_in_reset says; else AT+RST must do */
    bool rts_cts;   /* both are wired: see esp8266_flow_control */
};

struct esp8266; /* its shape is below; all fields are private */

void esp8266_init(struct esp8266 *modem, const struct esp8266_wiring *wiring, otter_ms now);
/* "" for what is not set. The same ones again change nothing. */
void esp8266_join(struct esp8266 *modem, otter_ms now, const char *ssid, const char *credential);
/* As port_network_status. */
otter_status esp8266_network(const struct esp8266 *modem);

/* Bytes from the UART, any number. */
void esp8266_input(struct esp8266 *modem, otter_ms now, const void *data, size_t length);
/* Bytes for the UART; `sent` says how many it took. They stay where they are until then. */
size_t esp8266_output(const struct esp8266 *modem, const uint8_t **data);
void esp8266_sent(struct esp8266 *modem, size_t length);
void esp8266_tick(struct esp8266 *modem, otter_ms now);
otter_ms esp8266_deadline(const struct esp8266 *modem);

/* True when nothing that was sent waits for its way out, and no closed connection for its end. */
bool esp8266_quiet(const struct esp8266 *modem);
/* True when something happened since the last call that who uses the connection may wait for. */
bool esp8266_take_event(struct esp8266 *modem);
/* True while the reset pin must be held active. */
bool esp8266_in_reset(const struct esp8266 *modem);
/* True once the modem minds RTS and CTS: the UART then does so, too. */
bool esp8266_flow_control(const struct esp8266 *modem);

/* The connection. States, errors and results are those of port/socket.h; OTTER_E_NO_SPACE when it
 * is in use. `receive` may be called until it gives an error, `close` always. */
otter_status esp8266_open(struct esp8266 *modem, otter_ms now, const char *host, uint16_t port);
enum socket_state esp8266_state(const struct esp8266 *modem, otter_status *error);
int esp8266_send(struct esp8266 *modem, otter_ms now, const void *data, size_t length);
int esp8266_receive(struct esp8266 *modem, otter_ms now, void *data, size_t size);
void esp8266_close(struct esp8266 *modem, otter_ms now);

/* Datagrams to and from one host, as port/datagram.h; at most ESP8266_DATAGRAM_MAX bytes each way.
 * Only in builds with a service that needs them: OTTER_ESP8266_DATAGRAMS. While the name is looked
 * up (15 s at most) the connection waits. */
otter_status esp8266_datagram_open(struct esp8266 *modem, otter_ms now, const char *host,
                                   uint16_t port);
otter_status esp8266_datagram_send(struct esp8266 *modem, otter_ms now, const void *data,
                                   size_t length);
size_t esp8266_datagram_receive(struct esp8266 *modem, otter_ms now, void *data, size_t size);
void esp8266_datagram_close(struct esp8266 *modem, otter_ms now);

/* ---- Shape ------------------------------------------------------------------------------------
 */

#define ESP8266_LINE_MAX     96u /* of the lines that matter; of longer ones the rest is dropped */
#define ESP8266_DATAGRAM_MAX 64u
#define ESP8266_TEXT_MAX     224u /* AT+CWJAP_CUR with all characters escaped */

struct esp8266_datagram {
    uint8_t step;        /* of the command in flight */
    bool must_close;     /* the modem may have the link */
    bool waits;          /* a datagram, in the modem */
    bool comes;          /* its bytes are on their way */
    otter_status status; /* OTTER_OK: open; OTTER_E_AGAIN: to be opened */
    uint16_t port;
    uint8_t out_length, in_length;
    char host[64];
    uint8_t out[ESP8266_DATAGRAM_MAX], in[ESP8266_DATAGRAM_MAX];
};

struct esp8266 {
    struct esp8266_wiring wiring;
    uint8_t phase;
    uint8_t step;         /* of the set-up */
    uint8_t major;        /* AT version, 0 while unknown */
    bool rts_cts_on;      /* the modem minds them */
    otter_status network; /* what it lacks */
    otter_ms phase_at;    /* when the phase does its next thing by itself */
    uint32_t pause_ms;    /* the last wait before a reset or a join */

    /* the command in flight */
    uint8_t command;
    uint8_t probes; /* AT without an answer, so far */
    bool stale;     /* its result is for a connection that was closed */
    bool prompted;  /* of a send: the data is going out */
    bool answered;  /* it said what it is asked for, before its OK */
    otter_ms started, deadline;
    uint32_t timeout_ms;
    otter_ms retry_at, busy_until; /* after `busy`; OTTER_NEVER: not busy */
    const uint8_t *out;
    size_t out_length;
    char text[ESP8266_TEXT_MAX];

    /* bytes to lines and payload */
    char line[ESP8266_LINE_MAX + 1];
    uint8_t line_length;
    uint16_t payload_left;
    uint16_t asked; /* bytes of the read in flight */
    bool discard;   /* the payload is nobody's */

    /* Wi-Fi */
    char ssid[ESP8266_SSID_MAX + 1];
    char credential[ESP8266_CREDENTIAL_MAX + 1];
    bool rejoin;         /* the credentials are new */
    bool linked;         /* WIFI CONNECTED, but perhaps without an address */
    bool has_address;    /* as AT+CIFSR said */
    uint8_t join_answer; /* n of +CWJAP:n */

    /* the connection */
    enum socket_state link;
    otter_status link_error;
    bool must_close;  /* the modem may still have it */
    bool data_waits;  /* in the modem, as it said */
    bool ask_length;  /* whether data waits is not known */
    bool peer_closed; /* it has ended; what waits in the modem is still to be read */
    bool read_last;   /* reads and sends take turns */
    bool leftover;    /* ALREADY CONNECTED: close first */
    bool event;
    uint16_t port;
    otter_ms poll_at; /* asks for the length even if the modem says nothing */
    char host[ESP8266_HOST_MAX + 1];
    char address[16];
    uint16_t send_length; /* not offered to the modem yet */
    uint16_t promised;    /* bytes of the send in flight */
    uint16_t stuck;       /* bytes that it may still wait for; 0: none */
    uint16_t receive_start, receive_length;
    uint8_t send_buffer[ESP8266_SEND_MAX];
    uint8_t receive_buffer[ESP8266_RECEIVE_MAX];
#ifdef OTTER_ESP8266_DATAGRAMS
    struct esp8266_datagram datagram;
#endif
};

#ifdef __cplusplus
}
#endif

#endif
