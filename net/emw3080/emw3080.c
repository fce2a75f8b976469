/* The module's life: reset, address, joining its network and staying in it; commands and answers.
 */
#include "net/emw3080/emw3080.h"

#include <stdio.h>
#include <string.h>

#include "net/emw3080/emw3080_private.h"
#include "port/log.h"

#define RESET_MS       100u
#define BOOT_MS        1200u
#define ANSWER_MS      2000u
#define VERSION_MS     1000u
#define VERSION_TRIES  10u /* it may take 7 s until it answers */
#define PROBES         3u
#define JOIN_MS        30000u
#define SCAN_MS        15000u
#define CHECK_EVERY_MS 30000u
#define RECONNECT_MS   5000u /* it may go back to its access point by itself */
#define RESET_PAUSE_MS 1000u
#define JOIN_PAUSE_MS  5000u
#define PAUSE_MAX_MS   60000u
#define READ_MS        200u
#define TURNS_MAX      16u /* steps of transactions in one tick */

enum { STATION_DOWN = 1, STATION_UP = 2, STATION_GOT_IP = 3 };

static const struct {
    uint16_t api;
    uint16_t limit_ms; /* until the state ends, its answer comes, or its deadline does something */
} states[] = {
    [STATE_OFF] = {0, 0},
    [STATE_RESET] = {0, RESET_MS},
    [STATE_BOOT] = {0, BOOT_MS},
    [STATE_VERSION] = {API_VERSION, VERSION_MS},
    [STATE_MAC] = {API_MAC, VERSION_MS},
    [STATE_BYPASS_OFF] = {API_BYPASS_SET, ANSWER_MS},
    [STATE_DISCONNECT] = {API_DISCONNECT, ANSWER_MS},
    [STATE_REST] = {0, 0},
    [STATE_BYPASS_ON] = {API_BYPASS_SET, ANSWER_MS},
    [STATE_CONNECT] = {API_CONNECT, JOIN_MS},
    [STATE_AWAIT] = {0, JOIN_MS},
    [STATE_SCAN] = {API_SCAN, SCAN_MS},
    [STATE_UP] = {0, CHECK_EVERY_MS},
    [STATE_CHECK] = {API_LINK_INFO, ANSWER_MS},
    [STATE_PROBE] = {API_VERSION, VERSION_MS},
};

static void enter(struct emw3080 *module, otter_ms now, enum state state)
{
    module->state = (uint8_t)state;
    module->deadline = now + states[state].limit_ms;
    module->handed_over = false;
    module->command_id = module->last_id = module->last_id % (FRAME_ID - 1u) + 1u;
}

/* ---- Commands -------------------------------------------------------------------------------- */

uint16_t emw3080_api(const struct emw3080 *module)
{
    return states[module->state].api;
}

/* Of connect: ssid[33], key[65], i32 length of the key; how to join and static addresses follow,
 * which stay 0: the module finds out, and addresses are not its business. */
static void put_credentials(const struct emw3080 *module, uint8_t *to)
{
    memcpy(to, module->ssid, sizeof module->ssid);
    memcpy(to + 33, module->credential, sizeof module->credential);
    to[98] = (uint8_t)strlen(module->credential);
}

size_t emw3080_command(const struct emw3080 *module, uint8_t packet[COMMAND_MAX])
{
    memset(packet, 0, COMMAND_MAX);
    emw3080_put32(packet, module->out_id);
    emw3080_put16(packet + 4, states[module->out_state].api);
    uint8_t *const parameters = packet + IPC_HEADER;
    switch (module->out_state) {
    case STATE_BYPASS_ON:
        parameters[0] = 1;
        return IPC_HEADER + 4;
    case STATE_BYPASS_OFF:
        return IPC_HEADER + 4;
    case STATE_CONNECT:
        put_credentials(module, parameters);
        return COMMAND_MAX;
    case STATE_SCAN:
        memcpy(parameters, module->ssid, sizeof module->ssid);
        return IPC_HEADER + sizeof module->ssid;
    default:
        return IPC_HEADER;
    }
}

