/* The log in flash: what is kept, what goes, and what a power cut at any operation leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/log/log_ring.h"
#include "tests/sim/nor_sim.h"

#define SECTOR  1024u
#define SECTORS 3u
#define SLOTS   (SECTORS * SECTOR / LOG_RING_SLOT)

static struct nor_power power;
static struct nor_device device;
static struct flash_sector sectors[SECTORS];
static struct flash_area area;
static struct log_ring ring;
static unsigned count; /* lines so far; each says its number */

static void blank(uint32_t write_size, uint32_t seed)
{
    nor_power_init(&power, seed);
    nor_uniform_sectors(sectors, SECTORS, SECTOR);
    nor_create(&device, &power, sectors, SECTORS, write_size, 0xff);
    area = (struct flash_area){&device.flash, 0, SECTORS * SECTOR};
    count = 0;
    assert_int_equal(log_ring_open(&ring, &area), OTTER_OK);
}

static int set_up(void **state)
{
    (void)state;
    blank(4, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(device.rule_breaks, 0);
    nor_destroy(&device);
    return 0;
}

static otter_status append(void)
{
    char text[LOG_RING_TEXT_MAX + 20];
    /* Of any length up to more than fits. */
    const int length =
        snprintf(text, sizeof text, "line %u %0*d", count, (int)(count * 37 % 190) + 1, 0);
    count++;
    return log_ring_append(&ring, text, (uint32_t)length);
}

static unsigned number_of(const char *text)
{
    unsigned number = 0;
    assert_int_equal(sscanf(text, "line %u 0", &number), 1);
    return number;
}

/* How many lines there are; their numbers rise, and the newest is `newest` or more. */
static unsigned check(unsigned newest)
{
    char text[LOG_RING_TEXT_MAX + 1];
    unsigned lines = 0, last = 0;
    uint32_t place = 0;
    do {
        place = log_ring_read(&ring, place, text);
        if (text[0] == '\0')
            continue;
        const unsigned number = number_of(text);
        assert_true(lines == 0 || number > last);
        last = number;
        lines++;
    } while (place != 0);
    if (newest > 0)
        assert_true(last >= newest);
    return lines;
}

static void an_empty_log_has_no_lines(void **state)
{
    (void)state;
    assert_int_equal(check(0), 0);
    assert_int_equal(device.erase_count, 0);
}

static void lines_come_back_in_their_order_after_a_restart(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(append(), OTTER_OK);
    assert_int_equal(log_ring_open(&ring, &area), OTTER_OK);
    assert_int_equal(check(4), 5);
}

static void the_oldest_sector_goes_and_all_sectors_wear_alike(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40 * SLOTS; i++) {
        assert_int_equal(append(), OTTER_OK);
        assert_in_range(check(i), i + 1 < SLOTS ? i + 1 : SLOTS - SECTOR / LOG_RING_SLOT, SLOTS);
    }
    for (unsigned i = 0; i < SECTORS; i++)
        assert_in_range(device.erases[i], 40, 41);
}

static void restarts_without_a_line_cost_no_erase(void **state)
{
    (void)state;
    append();
    const uint32_t erases = device.erase_count;
    for (int i = 0; i < 100; i++)
        assert_int_equal(log_ring_open(&ring, &area), OTTER_OK);
    assert_int_equal(device.erase_count, erases);
}

static void a_text_too_long_is_cut_and_an_empty_one_is_none(void **state)
{
    char long_text[300], text[LOG_RING_TEXT_MAX + 1];
    (void)state;
    memset(long_text, 'x', sizeof long_text);
    assert_int_equal(log_ring_append(&ring, long_text, sizeof long_text), OTTER_OK);
    assert_int_equal(log_ring_append(&ring, "", 0), OTTER_OK);
    assert_int_equal(log_ring_open(&ring, &area), OTTER_OK);
    unsigned lines = 0;
    uint32_t place = 0;
    do {
        place = log_ring_read(&ring, place, text);
        lines += text[0] != '\0';
        assert_true(text[0] == '\0' || strlen(text) == LOG_RING_TEXT_MAX);
    } while (place != 0);
    assert_int_equal(lines, 1);
}

static void an_area_that_cannot_do_is_refused(void **state)
{
    (void)state;
    const struct flash_area one = {&device.flash, 0, SECTOR};
    assert_int_equal(log_ring_open(&ring, &one), OTTER_E_ARGUMENT);
    const struct flash_area none = {&device.flash, 0, 0};
    assert_int_equal(log_ring_open(&ring, &none), OTTER_E_ARGUMENT);
}

static void append_some(void *context)
{
    (void)context;
    assert_int_equal(log_ring_open(&ring, &area), OTTER_OK);
    for (unsigned i = 0; i < SLOTS + 3; i++)
        append();
}

/* A cut at each operation: what was there before the line in flight is there, the log goes on, and
 * no slot is written twice. */
static void a_power_cut_takes_at_most_the_line_in_flight(void **state)
{
    static const uint32_t units[] = {1, 4, 16, 32};
    (void)state;
    nor_destroy(&device);
    for (unsigned u = 0; u < sizeof units / sizeof *units; u++) {
        for (int kind = 0; kind < NOR_CUT_KINDS; kind++) {
            for (uint32_t at = 1;; at++) {
                blank(units[u], at * 7 + (uint32_t)kind);
                for (int i = 0; i < 9; i++)
                    append();
                nor_power_plan(&power, at, (enum nor_cut)kind);
                const bool cut = nor_power_run(&power, append_some, NULL) == NOR_RUN_CUT;
                nor_power_plan(&power, 0, NOR_CUT_BEFORE);
                assert_int_equal(log_ring_open(&ring, &area), OTTER_OK);
                const unsigned before = count; /* the last one may be lost */
                const unsigned kept = check(before >= 2 ? before - 2 : 0);
                assert_in_range(kept, SLOTS - 2 * SECTOR / LOG_RING_SLOT - 2, SLOTS);
                for (unsigned i = 0; i < SLOTS; i++)
                    assert_int_equal(append(), OTTER_OK);
                check(count - 1);
                assert_int_equal(device.rule_breaks, 0);
                if (!cut)
                    break;
                nor_destroy(&device);
            }
            nor_destroy(&device);
        }
    }
    blank(4, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_log_has_no_lines),
        TEST(lines_come_back_in_their_order_after_a_restart),
        TEST(the_oldest_sector_goes_and_all_sectors_wear_alike),
        TEST(restarts_without_a_line_cost_no_erase),
        TEST(a_text_too_long_is_cut_and_an_empty_one_is_none),
        TEST(an_area_that_cannot_do_is_refused),
        TEST(a_power_cut_takes_at_most_the_line_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
