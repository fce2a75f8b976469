/* Datagrams beside the connection: the modem's link 1, in turns with link 0.
 *
 * AT 1.7 keeps nothing back of UDP: what comes stands behind `+IPD,1,n:`. Where a modem's passive
 * mode minds UDP, too, it says `+IPD,1,n` and is asked. One datagram is kept, later ones are
 * dropped until it was taken. */
#include "net/at/esp8266_private.h"

#ifdef OTTER_ESP8266_DATAGRAMS

#include <stdio.h>
#include <string.h>

#define OPEN_MS 15000u /* looks up the name, too */
#define STEP_MS 5000u

enum { STEP_OPEN, STEP_SEND, STEP_READ, STEP_CLOSE };

bool esp8266_of_datagram(const struct esp8266 *modem)
{
    return modem->command == COMMAND_DATAGRAM;
}

bool esp8266_datagram_sends(const struct esp8266 *modem)
{
    return modem->command == COMMAND_DATAGRAM && modem->datagram.step == STEP_SEND;
}

bool esp8266_datagram_needs_answer(const struct esp8266 *modem)
{
    return esp8266_of_datagram(modem) &&
           (modem->datagram.step == STEP_OPEN || modem->datagram.step == STEP_READ);
}

static void say(struct esp8266 *modem, otter_ms now, unsigned step, const char *text)
{
    modem->datagram.step = (uint8_t)step;
    esp8266_say(modem, now, COMMAND_DATAGRAM, step == STEP_OPEN ? OPEN_MS : STEP_MS, "%s", text);
}

void esp8266_next_datagram(struct esp8266 *modem, otter_ms now)
{
    struct esp8266_datagram *d = &modem->datagram;
    char text[sizeof d->host + sizeof "AT+CIPSTART=1,\"UDP\",\"\",65535"];
    if (d->must_close) {
        d->must_close = false;
        say(modem, now, STEP_CLOSE, "AT+CIPCLOSE=1");
    } else if (d->status == OTTER_E_AGAIN) {
        snprintf(text, sizeof text, "AT+CIPSTART=1,\"UDP\",\"%s\",%u", d->host, (unsigned)d->port);
        say(modem, now, STEP_OPEN, text);
    } else if (d->status == OTTER_OK && d->out_length > 0) {
        snprintf(text, sizeof text, "AT+CIPSEND=1,%u", (unsigned)d->out_length);
        modem->promised = d->out_length;
        say(modem, now, STEP_SEND, text);
    } else if (d->status == OTTER_OK && d->waits && d->in_length == 0) {
        snprintf(text, sizeof text, "AT+CIPRECVDATA=1,%u", (unsigned)sizeof d->in);
        modem->asked = sizeof d->in;
        say(modem, now, STEP_READ, text);
    }
}

void esp8266_lose_datagrams(struct esp8266 *modem, otter_status error)
{
    struct esp8266_datagram *d = &modem->datagram;
    if (d->status != OTTER_OK && d->status != OTTER_E_AGAIN)
        return;
    d->status = error;
    d->must_close = true;
    d->out_length = 0;
}

void esp8266_prompt_datagram(struct esp8266 *modem)
{
    modem->out = modem->datagram.out;
}

/* What fails without a word is no matter of the name. */
void esp8266_answer_datagram(struct esp8266 *modem, const char *line)
{
    if (modem->datagram.step == STEP_OPEN)
        modem->answered |= strcmp(line, "1,CONNECT") == 0 || strcmp(line, "DNS Fail") == 0;
}

void esp8266_datagram_waits(struct esp8266 *modem)
{
    modem->datagram.waits = modem->datagram.status == OTTER_OK;
}

/* A stale one was closed meanwhile: what the modem has opened for it is to be closed, too. */
void esp8266_on_datagram(struct esp8266 *modem, bool good)
{
    struct esp8266_datagram *d = &modem->datagram;
    if (modem->stale) {
        d->must_close |= d->step == STEP_OPEN;
        d->out_length = 0;
    } else if (d->step == STEP_OPEN && good) {
        d->status = OTTER_OK;
    } else if (d->step == STEP_OPEN) {
        esp8266_lose_datagrams(modem, modem->answered ? OTTER_E_NAME : OTTER_E_IO);
    } else if (d->step == STEP_SEND) {
        d->out_length = 0;
        if (!good || !modem->prompted)
            esp8266_lose_datagrams(modem, OTTER_E_IO);
    } else if (d->step == STEP_READ) {
        d->waits = false; /* what does not fit is nobody's answer */
    }
}

void esp8266_begin_datagram(struct esp8266 *modem, uint32_t length)
{
    struct esp8266_datagram *d = &modem->datagram;
    modem->payload_left = (uint16_t)length;
    modem->discard = true; /* not the connection's */
    d->comes = d->status == OTTER_OK && d->in_length == 0 && length > 0;
}

bool esp8266_take_datagram(struct esp8266 *modem, const uint8_t *data, size_t length)
{
    struct esp8266_datagram *d = &modem->datagram;
    if (!d->comes)
        return false;
    const size_t room = sizeof d->in - d->in_length;
    const size_t take = length < room ? length : room;
    memcpy(d->in + d->in_length, data, take);
    d->in_length = (uint8_t)(d->in_length + take);
    if (modem->payload_left == length) {
        d->comes = false;
        modem->event = true;
    }
    return true;
}

/* ---- For the owner ----------------------------------------------------------------------------
 */

otter_status esp8266_datagram_open(struct esp8266 *modem, otter_ms now, const char *host,
                                   uint16_t port)
{
    struct esp8266_datagram *d = &modem->datagram;
    esp8266_datagram_close(modem, now);
    if (modem->phase != PHASE_UP)
        return OTTER_E_STATE;
    if (!esp8266_is_host(host) || strlen(host) >= sizeof d->host)
        return OTTER_E_ARGUMENT;
    memcpy(d->host, host, strlen(host) + 1);
    d->port = port;
    d->status = OTTER_E_AGAIN;
    esp8266_pump(modem, now);
    return OTTER_OK;
}

otter_status esp8266_datagram_send(struct esp8266 *modem, otter_ms now, const void *data,
                                   size_t length)
{
    struct esp8266_datagram *d = &modem->datagram;
    if (d->status != OTTER_OK)
        return d->status;
    if (length == 0 || length > sizeof d->out)
        return OTTER_E_ARGUMENT;
    if (d->out_length > 0)
        return OTTER_E_AGAIN;
    memcpy(d->out, data, length);
    d->out_length = (uint8_t)length;
    esp8266_pump(modem, now);
    return OTTER_OK;
}

size_t esp8266_datagram_receive(struct esp8266 *modem, otter_ms now, void *data, size_t size)
{
    struct esp8266_datagram *d = &modem->datagram;
    if (d->comes || d->in_length == 0)
        return 0;
    const size_t take = size < d->in_length ? size : d->in_length;
    memcpy(data, d->in, take);
    d->in_length = 0;
    esp8266_pump(modem, now);
    return take;
}

void esp8266_datagram_close(struct esp8266 *modem, otter_ms now)
{
    struct esp8266_datagram *d = &modem->datagram;
    if (modem->command == COMMAND_DATAGRAM && d->step != STEP_CLOSE)
        modem->stale = true;
    d->must_close |= d->status == OTTER_OK;
    d->status = OTTER_E_STATE;
    d->in_length = 0;
    d->comes = d->waits = false;
    if (!esp8266_datagram_sends(modem)) /* then it ends with the command */
        d->out_length = 0;
    esp8266_pump(modem, now);
}

#endif
