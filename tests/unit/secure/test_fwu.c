/* What the secure services promise of firmware updates: states of PSA Firmware Update 1.0, over
 * resets and power cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "image/trailer.h"
#include "secure/update.h"
#include "tests/sim/boot/sim_image.h"
#include "tests/unit/secure/bench.h"

#define FIRMWARE FWU_COMPONENT_FIRMWARE

#define IMAGE_SIZE 281u
static uint8_t shipped[IMAGE_SIZE];

static int set_up(void **state)
{
    sim_image_make(shipped, IMAGE_SIZE, 1, SIM_KEY);
    (void)bench_set_up(state);
    bench_policy = sim_policy;
    return 0;
}

static psa_fwu_component_info_t query(void)
{
    psa_fwu_component_info_t info;
    assert_int_equal(psa_fwu_query(FIRMWARE, &info), PSA_SUCCESS);
    return info;
}

static uint32_t state_of_it(void)
{
    return query().state;
}

static void write_image(uint32_t from)
{
    for (uint32_t at = from; at < IMAGE_SIZE; at += 64) {
        const uint32_t left = IMAGE_SIZE - at;
        assert_int_equal(psa_fwu_write(FIRMWARE, at, shipped + at, left < 64 ? left : 64),
                         PSA_SUCCESS);
    }
}

static void stage(void)
{
    assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_SUCCESS);
    write_image(0);
    assert_int_equal(psa_fwu_finish(FIRMWARE), PSA_SUCCESS);
    assert_int_equal(state_of_it(), PSA_FWU_CANDIDATE);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    assert_int_equal(state_of_it(), PSA_FWU_STAGED);
}

static bool is_requested(void)
{
    struct trailer primary, secondary;
    trailer_read(&bench_primary, BENCH_ALIGN, &primary);
    trailer_read(&bench_secondary, BENCH_ALIGN, &secondary);
    return trailer_next_swap(&primary, &secondary) == SWAP_TEST;
}

static void an_update_goes_from_ready_to_updated(void **state)
{
    struct trailer trailer;
    (void)state;
    assert_int_equal(state_of_it(), PSA_FWU_READY);
    stage();
    assert_true(is_requested());
    bench_on_trial();
    assert_int_equal(state_of_it(), PSA_FWU_TRIAL);
    assert_int_equal(psa_fwu_accept(), PSA_SUCCESS);
    assert_int_equal(state_of_it(), PSA_FWU_UPDATED);
    trailer_read(&bench_primary, BENCH_ALIGN, &trailer);
    assert_false(trailer_on_trial(&trailer));
    bench_restart();
    assert_int_equal(state_of_it(), PSA_FWU_UPDATED);
    assert_int_equal(psa_fwu_clean(FIRMWARE), PSA_SUCCESS);
    assert_int_equal(state_of_it(), PSA_FWU_READY);
}

static void a_download_goes_on_after_a_reset(void **state)
{
    (void)state;
    assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(FIRMWARE, 0, shipped, 64), PSA_SUCCESS);
    bench_restart();
    assert_int_equal(state_of_it(), PSA_FWU_WRITING);
    write_image(64);
    assert_int_equal(psa_fwu_finish(FIRMWARE), PSA_SUCCESS);
    bench_restart();
    assert_int_equal(state_of_it(), PSA_FWU_CANDIDATE);
}

static void a_place_is_written_again_from_its_sectors_beginning_only(void **state)
{
    uint8_t back[64];
    (void)state;
    assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(FIRMWARE, 4096, shipped, 64), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(FIRMWARE, 4096 + 64, shipped, 64), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(FIRMWARE, 4096 + 64, shipped, 64), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(psa_fwu_write(FIRMWARE, 4096, shipped + 64, 64), PSA_SUCCESS);
    assert_int_equal(flash_read(&bench_secondary, 4096, back, sizeof back), OTTER_OK);
    assert_memory_equal(back, shipped + 64, sizeof back);
    assert_int_equal(flash_is_erased(&bench_secondary, 4096 + 64, 64), 1);
}

static void a_block_makes_way_in_every_sector_that_begins_in_it(void **state)
{
    static uint8_t older[4096], newer[4096], back[4096];
    (void)state;
    memset(older, 0x5a, sizeof older);
    memset(newer, 0xa5, sizeof newer);
    assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(FIRMWARE, 4096, older, 4096), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(FIRMWARE, 2048, newer, 4096), PSA_SUCCESS);
    assert_int_equal(flash_read(&bench_secondary, 2048, back, sizeof back), OTTER_OK);
    assert_memory_equal(back, newer, sizeof back);
    assert_int_equal(flash_is_erased(&bench_secondary, 4096 + 2048, 2048), 1);
}

static void a_candidate_tells_the_digest_of_its_file(void **state)
{
    static const uint8_t none[IMAGE_HASH_SIZE];
    uint8_t digest[IMAGE_HASH_SIZE];
    struct image_sha256 sha;
    (void)state;
    image_sha256_init(&sha);
    image_sha256_update(&sha, shipped, IMAGE_SIZE);
    image_sha256_finish(&sha, digest);
    assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_SUCCESS);
    write_image(0);
    assert_memory_equal(query().impl.candidate_digest, none, sizeof none);
    assert_int_equal(psa_fwu_finish(FIRMWARE), PSA_SUCCESS);
    assert_memory_equal(query().impl.candidate_digest, digest, sizeof digest);
    bench_restart();
    assert_memory_equal(query().impl.candidate_digest, digest, sizeof digest);
    assert_int_equal(psa_fwu_cancel(FIRMWARE), PSA_SUCCESS);
    assert_memory_equal(query().impl.candidate_digest, none, sizeof none);
}

static void an_image_that_nobody_signed_is_refused(void **state)
{
    static uint8_t image[IMAGE_SIZE];
    (void)state;
    memcpy(image, shipped, sizeof image);
    image[40] ^= 1;
    assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(FIRMWARE, 0, image, sizeof image), PSA_SUCCESS);
    assert_int_equal(psa_fwu_finish(FIRMWARE), PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(state_of_it(), PSA_FWU_FAILED);
    assert_int_equal(query().error, PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_BAD_STATE);
    assert_false(is_requested());
}

/* One key may be trusted on boards of several kinds. */
static void an_image_without_the_class_of_what_runs_is_refused(void **state)
{
    static const uint8_t running[] = {0x3d, 0xb8, 0xf3, 0x96, 0,
                                      0,    0,    0,    32,   0,
                                      24,   0,    4,    0,    0,
                                      0,    0,    0,    0,    0,
                                      1,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,
                                      0,    0,    1,    2,    3,
                                      4, /* payload */
                                      0x08, 0x69, 24,   0,    IMAGE_TLV_UUID_CID,
                                      0,    16,   0,    1,    2,
                                      3,    4,    5,    6,    7,
                                      8,    9,    10,   11,   12,
                                      13,   14,   15,   16,   0x07,
                                      0x69, 4,    0};
    (void)state;
    nor_load(&bench_flash, bench_primary.offset, running, sizeof running);
    assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_SUCCESS);
    write_image(0);
    assert_int_equal(psa_fwu_finish(FIRMWARE), PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(state_of_it(), PSA_FWU_FAILED);
}

