/* The Wi-Fi module's driver against a small module of the test's own, on virtual time. Frames and
 * packets are compared whole; the module can be late, silent, wrong, and gone. */
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

static void put(uint8_t *to, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get(const uint8_t *from, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)from[i] << 8 * i;
    return value;
}

static struct packet *queue_packet(uint32_t request, uint16_t api, const void *data, size_t length)
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

static void say_status(uint32_t status)
{
    uint8_t bytes[4];
    put(bytes, status, 4);
    queue_packet(0, STATUS, bytes, fake.wide_status ? 4 : 1);
}

static void answer_status(uint32_t request, uint16_t api, int32_t status)
{
    uint8_t bytes[4];
    put(bytes, (uint32_t)status, 4);
    queue_packet(request, api, bytes, 4);
}

static void say_frame(size_t length, uint8_t seed)
{
    uint8_t bytes[22 + EMW3080_FRAME_MAX + 40] = {0};
    put(bytes + 20, (uint32_t)length, 2);
    for (size_t i = 0; i < length; i++)
        bytes[22 + i] = (uint8_t)(seed + 7 * i);
    queue_packet(0, BYPASS_IN, bytes, 22 + length);
}

static void module_restarts(void)
{
    fake.count = 0;
    fake.connected = fake.bypass = false;
}

static void on_join(uint32_t request, const uint8_t *parameters, size_t length)
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

static void on_frame(uint32_t request, const uint8_t *packet, size_t length)
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

static void on_host_packet(const uint8_t *packet, size_t length)
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

static bool has_packet(void)
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

static void exchange_header(const uint8_t *to, uint8_t *from)
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

static void exchange_payload(const uint8_t *to, uint8_t *from, size_t length)
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

static void run(otter_ms ms)
{
    for (const otter_ms until = now + ms; now < until; now++) {
        emw3080_tick(&module, now);
        for (unsigned i = 0; i < 100 && emw3080_has_work(&module, now); i++)
            emw3080_tick(&module, now);
        assert_false(emw3080_has_work(&module, now));
    }
}

static void send_frame(size_t length, uint8_t seed)
{
    assert_true(out.count < 16);
    const size_t place = (out.first + out.count++) % 16;
    out.lengths[place] = length;
    for (size_t i = 0; i < length; i++)
        out.frames[place][i] = (uint8_t)(seed + 3 * i);
}

static int set_up(void **state)
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

