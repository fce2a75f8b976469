/* The one connection: look-up, connect, and data in turns. */
#include <stdio.h>
#include <string.h>

#include "net/at/esp8266_private.h"
#include "port/log.h"

#define LOOK_UP_MS      15000u
#define CONNECT_MS      15000u
#define SEND_MS         10000u
#define READ_MS         5000u
#define POLL_MS         5000u /* the modem may forget to say that data waits */
#define REFUSED_SOON_MS 5000u /* a refusal comes at once, a server that is not there late */

void esp8266_on_look_up(struct esp8266 *modem, bool good)
{
    if (good) {
        modem->link = SOCKET_CONNECTING;
        return;
    }
    LOG_WRN(TAG, "no address found for %s", modem->host);
    esp8266_lose_link(modem, OTTER_E_NAME);
    modem->must_close = false;
}

static void opened(struct esp8266 *modem, otter_ms now)
{
    modem->link = SOCKET_OPEN;
    modem->send_length = modem->receive_start = modem->receive_length = 0;
    modem->data_waits = modem->peer_closed = modem->read_last = false;
    modem->ask_length = true; /* a server may speak first */
    modem->poll_at = now + POLL_MS;
}

void esp8266_on_connect(struct esp8266 *modem, otter_ms now, bool good)
{
    if (good) {
        opened(modem, now);
    } else if (modem->leftover) {
        modem->leftover = false;
        modem->must_close = true; /* and then once more */
    } else {
        const bool soon = now - modem->started < REFUSED_SOON_MS;
        esp8266_lose_link(modem, soon ? OTTER_E_REFUSED : OTTER_E_TIMEOUT);
        modem->must_close = false;
    }
}

void esp8266_on_sent(struct esp8266 *modem, bool good)
{
    if (!good || !modem->prompted)
        esp8266_lose_link(modem, OTTER_E_RESET);
}

bool esp8266_all_taken(const struct esp8266 *modem)
{
    return modem->receive_start == modem->receive_length;
}

static void ask_for_data(struct esp8266 *modem, otter_ms now)
{
    modem->receive_start = modem->receive_length = 0;
    modem->asked = ESP8266_RECEIVE_MAX;
    modem->read_last = true;
    esp8266_say(modem, now, COMMAND_READ, READ_MS, "AT+CIPRECVDATA=0,%u", (unsigned)modem->asked);
}

static void offer_data(struct esp8266 *modem, otter_ms now)
{
    modem->read_last = false;
    modem->promised = modem->send_length;
    modem->send_length = 0;
    esp8266_say(modem, now, COMMAND_SEND, SEND_MS, "AT+CIPSEND=0,%u", (unsigned)modem->promised);
}

/* Data waits in the modem until what came before was taken. */
static void next_transfer(struct esp8266 *modem, otter_ms now)
{
    const bool can_read = modem->data_waits && esp8266_all_taken(modem);
    const bool can_send = modem->send_length > 0 && !modem->peer_closed;
    if (can_read && !(can_send && modem->read_last)) {
        ask_for_data(modem, now);
    } else if (can_send) {
        offer_data(modem, now);
    } else if (esp8266_all_taken(modem) && (modem->ask_length || now >= modem->poll_at)) {
        modem->poll_at = now + POLL_MS;
        esp8266_say(modem, now, COMMAND_LENGTH, ANSWER_MS, "AT+CIPRECVLEN?");
    } else if (esp8266_all_taken(modem) && modem->peer_closed) {
        esp8266_lose_link(modem, OTTER_E_CLOSED);
        modem->must_close = false;
    }
}

