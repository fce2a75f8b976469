/* The key-value store over a whole flash; what happens at power cuts is in tests/sim/store. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/kv.h"
#include "tests/sim/nor_sim.h"

enum { SECTORS = 5, SECTOR = 4096 };

static struct nor_power power;
static struct nor_device device;
static struct flash_sector sectors[SECTORS];
static struct flash_area area;
static struct kv kv;

static void create(uint32_t count, uint32_t size, uint32_t write_size, uint8_t erased)
{
    nor_power_init(&power, 1);
    nor_uniform_sectors(sectors, count, size);
    nor_create(&device, &power, sectors, count, write_size, erased);
    area = (struct flash_area){&device.flash, 0, count * size};
    assert_int_equal(kv_open(&kv, &area), OTTER_OK);
}

static int set_up(void **state)
{
    (void)state;
    create(SECTORS, SECTOR, 4, 0xff); /* as on the emulated board */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    const bool broken = device.rule_breaks != 0;
    nor_destroy(&device);
    return broken;
}

static void set_text(const char *key, const char *value)
{
    assert_int_equal(kv_set(&kv, key, value, (uint32_t)strlen(value)), OTTER_OK);
}

static void assert_value(const char *key, const char *expected)
{
    char found[64];
    uint32_t length;
    assert_int_equal(kv_get(&kv, key, found, sizeof found, &length), OTTER_OK);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(found, expected, length);
}

static void assert_absent(const char *key)
{
    uint32_t length;
    assert_int_equal(kv_get(&kv, key, NULL, 0, &length), OTTER_E_NOT_FOUND);
}

static void reopen(void)
{
    memset(&kv, 0xa5, sizeof kv);
    assert_int_equal(kv_open(&kv, &area), OTTER_OK);
}

static void what_is_set_is_there_after_a_restart(void **state)
{
    (void)state;
    set_text("thing_name", "otter-1");
    set_text("empty", "");
    set_text("thing_name", "otter-2");
    reopen();
    assert_value("thing_name", "otter-2");
    assert_value("empty", "");
    assert_absent("thing");
}

static void a_deleted_key_stays_away(void **state)
{
    (void)state;
    set_text("a", "1");
    set_text("b", "2");
    assert_int_equal(kv_delete(&kv, "a"), OTTER_OK);
    assert_int_equal(kv_delete(&kv, "never"), OTTER_OK);
    assert_absent("a");
    reopen();
    assert_absent("a");
    assert_value("b", "2");
}

static void an_equal_set_writes_nothing(void **state)
{
    (void)state;
    set_text("a", "same");
    const uint64_t programmed = device.bytes_programmed;
    set_text("a", "same");
    assert_int_equal(kv_delete(&kv, "absent"), OTTER_OK);
    assert_true(device.bytes_programmed == programmed);
}

static void opening_writes_nothing(void **state)
{
    (void)state;
    set_text("a", "1");
    const uint64_t programmed = device.bytes_programmed;
    const uint32_t erases = device.erase_count;
    reopen();
    assert_true(device.bytes_programmed == programmed);
    assert_int_equal(device.erase_count, erases);
}

static void limits_of_keys_and_values_are_kept(void **state)
{
    (void)state;
    static uint8_t value[KV_VALUE_MAX + 1];
    static uint8_t found[KV_VALUE_MAX];
    uint32_t length;
    const char *longest = "0123456789012345678901234567890";
    assert_int_equal(strlen(longest), KV_KEY_MAX);
    memset(value, 0xff, sizeof value);
    assert_int_equal(kv_set(&kv, longest, value, KV_VALUE_MAX), OTTER_OK);
    assert_int_equal(kv_get(&kv, longest, found, sizeof found, &length), OTTER_OK);
    assert_int_equal(length, KV_VALUE_MAX);
    assert_memory_equal(value, found, length);
    assert_int_equal(kv_get(&kv, longest, found, 100, &length), OTTER_E_TOO_LONG);
    assert_int_equal(length, KV_VALUE_MAX);
    assert_int_equal(kv_set(&kv, "a", value, KV_VALUE_MAX + 1), OTTER_E_ARGUMENT);
    assert_int_equal(kv_set(&kv, "", value, 1), OTTER_E_ARGUMENT);
    assert_int_equal(kv_set(&kv, "01234567890123456789012345678901", value, 1), OTTER_E_ARGUMENT);
    assert_int_equal(kv_set(&kv, "a", NULL, 1), OTTER_E_ARGUMENT);
}

