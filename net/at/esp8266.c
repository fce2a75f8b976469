/* The modem's commands and answers, and its life: reset, probes, restarts. The dialogue is
 * Espressif's AT instruction set, 1.7 and 2.x, which differ in the suffix _CUR and in two answers.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net/at/esp8266_private.h"
#include "port/log.h"

#define RESET_MS       20u
#define BOOT_MS        10000u
#define PROBES         3u
#define BUSY_PAUSE_MS  50u
#define BUSY_MAX_MS    10000u
#define RESET_PAUSE_MS 1000u
#define PAUSE_MAX_MS   60000u

/* ---- Commands -------------------------------------------------------------------------------- */

static const char *const names[] = {
    [COMMAND_NONE] = "",
    [COMMAND_PROBE] = "AT",
    [COMMAND_RESET] = "AT+RST",
    [COMMAND_SETUP] = "a setting",
    [COMMAND_JOIN] = "AT+CWJAP",
    [COMMAND_LEAVE] = "AT+CWQAP",
    [COMMAND_ADDRESS] = "AT+CIFSR",
#ifdef OTTER_ESP8266_DATAGRAMS
    [COMMAND_DATAGRAM] = "the command for a datagram",
#endif
    [COMMAND_LOOK_UP] = "AT+CIPDOMAIN",
    [COMMAND_CONNECT] = "AT+CIPSTART",
    [COMMAND_SEND] = "AT+CIPSEND",
    [COMMAND_LENGTH] = "AT+CIPRECVLEN",
    [COMMAND_READ] = "AT+CIPRECVDATA",
    [COMMAND_CLOSE] = "AT+CIPCLOSE",
};

/* Sends the text once more, after `busy`, or for the first time. */
static void send_text(struct esp8266 *modem, otter_ms now)
{
    modem->out = (const uint8_t *)modem->text;
    modem->out_length = strlen(modem->text);
    modem->retry_at = OTTER_NEVER;
    modem->deadline = now + modem->timeout_ms;
}

/* The text is in place, without its end. */
void esp8266_begin(struct esp8266 *modem, otter_ms now, enum command command, uint32_t timeout_ms)
{
    const size_t length = strlen(modem->text);
    memcpy(modem->text + length, "\r\n", 3);
    modem->command = (uint8_t)command;
    modem->stale = modem->prompted = modem->answered = false;
    modem->started = now;
    modem->timeout_ms = timeout_ms;
    modem->busy_until = OTTER_NEVER;
    send_text(modem, now);
}

__attribute__((format(printf, 5, 6))) void esp8266_say(struct esp8266 *modem, otter_ms now,
                                                       enum command command, uint32_t timeout_ms,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(modem->text, sizeof modem->text - 2, format, arguments);
    va_end(arguments);
    esp8266_begin(modem, now, command, timeout_ms);
}

static void forget_command(struct esp8266 *modem)
{
    modem->command = COMMAND_NONE;
    modem->out_length = 0;
    modem->payload_left = 0;
    modem->line_length = 0;
}

/* ---- The modem itself ------------------------------------------------------------------------ */

uint32_t esp8266_longer_pause(struct esp8266 *modem, uint32_t least)
{
    const uint32_t doubled = 2 * modem->pause_ms;
    modem->pause_ms = doubled < least ? least : doubled > PAUSE_MAX_MS ? PAUSE_MAX_MS : doubled;
    return modem->pause_ms;
}

void esp8266_lose_link(struct esp8266 *modem, otter_status error)
{
    if (modem->link == SOCKET_IDLE || modem->link == SOCKET_CLOSED)
        return;
    modem->link = SOCKET_CLOSED;
    modem->link_error = error;
    modem->must_close = true;
    modem->event = true;
}

/* All that the modem knew is gone. */
static void start_over(struct esp8266 *modem, enum phase phase, otter_status lacks)
{
    forget_command(modem);
    esp8266_lose_link(modem, OTTER_E_RESET);
    esp8266_lose_datagrams(modem, OTTER_E_RESET);
    modem->must_close = false;
    modem->rts_cts_on = false;
    modem->probes = 0;
    modem->step = 0;
    modem->network = lacks;
    modem->phase = (uint8_t)phase;
}

void esp8266_reset_later(struct esp8266 *modem, otter_ms now, otter_status lacks)
{
    start_over(modem, PHASE_OFF, lacks);
    modem->phase_at = now + esp8266_longer_pause(modem, RESET_PAUSE_MS);
    LOG_WRN(TAG, "reset in %lu ms: %s", (unsigned long)modem->pause_ms, otter_status_text(lacks));
}

