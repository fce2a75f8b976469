/* The seed in flash survives power cuts anywhere, and no boot gets the random bytes of another. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/crc32.h"
#include "boards/map.h"
#include "port/port.h"
#include "ports/cortex-m/clock.h"
#include "ports/mps2-an505/random.h"
#include "tests/sim/nor_sim.h"

#define SECTOR_SIZE 1024u
#define SECTORS     (AREA_SIZE(BOARD_SEED) / DEVICE_SECTOR_1(BOARD_DEVICE_0))
#define RING        3u /* sectors, where each of many cases reads them all */
#define BYTES       16u
#define CUT_KINDS   (NOR_CUT_SEALED + 1) /* flash with ECC and write-once flash too */
#define BOOTS_MAX   64u

static struct flash_sector sectors[SECTORS];
static struct nor_power power;
static struct nor_device device;
static struct flash_area area;
static char last_log[256];

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    snprintf(last_log, sizeof last_log, "%.*s", (int)length, line);
}

/* No jitter: what differs must come from the seed. */
uint32_t clock_sample(void)
{
    return 0;
}

static struct random_seed_record factory_record(uint8_t fill)
{
    struct random_seed_record record = {.magic = RANDOM_SEED_MAGIC};
    memset(record.seed, fill, sizeof record.seed);
    record.crc = crc32_update(0, &record, offsetof(struct random_seed_record, crc));
    return record;
}

static void create(uint32_t count)
{
    nor_uniform_sectors(sectors, count, SECTOR_SIZE);
    nor_power_init(&power, 1);
    nor_create(&device, &power, sectors, count, 4, 0xff);
    area = (struct flash_area){&device.flash, 0, count * SECTOR_SIZE};
    const struct random_seed_record record = factory_record(0x42);
    nor_load(&device, 0, &record, sizeof record);
}

static int set_up(void **state)
{
    (void)state;
    create(RING);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nor_destroy(&device);
    return 0;
}

struct boot {
    otter_status status;
    uint8_t bytes[BYTES];
};

static void boot(void *context)
{
    struct boot *b = context;
    b->status = random_start(&area);
    if (b->status == OTTER_OK)
        b->status = port_random(b->bytes, BYTES);
}

static void without_a_seed_there_are_no_random_bytes(void **state)
{
    (void)state;
    uint8_t bytes[BYTES];
    nor_wipe(&device);
    assert_int_equal(random_start(&area), OTTER_E_CRYPTO);
    assert_int_equal(port_random(bytes, sizeof bytes), OTTER_E_CRYPTO);
    assert_non_null(strstr(last_log, "no seed"));
    assert_non_null(strstr(last_log, "factory programming must write one"));
}

static void a_damaged_seed_is_no_seed(void **state)
{
    (void)state;
    struct random_seed_record record = factory_record(0x42);
    record.seed[7] ^= 3;
    nor_wipe(&device);
    nor_load(&device, 0, &record, sizeof record);
    assert_int_equal(random_start(&area), OTTER_E_CRYPTO);
}

/* The next boot's seed is whole again. */
static void a_flipped_bit_in_the_seed_is_put_right(void **state)
{
    (void)state;
    const struct random_seed_record whole = factory_record(0x42);
    for (uint32_t bit = 0; bit < 8 * sizeof whole; bit++) {
        struct random_seed_record record = whole;
        ((uint8_t *)&record)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        nor_wipe(&device);
        nor_load(&device, 0, &record, sizeof record);
        struct boot b;
        boot(&b);
        assert_int_equal(b.status, OTTER_OK);
        memcpy(&record, device.data + SECTOR_SIZE, sizeof record);
        assert_int_equal(record.sequence, whole.sequence + 1);
        assert_int_equal(record.crc,
                         crc32_update(0, &record, offsetof(struct random_seed_record, crc)));
    }
}