static void a_batch_sets_and_deletes_together(void **state)
{
    (void)state;
    set_text("old", "x");
    set_text("same", "s");
    const struct kv_item items[] = {
        {"new", "1", 1}, {"old", NULL, 0}, {"same", "s", 1}, {"other", "22", 2}, {"none", NULL, 0}};
    assert_int_equal(kv_set_all(&kv, items, 5), OTTER_OK);
    reopen();
    assert_value("new", "1");
    assert_absent("old");
    assert_value("same", "s");
    assert_value("other", "22");
    assert_int_equal(kv_set_all(&kv, items, 0), OTTER_OK);
}

static void a_batch_that_makes_no_sense_is_refused_whole(void **state)
{
    (void)state;
    static uint8_t big[2000];
    const struct kv_item twice[] = {{"a", "1", 1}, {"b", "1", 1}, {"a", "2", 1}};
    const struct kv_item huge[] = {{"a", big, sizeof big}, {"b", big, sizeof big}, {"c", big, 100}};
    const struct kv_item many[KV_BATCH_MAX + 1] = {{"a", "1", 1}};
    assert_int_equal(kv_set_all(&kv, twice, 3), OTTER_E_ARGUMENT);
    assert_int_equal(kv_set_all(&kv, huge, 3), OTTER_E_TOO_LONG);
    assert_int_equal(kv_set_all(&kv, many, KV_BATCH_MAX + 1), OTTER_E_ARGUMENT);
    assert_absent("a");
    assert_absent("b");
}

struct seen {
    char keys[8][KV_KEY_MAX + 1];
    uint32_t lengths[8];
    uint32_t count;
    uint32_t stop_after;
};

static int visit(void *ctx, const char *key, uint32_t length)
{
    struct seen *seen = ctx;
    assert_true(seen->count < 8);
    strcpy(seen->keys[seen->count], key);
    seen->lengths[seen->count++] = length;
    return seen->count == seen->stop_after;
}

static void each_live_key_is_visited_once(void **state)
{
    (void)state;
    struct seen seen = {.count = 0};
    set_text("a", "1");
    set_text("b", "2");
    set_text("a", "333");
    set_text("c", "4");
    assert_int_equal(kv_delete(&kv, "c"), OTTER_OK);
    assert_int_equal(kv_each(&kv, visit, &seen), OTTER_OK);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.keys[0], "b");
    assert_string_equal(seen.keys[1], "a");
    assert_int_equal(seen.lengths[1], 3);
    seen = (struct seen){.stop_after = 1};
    assert_int_equal(kv_each(&kv, visit, &seen), OTTER_OK);
    assert_int_equal(seen.count, 1);
}

static void fill(uint32_t *count, uint32_t size)
{
    static uint8_t value[KV_VALUE_MAX];
    char key[16];
    for (*count = 0;; (*count)++) {
        snprintf(key, sizeof key, "key%u", *count);
        memset(value, (int)*count, size);
        const otter_status status = kv_set(&kv, key, value, size);
        if (status == OTTER_OK)
            continue;
        assert_int_equal(status, OTTER_E_NO_SPACE);
        return;
    }
}

static void assert_filled(uint32_t from, uint32_t to, uint32_t size)
{
    static uint8_t value[KV_VALUE_MAX];
    static uint8_t found[KV_VALUE_MAX];
    char key[16];
    for (uint32_t i = from; i < to; i++) {
        uint32_t length;
        snprintf(key, sizeof key, "key%u", i);
        memset(value, (int)i, size);
        assert_int_equal(kv_get(&kv, key, found, sizeof found, &length), OTTER_OK);
        assert_int_equal(length, size);
        assert_memory_equal(found, value, size);
    }
}

static void all_sectors_but_one_can_be_filled_up_to_their_slack(void **state)
{
    (void)state;
    uint32_t count;
    struct kv_usage usage;
    fill(&count, 100);
    assert_int_equal(kv_usage(&kv, &usage), OTTER_OK);
    assert_int_equal(usage.keys, count);
    assert_true(usage.capacity_bytes > 14000);
    assert_true(usage.live_bytes <= usage.capacity_bytes);
    assert_true(usage.live_bytes > usage.capacity_bytes - 116);
    assert_filled(0, count, 100);
    reopen();
    assert_filled(0, count, 100);
}

static void a_full_store_refuses_keeps_its_values_and_does_not_wear_out(void **state)
{
    (void)state;
    static uint8_t bigger[600];
    uint32_t count;
    fill(&count, 500);
    const uint32_t erases = device.erase_count;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(kv_set(&kv, "more", bigger, sizeof bigger), OTTER_E_NO_SPACE);
        assert_int_equal(kv_set(&kv, "more", bigger, 510), OTTER_E_NO_SPACE);
    }
    assert_true(device.erase_count - erases <= SECTORS);
    assert_filled(0, count, 500);
}

