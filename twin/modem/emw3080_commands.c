/* What the EMW3080's packets mean; see emw3080_model.h. */
#include <string.h>

#include "twin/modem/emw3080_model.h"

#define MS EMW3080_MS

#define ANSWER  (2u * MS)
#define SENT    (1u * MS)  /* until a frame's status is there */
#define LOOK_UP (20u * MS) /* of version and MAC */
#define JOINING (1500u * MS)
#define SCANS   (2000u * MS)

#define ECHO         0x0001u
#define REBOOT       0x0002u
#define VERSION      0x0003u
#define FACTORY      0x0004u
#define GET_MAC      0x0101u
#define SCAN         0x0102u
#define CONNECT      0x0103u
#define DISCONNECT   0x0104u
#define GET_IP       0x0107u
#define LINK_INFO    0x0108u
#define BYPASS_SET   0x010cu
#define BYPASS_GET   0x010du
#define BYPASS_OUT   0x010eu
#define STATUS_EVENT 0x8101u

enum { STATION_DOWN = 1, STATION_UP, STATION_GOT_IP, ACCESS_POINT_DOWN };

#define FAILED UINT32_MAX /* a status: -1 */

static const uint8_t mac[6] = {0x02, 0x80, 0xe1, 0x30, 0x80, 0x01};
static const uint8_t bssid[6] = {0x02, 0x00, 0x5e, 0x00, 0x53, 0x01};

struct request {
    uint32_t id;
    uint16_t api;
    const uint8_t *data;
    uint32_t length;
};

static uint32_t get_32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put_32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8u * i));
}

static bool strikes(struct emw3080_model *model, enum emw3080_fault fault)
{
    const unsigned at = model->config.fault_at;
    if (model->config.fault != fault || at == 0 || model->commands < at)
        return false;
    model->config.fault_at = 0;
    return true;
}

static void answer(struct emw3080_model *model, const struct request *request, const void *data,
                   uint32_t length, uint64_t takes)
{
    if (strikes(model, EMW3080_MUTE))
        return;
    if (strikes(model, EMW3080_EVENT))
        emw3080_status_event(model, model->joined ? STATION_GOT_IP : ACCESS_POINT_DOWN, model->now);
    if (!emw3080_queue(model, request->id, request->api, data, length, model->now + takes))
        emw3080_complain(model, "the modem has no room for its %u-th response: take what it has",
                         EMW3080_QUEUE);
}

/* A byte or four: the sources have both, so each comes in turn. */
void emw3080_status_event(struct emw3080_model *model, uint8_t status, uint64_t due)
{
    const uint8_t data[4] = {status};
    (void)emw3080_queue(model, 0, STATUS_EVENT, data, model->wide_status ? 4 : 1, due);
    model->wide_status = !model->wide_status;
}

/* True when the request is to fail for the sake of a fault. */
static bool answer_status(struct emw3080_model *model, const struct request *request, bool works,
                          uint64_t takes)
{
    uint8_t status[4];
    const bool rejected = strikes(model, EMW3080_REJECTS);
    put_32(status, works && !rejected ? 0 : FAILED);
    answer(model, request, status, sizeof status, takes);
    return rejected;
}

/* ---- commands ---- */

static void run_echo(struct emw3080_model *model, const struct request *request)
{
    answer(model, request, request->data, request->length, ANSWER);
}

static void run_reboot(struct emw3080_model *model, const struct request *request)
{
    (void)request; /* no response: it starts anew */
    emw3080_restart(model);
}

static void run_version(struct emw3080_model *model, const struct request *request)
{
    static const char version[24] = "V2.3.4";
    answer(model, request, version, sizeof version, LOOK_UP);
}

static void run_get_mac(struct emw3080_model *model, const struct request *request)
{
    answer(model, request, mac, sizeof mac, LOOK_UP);
}

/* How a record is laid out is not known for sure: packed, with signal, name, station, channel and
 * security. */
static void run_scan(struct emw3080_model *model, const struct request *request)
{
    const size_t length = strlen(model->config.ssid);
    uint8_t data[1 + 48] = {0};
    const bool any = request->data[0] == 0;
    const bool found =
        model->air &&
        (any || (length <= 32 && memcmp(request->data, model->config.ssid, length + 1u) == 0));
    if (found) {
        data[0] = 1;
        put_32(data + 1, (uint32_t)-50);
        memcpy(data + 5, model->config.ssid, length < 33 ? length : 32);
        memcpy(data + 38, bssid, sizeof bssid);
        put_32(data + 44, 6);
        data[48] = model->config.password[0] ? 5 : 0;
    }
    answer(model, request, data, found ? sizeof data : 1, SCANS);
}

static bool is_text(const uint8_t *field, uint32_t size)
{
    return memchr(field, 0, size) != NULL;
}

static const char *what_is_wrong(const uint8_t *connect)
{
    if (!is_text(connect, 33) || connect[0] == 0)
        return "without a name of 1 to 32 characters";
    if (!is_text(connect + 33, 65) || get_32(connect + 98) != strlen((const char *)connect + 33))
        return "with a key whose length is another";
    if (connect[102] || connect[103])
        return "with attributes or an address of its own, which is not modelled";
    return NULL;
}

static void leave(struct emw3080_model *model)
{
    if (model->joined)
        emw3080_status_event(model, STATION_DOWN, model->now + ANSWER);
    model->joined = false;
    model->join_at = model->rejoin_at = UINT64_MAX;
}

