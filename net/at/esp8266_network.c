/* Settings after a reset, and the way into the Wi-Fi network. */
#include <stdio.h>
#include <string.h>

#include "net/at/esp8266_private.h"
#include "port/log.h"

#define JOIN_MS       20000u
#define JOIN_PAUSE_MS 5000u
#define RECONNECT_MS  5000u /* it goes back to its access point by itself within this */

/* ---- Setting up ------------------------------------------------------------------------------ */

enum { STEP_FLOW = 2, STEP_INFO = 6, STEP_PASSIVE = 7 };

/* By AT 1.x and, where that differs, 2.x. */
static const struct {
    const char *one, *two;
} steps[] = {
    {"ATE0", NULL},
    {"AT+GMR", NULL},
    [STEP_FLOW] = {"AT+UART_CUR=115200,8,1,0,3", NULL},
    {"AT+CWMODE_CUR=1", "AT+CWMODE=1"},
    {"AT+CWDHCP_CUR=1,1", "AT+CWDHCP=1,1"},
    {"AT+CIPMUX=1", NULL},
    [STEP_INFO] = {"AT+CIPDINFO=0", NULL},
    [STEP_PASSIVE] = {"AT+CIPRECVMODE=1", NULL},
};

#define STEPS (sizeof steps / sizeof *steps)

static const char *step_text(const struct esp8266 *modem)
{
    const char *two = steps[modem->step].two;
    return modem->major >= 2 && two != NULL ? two : steps[modem->step].one;
}

void esp8266_next_step(struct esp8266 *modem, otter_ms now)
{
    if (modem->step == STEP_FLOW && !modem->wiring.rts_cts)
        modem->step++;
    if (modem->step < STEPS) {
        esp8266_say(modem, now, COMMAND_SETUP, ANSWER_MS, "%s", step_text(modem));
        return;
    }
    modem->phase = PHASE_JOIN;
    modem->phase_at = now;
    modem->pause_ms = 0;
    modem->linked = false;
}

void esp8266_on_step(struct esp8266 *modem, otter_ms now, bool good)
{
    if (good && modem->step == STEP_FLOW)
        modem->rts_cts_on = true;
    if (!good && modem->step == STEP_PASSIVE) {
        LOG_ERR(TAG, "its AT firmware has no passive receive mode: 1.7 or later is needed");
        esp8266_reset_later(modem, now, OTTER_E_VERSION);
        return;
    }
    if (!good && modem->step != STEP_INFO) {
        LOG_ERR(TAG, "it refuses %s", step_text(modem));
        esp8266_reset_later(modem, now, OTTER_E_IO);
        return;
    }
    modem->step++;
}

/* ---- Wi-Fi ----------------------------------------------------------------------------------- */

static char *escape(char *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == ',' || *text == '"' || *text == '\\')
            *to++ = '\\';
        if ((unsigned char)*text >= ' ')
            *to++ = *text;
    }
    return to;
}

static char *put(char *to, const char *text)
{
    const size_t length = strlen(text);
    memcpy(to, text, length + 1);
    return to + length;
}

_Static_assert(ESP8266_TEXT_MAX >= sizeof "AT+CWJAP_CUR=\"\",\"\"\r\n" +
                                       2 * (size_t)(ESP8266_SSID_MAX + ESP8266_CREDENTIAL_MAX),
               "credentials with every character escaped do not fit");

static void join(struct esp8266 *modem, otter_ms now)
{
    char *to = put(modem->text, modem->major >= 2 ? "AT+CWJAP=\"" : "AT+CWJAP_CUR=\"");
    to = put(escape(to, modem->ssid), "\",\"");
    put(escape(to, modem->credential), "\"");
    modem->join_answer = 0;
    modem->rejoin = modem->linked = false;
    LOG_INF(TAG, "joining %s", modem->ssid);
    esp8266_begin(modem, now, COMMAND_JOIN, JOIN_MS);
}

void esp8266_next_join(struct esp8266 *modem, otter_ms now)
{
    if (modem->ssid[0] == '\0') {
        modem->network = OTTER_E_STATE;
        if (modem->rejoin)
            esp8266_say(modem, now, COMMAND_LEAVE, ANSWER_MS, "AT+CWQAP");
        modem->rejoin = false;
    } else if (now >= modem->phase_at) {
        join(modem, now);
    }
}

static void join_failed(struct esp8266 *modem, otter_ms now, otter_status why)
{
    modem->network = why;
    modem->phase_at = now + esp8266_longer_pause(modem, JOIN_PAUSE_MS);
    LOG_ERR(TAG, "cannot join %s: %s; next try in %lu s", modem->ssid, otter_status_text(why),
            (unsigned long)modem->pause_ms / 1000u);
}

static otter_status join_error(const struct esp8266 *modem)
{
    switch (modem->join_answer) {
    case 2:
        return OTTER_E_PASSWORD;
    case 3:
        return OTTER_E_ACCESS_POINT;
    default:
        return modem->linked ? OTTER_E_ADDRESS : OTTER_E_TIMEOUT;
    }
}

void esp8266_ask_address(struct esp8266 *modem, otter_ms now)
{
    esp8266_say(modem, now, COMMAND_ADDRESS, ANSWER_MS, "AT+CIFSR");
}

void esp8266_on_join(struct esp8266 *modem, otter_ms now, bool good)
{
    if (modem->rejoin)
        return; /* that was with the old credentials */
    if (good)
        esp8266_ask_address(modem, now);
    else
        join_failed(modem, now, join_error(modem));
}

void esp8266_on_address(struct esp8266 *modem, otter_ms now)
{
    if (modem->rejoin)
        return;
    if (!modem->answered || !modem->has_address) {
        join_failed(modem, now, OTTER_E_ADDRESS);
        return;
    }
    modem->phase = PHASE_UP;
    modem->network = OTTER_OK;
    modem->pause_ms = 0;
}

void esp8266_left_network(struct esp8266 *modem, otter_ms now)
{
    if (modem->phase != PHASE_UP)
        return;
    LOG_WRN(TAG, "the access point is gone");
    esp8266_lose_link(modem, OTTER_E_RESET);
    esp8266_lose_datagrams(modem, OTTER_E_RESET);
    modem->network = OTTER_E_AGAIN;
    modem->phase = PHASE_JOIN;
    modem->phase_at = now + RECONNECT_MS;
}

static bool replace(char *text, size_t size, const char *with)
{
    if (strncmp(text, with, size) == 0)
        return false;
    snprintf(text, size, "%s", with);
    return true;
}

void esp8266_join(struct esp8266 *modem, otter_ms now, const char *ssid, const char *credential)
{
    const bool other = replace(modem->ssid, sizeof modem->ssid, ssid);
    if (!replace(modem->credential, sizeof modem->credential, credential) && !other)
        return;
    modem->rejoin = true;
    if (modem->phase < PHASE_JOIN)
        return;
    esp8266_lose_link(modem, OTTER_E_RESET);
    esp8266_lose_datagrams(modem, OTTER_E_RESET);
    modem->network = OTTER_E_AGAIN;
    modem->phase = PHASE_JOIN;
    modem->phase_at = now;
    modem->pause_ms = 0;
    esp8266_pump(modem, now);
}
