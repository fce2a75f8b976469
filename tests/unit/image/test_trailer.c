/* The trailer as application and bootloader read and write it, and power cuts in requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "image/trailer.h"
#include "tests/unit/image/support.h"

static uint8_t file[FLASH_BYTES];

static void fields_lie_where_mcuboot_has_them(void **state)
{
    (void)state;
    static const struct {
        uint32_t align;
        uint32_t ok, done, info, size, offset_size;
    } rows[] = {{8, 24, 32, 40, 48, 56}, {16, 32, 48, 64, 80, 96}, {32, 64, 96, 128, 160, 192}};
    for (unsigned i = 0; i < 3; i++) {
        const uint32_t align = rows[i].align;
        assert_int_equal(4096 - trailer_field_offset(4096, align, TRAILER_IMAGE_OK), rows[i].ok);
        assert_int_equal(4096 - trailer_field_offset(4096, align, TRAILER_COPY_DONE), rows[i].done);
        assert_int_equal(4096 - trailer_field_offset(4096, align, TRAILER_SWAP_INFO), rows[i].info);
        assert_int_equal(4096 - trailer_field_offset(4096, align, TRAILER_SWAP_SIZE), rows[i].size);
        assert_int_equal(4096 - trailer_field_offset(4096, align, TRAILER_OFFSET_SWAP_SIZE),
                         rows[i].offset_size);
        assert_int_equal(trailer_info_size(align), rows[i].size);
    }
    assert_int_equal(trailer_max_align(1), 8);
    assert_int_equal(trailer_max_align(32), 32);
}

static void an_erased_trailer_asks_for_nothing(void **state)
{
    (void)state;
    struct trailer trailer;
    trailer_read(&flash_slot, 8, &trailer);
    assert_int_equal(trailer.magic, TRAILER_UNSET);
    assert_int_equal(trailer.image_ok, TRAILER_UNSET);
    assert_int_equal(trailer.copy_done, TRAILER_UNSET);
    assert_int_equal(trailer.swap_type, SWAP_NONE);
    assert_int_equal(trailer_next_swap(&trailer, &trailer), SWAP_NONE);
    assert_int_equal(trailer_confirm(&flash_slot, 8), OTTER_OK);
    assert_int_equal(flash_is_erased(&flash_slot, 0, FLASH_BYTES), 1);
}

static void the_request_of_imgtool_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum swap_type type;
    } files[] = {{"padded-test.signed.bin", SWAP_TEST}, {"padded-confirmed.signed.bin", SWAP_PERM}};
    for (unsigned i = 0; i < 2; i++) {
        struct trailer primary = {TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET, SWAP_NONE, 0, 0};
        struct trailer secondary;
        const uint32_t length = vector_load(files[i].name, file, sizeof file);
        if (length == 0)
            skip();
        flash_put(file, length);
        const struct flash_area slot = {&flash_device.flash, 0, length};
        trailer_read(&slot, 8, &secondary);
        assert_int_equal(trailer_next_swap(&primary, &secondary), files[i].type);
    }
}

static void a_request_looks_like_that_of_imgtool(void **state)
{
    (void)state;
    static const uint8_t magic[16] = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f,
                                      0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
    const uint8_t *end = flash_device.data + FLASH_BYTES;
    assert_int_equal(trailer_request(&flash_slot, 8, true), OTTER_OK);
    assert_memory_equal(end - 16, magic, 16);
    assert_int_equal(end[-24], 1);
    assert_int_equal(end[-32], 0xff);
    assert_int_equal(end[-40], SWAP_PERM);
    assert_int_equal(flash_device.rule_breaks, 0);
}

static void a_wide_write_unit_has_its_own_magic(void **state)
{
    (void)state;
    static const uint8_t tail[14] = {0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d,
                                     0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a};
    const uint8_t *end = flash_device.data + FLASH_BYTES;
    struct trailer trailer;
    assert_int_equal(trailer_request(&flash_slot, 32, false), OTTER_OK);
    assert_int_equal(end[-16], 32);
    assert_int_equal(end[-15], 0);
    assert_memory_equal(end - 14, tail, sizeof tail);
    trailer_read(&flash_slot, 32, &trailer);
    assert_int_equal(trailer.magic, TRAILER_GOOD);
    trailer_read(&flash_slot, 8, &trailer);
    assert_int_equal(trailer.magic, TRAILER_BAD);
}

static void the_same_request_twice_writes_once(void **state)
{
    (void)state;
    assert_int_equal(trailer_request(&flash_slot, 8, false), OTTER_OK);
    assert_int_equal(trailer_request(&flash_slot, 8, false), OTTER_OK);
    assert_int_equal(flash_device.rule_breaks, 0);
}

static void another_request_needs_a_prepared_trailer(void **state)
{
    (void)state;
    assert_int_equal(trailer_request(&flash_slot, 8, false), OTTER_OK);
    assert_int_equal(trailer_request(&flash_slot, 8, true), OTTER_E_STATE);
    assert_int_equal(trailer_prepare(&flash_slot), OTTER_OK);
    assert_int_equal(trailer_request(&flash_slot, 8, true), OTTER_OK);
}

static void a_stale_confirmation_cannot_make_a_test_permanent(void **state)
{
    (void)state;
    assert_int_equal(trailer_write_flag(&flash_slot, 8, TRAILER_IMAGE_OK, 1), OTTER_OK);
    assert_int_equal(trailer_request(&flash_slot, 8, false), OTTER_E_STATE);
}

static struct trailer with(enum trailer_mark magic, enum trailer_mark done, enum trailer_mark ok)
{
    return (struct trailer){magic, done, ok, SWAP_TEST, 0, 0};
}

static void the_next_swap_follows_the_table(void **state)
{
    (void)state;
    const enum trailer_mark S = TRAILER_SET;
    const enum trailer_mark U = TRAILER_UNSET;
    const enum trailer_mark B = TRAILER_BAD;
    const struct trailer none = with(U, U, U);
    const struct trailer trial = with(S, S, U);
    const struct trailer confirmed = with(S, S, S);
    struct trailer secondary = with(S, U, U);
    assert_int_equal(trailer_next_swap(&none, &secondary), SWAP_TEST);
    assert_int_equal(trailer_next_swap(&trial, &secondary), SWAP_TEST);
    secondary = with(S, U, S);
    assert_int_equal(trailer_next_swap(&confirmed, &secondary), SWAP_PERM);
    secondary = with(S, U, B); /* matches neither */
    assert_int_equal(trailer_next_swap(&confirmed, &secondary), SWAP_NONE);
    secondary = with(B, U, U);
    assert_int_equal(trailer_next_swap(&trial, &secondary), SWAP_REVERT);
    assert_int_equal(trailer_next_swap(&confirmed, &none), SWAP_NONE);
    struct trailer torn = with(S, S, B);
    assert_int_equal(trailer_next_swap(&torn, &none), SWAP_NONE);
}