static void a_full_store_can_be_emptied_key_by_key(void **state)
{
    (void)state;
    uint32_t count;
    char key[16];
    fill(&count, 20);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "key%u", i);
        assert_int_equal(kv_delete(&kv, key), OTTER_OK);
        assert_absent(key);
        if (i % 50 == 0)
            assert_filled(i + 1, count, 20);
    }
    struct kv_usage usage;
    assert_int_equal(kv_usage(&kv, &usage), OTTER_OK);
    assert_int_equal(usage.keys, 0);
    assert_int_equal(usage.live_bytes, 0);
}

static void holes_in_many_sectors_come_together_for_one_big_value(void **state)
{
    (void)state;
    static uint8_t big[1500];
    uint32_t count;
    char key[16];
    fill(&count, 300);
    for (uint32_t i = 0; i < count; i += 3) {
        snprintf(key, sizeof key, "key%u", i);
        assert_int_equal(kv_delete(&kv, key), OTTER_OK);
    }
    assert_int_equal(kv_set(&kv, "big", big, sizeof big), OTTER_OK);
    assert_int_equal(kv_set(&kv, "big2", big, sizeof big), OTTER_OK);
    assert_int_equal(kv_set(&kv, "big3", big, sizeof big), OTTER_OK);
    for (uint32_t i = 0; i < count; i++) {
        if (i % 3 != 0)
            assert_filled(i, i + 1, 300);
    }
}

static void wear_is_spread_over_all_sectors(void **state)
{
    (void)state;
    char value[16];
    set_text("still", "here");
    for (int i = 0; i < 8000; i++) {
        snprintf(value, sizeof value, "%d", i);
        set_text("counter", value);
    }
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    for (int i = 0; i < SECTORS; i++) {
        least = device.erases[i] < least ? device.erases[i] : least;
        most = device.erases[i] > most ? device.erases[i] : most;
    }
    assert_true(least > 4);
    assert_true(most - least <= 1);
    assert_value("still", "here");
    assert_value("counter", "7999");
}

static void every_geometry_keeps_its_values(void **state)
{
    (void)state;
    for (uint32_t write_size = 1; write_size <= 32; write_size *= 2) {
        for (uint32_t count = 2; count <= SECTORS; count++) {
            nor_destroy(&device);
            create(count, 1024, write_size, write_size == 8 ? 0x00 : 0xff);
            for (int i = 0; i < 300; i++) {
                char key[16];
                snprintf(key, sizeof key, "k%d", i % 7);
                assert_int_equal(kv_set(&kv, key, &i, sizeof i), OTTER_OK);
                if (i % 11 == 0)
                    reopen();
            }
            for (int i = 293; i < 300; i++) {
                char key[16];
                int value;
                uint32_t length;
                snprintf(key, sizeof key, "k%d", i % 7);
                assert_int_equal(kv_get(&kv, key, &value, sizeof value, &length), OTTER_OK);
                assert_int_equal(value, i);
            }
            assert_int_equal(device.rule_breaks, 0);
        }
    }
}

static void a_value_longer_than_a_sector_is_told_from_a_full_store(void **state)
{
    (void)state;
    static uint8_t value[KV_VALUE_MAX];
    nor_destroy(&device);
    create(4, 1024, 8, 0xff);
    assert_int_equal(kv_set(&kv, "a", value, 1000), OTTER_E_TOO_LONG);
    assert_int_equal(kv_set(&kv, "a", value, 900), OTTER_OK);
}

static void an_area_that_cannot_work_is_refused(void **state)
{
    (void)state;
    const struct flash_area one = {&device.flash, 0, SECTOR};
    const struct flash_area part = {&device.flash, 0, 2 * SECTOR + 100};
    assert_int_equal(kv_open(&kv, &one), OTTER_E_ARGUMENT);
    assert_int_equal(kv_open(&kv, &part), OTTER_E_ARGUMENT);
    nor_destroy(&device);
    nor_power_init(&power, 1);
    sectors[0] = (struct flash_sector){0, 4096};
    sectors[1] = (struct flash_sector){4096, 8192};
    sectors[2] = (struct flash_sector){12288, 4096};
    nor_create(&device, &power, sectors, 3, 4, 0xff);
    const struct flash_area unequal = {&device.flash, 0, 16384};
    assert_int_equal(kv_open(&kv, &unequal), OTTER_E_ARGUMENT);
}

