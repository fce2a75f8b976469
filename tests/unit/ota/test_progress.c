/* The journal of blocks: what it remembers, and what a power cut can do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "services/ota/progress.h"
#include "tests/sim/nor_sim.h"

#define BLOCKS 45u
#define BLOCK  1024u

static const uint8_t key[OTA_PROGRESS_KEY_SIZE] = "key of the job!";
static const uint8_t other_key[OTA_PROGRESS_KEY_SIZE] = "key of another!";

static struct nor_power power;
static struct nor_device device;
static struct flash_sector sectors[14];
static struct flash_area area;
static struct flash_area slot; /* four blocks to a sector */
static const struct ota_file file = {.size = BLOCKS * BLOCK, .block_size = BLOCK};
static const struct ota_file other_file = {.size = BLOCKS * BLOCK + 1, .block_size = BLOCK};
static struct ota_progress progress;

static void make(uint32_t write_size, uint8_t erased)
{
    nor_power_init(&power, 1);
    nor_uniform_sectors(sectors, 14, 4096);
    nor_create(&device, &power, sectors, 14, write_size, erased);
    area = (struct flash_area){&device.flash, 0, 2 * 4096};
    slot = (struct flash_area){&device.flash, 2 * 4096, 12 * 4096};
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(device.rule_breaks, 0);
    nor_destroy(&device);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    make(4, 0xff);
    return 0;
}

static void start(const uint8_t *with)
{
    otter_status status;
    ota_progress_begin(&progress, &area, &slot, &file, with);
    do
        status = ota_progress_begin_step(&progress);
    while (status == OTTER_E_AGAIN);
    assert_int_equal(status, OTTER_OK);
}

static void blocks_are_remembered(void **state)
{
    (void)state;
    start(key);
    assert_int_equal(ota_progress_add(&progress, 3), OTTER_OK);
    assert_int_equal(ota_progress_add(&progress, 44), OTTER_OK);
    assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, key), OTTER_OK);
    assert_int_equal(progress.stored, 2);
    assert_true(ota_progress_has(&progress, 3));
    assert_true(ota_progress_has(&progress, 44));
    assert_false(ota_progress_has(&progress, 4));
}

static void the_last_word_on_a_block_counts(void **state)
{
    (void)state;
    start(key);
    assert_int_equal(ota_progress_add(&progress, 3), OTTER_OK);
    assert_int_equal(ota_progress_void(&progress, 3), OTTER_OK);
    assert_int_equal(ota_progress_add(&progress, 5), OTTER_OK);
    assert_int_equal(ota_progress_void(&progress, 5), OTTER_OK);
    assert_int_equal(ota_progress_add(&progress, 5), OTTER_OK);
    assert_int_equal(progress.stored, 1);
    assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, key), OTTER_OK);
    assert_int_equal(progress.stored, 1);
    assert_true(ota_progress_has(&progress, 5));
}

static void void_takes_all_blocks_of_the_sector_at_once(void **state)
{
    (void)state;
    start(key);
    for (uint32_t block = 3; block < 9; block++)
        assert_int_equal(ota_progress_add(&progress, block), OTTER_OK);
    assert_int_equal(ota_progress_void(&progress, 6), OTTER_OK);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(progress.stored, 2);
        assert_true(ota_progress_has(&progress, 3) && ota_progress_has(&progress, 8));
        assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, key), OTTER_OK);
    }
}

static void a_block_that_was_begun_and_not_stored_is_torn(void **state)
{
    (void)state;
    start(key);
    for (uint32_t block = 0; block < 3; block++)
        assert_int_equal(ota_progress_begun(&progress, block), OTTER_OK);
    assert_int_equal(ota_progress_add(&progress, 1), OTTER_OK);
    assert_int_equal(ota_progress_begun(&progress, 4), OTTER_OK);
    assert_int_equal(ota_progress_begun(&progress, 8), OTTER_OK);
    assert_int_equal(ota_progress_void(&progress, 5), OTTER_OK);
    for (unsigned round = 0; round < 2; round++) {
        assert_true(ota_progress_torn(&progress, 0));
        assert_false(ota_progress_torn(&progress, 1));
        assert_true(ota_progress_torn(&progress, 2));
        assert_false(ota_progress_torn(&progress, 4));
        assert_true(ota_progress_torn(&progress, 8));
        assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, key), OTTER_OK);
    }
}