static void run_connect(struct emw3080_model *model, const struct request *request)
{
    const char *wrong = what_is_wrong(request->data);
    if (wrong) {
        emw3080_complain(model, "the modem is to join %s", wrong);
        return;
    }
    leave(model);
    memcpy(model->ssid, request->data, sizeof model->ssid);
    memcpy(model->key, request->data + 33, sizeof model->key);
    if (!answer_status(model, request, true, ANSWER))
        model->join_at = model->now + JOINING;
}

void emw3080_join_ends(struct emw3080_model *model)
{
    model->joined = model->air && strcmp(model->ssid, model->config.ssid) == 0 &&
                    strcmp(model->key, model->config.password) == 0;
    emw3080_status_event(model, model->joined ? STATION_UP : STATION_DOWN, model->now);
}

static void run_disconnect(struct emw3080_model *model, const struct request *request)
{
    (void)answer_status(model, request, true, ANSWER);
    leave(model);
}

/* In bypass mode the module has no address: the host's TCP/IP has. */
static void run_get_ip(struct emw3080_model *model, const struct request *request)
{
    static const char nothing[16] = "0.0.0.0";
    uint8_t data[68] = {0};
    for (size_t at = 4; at < sizeof data; at += sizeof nothing)
        memcpy(data + at, nothing, sizeof nothing);
    answer(model, request, data, sizeof data, ANSWER);
}

static void run_link_info(struct emw3080_model *model, const struct request *request)
{
    uint8_t data[121] = {0};
    put_32(data + 4, model->joined);
    if (model->joined) {
        put_32(data + 8, (uint32_t)-50);
        memcpy(data + 12, model->ssid, 33);
        memcpy(data + 45, bssid, sizeof bssid);
        memcpy(data + 51, model->key, 65);
        put_32(data + 116, 6);
        data[120] = model->key[0] ? 5 : 0;
    }
    answer(model, request, data, sizeof data, ANSWER);
}

static void run_bypass_set(struct emw3080_model *model, const struct request *request)
{
    const uint32_t mode = get_32(request->data);
    if (mode > 1)
        emw3080_complain(model, "the modem's bypass mode is set to %u", mode);
    if (!answer_status(model, request, true, ANSWER))
        model->bypass = mode;
}

static void run_bypass_get(struct emw3080_model *model, const struct request *request)
{
    uint8_t mode[4];
    put_32(mode, model->bypass);
    answer(model, request, mode, sizeof mode, ANSWER);
}

static void run_bypass_out(struct emw3080_model *model, const struct request *request)
{
    const uint8_t *data = request->data;
    const uint32_t length = request->length < 22 ? 0 : data[20] | (uint32_t)data[21] << 8;
    if (length < 14 || length > EMW3080_FRAME_MAX || length != request->length - 22u ||
        get_32(data) != 0) {
        emw3080_complain(model,
                         "the modem gets a frame of %u bytes for interface %u in a packet of %u",
                         length, request->length < 4 ? 0 : get_32(data), request->length + 6u);
        return;
    }
    const bool works = model->joined && model->bypass;
    if (!answer_status(model, request, works, SENT) && works)
        model->world.send(model->world.ctx, data + 22, length);
}

#define ANY UINT32_MAX

static const struct {
    uint16_t api;
    uint32_t length;
    void (*run)(struct emw3080_model *model, const struct request *request);
} commands[] = {
    {ECHO, ANY, run_echo},
    {REBOOT, 0, run_reboot},
    {VERSION, 0, run_version},
    {FACTORY, 0, run_reboot},
    {GET_MAC, 0, run_get_mac},
    {SCAN, 33, run_scan},
    {CONNECT, 176, run_connect},
    {DISCONNECT, 0, run_disconnect},
    {GET_IP, 1, run_get_ip},
    {LINK_INFO, 0, run_link_info},
    {BYPASS_SET, 4, run_bypass_set},
    {BYPASS_GET, 0, run_bypass_get},
    {BYPASS_OUT, ANY, run_bypass_out},
};

/* Of what befalls the module while it has a request in hand. */
static bool is_befallen(struct emw3080_model *model)
{
    const bool joined = model->joined;
    if (strikes(model, EMW3080_RESTARTS)) {
        emw3080_restart(model);
        return true;
    }
    const bool blinks = strikes(model, EMW3080_BLINKS);
    if (blinks || strikes(model, EMW3080_DROPS)) {
        emw3080_air_lost(model);
        if (blinks && joined)
            model->rejoin_at = model->air_at + 500u * MS;
    }
    return false;
}

void emw3080_command(struct emw3080_model *model, const uint8_t *packet, uint32_t length)
{
    if (length < 6) {
        emw3080_complain(model, "the modem gets a packet of %u bytes", length);
        return;
    }
    const struct request request = {.id = get_32(packet),
                                    .api = (uint16_t)(packet[4] | packet[5] << 8),
                                    .data = packet + 6,
                                    .length = length - 6u};
    if (request.id == 0)
        emw3080_complain(model, "the modem gets a request with the number 0, which is the events'");
    model->commands++;
    if (is_befallen(model))
        return;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (commands[i].api != request.api)
            continue;
        if (commands[i].length == ANY || commands[i].length == request.length)
            commands[i].run(model, &request);
        else
            emw3080_complain(model, "the modem gets the command 0x%04x with %u bytes, not %u",
                             request.api, request.length, commands[i].length);
        return;
    }
    emw3080_complain(model, "the modem gets the command 0x%04x, which is not modelled",
                     request.api);
}