void emw3080_command_handed_over(struct emw3080 *module, otter_ms now)
{
    if (module->out_id != module->command_id)
        return; /* it is not waited for any more */
    module->handed_over = true;
    module->deadline = now + states[module->state].limit_ms;
}

/* ---- Resets ---------------------------------------------------------------------------------- */

static uint32_t longer_pause(struct emw3080 *module, uint32_t least)
{
    const uint32_t doubled = 2 * module->pause_ms;
    module->pause_ms = doubled < least ? least : doubled > PAUSE_MAX_MS ? PAUSE_MAX_MS : doubled;
    return module->pause_ms;
}

/* All that the module knew is gone. */
static void start_over(struct emw3080 *module, otter_ms now, enum state state, otter_status lacks)
{
    emw3080_bus_stop(module);
    module->fresh = true;
    module->tries = 0;
    module->lacks = lacks;
    enter(module, now, state);
}

void emw3080_reset_later(struct emw3080 *module, otter_ms now, otter_status lacks)
{
    start_over(module, now, STATE_OFF, lacks);
    module->deadline = now + longer_pause(module, RESET_PAUSE_MS);
    LOG_WRN(TAG, "reset in %lu ms: %s", (unsigned long)module->pause_ms, otter_status_text(lacks));
}

static void on_rebooted(struct emw3080 *module, otter_ms now)
{
    if (module->state <= STATE_VERSION)
        return;
    LOG_WRN(TAG, "it has restarted by itself");
    start_over(module, now, STATE_BOOT, OTTER_E_AGAIN);
}

/* ---- The network ----------------------------------------------------------------------------- */

/* Into the network, out of the one before first; or out of it alone. */
static void start_join(struct emw3080 *module, otter_ms now)
{
    const bool named = module->ssid[0] != '\0';
    module->associated = false;
    if (!named)
        module->lacks = OTTER_E_STATE;
    enter(module, now, !module->fresh ? STATE_BYPASS_OFF : named ? STATE_BYPASS_ON : STATE_REST);
    if (module->state == STATE_REST)
        module->deadline = OTTER_NEVER;
}

static void rest(struct emw3080 *module, otter_ms now, otter_status lacks, uint32_t pause_ms)
{
    module->lacks = lacks;
    enter(module, now, STATE_REST);
    module->deadline = now + pause_ms;
}

static void join_failed(struct emw3080 *module, otter_ms now, otter_status why)
{
    rest(module, now, why, longer_pause(module, JOIN_PAUSE_MS));
    LOG_ERR(TAG, "cannot join %s: %s; next try in %lu s", module->ssid, otter_status_text(why),
            (unsigned long)module->pause_ms / 1000u);
}

/* The module does not say why. A network that it sees, but cannot join, wants another password. */
static void on_scan(struct emw3080 *module, otter_ms now, uint32_t networks)
{
    join_failed(module, now,
                networks == 0                   ? OTTER_E_ACCESS_POINT
                : module->credential[0] != '\0' ? OTTER_E_PASSWORD
                                                : OTTER_E_TIMEOUT);
}

static void joined(struct emw3080 *module, otter_ms now)
{
    LOG_INF(TAG, "in %s", module->ssid);
    module->lacks = OTTER_OK;
    module->pause_ms = 0;
    module->tries = 0;
    enter(module, now, STATE_UP);
}

static void left_network(struct emw3080 *module, otter_ms now)
{
    LOG_WRN(TAG, "the access point is gone");
    rest(module, now, OTTER_E_AGAIN, RECONNECT_MS);
}