static void a_foreign_area_becomes_an_empty_store(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < device.flash.size; i++)
        device.data[i] = (uint8_t)(i * 7 + i / 256);
    reopen();
    assert_absent("a");
    set_text("a", "1");
    reopen();
    assert_value("a", "1");
}

static void a_store_made_for_another_geometry_is_foreign(void **state)
{
    (void)state;
    set_text("a", "1");
    area.size = 4 * SECTOR;
    reopen();
    assert_absent("a");
}

static void a_flipped_bit_never_yields_a_wrong_value(void **state)
{
    (void)state;
    set_text("first", "keep me");
    set_text("victim", "to be damaged");
    set_text("last", "and me");
    for (uint32_t bit = 0; bit < 8 * 160; bit++) {
        uint8_t *cell = &device.data[SECTOR + bit / 8]; /* generation 1 lies in sector 1 */
        char found[64];
        uint32_t length;
        *cell ^= (uint8_t)(1u << bit % 8);
        reopen();
        if (kv_get(&kv, "victim", found, sizeof found, &length) == OTTER_OK) {
            assert_int_equal(length, 13);
            assert_memory_equal(found, "to be damaged", 13);
        }
        *cell ^= (uint8_t)(1u << bit % 8);
    }
}

/* A device whose program call fails in one place, as a worn sector does. */
static struct flash worn_flash;
static struct flash_ops worn_ops;
static uint32_t worn_offset;

static otter_status worn_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    if (worn_offset >= offset && worn_offset < offset + length)
        return OTTER_E_FLASH;
    return device.flash.ops->program(ctx, offset, data, length);
}

static void a_cell_that_cannot_be_programmed_is_left_behind(void **state)
{
    (void)state;
    worn_ops = *device.flash.ops;
    worn_ops.program = worn_program;
    worn_flash = device.flash;
    worn_flash.ops = &worn_ops;
    area.flash = &worn_flash;
    worn_offset = SECTOR + 100;
    reopen();
    char value[16];
    for (int i = 0; i < 10; i++) {
        snprintf(value, sizeof value, "%d", i);
        set_text("counter", value);
        assert_value("counter", value);
    }
    reopen();
    assert_value("counter", "9");
}

static void a_chip_that_is_gone_is_told(void **state)
{
    (void)state;
    set_text("a", "1");
    device.fail_reads = true;
    uint32_t length;
    char found[8];
    assert_int_not_equal(kv_get(&kv, "a", found, sizeof found, &length), OTTER_OK);
    assert_int_equal(kv_set(&kv, "a", "2", 1), OTTER_E_FLASH);
    device.fail_reads = false;
    reopen();
    set_text("a", "3");
    assert_value("a", "3");
}

static void format_empties_and_erases(void **state)
{
    (void)state;
    for (int i = 0; i < 600; i++)
        assert_int_equal(kv_set(&kv, "secret", &i, sizeof i), OTTER_OK);
    set_text("secret", "secret text");
    assert_int_equal(kv_format(&kv), OTTER_OK);
    assert_absent("secret");
    reopen();
    assert_absent("secret");
    assert_null(memmem(device.data, device.flash.size, "secret", 6));
    set_text("a", "1");
    reopen();
    assert_value("a", "1");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_set_is_there_after_a_restart),
        TEST(a_deleted_key_stays_away),
        TEST(an_equal_set_writes_nothing),
        TEST(opening_writes_nothing),
        TEST(limits_of_keys_and_values_are_kept),
        TEST(a_batch_sets_and_deletes_together),
        TEST(a_batch_that_makes_no_sense_is_refused_whole),
        TEST(each_live_key_is_visited_once),
        TEST(all_sectors_but_one_can_be_filled_up_to_their_slack),
        TEST(a_full_store_refuses_keeps_its_values_and_does_not_wear_out),
        TEST(a_full_store_can_be_emptied_key_by_key),
        TEST(holes_in_many_sectors_come_together_for_one_big_value),
        TEST(wear_is_spread_over_all_sectors),
        TEST(every_geometry_keeps_its_values),
        TEST(a_value_longer_than_a_sector_is_told_from_a_full_store),
        TEST(an_area_that_cannot_work_is_refused),
        TEST(a_foreign_area_becomes_an_empty_store),
        TEST(a_store_made_for_another_geometry_is_foreign),
        TEST(a_flipped_bit_never_yields_a_wrong_value),
        TEST(a_cell_that_cannot_be_programmed_is_left_behind),
        TEST(a_chip_that_is_gone_is_told),
        TEST(format_empties_and_erases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
