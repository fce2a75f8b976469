/* From the modem's bytes to lines, prompts and payload.
 *
 * Lines end in CR LF. Two things do not: the prompt `> ` of AT+CIPSEND, and the payload behind
 * `+CIPRECVDATA,k:` (AT 1.7) or `+CIPRECVDATA:k,` (AT 2.x). Both are looked for only where they are
 * expected. Other bytes may come at any time: garbage at boot, echo, noise on the line. */
#include <string.h>

#include "net/at/esp8266_private.h"

/* More than this never stands behind +IPD: the modem's buffer, facts of AT 1.7. */
#define ACTIVE_MAX 5744u

uint32_t esp8266_number(const char *text)
{
    uint32_t number = 0;
    for (; *text >= '0' && *text <= '9' && number <= 6552; text++)
        number = number * 10 + (uint32_t)(*text - '0');
    return number;
}

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* At its last character: the header of a payload that was asked for? */
static bool is_read_header(const struct esp8266 *modem)
{
    static const char name[] = "+CIPRECVDATA";
    const char *line = modem->line;
    const char *rest = line + sizeof name - 1;
    const char last = line[modem->line_length - 1];
    if ((modem->command != COMMAND_READ && !esp8266_of_datagram(modem)) || !begins(line, name))
        return false;
    return (rest[0] == ',' && last == ':') || (rest[0] == ':' && last == ',');
}

static void begin_read(struct esp8266 *modem, otter_ms now)
{
    const uint32_t length = esp8266_number(modem->line + sizeof "+CIPRECVDATA");
    modem->line_length = 0;
    if (length > modem->asked) {
        esp8266_on_nonsense(modem, now);
        return;
    }
    modem->answered = true;
    if (esp8266_of_datagram(modem)) {
        esp8266_begin_datagram(modem, length);
        return;
    }
    modem->payload_left = (uint16_t)length;
    modem->discard = modem->stale;
    modem->data_waits = length == modem->asked; /* perhaps more */
    modem->ask_length = length > 0;
}

/* `+IPD,0,n:` and data: a modem that has fallen out of passive mode. The data cannot be used, for
 * what came before it may be missing; but it must not be taken for lines. */
static bool is_active_data(const struct esp8266 *modem)
{
    return modem->line[modem->line_length - 1] == ':' && begins(modem->line, "+IPD,");
}

static void begin_active_data(struct esp8266 *modem, otter_ms now)
{
    const char *comma = strchr(modem->line + sizeof "+IPD," - 1, ',');
    const uint32_t length = comma != NULL ? esp8266_number(comma + 1) : 0;
#ifdef OTTER_ESP8266_DATAGRAMS
    const bool of_datagrams = begins(modem->line, "+IPD,1,");
#endif
    modem->line_length = 0;
    if (length > ACTIVE_MAX)
        return;
#ifdef OTTER_ESP8266_DATAGRAMS
    if (of_datagrams) {
        esp8266_begin_datagram(modem, length);
        return;
    }
#endif
    esp8266_on_nonsense(modem, now);
    modem->payload_left = (uint16_t)length;
    modem->discard = true;
}

static void end_line(struct esp8266 *modem, otter_ms now)
{
    size_t length = modem->line_length;
    modem->line_length = 0;
    while (length > 0 && modem->line[length - 1] == ' ')
        length--;
    modem->line[length] = '\0';
    if (length > 0)
        esp8266_on_line(modem, now, modem->line);
}

static void take_character(struct esp8266 *modem, otter_ms now, char c)
{
    if (c == '\n') {
        end_line(modem, now);
        return;
    }
    if (c == '>' && modem->line_length == 0 && esp8266_is_send(modem) && !modem->prompted) {
        esp8266_on_prompt(modem);
        return;
    }
    const bool blank = c == '\r' || c == '\0' || (c == ' ' && modem->line_length == 0);
    if (blank || modem->line_length == ESP8266_LINE_MAX)
        return;
    modem->line[modem->line_length++] = c;
    modem->line[modem->line_length] = '\0';
    if (c != ':' && c != ',')
        return;
    if (is_read_header(modem))
        begin_read(modem, now);
    else if (is_active_data(modem))
        begin_active_data(modem, now);
}

static size_t take_payload(struct esp8266 *modem, const uint8_t *data, size_t length)
{
    const size_t take = length < modem->payload_left ? length : modem->payload_left;
#ifdef OTTER_ESP8266_DATAGRAMS
    if (esp8266_take_datagram(modem, data, take)) {
        modem->payload_left = (uint16_t)(modem->payload_left - take);
        return take;
    }
#endif
    if (!modem->discard) {
        memcpy(modem->receive_buffer + modem->receive_length, data, take);
        modem->receive_length = (uint16_t)(modem->receive_length + take);
    }
    modem->payload_left = (uint16_t)(modem->payload_left - take);
    return take;
}

void esp8266_input(struct esp8266 *modem, otter_ms now, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    while (length > 0) {
        size_t taken = 1;
        if (modem->payload_left > 0)
            taken = take_payload(modem, bytes, length);
        else
            take_character(modem, now, (char)*bytes);
        bytes += taken;
        length -= taken;
    }
    esp8266_pump(modem, now);
}