void esp8266_next_of_link(struct esp8266 *modem, otter_ms now)
{
    if (modem->must_close && modem->link == SOCKET_IDLE && modem->send_length > 0) {
        offer_data(modem, now); /* the last words before the close */
        modem->stale = true;
        return;
    }
    if (modem->must_close) {
        modem->must_close = false;
        esp8266_say(modem, now, COMMAND_CLOSE, READ_MS, "AT+CIPCLOSE=0");
        return;
    }
    switch (modem->link) {
    case SOCKET_LOOKING_UP:
        esp8266_say(modem, now, COMMAND_LOOK_UP, LOOK_UP_MS, "AT+CIPDOMAIN=\"%s\"", modem->host);
        break;
    case SOCKET_CONNECTING:
        esp8266_say(modem, now, COMMAND_CONNECT, CONNECT_MS, "AT+CIPSTART=0,\"TCP\",\"%s\",%u",
                    modem->address, (unsigned)modem->port);
        break;
    case SOCKET_OPEN:
        next_transfer(modem, now);
        break;
    default:
        break;
    }
}

/* ---- For the owner -----------------------------------------------------------------------------
 */

bool esp8266_is_host(const char *host)
{
    const size_t length = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789.-_");
    return length > 0 && length <= ESP8266_HOST_MAX && host[length] == '\0';
}

otter_status esp8266_open(struct esp8266 *modem, otter_ms now, const char *host, uint16_t port)
{
    if (modem->phase != PHASE_UP)
        return OTTER_E_STATE;
    if (modem->link != SOCKET_IDLE)
        return OTTER_E_NO_SPACE;
    if (!esp8266_is_host(host))
        return strchr(host, ':') != NULL ? OTTER_E_UNSUPPORTED : OTTER_E_ARGUMENT;
    snprintf(modem->host, sizeof modem->host, "%s", host);
    modem->port = port;
    modem->leftover = false;
    modem->link = SOCKET_LOOKING_UP;
    if (strspn(host, "0123456789.") == strlen(host) && strlen(host) < sizeof modem->address) {
        memcpy(modem->address, host, strlen(host) + 1);
        modem->link = SOCKET_CONNECTING;
    }
    esp8266_pump(modem, now);
    return OTTER_OK;
}

enum socket_state esp8266_state(const struct esp8266 *modem, otter_status *error)
{
    *error = modem->link == SOCKET_CLOSED ? modem->link_error : OTTER_OK;
    return modem->link;
}

/* Before it is open nothing moves; afterwards it says why. */
static int not_open(const struct esp8266 *modem)
{
    return modem->link == SOCKET_CLOSED ? (int)modem->link_error : 0;
}

int esp8266_send(struct esp8266 *modem, otter_ms now, const void *data, size_t length)
{
    if (modem->link != SOCKET_OPEN)
        return not_open(modem);
    if (modem->command == COMMAND_SEND || modem->peer_closed)
        return 0;
    const size_t room = sizeof modem->send_buffer - modem->send_length;
    const size_t take = length < room ? length : room;
    memcpy(modem->send_buffer + modem->send_length, data, take);
    modem->send_length = (uint16_t)(modem->send_length + take);
    esp8266_pump(modem, now);
    return (int)take;
}

int esp8266_receive(struct esp8266 *modem, otter_ms now, void *data, size_t size)
{
    if (modem->link != SOCKET_OPEN)
        return not_open(modem);
    const size_t there = (size_t)modem->receive_length - modem->receive_start;
    const size_t take = size < there ? size : there;
    memcpy(data, modem->receive_buffer + modem->receive_start, take);
    modem->receive_start = (uint16_t)(modem->receive_start + take);
    esp8266_pump(modem, now);
    return take > 0 ? (int)take : not_open(modem);
}

void esp8266_close(struct esp8266 *modem, otter_ms now)
{
    if (modem->link == SOCKET_IDLE)
        return;
    if (modem->link != SOCKET_OPEN)
        modem->send_length = 0;
    esp8266_lose_link(modem, OTTER_E_CLOSED);
    modem->link = SOCKET_IDLE;
    modem->stale = true;
    modem->discard = true;
    esp8266_pump(modem, now);
}
