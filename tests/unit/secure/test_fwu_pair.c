/* Two components that are updated alone and together, with the bootloader that swaps them: whenever
 * power is cut, what starts is all old or all new. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "boot/boot.h"
#include "port/port.h"
#include "secure/secure.h"
#include "tests/sim/boot/sim_image.h"
#include "tests/sim/nor_sim.h"

#define SECTOR            512u
#define SLOT              (6u * SECTOR)
#define STORE             (8u * SECTOR)
#define END               1500u
#define SIZE_MAX_OF_IMAGE (SLOT - SECTOR)
#define ALIGN             8u
#define SECURE            FWU_COMPONENT_SECURE
#define FIRMWARE          FWU_COMPONENT_FIRMWARE
#define CLASS             7u

static struct flash_sector sectors[8 + 12], other_sectors[12 + 2];
static struct nor_power power;
static struct nor_device first, second; /* store and primaries; secondaries and scratch */
static struct flash_area store, primary[FWU_COMPONENTS], secondary[FWU_COMPONENTS], scratch;
static struct boot_slots slots[FWU_COMPONENTS];
static struct boot_config boot_config;
static struct kv kv;
static struct secure_config config;

otter_ms port_now(void)
{
    return 0;
}

otter_status port_random(void *data, size_t length)
{
    (void)data;
    (void)length;
    return OTTER_E_CRYPTO;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

void port_watchdog_feed(void)
{
}

void port_reset(void)
{
    nor_power_reset(&power);
}

/* ---- A board ----------------------------------------------------------------------------------
 */

struct wish {
    uint8_t version;
    uint8_t needs; /* this version of the other component; 0: nothing */
    uint8_t device_class;
};

static const uint8_t *image_of(unsigned component, const struct wish *wish)
{
    static uint8_t image[END];
    const struct sim_image_options options = {.needs_image = (uint8_t)(1u - component),
                                              .needs_version = wish->needs,
                                              .device_class = wish->device_class};
    sim_image_make_with(image, END, wish->version, SIM_KEY, &options);
    return image;
}

static int set_up(void **state)
{
    static const struct wish old = {1, 1, CLASS};
    (void)state;
    nor_uniform_sectors(sectors, 20, SECTOR);
    nor_uniform_sectors(other_sectors, 14, SECTOR);
    nor_power_init(&power, 1);
    nor_create(&first, &power, sectors, 20, 4, 0xff);
    nor_create(&second, &power, other_sectors, 14, 4, 0xff);
    store = (struct flash_area){&first.flash, 0, STORE};
    scratch = (struct flash_area){&second.flash, 2u * SLOT, 2u * SECTOR};
    config = (struct secure_config){.kv = &kv, .trailer_align = ALIGN, .policy = &sim_policy};
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        primary[i] = (struct flash_area){&first.flash, STORE + i * SLOT, SLOT};
        secondary[i] = (struct flash_area){&second.flash, i * SLOT, SLOT};
        slots[i] = (struct boot_slots){.primary = &primary[i], .secondary = &secondary[i]};
        config.components[i] =
            (struct secure_component){&primary[i], &secondary[i], SIZE_MAX_OF_IMAGE};
        nor_load(&first, primary[i].offset, image_of(i, &old), END);
    }
    boot_config = (struct boot_config){.images = slots,
                                       .image_count = FWU_COMPONENTS,
                                       .scratch = &scratch,
                                       .max_sectors = 8,
                                       .max_align = ALIGN,
                                       .refuse_downgrade = true,
                                       .rescue = true,
                                       .policy = sim_policy};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nor_destroy(&first);
    nor_destroy(&second);
    return 0;
}

static uint8_t running(unsigned component)
{
    struct image_header header;
    assert_int_equal(image_header_read(&primary[component], &header), OTTER_OK);
    return header.version.major;
}

static uint8_t state_of(unsigned component)
{
    psa_fwu_component_info_t info;
    assert_int_equal(psa_fwu_query((psa_fwu_component_t)component, &info), PSA_SUCCESS);
    return info.state;
}