static void reset(struct esp8266 *modem, otter_ms now)
{
    if (modem->wiring.reset_pin) {
        modem->phase = PHASE_RESET;
        modem->phase_at = now + RESET_MS;
        return;
    }
    if (modem->stuck > 0) { /* it takes everything for data, until it has all that was promised */
        memset(modem->send_buffer, '\n', modem->stuck);
        modem->out = modem->send_buffer;
        modem->out_length = modem->stuck;
        modem->stuck = 0;
        modem->phase_at = now + RESET_PAUSE_MS;
        return;
    }
    modem->phase = PHASE_BOOT;
    modem->phase_at = now + BOOT_MS;
    esp8266_say(modem, now, COMMAND_RESET, ANSWER_MS, "AT+RST");
}

static void probe(struct esp8266 *modem, otter_ms now)
{
    esp8266_say(modem, now, COMMAND_PROBE, ANSWER_MS, "AT");
}

static void on_probe(struct esp8266 *modem, bool good)
{
    (void)good; /* any answer is one */
    modem->probes = 0;
    if (modem->phase == PHASE_BOOT)
        start_over(modem, PHASE_SETUP, modem->network);
}

static void on_ready(struct esp8266 *modem)
{
    if (modem->phase < PHASE_BOOT)
        return;
    if (modem->phase > PHASE_BOOT)
        LOG_WRN(TAG, "it has restarted by itself");
    start_over(modem, PHASE_SETUP,
               modem->phase > PHASE_BOOT || modem->network == OTTER_OK ? OTTER_E_AGAIN
                                                                       : modem->network);
}

/* An echo: it does not know of its settings (and of the network) any more, since a restart that was
 * lost in noise. */
static void on_echo(struct esp8266 *modem, otter_ms now)
{
    if (modem->phase <= PHASE_BOOT)
        return;
    LOG_WRN(TAG, "it has restarted by itself, unheard");
    esp8266_reset_later(modem, now, OTTER_E_AGAIN);
}

/* ---- Results and lines ----------------------------------------------------------------------- */

/* An OK that comes late, to a command that was given up, must not be taken for that of the next. */
static bool needs_answer(const struct esp8266 *modem)
{
    const enum command command = (enum command)modem->command;
    return esp8266_datagram_needs_answer(modem) || command == COMMAND_ADDRESS ||
           command == COMMAND_LOOK_UP || command == COMMAND_CONNECT || command == COMMAND_LENGTH ||
           command == COMMAND_READ;
}

static void on_result(struct esp8266 *modem, otter_ms now, bool good)
{
    const enum command command = (enum command)modem->command;
    const bool stale = modem->stale;
    if (command == COMMAND_NONE)
        return;
    if (good && !modem->answered && needs_answer(modem))
        return;
    if (esp8266_of_datagram(modem))
        esp8266_on_datagram(modem, good);
    modem->command = COMMAND_NONE;
    modem->out_length = 0;
    modem->event = true;
    switch (command) {
    case COMMAND_PROBE:
        on_probe(modem, good);
        break;
    case COMMAND_SETUP:
        esp8266_on_step(modem, now, good);
        break;
    case COMMAND_JOIN:
        esp8266_on_join(modem, now, good);
        break;
    case COMMAND_ADDRESS:
        esp8266_on_address(modem, now);
        break;
    case COMMAND_LOOK_UP:
        if (!stale)
            esp8266_on_look_up(modem, good);
        break;
    case COMMAND_CONNECT:
        if (!stale)
            esp8266_on_connect(modem, now, good);
        break;
    case COMMAND_SEND:
        if (!stale)
            esp8266_on_sent(modem, good);
        break;
    case COMMAND_LENGTH:
        modem->ask_length = false;
        break;
    case COMMAND_READ:
        if (!good)
            modem->data_waits = false;
        break;
    default:
        break;
    }
}

static bool of_connection(const struct esp8266 *modem)
{
    return modem->command >= COMMAND_LOOK_UP && !modem->stale;
}

bool esp8266_is_send(const struct esp8266 *modem)
{
    return modem->command == COMMAND_SEND || esp8266_datagram_sends(modem);
}

/* The answer is lost, or the modem is. */
static void on_timeout(struct esp8266 *modem, otter_ms now)
{
    const enum command command = (enum command)modem->command;
    const bool of_link = of_connection(modem);
    if (esp8266_is_send(modem))
        modem->stuck = modem->promised;
    if (esp8266_of_datagram(modem))
        esp8266_lose_datagrams(modem, OTTER_E_TIMEOUT);
    forget_command(modem);
    LOG_WRN(TAG, "no answer to %s", names[command]);
    if (command == COMMAND_RESET)
        return; /* `ready` may come all the same */
    if (modem->phase == PHASE_SETUP || (command == COMMAND_PROBE && ++modem->probes == PROBES)) {
        esp8266_reset_later(modem, now, OTTER_E_TIMEOUT);
        return;
    }
    if (command == COMMAND_JOIN)
        esp8266_on_join(modem, now, false);
    if (of_link)
        esp8266_lose_link(modem, OTTER_E_TIMEOUT);
    probe(modem, now);
}

