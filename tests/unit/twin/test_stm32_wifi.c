/* The EMW3080 of the B-U585I-IOT02A, through the chip's registers: what pins and SPI make of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "twin/machine.h"

#define RCC  0x46020c00u
#define PWR  0x46020800u
#define GPIO 0x42020000u
#define SPI  0x40003800u
#define EXTI 0x46022000u

enum { B = 1, D = 3, F = 5, G = 6 };
#define SSI 0x1000u

static struct machine *machine;
static struct twin *twin;

static void put(uint32_t address, uint32_t value)
{
    twin_store(twin, address, value);
}

static uint32_t get(uint32_t address)
{
    return twin_load(twin, address);
}

static void pass(twin_ns time)
{
    assert_int_equal(twin_run(twin, twin_now(twin) + time), TWIN_STOPPED);
}

static void set_mode(unsigned port, unsigned pin, uint32_t mode)
{
    const uint32_t at = GPIO + 0x400 * port;
    put(at, (get(at) & ~(3u << (2 * pin))) | mode << (2 * pin));
}

static void drive(unsigned port, unsigned pin, bool level)
{
    put(GPIO + 0x400 * port + 0x18, 1u << (pin + (level ? 0 : 16)));
}

static int switch_on(void **state)
{
    static const uint8_t program[0x104] = {
        [3] = 0x20,     [4] = 0x01,     [5] = 0x01,     [7] = 0x08,
        [0x100] = 0x30, [0x101] = 0xbf, [0x102] = 0xfd, [0x103] = 0xe7};
    static const struct modem_setup setup = {.ssid = "net", .password = "secret"};
    (void)state;
    machine = machine_new("b-u585i-iot02a", NULL);
    assert_non_null(machine);
    twin = machine->twin;
    twin_hurry(twin);
    assert_true(machine->program(machine, 0x08000000u, program, sizeof program));
    assert_true(machine->connect_modem(machine, &setup));
    twin_reset(twin, TWIN_RESET_POWER);
    return 0;
}

static int switch_off(void **state)
{
    (void)state;
    machine_free(machine);
    return 0;
}

/* Without the supply of FLOW's pin. */
static void open_all_but_flow(void)
{
    put(RCC + 0x94, get(RCC + 0x94) | 4);
    put(RCC + 0x9c, 1u << 14);
    put(RCC + 0x8c, get(RCC + 0x8c) | 0x6a);
    drive(B, 12, true);
    set_mode(B, 12, 1);
    drive(F, 15, false);
    set_mode(F, 15, 1);
    set_mode(D, 14, 0);
    put(GPIO + 0x400 * D + 0x20, 5u << 4 | 5u << 12 | 5u << 16);
    set_mode(D, 1, 2);
    set_mode(D, 3, 2);
    set_mode(D, 4, 2);
    put(SPI, SSI);
    put(SPI + 8, 7);
    put(SPI + 12, 1u << 22 | 1u << 26 | 1u << 31);
}

static void open_flow(void)
{
    put(PWR + 0x10, 1u << 29);
    set_mode(G, 15, 0);
    put(EXTI + 0x6c, 6u << 24);
    put(EXTI, 1u << 15);
}

static void start_module(void)
{
    pass(100 * TWIN_MS);
    drive(F, 15, true);
    pass(1200 * TWIN_MS);
}

static bool flow_rises(void)
{
    for (unsigned i = 0; i < 100; i++) {
        if (get(EXTI + 0x0c) >> 15 & 1) {
            put(EXTI + 0x0c, 1u << 15);
            return true;
        }
        pass(100 * TWIN_US);
    }
    return false;
}

static void exchange(const uint8_t *out, uint8_t *in, uint32_t length)
{
    put(SPI + 4, length);
    put(SPI, SSI | 1);
    put(SPI, SSI | 1 | 1u << 9);
    for (uint32_t i = 0; i < length; i++) {
        twin_store_byte(twin, SPI + 0x20, out[i]);
        while (!(get(SPI + 0x14) & 1))
            pass(10 * TWIN_US);
        in[i] = twin_load_byte(twin, SPI + 0x30);
    }
    assert_int_equal(get(SPI + 0x14) & 0x48, 8);
    put(SPI + 0x18, 0xfff);
    put(SPI, SSI);
}

static uint8_t got[2048];
static uint32_t got_length;

static void transact(const uint8_t *packet, uint32_t length)
{
    uint8_t out[2048] = {0};
    const uint8_t header[8] = {0x0a, (uint8_t)length, (uint8_t)(length >> 8), (uint8_t)~length,
                               (uint8_t)(~length >> 8)};
    uint8_t in[8];
    if (length > 0)
        memcpy(out, packet, length);
    put(EXTI + 0x0c, 1u << 15);
    drive(B, 12, false);
    assert_true(flow_rises());
    exchange(header, in, 8);
    assert_int_equal(in[0], 0x0b);
    got_length = in[1] | (uint32_t)in[2] << 8;
    if (got_length > length || length > 0) {
        assert_true(flow_rises());
        exchange(out, got, got_length > length ? got_length : length);
    }
    drive(B, 12, true);
}

