/* The store loses no committed value, wherever the power is cut.
 *
 * A script of sets, deletes and batches runs over a simulated NOR flash small enough that it
 * rotates often. Before each step the flash is remembered; then the step is cut at every flash
 * operation, in every way the simulation knows; the store is opened and must show the state before
 * or the state after the step, whole, on each reading. From there the next step runs, and is itself
 * cut at every operation in every way; again the state must be the one seen before or the one
 * after, so that a value once seen never goes back. At the end of each case a set must work. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/kv.h"
#include "tests/sim/nor_sim.h"

/* Flash with ECC and write-once flash too. Cells that drift from boot to boot are not survived:
 * what was written last before the cut may come and go with them. */
#define CUT_KINDS (NOR_CUT_SEALED + 1)

enum { KEYS = 5, STEPS = 48, SECTORS_MAX = 5, LENGTH_MAX = 110 };

/* What is in the store: for each key the number of the step that set it, 0 when absent. */
struct model {
    uint32_t version[KEYS];
};

struct bench {
    struct nor_power power;
    struct nor_device device;
    struct flash_sector sectors[SECTORS_MAX];
    struct flash_area area;
    struct kv kv;
    uint32_t step;
    otter_status status;
    uint32_t length_max;
    uint32_t second_stride; /* of the cuts in the next step one in so many is tried */
    uint64_t cases;
};

static struct bench bench;

static const char *const names[KEYS] = {"a", "conf/thing_name", "pki/tls_cert", "k3", "ota/state"};

static uint32_t mix(uint32_t value)
{
    value = (value ^ value >> 16) * 0x45d9f3bu;
    value = (value ^ value >> 16) * 0x45d9f3bu;
    return value ^ value >> 16;
}

static uint32_t make_value(uint32_t key, uint32_t version, uint8_t value[LENGTH_MAX])
{
    const uint32_t length = mix(version * 16 + key) % bench.length_max;
    for (uint32_t i = 0; i < length; i++) /* often 00 and ff: what erased flash looks like */
        value[i] = (uint8_t)(mix(version * 4096 + key * 256 + i) % 3 - 1);
    return length;
}

/* Which keys a step changes, and how: bit mask of keys, and whether it deletes. */
static uint32_t keys_of_step(uint32_t step)
{
    return step % 5 == 0 ? 1u << step % KEYS | 1u << (step / 5) % KEYS | 1u << (step + 3) % KEYS
                         : 1u << mix(step) % KEYS;
}

static bool step_deletes(uint32_t step, uint32_t key)
{
    return step % 7 == 3 || (step % 5 == 0 && (step + key) % 4 == 0);
}

static struct model after_step(struct model model, uint32_t step)
{
    for (uint32_t key = 0; key < KEYS; key++) {
        if (keys_of_step(step) >> key & 1u)
            model.version[key] = step_deletes(step, key) ? 0 : step;
    }
    return model;
}

static void do_step(void *context)
{
    static uint8_t values[KEYS][LENGTH_MAX];
    struct bench *b = context;
    struct kv_item items[KEYS];
    uint32_t count = 0;
    for (uint32_t key = 0; key < KEYS; key++) {
        if (!(keys_of_step(b->step) >> key & 1u))
            continue;
        const uint32_t length = make_value(key, b->step, values[key]);
        const bool deletes = step_deletes(b->step, key);
        items[count++] = (struct kv_item){names[key], deletes ? NULL : values[key], length};
    }
    b->status = kv_set_all(&b->kv, items, count);
}

static bool key_is(uint32_t key, uint32_t version)
{
    uint8_t expected[LENGTH_MAX];
    uint8_t found[LENGTH_MAX];
    uint32_t length;
    const otter_status status = kv_get(&bench.kv, names[key], found, sizeof found, &length);
    if (version == 0)
        return status == OTTER_E_NOT_FOUND;
    return status == OTTER_OK && length == make_value(key, version, expected) &&
           memcmp(found, expected, length) == 0;
}

static bool store_is(const struct model *model)
{
    for (uint32_t key = 0; key < KEYS; key++) {
        if (!key_is(key, model->version[key]))
            return false;
    }
    return true;
}

static void reopen(void)
{
    assert_int_equal(kv_open(&bench.kv, &bench.area), OTTER_OK);
}