static psa_status_t error_of(unsigned component)
{
    psa_fwu_component_info_t info;
    assert_int_equal(psa_fwu_query((psa_fwu_component_t)component, &info), PSA_SUCCESS);
    return info.error;
}

static bool is_requested(unsigned component)
{
    struct trailer ours, theirs;
    trailer_read(&primary[component], ALIGN, &ours);
    trailer_read(&secondary[component], ALIGN, &theirs);
    return trailer_next_swap(&ours, &theirs) == SWAP_TEST;
}

static void start(void)
{
    struct boot_result result;
    assert_int_equal(boot_go(&boot_config, &result), OTTER_OK);
    assert_int_equal(kv_open(&kv, &store), OTTER_OK);
    assert_int_equal(kv_purge(&kv), OTTER_OK);
    secure_start(&config);
}

static void start_body(void *context)
{
    (void)context;
    start();
}

/* A start without a cut. */
static void boot(void)
{
    nor_power_plan(&power, 0, NOR_CUT_BEFORE);
    assert_int_equal(nor_power_run(&power, start_body, NULL), NOR_RUN_DONE);
}

static psa_status_t bring(unsigned component, const struct wish *wish)
{
    const psa_fwu_component_t number = (psa_fwu_component_t)component;
    const uint8_t *image = image_of(component, wish);
    assert_int_equal(psa_fwu_start(number, NULL, 0), PSA_SUCCESS);
    for (uint32_t at = 0; at < END; at += SECTOR)
        assert_int_equal(
            psa_fwu_write(number, at, image + at, END - at < SECTOR ? END - at : SECTOR),
            PSA_SUCCESS);
    return psa_fwu_finish(number);
}

/* ---- What comes alone, and what may come ------------------------------------------------------
 */

static void each_is_updated_alone(void **state)
{
    static const struct wish new = {2, 1, CLASS};
    (void)state;
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        boot();
        assert_int_equal(bring(i, &new), PSA_SUCCESS);
        assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
        boot();
        assert_int_equal(running(i), 2);
        assert_int_equal(state_of(i), PSA_FWU_TRIAL);
        assert_int_equal(state_of(1u - i), i == 0 ? PSA_FWU_READY : PSA_FWU_UPDATED);
        assert_int_equal(psa_fwu_accept(), PSA_SUCCESS);
        boot();
        assert_int_equal(running(i), 2);
        assert_int_equal(state_of(i), PSA_FWU_UPDATED);
    }
}

static void one_that_needs_a_newer_other_waits_for_it(void **state)
{
    static const struct wish firmware = {2, 2, CLASS}, secure_new = {2, 2, CLASS};
    (void)state;
    boot();
    assert_int_equal(bring(FIRMWARE, &firmware), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_DEPENDENCY_NEEDED);
    assert_int_equal(state_of(FIRMWARE), PSA_FWU_CANDIDATE);
    boot(); /* nothing is requested */
    assert_int_equal(running(FIRMWARE), 1);
    assert_int_equal(bring(SECURE, &secure_new), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    boot();
    assert_int_equal(running(SECURE), 2);
    assert_int_equal(running(FIRMWARE), 2);
}

/* A power cut between their requests would bring one without the other. */
static void two_that_do_not_need_each_other_do_not_come_together(void **state)
{
    static const struct wish loose = {2, 1, CLASS}, firmware = {2, 2, CLASS};
    (void)state;
    boot();
    assert_int_equal(bring(SECURE, &loose), PSA_SUCCESS);
    assert_int_equal(bring(FIRMWARE, &firmware), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_DEPENDENCY_NEEDED);
    assert_int_equal(psa_fwu_cancel(FIRMWARE), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT); /* the secure one alone */
    boot();
    assert_int_equal(running(SECURE), 2);
    assert_int_equal(running(FIRMWARE), 1);
}

/* Both are signed with one key: what is the firmware's must not start in the secure world. */
static void an_image_for_the_other_component_is_refused(void **state)
{
    static const struct wish other = {2, 1, CLASS + 1u};
    (void)state;
    boot();
    assert_int_equal(bring(SECURE, &other), PSA_ERROR_INVALID_SIGNATURE);
    assert_int_equal(state_of(SECURE), PSA_FWU_FAILED);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_BAD_STATE);
}