void esp8266_on_nonsense(struct esp8266 *modem, otter_ms now)
{
    LOG_WRN(TAG, "what it sends makes no sense: closing the connection");
    forget_command(modem);
    esp8266_lose_link(modem, OTTER_E_RESET);
    probe(modem, now);
}

void esp8266_on_prompt(struct esp8266 *modem)
{
    modem->prompted = true;
    modem->out = modem->send_buffer;
    modem->out_length = modem->promised;
    if (esp8266_datagram_sends(modem))
        esp8266_prompt_datagram(modem);
}

static void on_busy(struct esp8266 *modem, otter_ms now)
{
    if (modem->command == COMMAND_NONE || modem->prompted)
        return;
    if (modem->busy_until == OTTER_NEVER)
        modem->busy_until = now + BUSY_MAX_MS;
    modem->retry_at = now + BUSY_PAUSE_MS;
}

static void take_address(struct esp8266 *modem, const char *text)
{
    text += *text == '"';
    const size_t length = strspn(text, "0123456789.");
    if (length < 7 || length >= sizeof modem->address)
        return;
    modem->answered = true;
    if (modem->stale)
        return; /* the address belongs to the next connection already */
    memcpy(modem->address, text, length);
    modem->address[length] = '\0';
}

static void take_own_address(struct esp8266 *modem, const char *text)
{
    modem->answered = true;
    modem->has_address = strncmp(text, "\"0.0.0.0\"", 9) != 0;
    if (modem->has_address)
        LOG_INF(TAG, "in %s, address %.17s", modem->ssid, text);
}

static void take_length(struct esp8266 *modem, const char *text)
{
    modem->data_waits |= esp8266_number(text) > 0;
    modem->answered = true;
}

/* The rest of the line, if it begins so. */
static const char *after(const char *line, const char *beginning)
{
    const size_t length = strlen(beginning);
    return strncmp(line, beginning, length) == 0 ? line + length : NULL;
}

/* What comes before the result of the command in flight. */
static void on_answer(struct esp8266 *modem, const char *line)
{
    const char *rest;
    if (esp8266_of_datagram(modem))
        esp8266_answer_datagram(modem, line);
    switch (modem->command) {
    case COMMAND_SETUP:
        if ((rest = after(line, "AT version:")) != NULL)
            modem->major = (uint8_t)(*rest - '0');
        break;
    case COMMAND_JOIN:
        if ((rest = after(line, "+CWJAP:")) != NULL)
            modem->join_answer = (uint8_t)esp8266_number(rest);
        break;
    case COMMAND_ADDRESS:
        if ((rest = after(line, "+CIFSR:STAIP,")) != NULL)
            take_own_address(modem, rest);
        break;
    case COMMAND_LOOK_UP:
        if ((rest = after(line, "+CIPDOMAIN:")) != NULL)
            take_address(modem, rest);
        break;
    case COMMAND_CONNECT:
        modem->answered |= strcmp(line, "0,CONNECT") == 0;
        modem->leftover |= strcmp(line, "ALREADY CONNECTED") == 0;
        break;
    case COMMAND_LENGTH:
        if ((rest = after(line, "+CIPRECVLEN:")) != NULL)
            take_length(modem, rest);
        break;
    default:
        break;
    }
}

static void on_closed(struct esp8266 *modem)
{
    if (modem->link != SOCKET_OPEN)
        return; /* the result of the command tells it */
    modem->peer_closed = true;
    modem->ask_length = true;
}

/* Lines that may come at any time. */
static bool on_event(struct esp8266 *modem, otter_ms now, const char *line)
{
    if (strcmp(line, "ready") == 0)
        on_ready(modem);
    else if (after(line, "AT+") != NULL)
        on_echo(modem, now);
    else if (after(line, "busy ") != NULL)
        on_busy(modem, now);
    else if (after(line, "+IPD,0,") != NULL)
        modem->data_waits = true;
#ifdef OTTER_ESP8266_DATAGRAMS
    else if (after(line, "+IPD,1,") != NULL)
        esp8266_datagram_waits(modem);
#endif
    else if (strcmp(line, "0,CLOSED") == 0)
        on_closed(modem);
    else if (strcmp(line, "WIFI CONNECTED") == 0)
        modem->linked = true;
    else if (strcmp(line, "WIFI DISCONNECT") == 0)
        esp8266_left_network(modem, now);
    else if (strcmp(line, "WIFI GOT IP") == 0 && modem->phase == PHASE_JOIN &&
             modem->network == OTTER_E_AGAIN && modem->command == COMMAND_NONE)
        esp8266_ask_address(modem, now);
    else
        return false;
    return true;
}