static void fail_case(const char *what, uint32_t cut_at, enum nor_cut cut)
{
    fail_msg("%s: write size %u, %u sectors, erased %02x, step %u, cut at %u (%s)", what,
             bench.device.flash.write_size, bench.device.sector_count,
             bench.device.flash.erased_value, bench.step, cut_at, nor_cut_name(cut));
}

/* The state of the store, one of the two; read several times, since torn cells may waver. */
static struct model observe(const struct model *before, const struct model *after, uint32_t cut_at,
                            enum nor_cut cut)
{
    reopen();
    const struct model *seen = store_is(after) ? after : before;
    for (int i = 0; i < 3; i++) {
        if (!store_is(seen))
            fail_case("neither the old nor the new state", cut_at, cut);
    }
    if (bench.device.rule_breaks != 0)
        fail_case("a flash rule was broken", cut_at, cut);
    return *seen;
}

/* A step without cut must work from here; leaves the flash changed. */
static void next_step_works(uint32_t step, const struct model *model, uint32_t cut_at,
                            enum nor_cut cut)
{
    const struct model after = after_step(*model, step);
    bench.step = step;
    do_step(&bench);
    if (bench.status != OTTER_OK)
        fail_case("the next set failed", cut_at, cut);
    reopen();
    if (!store_is(&after) || bench.device.rule_breaks != 0)
        fail_case("the next set was lost", cut_at, cut);
    bench.cases++;
}

static uint32_t count_operations(uint32_t step)
{
    bench.step = step;
    nor_power_plan(&bench.power, 0, NOR_CUT_BEFORE);
    assert_int_equal(nor_power_run(&bench.power, do_step, &bench), NOR_RUN_DONE);
    assert_int_equal(bench.status, OTTER_OK);
    return bench.power.operations;
}

/* False when the step was done before its cut came: wavering cells may read erased at one opening
 * of the store and torn at the next, which then needs other operations. */
static bool cut_step(uint32_t step, uint32_t cut_at, enum nor_cut cut)
{
    bench.step = step;
    nor_power_plan(&bench.power, cut_at, cut);
    return nor_power_run(&bench.power, do_step, &bench) == NOR_RUN_CUT;
}

/* From the state on flash (which shows as `model`): cut the step at every operation in every way.
 */
static void cut_again_everywhere(uint32_t step, const struct model *model)
{
    static struct nor_snapshot start;
    nor_snapshot_free(&start);
    nor_snapshot_take(&bench.device, &start);
    const struct model after = after_step(*model, step);
    const uint32_t operations = count_operations(step);
    const uint32_t all = operations * CUT_KINDS;
    for (uint32_t i = mix(step) % bench.second_stride; i < all; i += bench.second_stride) {
        const uint32_t cut_at = i / CUT_KINDS + 1;
        const enum nor_cut cut = (enum nor_cut)(i % CUT_KINDS);
        nor_snapshot_restore(&bench.device, &start);
        reopen();
        const bool was_cut = cut_step(step, cut_at, cut);
        const struct model seen = observe(was_cut ? model : &after, &after, cut_at, cut);
        next_step_works(step + 1, &seen, cut_at, cut);
    }
}

static void cut_everywhere(uint32_t step, const struct model *model)
{
    static struct nor_snapshot start;
    static struct nor_snapshot torn;
    nor_snapshot_free(&start);
    nor_snapshot_free(&torn);
    nor_snapshot_take(&bench.device, &start);
    const struct model after = after_step(*model, step);
    const uint32_t operations = count_operations(step);
    for (uint32_t i = 0; i < operations * CUT_KINDS; i++) {
        const uint32_t cut_at = i / CUT_KINDS + 1;
        const enum nor_cut cut = (enum nor_cut)(i % CUT_KINDS);
        nor_snapshot_restore(&bench.device, &start);
        reopen();
        bench.power.seed = mix(step * 7919 + i);
        assert_true(cut_step(step, cut_at, cut));
        const struct model seen = observe(model, &after, cut_at, cut);
        nor_snapshot_take(&bench.device, &torn);
        next_step_works(step + 1, &seen, cut_at, cut);
        nor_snapshot_restore(&bench.device, &torn);
        reopen();
        cut_again_everywhere(step + 1, &seen);
    }
    nor_snapshot_restore(&bench.device, &start);
    reopen();
}

