/* A small module of the tests' own, on virtual time, and the host's side of it. Frames and packets
 * are compared whole; the module can be late, silent, wrong, and gone. */
#ifndef OTTER_TEST_EMW3080_WORLD_H
#define OTTER_TEST_EMW3080_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/emw3080/emw3080.h"
#include "port/log.h"

#define SECOND    1000u
#define MINUTE    60000u
#define QUEUE     256u
#define PACKET    1600u
#define IPC_FRAME 28u

enum {
    VERSION = 0x0003,
    MAC = 0x0101,
    SCAN = 0x0102,
    CONNECT = 0x0103,
    DISCONNECT = 0x0104,
    LINK_INFO = 0x0108,
    BYPASS_SET = 0x010c,
    BYPASS_OUT = 0x010e,
    REBOOTED = 0x8001,
    STATUS = 0x8101,
    BYPASS_IN = 0x8102
};

static otter_ms now;
static char logged[65536];
static struct emw3080 module;

otter_ms port_now(void)
{
    return now;
}

void port_log_write(const char *line, size_t length)
{
    const size_t used = strlen(logged);
    snprintf(logged + used, sizeof logged - used, "%.*s\n", (int)length, line);
}

/* ---- The module --------------------------------------------------------------------------------
 */

struct packet {
    uint8_t bytes[PACKET];
    size_t length;
    otter_ms at; /* not before */
};

static struct {
    /* faults and manners, set by tests */
    unsigned flow_late_ms;
    bool flow_never, dead, bus_fails, silent_to_frames, stays_silent;
    unsigned bad_headers; /* the next so many */
    int32_t connect_status, bypass_status, frame_status;
    bool says_up; /* STA_UP follows a join */
    unsigned networks, answer_late_ms;
    bool connected;
    bool wide_status; /* events have four bytes */

    /* as it is */
    bool in_reset, selected, payload, bypass;
    otter_ms edge_at;
    struct packet queue[QUEUE];
    size_t first, count;
    uint8_t from_host[PACKET];
    size_t host_length, module_length, at;
    unsigned resets, transactions, asked[0x200];
    otter_ms reset_at[32], connect_at[32];
    uint8_t connect[176];
    uint16_t order[64]; /* of commands */
    size_t ordered;
    uint32_t last_request;
} fake;

/* The host's frames, and those that it got. */
static struct {
    uint8_t frames[16][EMW3080_FRAME_MAX];
    size_t lengths[16];
    size_t first, count;
    unsigned sent;
} out;

static struct {
    uint8_t building[EMW3080_FRAME_MAX], last[EMW3080_FRAME_MAX];
    size_t built, last_length;
    unsigned count;
    bool no_room;
} in;

static struct {
    uint8_t bytes[EMW3080_FRAME_MAX];
    size_t length;
    unsigned count;
} air; /* frames that the module sent */

static inline void put(uint8_t *to, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static inline uint32_t get(const uint8_t *from, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)from[i] << 8 * i;
    return value;
}

static inline struct packet *queue_packet(uint32_t request, uint16_t api, const void *data,
                                          size_t length)
{
    assert_true(fake.count < QUEUE);
    struct packet *packet = &fake.queue[(fake.first + fake.count++) % QUEUE];
    put(packet->bytes, request, 4);
    put(packet->bytes + 4, api, 2);
    memcpy(packet->bytes + 6, data, length);
    packet->length = 6 + length;
    packet->at = now + fake.answer_late_ms;
    return packet;
}

static inline void say_status(uint32_t status)
{
    uint8_t bytes[4];
    put(bytes, status, 4);
    queue_packet(0, STATUS, bytes, fake.wide_status ? 4 : 1);
}

static inline void answer_status(uint32_t request, uint16_t api, int32_t status)
{
    uint8_t bytes[4];
    put(bytes, (uint32_t)status, 4);
    queue_packet(request, api, bytes, 4);
}

static inline void say_frame(size_t length, uint8_t seed)
{
    uint8_t bytes[22 + EMW3080_FRAME_MAX + 40] = {0};
    put(bytes + 20, (uint32_t)length, 2);
    for (size_t i = 0; i < length; i++)
        bytes[22 + i] = (uint8_t)(seed + 7 * i);
    queue_packet(0, BYPASS_IN, bytes, 22 + length);
}