/* Whatever is called, a checked image is not changed, and the trailer is not within reach. */
static void a_candidate_cannot_be_changed_any_more(void **state)
{
    (void)state;
    assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_SUCCESS);
    assert_int_equal(psa_fwu_write(FIRMWARE, BENCH_IMAGE_SIZE - 4, shipped, 8),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_write(FIRMWARE, BENCH_SLOT - 16, shipped, 16),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_write(FIRMWARE, SIZE_MAX - 3, shipped, 8), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_fwu_write(FIRMWARE, 2, shipped, 8), PSA_ERROR_INVALID_ARGUMENT);
    write_image(0);
    assert_int_equal(psa_fwu_finish(FIRMWARE), PSA_SUCCESS);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(psa_fwu_write(FIRMWARE, 4096, shipped, 64), PSA_ERROR_BAD_STATE);
        assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_ERROR_BAD_STATE);
        assert_int_equal(psa_fwu_clean(FIRMWARE), PSA_ERROR_BAD_STATE);
        assert_int_equal(psa_fwu_accept(), PSA_ERROR_BAD_STATE);
        assert_int_equal(psa_fwu_finish(FIRMWARE), PSA_ERROR_BAD_STATE);
        if (i == 0)
            assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    }
    assert_int_equal(psa_fwu_cancel(FIRMWARE), PSA_ERROR_BAD_STATE);
}

static void a_trial_that_is_not_accepted_has_failed(void **state)
{
    (void)state;
    stage();
    bench_on_trial();
    assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_ERROR_BAD_STATE);
    bench_reverted();
    assert_int_equal(state_of_it(), PSA_FWU_FAILED);
    assert_int_equal(psa_fwu_clean(FIRMWARE), PSA_SUCCESS);
    assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_SUCCESS);
}

static void a_rejected_trial_says_why_after_the_way_back(void **state)
{
    (void)state;
    stage();
    bench_on_trial();
    assert_int_equal(psa_fwu_reject(-7), PSA_SUCCESS_REBOOT);
    assert_int_equal(state_of_it(), PSA_FWU_REJECTED);
    assert_int_equal(psa_fwu_accept(), PSA_ERROR_BAD_STATE);
    bench_reverted();
    assert_int_equal(state_of_it(), PSA_FWU_FAILED);
    assert_int_equal(query().error, -7);
}

static void a_request_can_be_taken_back_before_the_reset(void **state)
{
    (void)state;
    stage();
    assert_int_equal(psa_fwu_reject(-7), PSA_SUCCESS);
    assert_false(is_requested());
    assert_int_equal(state_of_it(), PSA_FWU_FAILED);
}