static void run_geometry(uint32_t write_size, uint32_t sectors, uint8_t erased)
{
    const uint32_t sector_size = write_size < 16 ? 512 : 1024;
    nor_uniform_sectors(bench.sectors, sectors, sector_size);
    nor_power_init(&bench.power, write_size * 100 + sectors);
    nor_create(&bench.device, &bench.power, bench.sectors, sectors, write_size, erased);
    bench.area = (struct flash_area){&bench.device.flash, 0, sectors * sector_size};
    bench.length_max = sectors == 2 ? 60 : LENGTH_MAX;
    const uint64_t before = bench.cases;
    struct model model = {{0}};
    reopen();
    for (uint32_t step = 1; step <= STEPS; step++) {
        cut_everywhere(step, &model);
        next_step_works(step, &model, 0, NOR_CUT_BEFORE);
        model = after_step(model, step);
    }
    assert_true(bench.kv.generation > 1 + sectors / 4); /* or else no rotation was ever cut */
    print_message("write size %2u, %u sectors of %4u, erased %02x: %7llu cases, %u rotations\n",
                  write_size, sectors, sector_size, erased,
                  (unsigned long long)(bench.cases - before), bench.kv.generation);
    nor_destroy(&bench.device);
}

static void every_cut_leaves_the_old_or_the_new_values_and_a_working_store(void **state)
{
    static const uint32_t write_sizes[] = {1, 4, 8, 16, 32};
    (void)state;
    const char *full = getenv("OTTER_POWER_FULL");
    for (size_t i = 0; i < sizeof write_sizes / sizeof *write_sizes; i++) {
        for (uint32_t sectors = 2; sectors <= SECTORS_MAX; sectors++) {
            bench.second_stride = full != NULL ? 1 : write_sizes[i] == 4 ? 19 : 61;
            run_geometry(write_sizes[i], sectors, (i + sectors) % 3 == 0 ? 0x00 : 0xff);
        }
    }
    print_message("%llu power cuts survived\n", (unsigned long long)bench.cases);
}

/* A header that a cut left undecided, so that the old sector still counts: what is written next
 * must be there even when the header turns out readable later, as cells may settle. */
static void a_header_that_settles_later_takes_nothing_away(void **state)
{
    (void)state;
    nor_uniform_sectors(bench.sectors, 3, 512);
    nor_power_init(&bench.power, 1);
    nor_create(&bench.device, &bench.power, bench.sectors, 3, 4, 0xff);
    bench.area = (struct flash_area){&bench.device.flash, 0, 3 * 512};
    reopen();
    uint8_t value[100] = {0};
    uint8_t found[100];
    uint32_t length;
    while (bench.kv.generation < 2)
        assert_int_equal((value[0]++, kv_set(&bench.kv, "long", value, sizeof value)), OTTER_OK);
    const uint32_t crc = bench.kv.generation % 3 * 512 + 16;
    for (uint32_t i = 0; i < 4; i++)
        bench.device.unstable[crc + i] = 0xff;
    bench.device.unstable_bytes = 4;
    reopen();
    assert_int_equal(bench.kv.generation, 1);
    assert_int_equal(kv_delete(&bench.kv, "long"), OTTER_OK); /* would fit the old sector */
    memset(bench.device.unstable, 0, bench.device.flash.size);
    bench.device.unstable_bytes = 0;
    reopen();
    assert_int_equal(kv_get(&bench.kv, "long", found, sizeof found, &length), OTTER_E_NOT_FOUND);
    assert_int_equal(bench.device.rule_breaks, 0);
    nor_destroy(&bench.device);
}

static void do_format(void *context)
{
    struct bench *b = context;
    b->status = kv_format(&b->kv);
}