static inline void module_restarts(void)
{
    fake.count = 0;
    fake.connected = fake.bypass = false;
}

static inline void on_join(uint32_t request, const uint8_t *parameters, size_t length)
{
    assert_int_equal(length, 176);
    memcpy(fake.connect, parameters, length);
    fake.connect_at[fake.asked[CONNECT] % 32] = now;
    answer_status(request, CONNECT, fake.connect_status);
    if (fake.connect_status == 0 && fake.says_up) {
        fake.connected = true;
        say_status(2);
    }
}

static inline void on_frame(uint32_t request, const uint8_t *packet, size_t length)
{
    air.length = get(packet + 26, 2);
    assert_int_equal(length, IPC_FRAME + air.length);
    for (size_t i = 6; i < 26; i++)
        assert_int_equal(packet[i], 0);
    memcpy(air.bytes, packet + IPC_FRAME, air.length);
    air.count++;
    if (!fake.silent_to_frames)
        answer_status(request, BYPASS_OUT, fake.frame_status);
}

static inline void on_host_packet(const uint8_t *packet, size_t length)
{
    static const uint8_t mac[6] = {0xc8, 0x93, 0x46, 1, 2, 3};
    uint8_t info[120] = {0};
    const uint32_t request = get(packet, 4);
    const uint16_t api = (uint16_t)get(packet + 4, 2);
    assert_true(length >= 6);
    assert_int_not_equal(request, 0);
    assert_true(api < 0x200);
    fake.asked[api]++;
    fake.last_request = request;
    if (api != BYPASS_OUT)
        fake.order[fake.ordered++ % 64] = api;
    if (fake.stays_silent)
        return;
    switch (api) {
    case VERSION:
        queue_packet(request, api, "V2.3.4.0000000000000000", 24);
        break;
    case MAC:
        queue_packet(request, api, mac, 6);
        break;
    case BYPASS_SET:
        assert_int_equal(length, 10);
        fake.bypass = packet[6] == 1;
        answer_status(request, api, fake.bypass_status);
        break;
    case DISCONNECT:
        fake.connected = false;
        answer_status(request, api, 0);
        say_status(1);
        break;
    case CONNECT:
        on_join(request, packet + 6, length - 6);
        break;
    case SCAN:
        assert_int_equal(length, 6 + 33);
        info[0] = (uint8_t)fake.networks;
        queue_packet(request, api, info, 1 + 40);
        break;
    case LINK_INFO:
        put(info + 4, fake.connected, 4);
        queue_packet(request, api, info, sizeof info);
        break;
    case BYPASS_OUT:
        on_frame(request, packet, length);
        break;
    default:
        fail_msg("api 0x%04x", api);
    }
}

static inline bool has_packet(void)
{
    return fake.count > 0 && fake.queue[fake.first].at <= now;
}

void emw3080_reset(bool active)
{
    if (active) {
        fake.reset_at[fake.resets++ % 32] = now;
        module_restarts();
    }
    fake.in_reset = active;
}

void emw3080_select(bool on)
{
    assert_false(on && fake.in_reset);
    fake.selected = on;
    fake.payload = false;
    fake.edge_at = on && !fake.flow_never && !fake.dead ? now + fake.flow_late_ms : OTTER_NEVER;
}

bool emw3080_notify(void)
{
    return has_packet() && !fake.dead && !fake.in_reset;
}

bool emw3080_flow(void)
{
    return fake.edge_at <= now;
}

void emw3080_forget_flow(void)
{
    if (fake.edge_at <= now)
        fake.edge_at = OTTER_NEVER;
}