static void join_workshop(void)
{
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static unsigned times_logged(const char *text)
{
    unsigned times = 0;
    for (const char *at = logged; (at = strstr(at, text)) != NULL; at++)
        times++;
    return times;
}

/* ---- Joining -----------------------------------------------------------------------------------
 */

static void it_is_reset_asked_who_it_is_and_joins(void **state)
{
    static const uint16_t order[] = {VERSION, MAC, BYPASS_SET, CONNECT};
    static const uint8_t mac[6] = {0xc8, 0x93, 0x46, 1, 2, 3};
    (void)state;
    assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
    join_workshop();
    assert_int_equal(fake.resets, 1);
    assert_memory_equal(fake.order, order, sizeof order);
    assert_int_equal(fake.ordered, 4);
    assert_true(fake.bypass);
    assert_memory_equal(emw3080_mac(&module), mac, 6);
    assert_int_equal(times_logged("joining workshop"), 1);
    assert_int_equal(times_logged("in workshop"), 1);
}

static void the_request_to_join_has_the_credentials_where_they_belong(void **state)
{
    (void)state;
    char longest[65];
    memset(longest, 'k', 64);
    longest[64] = '\0';
    emw3080_join(&module, now, "a name of thirty-two characters!", longest);
    join_workshop();
    uint8_t expected[176] = {0};
    memcpy(expected, "a name of thirty-two characters!", 32);
    memcpy(expected + 33, longest, 64);
    expected[98] = 64;
    assert_memory_equal(fake.connect, expected, sizeof expected);
}

static void without_a_name_it_waits_for_one(void **state)
{
    (void)state;
    emw3080_join(&module, now, "", "");
    run(MINUTE);
    assert_int_equal(emw3080_network(&module), OTTER_E_STATE);
    assert_int_equal(fake.asked[CONNECT], 0);
    emw3080_join(&module, now, "workshop", "");
    run(SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void the_same_credentials_again_change_nothing(void **state)
{
    (void)state;
    join_workshop();
    emw3080_join(&module, now, "workshop", "horse battery");
    run(SECOND);
    assert_int_equal(fake.asked[CONNECT], 1);
}

static void other_credentials_leave_the_network_first(void **state)
{
    static const uint16_t order[] = {BYPASS_SET, DISCONNECT, BYPASS_SET, CONNECT};
    (void)state;
    join_workshop();
    const size_t before = fake.ordered;
    emw3080_join(&module, now, "kitchen", "horse battery");
    assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
    run(SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_memory_equal(fake.order + before, order, sizeof order);
    assert_string_equal((const char *)fake.connect, "kitchen");
    emw3080_join(&module, now, "", "");
    run(MINUTE);
    assert_int_equal(emw3080_network(&module), OTTER_E_STATE);
    assert_false(fake.bypass);
    assert_false(fake.connected);
}

static void credentials_that_change_in_the_middle_of_a_transaction_do_no_harm(void **state)
{
    (void)state;
    fake.flow_late_ms = 20;
    for (unsigned ms = 1; ms < 400; ms += 7) {
        run(ms);
        emw3080_join(&module, now, ms % 2 ? "kitchen" : "workshop", "horse battery");
    }
    run(10 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void up_may_come_before_the_answer_to_the_join(void **state)
{
    (void)state;
    fake.says_up = false;
    run(2 * SECOND);
    emw3080_join(&module, now, "kitchen", "");
    fake.answer_late_ms = 50;
    while (fake.asked[CONNECT] < 2)
        run(1);
    fake.answer_late_ms = 0;
    fake.count = 0; /* the answer is behind the event */
    say_status(2);
    answer_status(fake.last_request, CONNECT, 0);
    run(100);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void a_wrong_password_is_told_from_a_missing_access_point(void **state)
{
    (void)state;
    fake.connect_status = -1;
    run(2 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_PASSWORD);
    assert_int_equal(times_logged("cannot join workshop: wrong Wi-Fi password; next try in 5 s"),
                     1);
    assert_int_equal(times_logged("it says -1 to the join"), 1);
    fake.networks = 0;
    run(6 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_ACCESS_POINT);
    fake.connect_status = 0;
    run(15 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void a_join_that_the_module_only_accepts_is_given_up(void **state)
{
    (void)state;
    fake.says_up = false;
    run(20 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
    run(15 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_PASSWORD);
}

static void joins_are_tried_again_with_waits_that_grow_to_a_minute(void **state)
{
    (void)state;
    fake.connect_status = -1;
    run(6 * MINUTE);
    const unsigned tries = fake.asked[CONNECT];
    assert_in_range(tries, 7, 9);
    static const unsigned waits_s[] = {5, 10, 20, 40, 60, 60};
    for (unsigned i = 0; i < 6; i++) {
        const otter_ms wait = fake.connect_at[i + 2] - fake.connect_at[i + 1];
        assert_in_range(wait, waits_s[i] * SECOND, waits_s[i] * SECOND + 200);
    }
}

/* ---- Staying -----------------------------------------------------------------------------------
 */

static void an_access_point_that_is_gone_is_waited_for_and_joined_again(void **state)
{
    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        set_up(NULL);
        fake.wide_status = wide == 1;
        join_workshop();
        say_status(1);
        run(10);
        assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
        assert_int_equal(times_logged("the access point is gone"), 1);
        say_status(2); /* the module has gone back by itself */
        run(10);
        assert_int_equal(emw3080_network(&module), OTTER_OK);
        assert_int_equal(fake.asked[CONNECT], 1);
        say_status(1);
        run(7 * SECOND);
        assert_int_equal(emw3080_network(&module), OTTER_OK);
        assert_int_equal(fake.asked[CONNECT], 2);
        assert_int_equal(fake.asked[DISCONNECT], 1);
    }
}

static void a_module_that_restarts_is_set_up_again(void **state)
{
    (void)state;
    join_workshop();
    module_restarts();
    queue_packet(0, REBOOTED, "", 0);
    run(10);
    assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
    assert_int_equal(times_logged("it has restarted by itself"), 1);
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_int_equal(fake.resets, 1);
}

static void a_module_that_restarts_unheard_is_found_out(void **state)
{
    (void)state;
    join_workshop();
    module_restarts();
    run(MINUTE);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_int_equal(fake.asked[CONNECT], 2);
    module_restarts();
    fake.frame_status = -7;
    send_frame(100, 1); /* a frame that is refused finds out at once */
    run(100);
    assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
    assert_int_equal(times_logged("it says -7 to a frame"), 1);
}

static void a_module_that_says_nothing_any_more_is_reset(void **state)
{
    (void)state;
    join_workshop();
    fake.stays_silent = true;
    run(45 * SECOND);
    assert_int_equal(fake.resets, 2);
    assert_int_not_equal(emw3080_network(&module), OTTER_OK);
    fake.stays_silent = false;
    run(30 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void resets_of_a_dead_module_come_with_waits_that_grow_to_a_minute(void **state)
{
    (void)state;
    fake.dead = true;
    run(8 * MINUTE);
    assert_int_equal(emw3080_network(&module), OTTER_E_TIMEOUT);
    assert_in_range(fake.resets, 10, 12);
    static const unsigned waits_s[] = {1, 2, 4, 8, 16, 32};
    for (unsigned i = 0; i < 6; i++) {
        const otter_ms wait = fake.reset_at[i + 1] - fake.reset_at[i];
        assert_in_range(wait, waits_s[i] * SECOND + 10 * SECOND, waits_s[i] * SECOND + 13 * SECOND);
    }
    fake.dead = false;
    run(2 * MINUTE);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void a_module_that_carries_no_frames_is_not_used(void **state)
{
    (void)state;
    fake.bypass_status = -5;
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_IO);
    assert_true(times_logged("it refuses to carry frames: -5") > 0);
}

/* ---- The bus -----------------------------------------------------------------------------------
 */

static void a_late_flow_costs_time_alone(void **state)
{
    (void)state;
    fake.flow_late_ms = 90;
    run(5 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_int_equal(fake.resets, 1);
    send_frame(200, 3);
    run(SECOND);
    assert_int_equal(air.count, 1);
}

static void without_flow_the_module_is_reset(void **state)
{
    (void)state;
    join_workshop();
    fake.flow_never = true;
    send_frame(200, 3);
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_TIMEOUT);
    assert_int_equal(times_logged("FLOW does not rise: trying again"), 1);
    assert_false(fake.selected && fake.in_reset);
    fake.flow_never = false;
    run(5 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_int_equal(air.count, 1); /* the frame is not lost */
}

static void after_a_bad_header_the_packet_is_sent_again(void **state)
{
    (void)state;
    join_workshop();
    fake.bad_headers = 5;
    send_frame(200, 3);
    send_frame(201, 4);
    run(SECOND);
    assert_int_equal(air.count, 2);
    assert_int_equal(air.length, 201);
    assert_int_equal(out.sent, 2);
    assert_int_equal(times_logged("its header makes no sense: trying again"), 1);
    fake.bad_headers = 1000;
    send_frame(200, 3);
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_IO);
}

static void a_bus_that_fails_is_told(void **state)
{
    (void)state;
    join_workshop();
    fake.bus_fails = true;
    send_frame(200, 3);
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_IO);
    assert_int_equal(times_logged("SPI failed: trying again"), 1);
}

static void answers_come_in_any_order_with_events_and_frames_between(void **state)
{
    (void)state;
    join_workshop();
    fake.silent_to_frames = true;
    send_frame(60, 1);
    send_frame(60, 2);
    run(10);
    const uint32_t second = fake.last_request;
    fake.stays_silent = true;
    while (fake.asked[LINK_INFO] == 0)
        run(1);
    const uint32_t info = fake.last_request;
    uint8_t parameters[120] = {0};
    put(parameters + 4, 1, 4);
    say_frame(80, 9);
    answer_status(second, BYPASS_OUT, 0);
    answer_status(info + 1000, LINK_INFO, 0); /* of a request that nobody made: not connected */
    say_status(5);
    queue_packet(info, LINK_INFO, parameters, sizeof parameters);
    answer_status(info, LINK_INFO, 0); /* and once more, but different */
    fake.stays_silent = fake.silent_to_frames = false;
    run(100);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_int_equal(in.count, 1);
    assert_int_equal(fake.asked[DISCONNECT], 0);
}

/* ---- Frames ------------------------------------------------------------------------------------
 */

static void frames_of_every_length_go_both_ways_whole(void **state)
{
    static const size_t lengths[] = {14, 36, 37, 60, 64, 100, 163, 164, 165, 1000, 1513, 1514};
    (void)state;
    join_workshop();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        send_frame(lengths[i], (uint8_t)i);
        say_frame(lengths[sizeof lengths / sizeof *lengths - 1 - i], (uint8_t)(100 + i));
        run(5);
        assert_int_equal(air.count, i + 1);
        assert_int_equal(air.length, lengths[i]);
        for (size_t at = 0; at < air.length; at++)
            assert_int_equal(air.bytes[at], (uint8_t)(i + 3 * at));
        assert_int_equal(in.count, i + 1);
        assert_int_equal(in.last_length, lengths[sizeof lengths / sizeof *lengths - 1 - i]);
        for (size_t at = 0; at < in.last_length; at++)
            assert_int_equal(in.last[at], (uint8_t)(100 + i + 7 * at));
    }
}

static void frames_that_cannot_be_are_dropped(void **state)
{
    (void)state;
    join_workshop();
    say_frame(1515, 1);
    say_frame(13, 1);
    say_frame(0, 1);
    say_frame(500, 1);
    fake.queue[(fake.first + 3) % QUEUE].length -= 1; /* it promises more than there is */
    say_frame(500, 1);
    fake.queue[(fake.first + 4) % QUEUE].bytes[6] = 1; /* of the access point */
    queue_packet(0, BYPASS_IN, "", 0);
    queue_packet(0, 0x8fff, "what", 4);
    queue_packet(0, STATUS, "", 0)->length = 3; /* not even a header */
    run(100);
    assert_int_equal(in.count, 0);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    say_frame(500, 1);
    run(10);
    assert_int_equal(in.count, 1);
}

static void frames_before_the_join_are_nobodys(void **state)
{
    (void)state;
    fake.says_up = false;
    run(3 * SECOND);
    say_frame(500, 1);
    run(10);
    assert_int_equal(in.count, 0);
    assert_int_equal(fake.count, 0);
}

static void without_room_the_module_keeps_its_frames(void **state)
{
    (void)state;
    join_workshop();
    in.no_room = true;
    const unsigned before = fake.transactions;
    for (unsigned i = 0; i < 200; i++)
        say_frame(1514, (uint8_t)i);
    send_frame(64, 1);
    run(2 * MINUTE); /* and nobody takes its silence for a fault */
    assert_int_equal(fake.transactions, before);
    assert_int_equal(fake.resets, 1);
    in.no_room = false;
    run(100);
    assert_int_equal(in.count, 200);
    assert_int_equal(air.count, 1);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void a_flood_leaves_the_loop_its_turns(void **state)
{
    (void)state;
    join_workshop();
    for (unsigned i = 0; i < 200; i++)
        say_frame(1514, (uint8_t)i);
    emw3080_tick(&module, now);
    assert_in_range(in.count, 1, 16);
    assert_true(emw3080_has_work(&module, now));
}

static void only_a_few_frames_wait_for_their_answers(void **state)
{
    (void)state;
    join_workshop();
    fake.silent_to_frames = true;
    for (uint8_t i = 0; i < 10; i++)
        send_frame(60, i);
    run(900);
    assert_int_equal(air.count, 4);
    run(2 * SECOND);
    assert_int_equal(air.count, 10);
    assert_true(times_logged("no answer to 4 frames") > 0);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

/* TLS computes for over a second, and frames and commands are answered meanwhile. */
static void answers_that_wait_while_the_core_computes_are_not_late(void **state)
{
    (void)state;
    for (unsigned flow_ms = 0; flow_ms < 10; flow_ms += 3) {
        set_up(NULL);
        join_workshop();
        fake.flow_late_ms = flow_ms;
        send_frame(60, 1);
        send_frame(60, 2);
        while (out.count > 0)
            run(1);
        now += 5 * SECOND;
        run(SECOND);
        assert_int_equal(air.count, 2);
        assert_int_equal(times_logged("no answer"), 0);
        assert_int_equal(fake.asked[LINK_INFO], 0);
        while (fake.asked[LINK_INFO] == 0)
            run(1);
        now += 5 * SECOND;
        run(SECOND);
        assert_int_equal(times_logged("no answer"), 0);
        assert_int_equal(fake.asked[LINK_INFO], 1);
        assert_int_equal(emw3080_network(&module), OTTER_OK);
    }
}

static void a_command_that_waits_while_the_core_computes_is_sent_before_it_is_late(void **state)
{
    (void)state;
    join_workshop();
    fake.flow_late_ms = 3;
    const unsigned before = fake.transactions;
    while (fake.transactions == before && !fake.selected)
        emw3080_tick(&module, now++);
    now += 5 * SECOND;
    run(SECOND);
    assert_int_equal(fake.asked[LINK_INFO], 1);
    assert_int_equal(times_logged("no answer"), 0);
}

static void a_module_that_talks_but_does_not_answer_is_found_out(void **state)
{
    (void)state;
    join_workshop();
    fake.stays_silent = true;
    send_frame(60, 1);
    for (unsigned i = 0; i < 45 * SECOND / 10; i++) {
        while (fake.count < 100 && module.state != 0)
            say_frame(60, 1);
        fake.flow_late_ms = 1;
        run(10);
    }
    assert_true(times_logged("no answer to 1 frames") > 0);
    assert_true(fake.resets >= 2);
}

static void notify_without_anything_to_say_does_not_turn_the_loop_for_ever(void **state)
{
    (void)state;
    join_workshop();
    queue_packet(0, STATUS, "", 0)->length = 0;
    const unsigned before = fake.transactions;
    run(100);
    assert_in_range(fake.transactions - before, 1, 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, set_up)
        T(it_is_reset_asked_who_it_is_and_joins),
        T(the_request_to_join_has_the_credentials_where_they_belong),
        T(without_a_name_it_waits_for_one),
        T(the_same_credentials_again_change_nothing),
        T(other_credentials_leave_the_network_first),
        T(credentials_that_change_in_the_middle_of_a_transaction_do_no_harm),
        T(up_may_come_before_the_answer_to_the_join),
        T(a_wrong_password_is_told_from_a_missing_access_point),
        T(a_join_that_the_module_only_accepts_is_given_up),
        T(joins_are_tried_again_with_waits_that_grow_to_a_minute),
        T(an_access_point_that_is_gone_is_waited_for_and_joined_again),
        T(a_module_that_restarts_is_set_up_again),
        T(a_module_that_restarts_unheard_is_found_out),
        T(a_module_that_says_nothing_any_more_is_reset),
        T(resets_of_a_dead_module_come_with_waits_that_grow_to_a_minute),
        T(a_module_that_carries_no_frames_is_not_used),
        T(a_late_flow_costs_time_alone),
        T(without_flow_the_module_is_reset),
        T(after_a_bad_header_the_packet_is_sent_again),
        T(a_bus_that_fails_is_told),
        T(answers_come_in_any_order_with_events_and_frames_between),
        T(frames_of_every_length_go_both_ways_whole),
        T(frames_that_cannot_be_are_dropped),
        T(frames_before_the_join_are_nobodys),
        T(without_room_the_module_keeps_its_frames),
        T(a_flood_leaves_the_loop_its_turns),
        T(only_a_few_frames_wait_for_their_answers),
        T(answers_that_wait_while_the_core_computes_are_not_late),
        T(a_command_that_waits_while_the_core_computes_is_sent_before_it_is_late),
        T(a_module_that_talks_but_does_not_answer_is_found_out),
        T(notify_without_anything_to_say_does_not_turn_the_loop_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
