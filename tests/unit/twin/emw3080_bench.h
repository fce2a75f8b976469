/* For tests of the EMW3080's model: its pins and packets, as a host uses them. */
#ifndef OTTER_TEST_EMW3080_BENCH_H
#define OTTER_TEST_EMW3080_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "twin/modem/emw3080_model.h"
#include "twin/modem/setup.h"

#define US 1000ull
#define MS 1000000ull

static struct emw3080_model model;
static struct emw3080_config config;
static uint64_t now;
static char complaint[256];
static uint8_t on_air[1600];
static uint32_t on_air_length;
static unsigned flow_edges;

static inline void complain(void *ctx, const char *what)
{
    (void)ctx;
    if (!complaint[0])
        strncpy(complaint, what, sizeof complaint - 1);
}

static inline void send(void *ctx, const uint8_t *frame, uint32_t length)
{
    (void)ctx;
    assert_in_range(length, 14, sizeof on_air);
    memcpy(on_air, frame, length);
    on_air_length = length;
}

static const struct emw3080_world world = {NULL, send, complain};

/* ---- pins ---- */

static inline void pass(uint64_t time)
{
    const uint64_t end = now + time;
    for (bool before = emw3080_model_flow(&model);;) {
        const uint64_t next = emw3080_model_deadline(&model);
        now = next < end ? (next > now ? next : now) : end;
        emw3080_model_tick(&model, now);
        flow_edges += emw3080_model_flow(&model) && !before;
        before = emw3080_model_flow(&model);
        if (now == end)
            return;
    }
}

static inline bool flow_rises(void)
{
    flow_edges = 0;
    for (unsigned i = 0; i < 100 && flow_edges == 0; i++)
        pass(100 * US);
    return flow_edges == 1;
}

static inline void exchange(const uint8_t *out, uint8_t *in, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++, now += 400)
        in[i] = emw3080_model_exchange(&model, out ? out[i] : 0, now);
}

static uint8_t got[4096];
static uint32_t got_length;

static inline void select_low(void)
{
    emw3080_model_select(&model, true, now);
}

static inline void select_high(void)
{
    emw3080_model_select(&model, false, now);
}

static inline void exchange_header(uint32_t length)
{
    const uint32_t inverse = ~length;
    const uint8_t header[8] = {0x0a, (uint8_t)length, (uint8_t)(length >> 8), (uint8_t)inverse,
                               (uint8_t)(inverse >> 8)};
    uint8_t in[8];
    exchange(header, in, 8);
    assert_int_equal(in[0], 0x0b);
    got_length = in[1] | (uint32_t)in[2] << 8;
    const uint32_t other = in[3] | (uint32_t)in[4] << 8;
    if ((got_length ^ other) != 0xffff)
        got_length = UINT32_MAX;
    assert_int_equal(in[5] | in[6] | in[7], 0);
}

/* One transaction, as the module's host does it. False: no FLOW, or a bad header. */
static inline bool transact(const uint8_t *packet, uint32_t length)
{
    uint8_t out[4096] = {0};
    bool good = false;
    if (packet)
        memcpy(out, packet, length);
    got_length = 0;
    select_low();
    if (flow_rises()) {
        exchange_header(length);
        good = got_length != UINT32_MAX;
        const uint32_t total = good && got_length > length ? got_length : length;
        if (good && total > 0) {
            good = flow_rises();
            if (good)
                exchange(out, got, total);
        }
    }
    select_high();
    if (!good)
        got_length = 0;
    return good;
}

/* ---- packets ---- */

static uint32_t next_id;

static inline uint32_t word(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline bool tell(uint16_t api, const void *data, uint32_t length)
{
    uint8_t packet[2048] = {0};
    next_id++;
    memcpy(packet, &next_id, 4);
    memcpy(packet + 4, &api, 2);
    if (length > 0)
        memcpy(packet + 6, data, length);
    return transact(packet, 6 + length);
}

static inline uint16_t api_of(void)
{
    return (uint16_t)(got[4] | got[5] << 8);
}

/* The next packet of the module, within so long. */
static inline bool listen(uint64_t time)
{
    for (const uint64_t end = now + time; now < end; pass(100 * US))
        if (emw3080_model_notify(&model))
            return transact(NULL, 0) && got_length >= 6;
    return false;
}

static inline void expect_status(uint16_t api, uint32_t status)
{
    assert_true(listen(100 * MS));
    assert_int_equal(word(got), next_id);
    assert_int_equal(api_of(), api);
    assert_int_equal(got_length, 10);
    assert_int_equal(word(got + 6), status);
}

static inline void expect_event(uint8_t status, uint64_t time)
{
    assert_true(listen(time));
    assert_int_equal(word(got), 0);
    assert_int_equal(api_of(), 0x8101);
    assert_true(got_length == 7 || got_length == 10);
    assert_int_equal(got[6], status);
}

static inline int set_up(void **state)
{
    (void)state;
    config = (struct emw3080_config){.ssid = "net", .password = "secret"};
    now = 5 * MS;
    complaint[0] = '\0';
    on_air_length = 0;
    return 0;
}

/* As the sequence has it. */
static inline void power_on(void)
{
    emw3080_model_init(&model, &config, &world, now);
    emw3080_model_reset(&model, false, now);
    pass(100 * MS);
    emw3080_model_reset(&model, true, now);
    pass(1200 * MS);
}

static inline void connect_with(const char *ssid, const char *key)
{
    uint8_t data[176] = {0};
    strcpy((char *)data, ssid);
    strcpy((char *)data + 33, key);
    data[98] = (uint8_t)strlen(key);
    assert_true(tell(0x0103, data, sizeof data));
}

static inline void set_bypass(uint32_t mode)
{
    assert_true(tell(0x010c, &mode, 4));
    expect_status(0x010c, 0);
}

static inline void join(void)
{
    set_bypass(1);
    connect_with("net", "secret");
    expect_status(0x0103, 0);
    expect_event(2, 3000 * MS);
}

static inline void send_frame(uint32_t length)
{
    uint8_t data[22 + 1600] = {0};
    data[20] = (uint8_t)length;
    data[21] = (uint8_t)(length >> 8);
    for (uint32_t i = 0; i < length; i++)
        data[22 + i] = (uint8_t)(i * 7);
    assert_true(tell(0x010e, data, 22 + length));
}

static inline void give_frame(uint32_t length, uint8_t first)
{
    uint8_t frame[1600];
    for (uint32_t i = 0; i < sizeof frame; i++)
        frame[i] = (uint8_t)(first + i);
    emw3080_model_frame(&model, frame, length, now);
}

static inline void assert_complaint(const char *part)
{
    if (!strstr(complaint, part))
        fail_msg("the complaint is \"%s\", not \"%s\"", complaint, part);
}

static inline void assert_none(void)
{
    assert_string_equal(complaint, "");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

#endif