static bool listen(void)
{
    for (unsigned i = 0; i < 400; i++, pass(10 * TWIN_MS))
        if (get(GPIO + 0x400 * D + 0x10) >> 14 & 1) {
            transact(NULL, 0);
            return true;
        }
    return false;
}

static void tell(uint16_t api, const void *data, uint32_t length)
{
    uint8_t packet[512] = {7, 0, 0, 0, (uint8_t)api, (uint8_t)(api >> 8)};
    if (length > 0)
        memcpy(packet + 6, data, length);
    transact(packet, 6 + length);
}

static void join(void)
{
    uint8_t data[176] = {'n', 'e', 't', [98] = 6};
    const uint32_t on = 1;
    memcpy(data + 33, "secret", 6);
    tell(0x010c, &on, 4);
    assert_true(listen());
    tell(0x0103, data, sizeof data);
    assert_true(listen());
    assert_true(listen());
    assert_int_equal(got[4] | got[5] << 8, 0x8101);
    assert_int_equal(got[6], 2);
}

static void the_module_says_its_version(void **state)
{
    (void)state;
    open_all_but_flow();
    open_flow();
    start_module();
    tell(0x0003, NULL, 0);
    assert_true(listen());
    assert_int_equal(got_length, 30);
    assert_memory_equal(got + 6, "V2.3.4", 6);
    assert_string_equal(twin_fault_text(twin), "");
}

/* An ARP request for the host's address is answered by libslirp. */
static void frames_reach_the_network_and_come_back(void **state)
{
    uint8_t data[22 + 42] = {[20] = 42, 0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x80, 0xe1,
                             0x30,      0x80, 0x01, 8,    6,    0,    1,    8,    0,    6,    4,
                             0,         1,    0x02, 0x80, 0xe1, 0x30, 0x80, 0x01, 10,   0,    2,
                             15,        0,    0,    0,    0,    0,    0,    10,   0,    2,    2};
    (void)state;
    open_all_but_flow();
    open_flow();
    start_module();
    join();
    tell(0x010e, data, sizeof data);
    unsigned arps = 0;
    for (unsigned i = 0; i < 2; i++) {
        assert_true(listen());
        arps += got[4] == 2 && got[5] == 0x81 && got[28 + 12] == 8 && got[28 + 13] == 6 &&
                got[28 + 21] == 2;
    }
    assert_int_equal(arps, 1);
    assert_string_equal(twin_fault_text(twin), "");
}

static void the_access_point_goes_with_the_link(void **state)
{
    (void)state;
    open_all_but_flow();
    open_flow();
    start_module();
    join();
    machine->connect_link(machine, false);
    assert_true(listen());
    assert_int_equal(got[4] | got[5] << 8, 0x8101);
    assert_int_equal(got[6], 1);
    assert_string_equal(twin_fault_text(twin), "");
}

static void without_its_supply_flow_does_not_come(void **state)
{
    (void)state;
    open_all_but_flow();
    set_mode(G, 15, 0);
    put(EXTI + 0x6c, 6u << 24);
    put(EXTI, 1u << 15);
    start_module();
    drive(B, 12, false);
    assert_false(flow_rises());
    assert_string_equal(twin_fault_text(twin), "");
    (void)get(GPIO + 0x400 * G + 0x10);
    assert_non_null(strstr(twin_fault_text(twin), "IO2SV is 0"));
}

static void a_byte_before_flow_ends_the_run(void **state)
{
    (void)state;
    open_all_but_flow();
    open_flow();
    start_module();
    drive(B, 12, false);
    put(SPI + 4, 8);
    put(SPI, SSI | 1);
    put(SPI, SSI | 1 | 1u << 9);
    twin_store_byte(twin, SPI + 0x20, 0x0a);
    assert_int_equal(twin_run(twin, twin_now(twin) + TWIN_MS), TWIN_FAULT);
    assert_non_null(strstr(twin_fault_text(twin), "before FLOW has risen"));
}

static void the_chips_reset_in_a_transaction_is_no_fault(void **state)
{
    (void)state;
    open_all_but_flow();
    open_flow();
    start_module();
    put(EXTI + 0x0c, 1u << 15);
    drive(B, 12, false);
    assert_true(flow_rises());
    put(SPI + 4, 8);
    put(SPI, SSI | 1);
    put(SPI, SSI | 1 | 1u << 9);
    twin_store_byte(twin, SPI + 0x20, 0x0a);
    pass(TWIN_MS);
    twin_request_reset(twin, TWIN_RESET_SYSTEM);
    pass(10 * TWIN_MS);
    open_all_but_flow();
    open_flow();
    start_module();
    tell(0x0003, NULL, 0);
    assert_true(listen());
    assert_string_equal(twin_fault_text(twin), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, switch_on, switch_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_module_says_its_version),
        TEST(frames_reach_the_network_and_come_back),
        TEST(the_access_point_goes_with_the_link),
        TEST(without_its_supply_flow_does_not_come),
        TEST(a_byte_before_flow_ends_the_run),
        TEST(the_chips_reset_in_a_transaction_is_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