static void other_components_and_manifests_are_not_there(void **state)
{
    static const psa_fwu_component_t others[] = {FWU_COMPONENT_SECURE, FWU_COMPONENTS, 255};
    psa_fwu_component_info_t info;
    (void)state;
    for (unsigned i = 0; i < sizeof others; i++) {
        const psa_fwu_component_t other = others[i];
        assert_int_equal(psa_fwu_query(other, &info), PSA_ERROR_DOES_NOT_EXIST);
        assert_int_equal(psa_fwu_start(other, NULL, 0), PSA_ERROR_DOES_NOT_EXIST);
        assert_int_equal(psa_fwu_cancel(other), PSA_ERROR_DOES_NOT_EXIST);
        assert_int_equal(psa_fwu_clean(other), PSA_ERROR_DOES_NOT_EXIST);
    }
    assert_int_equal(psa_fwu_start(FIRMWARE, shipped, 1), PSA_ERROR_NOT_SUPPORTED);
}

/* What lies between the fields of a struct leaves the secure world with it. */
static void an_answer_holds_nothing_but_the_answer(void **state)
{
    psa_fwu_component_info_t info;
    const uint8_t *bytes = (const uint8_t *)&info;
    (void)state;
    memset(&info, 0xaa, sizeof info);
    assert_int_equal(psa_fwu_query(FIRMWARE, &info), PSA_SUCCESS);
    for (size_t i = offsetof(psa_fwu_component_info_t, state) + 1;
         i < offsetof(psa_fwu_component_info_t, error); i++)
        assert_int_equal(bytes[i], 0);
}

static void reboot(void *context)
{
    (void)context;
    (void)psa_fwu_request_reboot();
}

static void a_reboot_is_the_devices(void **state)
{
    (void)state;
    assert_int_equal(nor_power_run(&bench_power, reboot, NULL), NOR_RUN_CUT);
    assert_int_equal(bench_resets, 1);
}

/* ---- Power cuts -------------------------------------------------------------------------------
 */

/* From wherever the last life left it to STAGED, as a client does it that keeps no word of its own.
 */
static void go_on(void *context)
{
    (void)context;
    bench_restart();
    uint32_t at = state_of_it();
    if (at == PSA_FWU_WRITING || at == PSA_FWU_FAILED) {
        if (at == PSA_FWU_WRITING)
            assert_int_equal(psa_fwu_cancel(FIRMWARE), PSA_SUCCESS);
        assert_int_equal(psa_fwu_clean(FIRMWARE), PSA_SUCCESS);
        at = PSA_FWU_READY;
    }
    if (at == PSA_FWU_READY) {
        assert_int_equal(psa_fwu_start(FIRMWARE, NULL, 0), PSA_SUCCESS);
        write_image(0);
        assert_int_equal(psa_fwu_finish(FIRMWARE), PSA_SUCCESS);
        at = PSA_FWU_CANDIDATE;
    }
    if (at == PSA_FWU_CANDIDATE)
        assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    assert_int_equal(state_of_it(), PSA_FWU_STAGED);
}

/* At each operation, in each way: never is something requested that was not checked, and the next
 * life gets to its end. */
static void an_update_survives_a_power_cut_anywhere(void **state)
{
    for (unsigned cut = 0; cut < NOR_CUT_KINDS; cut++) {
        bool done = false;
        for (uint32_t at = 1; !done; at++) {
            if (at > 1 || cut > 0) {
                bench_tear_down(state);
                set_up(state);
            }
            nor_power_plan(&bench_power, at, (enum nor_cut)cut);
            done = nor_power_run(&bench_power, go_on, NULL) == NOR_RUN_DONE;
            nor_power_plan(&bench_power, 0, NOR_CUT_BEFORE);
            bench_restart();
            const uint32_t left = state_of_it();
            assert_true(!is_requested() || left == PSA_FWU_STAGED);
            assert_int_equal(nor_power_run(&bench_power, go_on, NULL), NOR_RUN_DONE);
            assert_true(is_requested());
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_update_goes_from_ready_to_updated),
        TEST(a_download_goes_on_after_a_reset),
        TEST(a_place_is_written_again_from_its_sectors_beginning_only),
        TEST(a_block_makes_way_in_every_sector_that_begins_in_it),
        TEST(a_candidate_tells_the_digest_of_its_file),
        TEST(an_image_that_nobody_signed_is_refused),
        TEST(an_image_without_the_class_of_what_runs_is_refused),
        TEST(a_candidate_cannot_be_changed_any_more),
        TEST(a_trial_that_is_not_accepted_has_failed),
        TEST(a_rejected_trial_says_why_after_the_way_back),
        TEST(a_request_can_be_taken_back_before_the_reset),
        TEST(other_components_and_manifests_are_not_there),
        TEST(an_answer_holds_nothing_but_the_answer),
        TEST(a_reboot_is_the_devices),
        TEST(an_update_survives_a_power_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