static void the_seed_decides_what_comes_out(void **state)
{
    (void)state;
    struct boot first = {0}, other = {0};
    boot(&first);
    nor_wipe(&device);
    const struct random_seed_record record = factory_record(0x43);
    nor_load(&device, 0, &record, sizeof record);
    boot(&other);
    assert_int_equal(first.status, OTTER_OK);
    assert_int_equal(other.status, OTTER_OK);
    assert_memory_not_equal(first.bytes, other.bytes, BYTES);
}

static void a_used_seed_is_gone_from_flash(void **state)
{
    (void)state;
    struct random_seed_record used = factory_record(0x42);
    for (unsigned i = 0; i < 5; i++) {
        struct boot b;
        boot(&b);
        assert_int_equal(b.status, OTTER_OK);
        unsigned records = 0;
        for (uint32_t at = 0; at + sizeof used <= RING * SECTOR_SIZE; at++) {
            assert_memory_not_equal(device.data + at, used.seed, sizeof used.seed);
            records += memcmp(device.data + at, &used.magic, sizeof used.magic) == 0;
        }
        assert_int_equal(records, 1);
        memcpy(&used, device.data + (i + 1) % RING * SECTOR_SIZE, sizeof used);
    }
}

#ifdef OTTER_SECURE /* takes new entropy for each */
#define REQUESTS 2000u
#else
#define REQUESTS 25000u /* beyond the generator's reseed interval */
#endif

static void many_requests_differ_and_go_on(void **state)
{
    (void)state;
    uint8_t last[BYTES] = {0}, bytes[BYTES];
    static uint8_t large[5000];
    assert_int_equal(random_start(&area), OTTER_OK);
    for (unsigned i = 0; i < REQUESTS; i++) {
        assert_int_equal(port_random(bytes, BYTES), OTTER_OK);
        assert_memory_not_equal(bytes, last, BYTES);
        memcpy(last, bytes, BYTES);
    }
    assert_int_equal(port_random(large, sizeof large), OTTER_OK);
    assert_memory_not_equal(large, large + 4000, 1000);
}

/* Boots that were given random bytes since the factory. */
struct history {
    uint8_t bytes[BOOTS_MAX][BYTES];
    unsigned count;
};

static void note_new_bytes(struct history *history, const struct boot *b)
{
    assert_int_equal(b->status, OTTER_OK);
    for (unsigned i = 0; i < history->count; i++)
        assert_memory_not_equal(history->bytes[i], b->bytes, BYTES);
    assert_true(history->count < BOOTS_MAX);
    memcpy(history->bytes[history->count++], b->bytes, BYTES);
}

/* One boot cut at `cut_at` (0: not cut). True if the cut happened. */
static bool boot_once(struct history *history, uint32_t cut_at, enum nor_cut cut)
{
    struct boot b = {.status = OTTER_E_INTERNAL};
    nor_power_plan(&power, cut_at, cut);
    if (nor_power_run(&power, boot, &b) == NOR_RUN_CUT)
        return true;
    note_new_bytes(history, &b);
    return false;
}

/* Cuts a boot, cuts the next, then boots three times: with every pair of operations and kinds. */
static unsigned cut_twice(uint32_t seed)
{
    unsigned cases = 0;
    bool more = true;
    for (uint32_t first = 1; more; first++) {
        more = false;
        for (unsigned kinds = 0; kinds < CUT_KINDS * CUT_KINDS; kinds++) {
            bool second_cut = true;
            for (uint32_t second = 1; second_cut; second++) {
                struct history history = {.count = 0};
                const struct random_seed_record record = factory_record(0x42);
                nor_wipe(&device);
                nor_load(&device, 0, &record, sizeof record);
                nor_power_init(&power, seed + cases);
                assert_false(boot_once(&history, 0, NOR_CUT_BEFORE));
                more |= boot_once(&history, first, (enum nor_cut)(kinds % CUT_KINDS));
                second_cut = boot_once(&history, second, (enum nor_cut)(kinds / CUT_KINDS));
                for (unsigned i = 0; i < 3; i++)
                    assert_false(boot_once(&history, 0, NOR_CUT_BEFORE));
                assert_int_equal(device.rule_breaks, 0);
                cases++;
            }
        }
    }
    return cases;
}