static void a_cut_format_leaves_all_or_nothing(void **state)
{
    (void)state;
    static struct nor_snapshot start;
    nor_uniform_sectors(bench.sectors, 4, 512);
    nor_power_init(&bench.power, 1);
    nor_create(&bench.device, &bench.power, bench.sectors, 4, 4, 0xff);
    bench.area = (struct flash_area){&bench.device.flash, 0, 4 * 512};
    struct model model = {{0}};
    const struct model empty = {{0}};
    reopen();
    for (uint32_t step = 1; step <= 20; step++) {
        next_step_works(step, &model, 0, NOR_CUT_BEFORE);
        model = after_step(model, step);
    }
    nor_snapshot_free(&start);
    nor_snapshot_take(&bench.device, &start);
    for (uint32_t i = 0; i < 5 * CUT_KINDS; i++) {
        const enum nor_cut cut = (enum nor_cut)(i % CUT_KINDS);
        nor_snapshot_restore(&bench.device, &start);
        reopen();
        nor_power_plan(&bench.power, i / CUT_KINDS + 1, cut);
        assert_int_equal(nor_power_run(&bench.power, do_format, &bench), NOR_RUN_CUT);
        const struct model seen = observe(&model, &empty, i / CUT_KINDS + 1, cut);
        next_step_works(21, &seen, i / CUT_KINDS + 1, cut);
    }
    nor_destroy(&bench.device);
}

/* ---- Secrets --------------------------------------------------------------------------------- */

static const char old_secret[] = "the old private key";
static const char new_secret[] = "the new private key";

static void replace_secret(void *context)
{
    struct bench *b = context;
    const struct kv_item item = {"secret", new_secret, sizeof new_secret};
    b->status = kv_replace_secret(&b->kv, &item, 1);
}

static void purge(void *context)
{
    struct bench *b = context;
    b->status = kv_purge(&b->kv);
}

static bool secret_is(const char *expected)
{
    char found[sizeof new_secret];
    uint32_t length;
    return kv_get(&bench.kv, "secret", found, sizeof found, &length) == OTTER_OK &&
           length == sizeof found && memcmp(found, expected, length) == 0;
}

static bool flash_holds_old_secret(void)
{
    return memmem(bench.device.data, bench.device.flash.size, old_secret, sizeof old_secret) !=
           NULL;
}

/* As a device does at its start. The secret is the old one or the new one; once it is the new one
 * the old one is gone. */
static void start_and_purge(const struct model *model, uint32_t cut_at, enum nor_cut cut)
{
    reopen();
    purge(&bench);
    if (bench.status != OTTER_OK || !store_is(model))
        fail_case("the purge lost something", cut_at, cut);
    const bool is_new = secret_is(new_secret);
    if (!is_new && !secret_is(old_secret))
        fail_case("neither the old nor the new secret", cut_at, cut);
    if (is_new && flash_holds_old_secret())
        fail_case("the old secret is still on flash", cut_at, cut);
    if (bench.device.rule_breaks != 0)
        fail_case("a flash rule was broken", cut_at, cut);
    bench.cases++;
}

/* Cuts the purge after the cut that is on flash now, at every operation in every way. */
static void cut_the_purge(const struct model *model)
{
    static struct nor_snapshot start;
    nor_snapshot_free(&start);
    nor_snapshot_take(&bench.device, &start);
    for (uint32_t i = 0;; i++) {
        const enum nor_cut cut = (enum nor_cut)(i % CUT_KINDS);
        nor_snapshot_restore(&bench.device, &start);
        reopen();
        nor_power_plan(&bench.power, i / CUT_KINDS + 1, cut);
        if (nor_power_run(&bench.power, purge, &bench) != NOR_RUN_CUT)
            return;
        start_and_purge(model, i / CUT_KINDS + 1, cut);
    }
}