static void an_older_image_is_refused(void **state)
{
    static const struct wish new = {2, 1, CLASS}, old = {1, 1, CLASS};
    (void)state;
    boot();
    assert_int_equal(bring(SECURE, &new), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    boot();
    assert_int_equal(psa_fwu_accept(), PSA_SUCCESS);
    assert_int_equal(psa_fwu_clean(SECURE), PSA_SUCCESS);
    assert_int_equal(bring(SECURE, &old), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(error_of(SECURE), PSA_ERROR_NOT_PERMITTED);
}

/* docs/trustzone.md: the firmware may write the slot that it runs from. */
static void a_damaged_firmware_brings_in_an_older_one_but_no_older_secure_program(void **state)
{
    static const struct wish new = {2, 1, CLASS}, old = {1, 1, CLASS};
    (void)state;
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        boot();
        assert_int_equal(bring(i, &new), PSA_SUCCESS);
        assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
        boot();
        assert_int_equal(psa_fwu_accept(), PSA_SUCCESS);
    }
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        assert_int_equal(psa_fwu_clean((psa_fwu_component_t)i), PSA_SUCCESS);
        assert_int_equal(bring(i, &old), PSA_ERROR_NOT_PERMITTED);
    }
    first.data[primary[FIRMWARE].offset] ^= 1;
    boot();
    assert_int_equal(running(FIRMWARE), 1);
    assert_int_equal(running(SECURE), 2);
}

static void nothing_is_installed_beside_a_trial(void **state)
{
    static const struct wish new = {2, 1, CLASS};
    (void)state;
    boot();
    assert_int_equal(bring(SECURE, &new), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    assert_int_equal(bring(FIRMWARE, &new), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_BAD_STATE);
    boot();
    assert_int_equal(state_of(SECURE), PSA_FWU_TRIAL);
    assert_int_equal(psa_fwu_install(), PSA_ERROR_BAD_STATE);
    boot(); /* and the trial ends as trials do */
    assert_int_equal(running(SECURE), 1);
    assert_int_equal(running(FIRMWARE), 1);
    assert_int_equal(state_of(SECURE), PSA_FWU_FAILED);
    assert_int_equal(state_of(FIRMWARE), PSA_FWU_CANDIDATE);
}

static const struct wish both = {2, 2, CLASS};

static void install_both(void)
{
    boot();
    assert_int_equal(bring(SECURE, &both), PSA_SUCCESS);
    assert_int_equal(bring(FIRMWARE, &both), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    boot();
    assert_int_equal(state_of(SECURE), PSA_FWU_TRIAL);
    assert_int_equal(state_of(FIRMWARE), PSA_FWU_TRIAL);
}

/* As if the bootloader had not brought the firmware in: worn flash. */
static void half_of_what_came_together_cannot_be_kept(void **state)
{
    static const struct wish old = {1, 1, CLASS};
    (void)state;
    install_both();
    nor_erase_bytes(&first, primary[FIRMWARE].offset, SLOT);
    nor_load(&first, primary[FIRMWARE].offset, image_of(FIRMWARE, &old), END);
    secure_start(&config);
    assert_int_equal(state_of(SECURE), PSA_FWU_TRIAL);
    assert_int_equal(state_of(FIRMWARE), PSA_FWU_FAILED);
    assert_int_equal(psa_fwu_accept(), PSA_ERROR_BAD_STATE);
    boot();
    assert_int_equal(running(SECURE), 1);
    assert_int_equal(running(FIRMWARE), 1);
}

/* Power cuts, one amid the note that the second image is in its place, one amid the taking back
 * that followed where that reads differently at each start: one of the two has no trailer any more.
 * There is no way back for it, nor, by their dependencies, for the other. */
static void both_are_kept_where_one_cannot_go_back(void **state)
{
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        if (i > 0) {
            tear_down(state);
            set_up(state);
        }
        install_both();
        nor_erase_bytes(&first, primary[i].offset + SLOT - SECTOR, SECTOR);
        boot();
        assert_int_equal(state_of(SECURE), PSA_FWU_TRIAL);
        assert_int_equal(state_of(FIRMWARE), PSA_FWU_TRIAL);
        assert_int_equal(psa_fwu_accept(), PSA_SUCCESS);
        boot();
        for (unsigned j = 0; j < FWU_COMPONENTS; j++) {
            assert_int_equal(running(j), 2);
            assert_int_equal(state_of(j), PSA_FWU_UPDATED);
            assert_int_equal(psa_fwu_clean((psa_fwu_component_t)j), PSA_SUCCESS);
        }
    }
}

static void a_request_of_both_is_taken_back_as_one(void **state)
{
    (void)state;
    boot();
    assert_int_equal(bring(SECURE, &both), PSA_SUCCESS);
    assert_int_equal(bring(FIRMWARE, &both), PSA_SUCCESS);
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    assert_int_equal(psa_fwu_reject(-7), PSA_SUCCESS);
    boot();
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        assert_int_equal(running(i), 1);
        assert_int_equal(state_of(i), PSA_FWU_FAILED);
        assert_int_equal(error_of(i), -7);
    }
}