static void a_confirmed_image_is_not_on_trial(void **state)
{
    (void)state;
    struct trailer trailer;
    trailer_write_flag(&flash_slot, 8, TRAILER_SWAP_INFO, SWAP_TEST);
    trailer_write_flag(&flash_slot, 8, TRAILER_COPY_DONE, 1);
    trailer_write_magic(&flash_slot, 8);
    trailer_read(&flash_slot, 8, &trailer);
    assert_true(trailer_on_trial(&trailer));
    assert_int_equal(trailer_confirm(&flash_slot, 8), OTTER_OK);
    assert_int_equal(trailer_confirm(&flash_slot, 8), OTTER_OK);
    trailer_read(&flash_slot, 8, &trailer);
    assert_int_equal(trailer.image_ok, TRAILER_SET);
    assert_false(trailer_on_trial(&trailer));
    assert_int_equal(flash_device.rule_breaks, 0);
}

static void a_broken_magic_cannot_be_confirmed(void **state)
{
    (void)state;
    const uint8_t junk[4] = {1, 2, 3, 4};
    flash_program(&flash_slot, FLASH_BYTES - 16, junk, sizeof junk);
    assert_int_equal(trailer_confirm(&flash_slot, 8), OTTER_E_STATE);
}

static void an_unreadable_trailer_is_bad_throughout(void **state)
{
    (void)state;
    struct trailer trailer;
    flash_device.fail_reads = true;
    trailer_read(&flash_slot, 8, &trailer);
    assert_int_equal(trailer.magic, TRAILER_BAD);
    assert_int_equal(trailer.image_ok, TRAILER_BAD);
    assert_int_equal(trailer.copy_done, TRAILER_BAD);
    assert_int_equal(trailer.swap_type, SWAP_NONE);
}

static void request_permanent(void *context)
{
    (void)context;
    trailer_request(&flash_slot, 8, true);
}

static void a_permanent_request_cut_short_asks_for_nothing_or_for_all(void **state)
{
    (void)state;
    const struct trailer primary = with(TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET);
    for (uint32_t seed = 0; seed < 50; seed++) {
        for (uint32_t at = 1; at <= 3; at++) {
            for (enum nor_cut cut = NOR_CUT_BEFORE; cut < NOR_CUT_KINDS; cut++) {
                struct trailer secondary;
                nor_wipe(&flash_device);
                nor_power_init(flash_device.power, seed);
                nor_power_plan(flash_device.power, at, cut);
                assert_int_equal(nor_power_run(flash_device.power, request_permanent, NULL),
                                 NOR_RUN_CUT);
                trailer_read(&flash_slot, 8, &secondary);
                assert_int_not_equal(trailer_next_swap(&primary, &secondary), SWAP_TEST);
                assert_int_equal(trailer_prepare(&flash_slot), OTTER_OK);
                assert_int_equal(trailer_request(&flash_slot, 8, true), OTTER_OK);
                trailer_read(&flash_slot, 8, &secondary);
                assert_int_equal(trailer_next_swap(&primary, &secondary), SWAP_PERM);
            }
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flash_set_up, flash_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_lie_where_mcuboot_has_them),
        TEST(an_erased_trailer_asks_for_nothing),
        TEST(the_request_of_imgtool_is_understood),
        TEST(a_request_looks_like_that_of_imgtool),
        TEST(a_wide_write_unit_has_its_own_magic),
        TEST(the_same_request_twice_writes_once),
        TEST(another_request_needs_a_prepared_trailer),
        TEST(a_stale_confirmation_cannot_make_a_test_permanent),
        TEST(the_next_swap_follows_the_table),
        TEST(a_confirmed_image_is_not_on_trial),
        TEST(a_broken_magic_cannot_be_confirmed),
        TEST(an_unreadable_trailer_is_bad_throughout),
        TEST(a_permanent_request_cut_short_asks_for_nothing_or_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