static inline void exchange_header(const uint8_t *to, uint8_t *from)
{
    assert_int_equal(to[0], 0x0a);
    assert_int_equal(get(to + 1, 2) ^ get(to + 3, 2), 0xffff);
    assert_int_equal(get(to + 5, 3), 0);
    fake.transactions++;
    fake.host_length = get(to + 1, 2);
    fake.module_length = has_packet() ? fake.queue[fake.first].length : 0;
    memset(from, 0, 8);
    from[0] = 0x0b;
    put(from + 1, (uint32_t)fake.module_length, 2);
    put(from + 3, ~(uint32_t)fake.module_length, 2);
    if (fake.bad_headers > 0) {
        fake.bad_headers--;
        from[fake.bad_headers % 2 ? 0 : 3] ^= 0x11;
        return;
    }
    fake.payload = fake.host_length > 0 || fake.module_length > 0;
    fake.at = 0;
    if (!fake.flow_never && fake.payload)
        fake.edge_at = now + fake.flow_late_ms;
}

static inline void exchange_payload(const uint8_t *to, uint8_t *from, size_t length)
{
    const size_t total =
        fake.host_length > fake.module_length ? fake.host_length : fake.module_length;
    assert_true(fake.at + length <= total);
    for (size_t i = 0; i < length; i++, fake.at++) {
        fake.from_host[fake.at] = to[i];
        from[i] = fake.at < fake.module_length ? fake.queue[fake.first].bytes[fake.at] : 0xee;
    }
    if (fake.at < total)
        return;
    if (fake.module_length > 0) {
        fake.first = (fake.first + 1) % QUEUE;
        fake.count--;
    }
    fake.payload = false;
    if (fake.host_length > 0)
        on_host_packet(fake.from_host, fake.host_length);
}

bool emw3080_exchange(const uint8_t *to, uint8_t *from, size_t length)
{
    assert_true(fake.selected);
    assert_true(length > 0 && length <= EMW3080_PIECE_MAX);
    if (fake.bus_fails)
        return false;
    if (fake.payload)
        exchange_payload(to, from, length);
    else
        exchange_header(to, from);
    return true;
}

size_t emw3080_frame_length(void)
{
    return out.count > 0 ? out.lengths[out.first] : 0;
}

void emw3080_frame_read(size_t offset, uint8_t *data, size_t length)
{
    assert_true(offset + length <= out.lengths[out.first]);
    memcpy(data, out.frames[out.first] + offset, length);
}

void emw3080_frame_sent(void)
{
    assert_true(out.count > 0);
    out.first = (out.first + 1) % 16;
    out.count--;
    out.sent++;
}

bool emw3080_frame_room(void)
{
    return !in.no_room;
}

void emw3080_frame_write(size_t offset, const uint8_t *data, size_t length)
{
    assert_false(in.no_room);
    assert_int_equal(offset, offset == 0 ? 0 : in.built);
    assert_true(offset + length <= sizeof in.building);
    memcpy(in.building + offset, data, length);
    in.built = offset + length;
}

void emw3080_frame_received(size_t length)
{
    assert_int_equal(length, in.built);
    memcpy(in.last, in.building, length);
    in.last_length = length;
    in.count++;
}

/* ---- Helpers -----------------------------------------------------------------------------------
 */

static inline void run(otter_ms ms)
{
    for (const otter_ms until = now + ms; now < until; now++) {
        emw3080_tick(&module, now);
        for (unsigned i = 0; i < 100 && emw3080_has_work(&module, now); i++)
            emw3080_tick(&module, now);
        assert_false(emw3080_has_work(&module, now));
    }
}

static inline void send_frame(size_t length, uint8_t seed)
{
    assert_true(out.count < 16);
    const size_t place = (out.first + out.count++) % 16;
    out.lengths[place] = length;
    for (size_t i = 0; i < length; i++)
        out.frames[place][i] = (uint8_t)(seed + 3 * i);
}

static inline int set_up(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    memset(&out, 0, sizeof out);
    memset(&in, 0, sizeof in);
    memset(&air, 0, sizeof air);
    fake.edge_at = OTTER_NEVER;
    fake.says_up = true;
    fake.networks = 1;
    logged[0] = '\0';
    now = 5;
    emw3080_init(&module, now);
    emw3080_join(&module, now, "workshop", "horse battery");
    return 0;
}

static inline void join_workshop(void)
{
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static inline unsigned times_logged(const char *text)
{
    unsigned times = 0;
    for (const char *at = logged; (at = strstr(at, text)) != NULL; at++)
        times++;
    return times;
}

#endif