static void a_rejected_trial_of_both_says_why(void **state)
{
    (void)state;
    install_both();
    assert_int_equal(psa_fwu_reject(-7), PSA_SUCCESS_REBOOT);
    assert_int_equal(psa_fwu_accept(), PSA_ERROR_BAD_STATE);
    boot();
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        assert_int_equal(running(i), 1);
        assert_int_equal(state_of(i), PSA_FWU_FAILED);
        assert_int_equal(error_of(i), -7);
    }
}

/* ---- Power cuts -------------------------------------------------------------------------------
 */

enum end { KEPT, REJECTED, SILENT };

static struct {
    enum end end;
    bool tried; /* the new ones have started */
    bool done;
} story;

static void download(unsigned component)
{
    const psa_fwu_component_t number = (psa_fwu_component_t)component;
    const uint8_t state = state_of(component);
    if (state == PSA_FWU_CANDIDATE)
        return;
    if (state == PSA_FWU_WRITING)
        assert_int_equal(psa_fwu_cancel(number), PSA_SUCCESS);
    if (state != PSA_FWU_READY)
        assert_int_equal(psa_fwu_clean(number), PSA_SUCCESS);
    assert_int_equal(bring(component, &both), PSA_SUCCESS);
}

static void end_trial(void)
{
    story.tried = true;
    if (story.end == KEPT)
        assert_int_equal(psa_fwu_accept(), PSA_SUCCESS);
    else if (story.end == REJECTED)
        assert_int_equal(psa_fwu_reject(-7), PSA_SUCCESS_REBOOT);
    story.done = story.end == KEPT;
    if (!story.done)
        port_reset();
}

/* From wherever the last life left it. */
static void life(void *context)
{
    (void)context;
    start();
    assert_int_equal(running(SECURE), running(FIRMWARE));
    assert_int_equal(state_of(SECURE) == PSA_FWU_TRIAL, state_of(FIRMWARE) == PSA_FWU_TRIAL);
    for (unsigned i = 0; i < FWU_COMPONENTS; i++)
        assert_int_equal(is_requested(i), state_of(i) == PSA_FWU_STAGED);
    if (running(SECURE) == 2) {
        if (state_of(SECURE) == PSA_FWU_TRIAL)
            end_trial();
        assert_int_equal(state_of(SECURE), PSA_FWU_UPDATED);
        assert_int_equal(state_of(FIRMWARE), PSA_FWU_UPDATED);
        story.done = true;
    } else if (story.tried && story.end != KEPT) {
        assert_int_equal(state_of(SECURE), PSA_FWU_FAILED);
        assert_int_equal(state_of(FIRMWARE), PSA_FWU_FAILED);
        story.done = true;
    } else {
        if (state_of(SECURE) != PSA_FWU_STAGED) {
            download(SECURE);
            download(FIRMWARE);
            assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
        }
        port_reset();
    }
}