static void cut_the_replacement(uint32_t write_size, uint32_t sectors)
{
    static struct nor_snapshot start;
    const uint32_t sector_size = write_size < 16 ? 512 : 1024;
    nor_uniform_sectors(bench.sectors, sectors, sector_size);
    nor_power_init(&bench.power, write_size);
    nor_create(&bench.device, &bench.power, bench.sectors, sectors, write_size, 0xff);
    bench.area = (struct flash_area){&bench.device.flash, 0, sectors * sector_size};
    bench.length_max = 50;
    struct model model = {{0}};
    reopen();
    assert_int_equal(kv_set(&bench.kv, "secret", old_secret, sizeof old_secret), OTTER_OK);
    for (uint32_t step = 1; step <= 20; step++) {
        next_step_works(step, &model, 0, NOR_CUT_BEFORE);
        model = after_step(model, step);
    }
    nor_snapshot_free(&start);
    nor_snapshot_take(&bench.device, &start);
    bool cut_happened = true;
    for (uint32_t i = 0; cut_happened; i++) {
        const enum nor_cut cut = (enum nor_cut)(i % CUT_KINDS);
        nor_snapshot_restore(&bench.device, &start);
        reopen();
        bench.power.seed = mix(i);
        nor_power_plan(&bench.power, i / CUT_KINDS + 1, cut);
        cut_happened = nor_power_run(&bench.power, replace_secret, &bench) == NOR_RUN_CUT;
        if (mix(i) % bench.second_stride == 0)
            cut_the_purge(&model);
        else
            start_and_purge(&model, i / CUT_KINDS + 1, cut);
        replace_secret(&bench);
        assert_int_equal(bench.status, OTTER_OK);
        start_and_purge(&model, i / CUT_KINDS + 1, cut);
        assert_true(secret_is(new_secret));
    }
    nor_destroy(&bench.device);
}

static void a_replaced_secret_leaves_flash_whatever_is_cut(void **state)
{
    static const uint32_t write_sizes[] = {1, 4, 16};
    (void)state;
    bench.second_stride = getenv("OTTER_POWER_FULL") != NULL ? 1 : 41;
    bench.cases = 0;
    for (size_t i = 0; i < sizeof write_sizes / sizeof *write_sizes; i++) {
        for (uint32_t sectors = 2; sectors <= SECTORS_MAX; sectors++)
            cut_the_replacement(write_sizes[i], sectors);
    }
    print_message("%llu cases\n", (unsigned long long)bench.cases);
}

static void delete_secret(void *context)
{
    struct bench *b = context;
    const struct kv_item item = {"secret", NULL, 0};
    b->status = kv_replace_secret(&b->kv, &item, 1);
}

static bool flash_holds_new_secret(void)
{
    return memmem(bench.device.data, bench.device.flash.size, new_secret, sizeof new_secret) !=
           NULL;
}

/* Of a first import that a cut has torn no key is known, and yet bytes may lie there. */
static void a_deleted_secret_leaves_flash_although_its_import_was_cut(void **state)
{
    static struct nor_snapshot start;
    (void)state;
    nor_uniform_sectors(bench.sectors, 3, 512);
    nor_power_init(&bench.power, 4);
    nor_create(&bench.device, &bench.power, bench.sectors, 3, 4, 0xff);
    bench.area = (struct flash_area){&bench.device.flash, 0, 3 * 512};
    reopen();
    assert_int_equal(kv_set(&bench.kv, "other", "stays", 5), OTTER_OK);
    nor_snapshot_take(&bench.device, &start);
    bool cut_happened = true, bytes_were_left = false;
    for (uint32_t i = 0; cut_happened; i++) {
        const enum nor_cut cut = (enum nor_cut)(i % CUT_KINDS);
        nor_snapshot_restore(&bench.device, &start);
        reopen();
        nor_power_plan(&bench.power, i / CUT_KINDS + 1, cut);
        cut_happened = nor_power_run(&bench.power, replace_secret, &bench) == NOR_RUN_CUT;
        reopen();
        bytes_were_left = bytes_were_left || (!secret_is(new_secret) && flash_holds_new_secret());
        delete_secret(&bench);
        assert_int_equal(bench.status, OTTER_OK);
        if (flash_holds_new_secret())
            fail_case("the deleted secret is still on flash", i / CUT_KINDS + 1, cut);
        char other[8];
        uint32_t length;
        assert_int_equal(kv_get(&bench.kv, "other", other, sizeof other, &length), OTTER_OK);
        assert_memory_equal(other, "stays", 5);
    }
    assert_true(bytes_were_left); /* or nothing was tried here */
    nor_snapshot_free(&start);
    nor_destroy(&bench.device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_leaves_the_old_or_the_new_values_and_a_working_store),
        cmocka_unit_test(a_header_that_settles_later_takes_nothing_away),
        cmocka_unit_test(a_cut_format_leaves_all_or_nothing),
        cmocka_unit_test(a_replaced_secret_leaves_flash_whatever_is_cut),
        cmocka_unit_test(a_deleted_secret_leaves_flash_although_its_import_was_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