/* STA_UP is what counts: an address is lwIP's business. In a rest it has gone back by itself. */
static void on_station(struct emw3080 *module, otter_ms now, uint8_t status)
{
    const bool up = status == STATION_UP || status == STATION_GOT_IP;
    if (up && module->state == STATE_CONNECT)
        module->associated = true;
    else if (up && (module->state == STATE_AWAIT ||
                    (module->state == STATE_REST && module->deadline != OTTER_NEVER)))
        joined(module, now);
    else if (status == STATION_DOWN && module->state >= STATE_UP)
        left_network(module, now);
    else if (status == STATION_DOWN && module->state == STATE_AWAIT)
        enter(module, now, STATE_SCAN);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void on_mac(struct emw3080 *module, otter_ms now, const uint8_t mac[6])
{
    static const uint8_t none[6];
    if (memcmp(mac, none, sizeof none) == 0 || mac[0] & 1u) {
        LOG_ERR(TAG, "it has no address of its own");
        emw3080_reset_later(module, now, OTTER_E_IO);
        return;
    }
    memcpy(module->mac, mac, sizeof module->mac);
    module->pause_ms = 0;
    start_join(module, now);
}

static void on_connect(struct emw3080 *module, otter_ms now, int32_t status)
{
    if (status != 0)
        LOG_WRN(TAG, "it says %ld to the join", (long)status);
    if (status == 0 && module->associated)
        joined(module, now);
    else
        enter(module, now, status == 0 ? STATE_AWAIT : STATE_SCAN);
}

static void on_bypass_on(struct emw3080 *module, otter_ms now, int32_t status)
{
    if (status != 0) {
        LOG_ERR(TAG, "it refuses to carry frames: %ld", (long)status);
        emw3080_reset_later(module, now, OTTER_E_IO);
        return;
    }
    LOG_INF(TAG, "joining %s", module->ssid);
    module->fresh = false;
    enter(module, now, STATE_CONNECT);
}

/* The answer to the state's command; behind its `length` bytes are zeros. Most begin with a status.
 */
static void on_answer(struct emw3080 *module, otter_ms now, const uint8_t *parameters,
                      size_t length)
{
    const int32_t status = (int32_t)emw3080_get32(parameters);
    switch (module->state) {
    case STATE_VERSION:
        LOG_INF(TAG, "EMW3080, firmware %.22s", (const char *)parameters);
        module->tries = 0;
        enter(module, now, STATE_MAC);
        break;
    case STATE_MAC:
        on_mac(module, now, parameters);
        break;
    case STATE_BYPASS_OFF:
        enter(module, now, STATE_DISCONNECT);
        break;
    case STATE_DISCONNECT:
        module->fresh = true;
        start_join(module, now);
        break;
    case STATE_BYPASS_ON:
        on_bypass_on(module, now, status);
        break;
    case STATE_CONNECT:
        on_connect(module, now, status);
        break;
    case STATE_SCAN:
        on_scan(module, now, parameters[0]);
        break;
    case STATE_CHECK:
        if (status == 0 && length >= 8 && emw3080_get32(parameters + 4) == 0)
            left_network(module, now);
        else
            enter(module, now, STATE_UP);
        break;
    default: /* of a probe */
        module->tries = 0;
        enter(module, now, STATE_UP);
        break;
    }
}

/* It may have restarted unheard: what it says of its network tells. */
static void on_frame_answer(struct emw3080 *module, otter_ms now, int32_t status)
{
    if (module->in_flight > 0)
        module->in_flight--;
    if (status == 0 || module->state != STATE_UP)
        return;
    LOG_WRN(TAG, "it says %ld to a frame", (long)status);
    enter(module, now, STATE_CHECK);
}

void emw3080_on_packet(struct emw3080 *module, otter_ms now, const uint8_t *packet, size_t length)
{
    uint8_t parameters[IPC_FRAME - IPC_HEADER + 1] = {0};
    memcpy(parameters, packet + IPC_HEADER, length - IPC_HEADER);
    const uint32_t request = emw3080_get32(packet);
    const uint32_t api = packet[4] | (uint32_t)packet[5] << 8;
    if (api == API_REBOOTED)
        on_rebooted(module, now);
    else if (api == API_WIFI_STATUS)
        on_station(module, now, parameters[0]);
    else if (api == API_BYPASS_OUT)
        on_frame_answer(module, now, (int32_t)emw3080_get32(parameters));
    else if (module->handed_over && request == module->command_id && api == emw3080_api(module))
        on_answer(module, now, parameters, length - IPC_HEADER);
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* Too late for the answer that the state waits for. */
static void on_silence(struct emw3080 *module, otter_ms now)
{
    const enum state state = (enum state)module->state;
    LOG_WRN(TAG, "no answer to 0x%04x", (unsigned)emw3080_api(module));
    if (state == STATE_CONNECT)
        enter(module, now, STATE_SCAN);
    else if (state == STATE_SCAN)
        join_failed(module, now, OTTER_E_TIMEOUT);
    else if (state == STATE_CHECK)
        enter(module, now, STATE_PROBE);
    else if (++module->tries < (state == STATE_PROBE ? PROBES : VERSION_TRIES) &&
             (state == STATE_PROBE || state <= STATE_MAC))
        enter(module, now, state);
    else
        emw3080_reset_later(module, now, OTTER_E_TIMEOUT);
}

static void on_deadline(struct emw3080 *module, otter_ms now)
{
    switch (module->state) {
    case STATE_OFF:
        emw3080_reset(true);
        enter(module, now, STATE_RESET);
        break;
    case STATE_RESET:
        emw3080_reset(false);
        enter(module, now, STATE_BOOT);
        break;
    case STATE_BOOT:
        enter(module, now, STATE_VERSION);
        break;
    case STATE_REST:
        start_join(module, now);
        break;
    case STATE_AWAIT:
        enter(module, now, STATE_SCAN);
        break;
    case STATE_UP:
        enter(module, now, STATE_CHECK);
        break;
    default:
        on_silence(module, now);
        break;
    }
}

static void watch_frames(struct emw3080 *module, otter_ms now)
{
    if (module->in_flight == 0 || now < module->answer_by)
        return;
    LOG_WRN(TAG, "no answer to %u frames", (unsigned)module->in_flight);
    module->in_flight = 0;
    if (module->state == STATE_UP)
        enter(module, now, STATE_CHECK);
}

/* The core may compute for longer than an answer takes. What waits then to be read, or to be sent,
 * goes first, for READ_MS at most: a module may talk without an end. */
static bool may_judge(struct emw3080 *module, otter_ms now)
{
    if (now < module->deadline && (module->in_flight == 0 || now < module->answer_by)) {
        module->judge_at = OTTER_NEVER;
        return false;
    }
    if (module->judge_at == OTTER_NEVER)
        module->judge_at = now + READ_MS;
    return now >= module->judge_at || emw3080_bus_rests(module, now);
}

static void judge(struct emw3080 *module, otter_ms now)
{
    if (!may_judge(module, now))
        return;
    watch_frames(module, now);
    if (now >= module->deadline)
        on_deadline(module, now);
}

void emw3080_tick(struct emw3080 *module, otter_ms now)
{
    unsigned turns = 0;
    do {
        if (module->state >= STATE_UP && !emw3080_frame_room()) { /* nothing that waits is late */
            module->deadline = now + states[module->state].limit_ms;
            module->answer_by = now + FRAME_ANSWER_MS;
        }
        judge(module, now);
    } while (emw3080_bus_step(module, now) && ++turns < TURNS_MAX);
}

/* ---- For the owner --------------------------------------------------------------------------- */

void emw3080_init(struct emw3080 *module, otter_ms now)
{
    *module = (struct emw3080){
        .lacks = OTTER_E_AGAIN, .fresh = true, .deadline = now, .judge_at = OTTER_NEVER};
    emw3080_select(false);
}

static bool replace(char *text, size_t size, const char *with)
{
    if (strncmp(text, with, size) == 0)
        return false;
    memset(text, 0, size);
    snprintf(text, size, "%s", with);
    return true;
}

void emw3080_join(struct emw3080 *module, otter_ms now, const char *ssid, const char *credential)
{
    const bool other = replace(module->ssid, sizeof module->ssid, ssid);
    if (!replace(module->credential, sizeof module->credential, credential) && !other)
        return;
    if (module->state <= STATE_MAC)
        return;
    module->lacks = OTTER_E_AGAIN;
    module->pause_ms = 0;
    start_join(module, now);
}

otter_status emw3080_network(const struct emw3080 *module)
{
    return module->lacks;
}

const uint8_t *emw3080_mac(const struct emw3080 *module)
{
    return module->mac;
}