/* Whatever was cut, the next update comes. */
static void update_again(void)
{
    static const struct wish next = {3, 3, CLASS};
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        assert_int_equal(psa_fwu_clean((psa_fwu_component_t)i), PSA_SUCCESS);
        assert_int_equal(bring(i, &next), PSA_SUCCESS);
        boot();
    }
    assert_int_equal(psa_fwu_install(), PSA_SUCCESS_REBOOT);
    boot();
    assert_int_equal(psa_fwu_accept(), PSA_SUCCESS);
    boot();
    assert_int_equal(running(SECURE), 3);
    assert_int_equal(running(FIRMWARE), 3);
}

/* The whole story, with a cut at this operation of it; false if it has fewer. */
static bool tell(enum end end, uint32_t cut_at, enum nor_cut cut)
{
    uint32_t before = 0;
    bool was_cut = false;
    memset(&story, 0, sizeof story);
    story.end = end;
    for (unsigned lives = 0; !story.done; lives++) {
        assert_true(lives < 8);
        nor_power_plan(&power, was_cut ? 0 : cut_at - before, cut);
        (void)nor_power_run(&power, life, NULL);
        was_cut = was_cut || power.operations >= cut_at - before;
        before += power.operations;
    }
    boot();
    assert_int_equal(running(SECURE), running(FIRMWARE));
    return was_cut;
}

static void tell_with_each_cut(void **state, enum end end)
{
    unsigned told = 0;
    for (unsigned cut = 0; cut < NOR_CUT_ALL_KINDS; cut++) {
        for (uint32_t at = 1;; at++) {
            if (told++ > 0) {
                tear_down(state);
                set_up(state);
            }
            if (!tell(end, at, (enum nor_cut)cut))
                break;
            assert_int_equal(running(SECURE), story.end == KEPT ? 2 : running(SECURE));
            update_again();
            assert_int_equal(first.rule_breaks + second.rule_breaks, 0);
        }
        assert_int_equal(running(SECURE), end == KEPT ? 2 : 1);
    }
    printf("%u stories\n", told);
}

static void both_are_kept_or_neither_whenever_power_is_cut(void **state)
{
    tell_with_each_cut(state, KEPT);
}

static void both_are_taken_back_whenever_power_is_cut(void **state)
{
    tell_with_each_cut(state, REJECTED);
}

static void a_trial_of_both_that_nobody_ends_is_taken_back(void **state)
{
    tell_with_each_cut(state, SILENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_is_updated_alone),
        TEST(one_that_needs_a_newer_other_waits_for_it),
        TEST(two_that_do_not_need_each_other_do_not_come_together),
        TEST(an_image_for_the_other_component_is_refused),
        TEST(an_older_image_is_refused),
        TEST(a_damaged_firmware_brings_in_an_older_one_but_no_older_secure_program),
        TEST(nothing_is_installed_beside_a_trial),
        TEST(half_of_what_came_together_cannot_be_kept),
        TEST(both_are_kept_where_one_cannot_go_back),
        TEST(a_request_of_both_is_taken_back_as_one),
        TEST(a_rejected_trial_of_both_says_why),
        TEST(both_are_kept_or_neither_whenever_power_is_cut),
        TEST(both_are_taken_back_whenever_power_is_cut),
        TEST(a_trial_of_both_that_nobody_ends_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