static void more_torn_blocks_than_are_kept_make_every_missing_one_suspect(void **state)
{
    (void)state;
    start(key);
    for (uint32_t block = 0; block <= OTA_PROGRESS_TORN_MAX; block++)
        assert_int_equal(ota_progress_begun(&progress, block), OTTER_OK);
    assert_true(ota_progress_torn(&progress, 30));
}

static void an_entry_that_reads_otherwise_than_at_the_last_start_ends_the_journal(void **state)
{
    (void)state;
    uint8_t entry[4];
    start(key);
    assert_int_equal(ota_progress_add(&progress, 3), OTTER_OK);
    assert_int_equal(ota_progress_add(&progress, 4), OTTER_OK);
    assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, key), OTTER_OK);
    assert_int_equal(ota_progress_add(&progress, 9), OTTER_OK);
    assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, key), OTTER_OK);
    assert_int_equal(flash_read(&area, 36, entry, sizeof entry), OTTER_OK);
    assert_int_equal(entry[0], 4);
    device.data[area.offset + 36] = 5; /* what a bit that was left unstable does */
    device.data[area.offset + 38] = 0xfa;
    assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, key), OTTER_E_CORRUPT);
    device.data[area.offset + 38] = 0xff;
    assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, key), OTTER_E_CORRUPT);
}

static void the_journal_of_another_job_is_never_taken(void **state)
{
    (void)state;
    start(key);
    assert_int_equal(ota_progress_add(&progress, 3), OTTER_OK);
    assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, other_key),
                     OTTER_E_NOT_FOUND);
    assert_int_equal(ota_progress_open(&progress, &area, &slot, &other_file, key),
                     OTTER_E_NOT_FOUND);
    start(other_key);
    assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, other_key), OTTER_OK);
    assert_int_equal(progress.stored, 0);
}

static void an_erased_area_holds_no_journal(void **state)
{
    (void)state;
    assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, key), OTTER_E_NOT_FOUND);
}

static void a_full_journal_says_so(void **state)
{
    (void)state;
    start(key);
    const uint32_t capacity = ota_progress_capacity(&area);
    for (uint32_t i = 0; i < capacity; i++)
        assert_int_equal(ota_progress_add(&progress, i % BLOCKS), OTTER_OK);
    assert_int_equal(ota_progress_add(&progress, 0), OTTER_E_NO_SPACE);
    assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, key), OTTER_OK);
    assert_int_equal(progress.stored, BLOCKS);
    assert_int_equal(ota_progress_void(&progress, 0), OTTER_E_NO_SPACE);
}

static void every_write_unit_and_erased_value_works(void **state)
{
    (void)state;
    nor_destroy(&device);
    for (uint32_t unit = 1; unit <= 32; unit *= 2) {
        for (unsigned erased = 0; erased <= 0xff; erased += 0xff) {
            make(unit, (uint8_t)erased);
            start(key);
            for (uint32_t block = 0; block < BLOCKS; block += 2)
                assert_int_equal(ota_progress_add(&progress, block), OTTER_OK);
            assert_int_equal(ota_progress_open(&progress, &area, &slot, &file, key), OTTER_OK);
            assert_int_equal(progress.stored, (BLOCKS + 1) / 2);
            assert_int_equal(ota_progress_void(&progress, 0), OTTER_OK);
            assert_int_equal(device.rule_breaks, 0);
            nor_destroy(&device);
        }
    }
    make(4, 0xff);
}