static void two_power_cuts_in_a_row_leave_a_seed_that_was_not_used(void **state)
{
    (void)state;
    unsigned cases = 0;
    for (uint32_t seed = 0; seed < 10; seed++)
        cases += cut_twice(seed * 100000);
    print_message("%u cases\n", cases);
    assert_true(cases > 1000);
}

/* A cut may leave a record that is valid at one reading and not at the next. */
static void load_unstable_successor(uint32_t noise)
{
    struct random_seed_record record = factory_record(0x42);
    nor_wipe(&device);
    nor_load(&device, 0, &record, sizeof record);
    record.sequence = 1;
    record.crc = crc32_update(0, &record, offsetof(struct random_seed_record, crc));
    nor_load(&device, SECTOR_SIZE, &record, sizeof record);
    device.unstable[SECTOR_SIZE + offsetof(struct random_seed_record, crc)] = 1;
    device.unstable_bytes = 1;
    nor_power_init(&power, noise);
}

static void a_seed_that_reads_differently_each_time_does_not_lose_the_sound_one(void **state)
{
    (void)state;
    for (uint32_t noise = 0; noise < 200; noise++) {
        bool cut = true;
        for (uint32_t at = 1; cut; at++) {
            struct history history = {.count = 0};
            load_unstable_successor(noise);
            cut = boot_once(&history, at, NOR_CUT_DONE);
            assert_false(boot_once(&history, 0, NOR_CUT_BEFORE));
            assert_false(boot_once(&history, 0, NOR_CUT_BEFORE));
            assert_int_equal(device.rule_breaks, 0);
        }
    }
}

/* What a cut boot leaves is erased by the next: after it there is one record on flash. */
static void a_boot_after_a_cut_leaves_no_used_seed(void **state)
{
    (void)state;
    for (uint32_t i = 0;; i++) {
        struct history history = {.count = 0};
        const struct random_seed_record first = factory_record(0x42);
        nor_wipe(&device);
        nor_load(&device, 0, &first, sizeof first);
        nor_power_init(&power, i);
        if (!boot_once(&history, i / CUT_KINDS + 1, (enum nor_cut)(i % CUT_KINDS)))
            return;
        assert_false(boot_once(&history, 0, NOR_CUT_BEFORE));
        unsigned records = 0;
        for (uint32_t at = 0; at + sizeof first <= RING * SECTOR_SIZE; at += RANDOM_SEED_STRIDE)
            records += memcmp(device.data + at, &first.magic, sizeof first.magic) == 0;
        assert_int_equal(records, 1);
        assert_null(memmem(device.data, RING * SECTOR_SIZE, first.seed, sizeof first.seed));
    }
}

/* In the area that the board has. */
static void a_boot_every_ten_minutes_wears_no_sector_out_in_ten_years(void **state)
{
    (void)state;
    enum { BOOTS = 160, BOOTS_IN_TEN_YEARS = 6 * 24 * 365 * 10, CYCLES = 100000 };
    nor_destroy(&device);
    create(SECTORS);
    for (unsigned i = 0; i < BOOTS; i++) {
        struct boot b;
        boot(&b);
        assert_int_equal(b.status, OTTER_OK);
    }
    uint32_t most = 0;
    for (uint32_t i = 0; i < SECTORS; i++)
        most = device.erases[i] > most ? device.erases[i] : most;
    print_message("%u erases a sector in ten years\n", most * (BOOTS_IN_TEN_YEARS / BOOTS));
    assert_true(most * (uint64_t)BOOTS_IN_TEN_YEARS / BOOTS <= CYCLES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_seed_there_are_no_random_bytes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_seed_is_no_seed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flipped_bit_in_the_seed_is_put_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_seed_decides_what_comes_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_used_seed_is_gone_from_flash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_requests_differ_and_go_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_power_cuts_in_a_row_leave_a_seed_that_was_not_used,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_seed_that_reads_differently_each_time_does_not_lose_the_sound_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_boot_after_a_cut_leaves_no_used_seed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_boot_every_ten_minutes_wears_no_sector_out_in_ten_years,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
