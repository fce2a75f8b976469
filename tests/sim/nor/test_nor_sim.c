/* The simulated NOR flash keeps the rules, and cuts power where it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "port/log.h"
#include "port/port.h"
#include "tests/sim/nor_sim.h"

#define SECTORS     4u
#define SECTOR_SIZE 512u

static struct flash_sector sectors[SECTORS];
static struct nor_power power;
static struct nor_device device;
static struct flash_area area;

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static int set_up(void **state)
{
    (void)state;
    nor_uniform_sectors(sectors, SECTORS, SECTOR_SIZE);
    nor_power_init(&power, 1);
    nor_create(&device, &power, sectors, SECTORS, 4, 0xff);
    area = (struct flash_area){&device.flash, 0, SECTORS * SECTOR_SIZE};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nor_destroy(&device);
    return 0;
}

static void a_second_program_of_a_unit_breaks_a_rule(void **state)
{
    (void)state;
    const uint8_t zeros[8] = {0};
    assert_int_equal(flash_program(&area, 4, zeros, 8), OTTER_OK);
    assert_int_equal(device.rule_breaks, 0);
    assert_int_equal(flash_program(&area, 8, zeros, 4), OTTER_E_FLASH);
    assert_int_equal(device.rule_breaks, 1);
    assert_int_equal(flash_erase(&area, 0, SECTOR_SIZE), OTTER_OK);
    assert_int_equal(flash_program(&area, 8, zeros, 4), OTTER_OK);
}

static void programming_erased_bytes_uses_the_unit_up(void **state)
{
    (void)state;
    const uint8_t blank[4] = {0xff, 0xff, 0xff, 0xff};
    assert_int_equal(flash_program(&area, 0, blank, 4), OTTER_OK);
    assert_int_equal(flash_program(&area, 0, blank, 4), OTTER_E_FLASH);
}

static void a_direct_misaligned_call_breaks_a_rule(void **state)
{
    (void)state;
    const uint8_t zeros[4] = {0};
    assert_int_equal(device.flash.ops->program(&device, 2, zeros, 4), OTTER_E_FLASH);
    assert_int_equal(device.flash.ops->erase(&device, 4), OTTER_E_FLASH);
    assert_int_equal(device.rule_breaks, 2);
}

static void write_three_times(void *context)
{
    const uint8_t value[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (uint32_t i = 0; i < 3; i++)
        flash_program(&area, i * 8, value, 8);
    *(bool *)context = true;
}

static void a_run_without_a_cut_counts_its_operations(void **state)
{
    (void)state;
    bool finished = false;
    nor_power_plan(&power, 0, NOR_CUT_BEFORE);
    assert_int_equal(nor_power_run(&power, write_three_times, &finished), NOR_RUN_DONE);
    assert_true(finished);
    assert_int_equal(power.operations, 3);
}

static uint32_t bytes_not_erased(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < device.flash.size; i++)
        count += device.data[i] != 0xff;
    return count;
}

static void a_cut_before_leaves_nothing_and_a_cut_after_leaves_all_of_the_operation(void **state)
{
    (void)state;
    bool finished = false;
    nor_power_plan(&power, 2, NOR_CUT_BEFORE);
    assert_int_equal(nor_power_run(&power, write_three_times, &finished), NOR_RUN_CUT);
    assert_false(finished);
    assert_int_equal(bytes_not_erased(), 8);
    nor_wipe(&device);
    nor_power_plan(&power, 2, NOR_CUT_DONE);
    assert_int_equal(nor_power_run(&power, write_three_times, &finished), NOR_RUN_CUT);
    assert_int_equal(bytes_not_erased(), 16);
    nor_wipe(&device);
    nor_power_plan(&power, 2, NOR_CUT_TAIL);
    assert_int_equal(nor_power_run(&power, write_three_times, &finished), NOR_RUN_CUT);
    assert_int_equal(bytes_not_erased(), 12);
}

static void write_one_byte_of_sixteen(void *context)
{
    (void)context;
    uint8_t value[256];
    memset(value, 0, sizeof value);
    flash_program(&area, 0, value, sizeof value);
}

static void a_torn_program_leaves_a_prefix_of_whole_units(void **state)
{
    (void)state;
    bool seen_part = false;
    for (uint32_t seed = 0; seed < 40; seed++) {
        nor_wipe(&device);
        nor_power_init(&power, seed);
        nor_power_plan(&power, 1, NOR_CUT_TORN);
        nor_power_run(&power, write_one_byte_of_sixteen, NULL);
        const uint32_t count = bytes_not_erased();
        assert_int_equal(count % 4, 0);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(device.data[i], 0);
        seen_part = seen_part || (count > 0 && count < 256);
    }
    assert_true(seen_part);
}

static void erase_first_sector(void *context)
{
    (void)context;
    flash_erase(&area, 0, SECTOR_SIZE);
}

static void an_erase_cut_short_leaves_old_or_erased_bits_some_unstable(void **state)
{
    (void)state;
    uint8_t old[SECTOR_SIZE];
    memset(old, 0x5a, sizeof old);
    bool seen_unstable = false;
    for (uint32_t seed = 0; seed < 40; seed++) {
        nor_wipe(&device);
        nor_load(&device, 0, old, sizeof old);
        nor_power_init(&power, seed);
        nor_power_plan(&power, 1, NOR_CUT_GARBLED);
        nor_power_run(&power, erase_first_sector, NULL);
        uint8_t first[SECTOR_SIZE];
        uint8_t second[SECTOR_SIZE];
        flash_read(&area, 0, first, sizeof first);
        flash_read(&area, 0, second, sizeof second);
        for (uint32_t i = 0; i < SECTOR_SIZE; i++)
            assert_int_equal(first[i] & 0x5a, 0x5a);
        seen_unstable = seen_unstable || memcmp(first, second, sizeof first) != 0;
    }
    assert_true(seen_unstable);
    erase_first_sector(NULL);
    assert_int_equal(flash_is_erased(&area, 0, SECTOR_SIZE), 1);
    assert_int_equal(device.unstable_bytes, 0);
}

static void write_one_unit(void *context)
{
    const uint32_t *offset = context;
    const uint8_t value[4] = {1, 0xff, 0xff, 0xff};
    flash_program(&area, *offset, value, sizeof value);
}

static void tear_one_unit(enum nor_cut cut, uint32_t seed, uint32_t offset)
{
    nor_wipe(&device);
    nor_power_init(&power, seed);
    nor_power_plan(&power, 1, cut);
    assert_int_equal(nor_power_run(&power, write_one_unit, &offset), NOR_RUN_CUT);
}

static void an_unreadable_unit_fails_its_readers_until_it_is_erased(void **state)
{
    (void)state;
    struct nor_snapshot snapshot = {0};
    uint8_t bytes[8];
    tear_one_unit(NOR_CUT_UNREADABLE, 1, 0);
    nor_snapshot_take(&device, &snapshot);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(flash_read(&area, 3, bytes, 1), OTTER_E_FLASH);
        assert_int_equal(flash_read(&area, 0, bytes, 8), OTTER_E_FLASH);
        assert_int_equal(flash_read(&area, 4, bytes, 4), OTTER_OK);
        assert_int_equal(flash_program(&area, 0, bytes, 4), OTTER_E_FLASH);
        assert_int_equal(flash_erase(&area, 0, SECTOR_SIZE), OTTER_OK);
        assert_int_equal(flash_is_erased(&area, 0, SECTOR_SIZE), 1);
        nor_snapshot_restore(&device, &snapshot);
    }
    nor_snapshot_free(&snapshot);
}

static void
an_erase_cut_on_flash_with_ecc_leaves_some_units_unreadable_and_none_wavering(void **state)
{
    (void)state;
    uint8_t old[SECTOR_SIZE];
    uint8_t bytes[4];
    bool seen_one = false;
    bool seen_many = false;
    memset(old, 0x5a, sizeof old);
    for (uint32_t seed = 0; seed < 40; seed++) {
        nor_wipe(&device);
        nor_load(&device, 0, old, sizeof old);
        nor_power_init(&power, seed);
        nor_power_plan(&power, 1, NOR_CUT_UNREADABLE);
        nor_power_run(&power, erase_first_sector, NULL);
        uint32_t failed = 0;
        for (uint32_t at = 0; at < SECTOR_SIZE; at += 4)
            failed += flash_read(&area, at, bytes, 4) != OTTER_OK;
        assert_int_equal(failed, device.unreadable);
        assert_int_equal(device.unstable_bytes, 0);
        seen_one = seen_one || failed == 1;
        seen_many = seen_many || failed > SECTOR_SIZE / 8;
    }
    assert_true(seen_one && seen_many);
}

static void a_sealed_unit_may_read_as_erased_and_is_refused_without_a_broken_rule(void **state)
{
    (void)state;
    const uint8_t value[4] = {1, 0xff, 0xff, 0xff};
    bool seen_erased = false;
    for (uint32_t seed = 0; seed < 40; seed++) {
        tear_one_unit(NOR_CUT_SEALED, seed, 0);
        const bool erased = flash_is_erased(&area, 0, 4) == 1;
        const uint32_t breaks = device.rule_breaks;
        assert_int_equal(flash_program(&area, 0, value, 4), OTTER_E_FLASH);
        if (erased)
            assert_int_equal(device.rule_breaks, breaks);
        seen_erased = seen_erased || erased;
        assert_int_equal(flash_erase(&area, 0, SECTOR_SIZE), OTTER_OK);
        assert_int_equal(flash_program(&area, 0, value, 4), OTTER_OK);
    }
    assert_true(seen_erased);
}

static void drifting_bits_stay_while_power_is_on_and_change_from_boot_to_boot(void **state)
{
    (void)state;
    bool seen[2] = {false, false};
    tear_one_unit(NOR_CUT_DRIFTING, 0, 0);
    for (int boot = 0; boot < 40; boot++) {
        uint8_t first;
        uint8_t again;
        nor_power_cycle(&power);
        flash_read(&area, 0, &first, 1);
        for (int i = 0; i < 50; i++) {
            flash_read(&area, 0, &again, 1);
            assert_int_equal(again, first);
        }
        seen[first == 0xff] = true;
    }
    assert_true(seen[0] && seen[1]);
}

static void wavering_bits_have_rare_readings_that_many_readings_do_not_show(void **state)
{
    (void)state;
    bool seen_rare = false;
    for (uint32_t offset = 0; offset < SECTOR_SIZE; offset += 4) {
        tear_one_unit(NOR_CUT_WAVERING, offset, offset);
        uint32_t ones = 0;
        for (int i = 0; i < 4096; i++) {
            uint8_t byte;
            flash_read(&area, offset, &byte, 1);
            ones += (byte & 2u) != 0;
        }
        seen_rare = seen_rare || (ones > 0 && ones < 64) || (ones > 4032 && ones < 4096);
    }
    assert_true(seen_rare);
}

static void a_snapshot_brings_everything_back(void **state)
{
    (void)state;
    const uint8_t value[4] = {1, 2, 3, 4};
    struct nor_snapshot snapshot = {0};
    flash_program(&area, 0, value, 4);
    nor_snapshot_take(&device, &snapshot);
    flash_erase(&area, 0, SECTOR_SIZE);
    nor_snapshot_restore(&device, &snapshot);
    assert_memory_equal(device.data, value, 4);
    assert_int_equal(flash_program(&area, 0, value, 4), OTTER_E_FLASH);
    nor_snapshot_free(&snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_program_of_a_unit_breaks_a_rule, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(programming_erased_bytes_uses_the_unit_up, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_direct_misaligned_call_breaks_a_rule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_without_a_cut_counts_its_operations, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_cut_before_leaves_nothing_and_a_cut_after_leaves_all_of_the_operation, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(a_torn_program_leaves_a_prefix_of_whole_units, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_erase_cut_short_leaves_old_or_erased_bits_some_unstable,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unreadable_unit_fails_its_readers_until_it_is_erased,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            an_erase_cut_on_flash_with_ecc_leaves_some_units_unreadable_and_none_wavering, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_sealed_unit_may_read_as_erased_and_is_refused_without_a_broken_rule, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            drifting_bits_stay_while_power_is_on_and_change_from_boot_to_boot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            wavering_bits_have_rare_readings_that_many_readings_do_not_show, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_snapshot_brings_everything_back, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