/* What the code under the power cut had finished when the power failed. */
static uint32_t finished_adds;

static void start_and_add(void *context)
{
    (void)context;
    finished_adds = 0;
    start(key);
    for (uint32_t block = 0; block < 8; block++) {
        assert_int_equal(ota_progress_add(&progress, block), OTTER_OK);
        finished_adds++;
    }
}

static void a_cut_at_any_operation_loses_no_finished_block_and_invents_none(void **state)
{
    (void)state;
    for (enum nor_cut cut = 0; cut < NOR_CUT_ALL_KINDS; cut++) {
        for (uint32_t at = 1; at <= 11; at++) {
            nor_wipe(&device);
            nor_power_plan(&power, at, cut);
            assert_int_equal(nor_power_run(&power, start_and_add, NULL), NOR_RUN_CUT);
            const uint32_t finished = finished_adds;
            nor_power_plan(&power, 0, NOR_CUT_BEFORE);
            if (ota_progress_open(&progress, &area, &slot, &file, key) != OTTER_OK) {
                assert_int_equal(finished, 0);
                continue;
            }
            assert_in_range(progress.stored, finished, finished + 1);
            for (uint32_t block = 0; block < finished; block++)
                assert_true(ota_progress_has(&progress, block));
            /* and it can be written on; only an entry that flickers ends it */
            assert_int_equal(ota_progress_add(&progress, 40), OTTER_OK);
            assert_int_equal(ota_progress_void(&progress, 0), OTTER_OK);
            const otter_status again = ota_progress_open(&progress, &area, &slot, &file, key);
            if (again == OTTER_E_CORRUPT && (cut == NOR_CUT_GARBLED || cut >= NOR_CUT_KINDS))
                continue;
            assert_int_equal(again, OTTER_OK);
            assert_true(ota_progress_has(&progress, 40));
            assert_false(ota_progress_has(&progress, 0));
        }
    }
}

static void start_other(void *context)
{
    (void)context;
    start(other_key);
}

static void a_torn_fresh_start_never_brings_the_old_journal_back_as_the_new_one(void **state)
{
    (void)state;
    for (enum nor_cut cut = 0; cut < NOR_CUT_ALL_KINDS; cut++) {
        for (uint32_t at = 1; at <= 3; at++) {
            nor_wipe(&device);
            nor_power_plan(&power, 0, NOR_CUT_BEFORE);
            start(key);
            assert_int_equal(ota_progress_add(&progress, 3), OTTER_OK);
            nor_power_plan(&power, at, cut);
            assert_int_equal(nor_power_run(&power, start_other, NULL), NOR_RUN_CUT);
            nor_power_plan(&power, 0, NOR_CUT_BEFORE);
            if (ota_progress_open(&progress, &area, &slot, &file, other_key) == OTTER_OK)
                assert_int_equal(progress.stored, 0);
        }
    }
}

int main(void)
{
#define IN_FLASH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FLASH(blocks_are_remembered),
        IN_FLASH(the_last_word_on_a_block_counts),
        IN_FLASH(void_takes_all_blocks_of_the_sector_at_once),
        IN_FLASH(a_block_that_was_begun_and_not_stored_is_torn),
        IN_FLASH(more_torn_blocks_than_are_kept_make_every_missing_one_suspect),
        IN_FLASH(an_entry_that_reads_otherwise_than_at_the_last_start_ends_the_journal),
        IN_FLASH(the_journal_of_another_job_is_never_taken),
        IN_FLASH(an_erased_area_holds_no_journal),
        IN_FLASH(a_full_journal_says_so),
        IN_FLASH(every_write_unit_and_erased_value_works),
        IN_FLASH(a_cut_at_any_operation_loses_no_finished_block_and_invents_none),
        IN_FLASH(a_torn_fresh_start_never_brings_the_old_journal_back_as_the_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