void esp8266_on_line(struct esp8266 *modem, otter_ms now, const char *line)
{
    if (modem->phase < PHASE_BOOT || on_event(modem, now, line))
        return;
    const bool sending = esp8266_is_send(modem);
    if (strcmp(line, "OK") == 0 && !sending)
        on_result(modem, now, true);
    else if (strcmp(line, "SEND OK") == 0 && sending)
        on_result(modem, now, true);
    else if (strcmp(line, "ERROR") == 0 || strcmp(line, "FAIL") == 0 ||
             (strcmp(line, "SEND FAIL") == 0 && sending))
        on_result(modem, now, false);
    else
        on_answer(modem, line);
}

/* ---- Turning --------------------------------------------------------------------------------- */

void esp8266_pump(struct esp8266 *modem, otter_ms now)
{
    if (modem->command != COMMAND_NONE)
        return;
    switch (modem->phase) {
    case PHASE_OFF:
        if (now >= modem->phase_at)
            reset(modem, now);
        break;
    case PHASE_RESET:
        if (now >= modem->phase_at) {
            modem->phase = PHASE_BOOT;
            modem->phase_at = now + BOOT_MS;
        }
        break;
    case PHASE_BOOT:
        if (now >= modem->phase_at)
            probe(modem, now);
        break;
    case PHASE_SETUP:
        esp8266_next_step(modem, now);
        if (modem->phase == PHASE_JOIN)
            esp8266_next_join(modem, now);
        break;
    case PHASE_JOIN:
        esp8266_next_join(modem, now);
        break;
    default:
        esp8266_next_datagram(modem, now);
        if (modem->command == COMMAND_NONE)
            esp8266_next_of_link(modem, now);
        break;
    }
}

void esp8266_tick(struct esp8266 *modem, otter_ms now)
{
    if (modem->command != COMMAND_NONE && now >= modem->retry_at) {
        if (now >= modem->busy_until)
            esp8266_reset_later(modem, now, OTTER_E_TIMEOUT);
        else
            send_text(modem, now);
    } else if (modem->command != COMMAND_NONE && now >= modem->deadline) {
        on_timeout(modem, now);
    }
    esp8266_pump(modem, now);
}

otter_ms esp8266_deadline(const struct esp8266 *modem)
{
    if (modem->command != COMMAND_NONE)
        return modem->retry_at < modem->deadline ? modem->retry_at : modem->deadline;
    if (modem->phase == PHASE_JOIN && modem->ssid[0] == '\0')
        return OTTER_NEVER;
    if (modem->phase < PHASE_UP)
        return modem->phase_at;
    return modem->link == SOCKET_OPEN && esp8266_all_taken(modem) ? modem->poll_at : OTTER_NEVER;
}

/* ---- For the owner --------------------------------------------------------------------------- */

void esp8266_init(struct esp8266 *modem, const struct esp8266_wiring *wiring, otter_ms now)
{
    *modem = (struct esp8266){.wiring = *wiring,
                              .network = OTTER_E_AGAIN,
                              .phase = PHASE_OFF,
                              .phase_at = now,
                              .retry_at = OTTER_NEVER};
#ifdef OTTER_ESP8266_DATAGRAMS
    modem->datagram.status = OTTER_E_STATE;
#endif
}

otter_status esp8266_network(const struct esp8266 *modem)
{
    return modem->network;
}

size_t esp8266_output(const struct esp8266 *modem, const uint8_t **data)
{
    *data = modem->out;
    return modem->out_length;
}

void esp8266_sent(struct esp8266 *modem, size_t length)
{
    if (length == 0)
        return; /* there may be no text at all */
    modem->out += length;
    modem->out_length -= length;
}

bool esp8266_quiet(const struct esp8266 *modem)
{
    return modem->phase != PHASE_UP ||
           (modem->send_length == 0 && !modem->must_close && modem->command != COMMAND_SEND &&
            modem->command != COMMAND_CLOSE);
}

bool esp8266_take_event(struct esp8266 *modem)
{
    const bool event = modem->event;
    modem->event = false;
    return event;
}

bool esp8266_in_reset(const struct esp8266 *modem)
{
    return modem->phase == PHASE_RESET;
}

bool esp8266_flow_control(const struct esp8266 *modem)
{
    return modem->rts_cts_on;
}
