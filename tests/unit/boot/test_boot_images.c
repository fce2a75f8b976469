/* Two images that share one scratch area: updated together or not at all, also when power fails;
 * and security counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "boot/boot.h"
#include "port/port.h"
#include "tests/sim/boot/sim_image.h"
#include "tests/sim/nor_sim.h"

#define SECTOR 512u
#define SLOT   (6 * SECTOR)
#define END    1700u
#define IMAGES 2u

static struct flash_sector sectors[25];
static struct nor_power power;
static struct nor_device device;
static struct flash_area primary[IMAGES];
static struct flash_area secondary[IMAGES];
static struct flash_area scratch;
static struct boot_slots slots[IMAGES];
static struct boot_config config;
static struct boot_result result;
static otter_status status;
static uint32_t raised[IMAGES];
static uint8_t bytes[SLOT];

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static void raise_counter(void *ctx, uint8_t image, uint32_t counter)
{
    (void)ctx;
    raised[image] = counter;
    slots[image].security_counter = counter;
}

static int set_up(void **state)
{
    (void)state;
    nor_uniform_sectors(sectors, 25, SECTOR);
    nor_power_init(&power, 1);
    nor_create(&device, &power, sectors, 25, 4, 0xff);
    for (uint32_t i = 0; i < IMAGES; i++) {
        primary[i] = (struct flash_area){&device.flash, 2 * i * SLOT, SLOT};
        secondary[i] = (struct flash_area){&device.flash, (2 * i + 1) * SLOT, SLOT};
        slots[i] = (struct boot_slots){.primary = &primary[i], .secondary = &secondary[i]};
        raised[i] = 0;
    }
    scratch = (struct flash_area){&device.flash, 24 * SECTOR, SECTOR};
    config = (struct boot_config){.images = slots,
                                  .image_count = IMAGES,
                                  .scratch = &scratch,
                                  .max_sectors = 8,
                                  .max_align = 8,
                                  .policy = sim_policy,
                                  .rescue = true,
                                  .hooks = {.raise_counter = raise_counter}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nor_destroy(&device);
    return 0;
}

static void load(const struct flash_area *slot, uint8_t version,
                 const struct sim_image_options *options)
{
    assert_int_equal(flash_erase(slot, 0, SLOT), OTTER_OK);
    sim_image_make_with(bytes, END, version, SIM_KEY, options);
    nor_load(&device, slot->offset, bytes, END);
}

static void install(unsigned image, uint8_t version, const struct sim_image_options *options)
{
    load(&primary[image], version, options);
}

static void ask(unsigned image, uint8_t version, const struct sim_image_options *options)
{
    load(&secondary[image], version, options);
    assert_int_equal(trailer_request(&secondary[image], 8, false), OTTER_OK);
}

static void boot_body(void *context)
{
    (void)context;
    status = boot_go(&config, &result);
}

static void boot(void)
{
    nor_power_plan(&power, 0, NOR_CUT_BEFORE);
    nor_power_run(&power, boot_body, NULL);
    assert_int_equal(status, OTTER_OK);
    assert_int_equal(device.rule_breaks, 0);
}

static unsigned version_in(const struct flash_area *slot)
{
    struct image_header header;
    return image_header_read(slot, &header) == OTTER_OK ? header.version.major : 0;
}

static void expect_running(unsigned first, unsigned second)
{
    assert_int_equal(version_in(&primary[0]), first);
    assert_int_equal(version_in(&primary[1]), second);
}

static const struct sim_image_options none;

static void both_images_are_updated_and_reverted_together(void **state)
{
    (void)state;
    install(0, 1, &none);
    install(1, 1, &none);
    ask(0, 2, &none);
    ask(1, 2, &none);
    boot();
    expect_running(2, 2);
    boot();
    expect_running(1, 1);
    boot();
    expect_running(1, 1);
}

static void power_cuts_leave_both_images_at_the_same_version(void **state)
{
    (void)state;
    struct nor_snapshot start = {0};
    install(0, 1, &none);
    install(1, 1, &none);
    ask(0, 2, &none);
    ask(1, 2, &none);
    nor_snapshot_take(&device, &start);
    boot();
    const uint32_t operations = power.operations;
    for (uint32_t at = 1; at <= operations; at++) {
        for (enum nor_cut cut = NOR_CUT_BEFORE; cut < NOR_CUT_KINDS; cut++) {
            nor_snapshot_restore(&device, &start);
            nor_power_plan(&power, at, cut);
            assert_int_equal(nor_power_run(&power, boot_body, NULL), NOR_RUN_CUT);
            boot();
            if (at < operations) /* the last one ends the update: the next boot takes it back */
                expect_running(2, 2);
            assert_int_equal(version_in(&primary[0]), version_in(&primary[1]));
        }
    }
    nor_snapshot_free(&start);
}

static void a_dependency_is_met_by_the_image_updated_with_it(void **state)
{
    (void)state;
    const struct sim_image_options needs_2 = {.needs_image = 1, .needs_version = 2};
    install(0, 1, &none);
    install(1, 1, &none);
    ask(0, 2, &needs_2);
    ask(1, 2, &none);
    boot();
    expect_running(2, 2);
}

static void a_dependency_is_met_by_the_image_in_place(void **state)
{
    (void)state;
    const struct sim_image_options needs_1 = {.needs_image = 1, .needs_version = 1};
    install(0, 1, &none);
    install(1, 1, &none);
    ask(0, 2, &needs_1);
    boot();
    expect_running(2, 1);
}

static void one_unmet_dependency_holds_all_updates_until_it_is_met(void **state)
{
    (void)state;
    const struct sim_image_options needs_3 = {.needs_image = 1, .needs_version = 3};
    install(0, 1, &none);
    install(1, 1, &none);
    ask(0, 2, &needs_3);
    ask(1, 2, &none);
    boot();
    expect_running(1, 1);
    ask(1, 3, &none);
    boot();
    expect_running(2, 3);
}

static void the_image_in_place_may_need_more_than_an_update_brings(void **state)
{
    (void)state;
    const struct sim_image_options needs_5 = {.needs_image = 1, .needs_version = 5};
    install(0, 1, &needs_5);
    install(1, 6, &none);
    ask(1, 4, &none);
    boot();
    expect_running(1, 6);
    ask(1, 5, &none);
    boot();
    expect_running(1, 5);
}

static void a_dependency_on_an_image_that_does_not_exist_is_never_met(void **state)
{
    (void)state;
    const struct sim_image_options strange = {.needs_image = 2, .needs_version = 1};
    install(0, 1, &none);
    install(1, 1, &none);
    ask(0, 2, &strange);
    boot();
    expect_running(1, 1);
}

static void a_counter_is_raised_only_when_the_trial_is_over(void **state)
{
    (void)state;
    const struct sim_image_options seven = {.counter = 7};
    install(0, 1, &none);
    install(1, 1, &none);
    ask(0, 2, &seven);
    boot();
    assert_int_equal(raised[0], 0);
    assert_int_equal(trailer_confirm(&primary[0], 8), OTTER_OK);
    boot();
    assert_int_equal(raised[0], 7);
    assert_int_equal(raised[1], 0);
    raised[0] = 0;
    boot();
    assert_int_equal(raised[0], 0);
}

static void an_image_below_the_stored_counter_is_refused(void **state)
{
    (void)state;
    const struct sim_image_options seven = {.counter = 7};
    const struct sim_image_options six = {.counter = 6};
    slots[0].security_counter = 7;
    install(0, 1, &seven);
    install(1, 1, &none);
    ask(0, 2, &six);
    boot();
    expect_running(1, 1);
    assert_int_equal(result.swap_type, SWAP_FAIL);
    ask(0, 3, &none);
    boot();
    expect_running(1, 1);
    ask(0, 4, &seven);
    boot();
    expect_running(4, 1);
}

static void a_broken_second_image_stops_the_boot(void **state)
{
    (void)state;
    install(0, 1, &none);
    boot_body(NULL);
    assert_int_equal(status, OTTER_E_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_images_are_updated_and_reverted_together),
        TEST(power_cuts_leave_both_images_at_the_same_version),
        TEST(a_dependency_is_met_by_the_image_updated_with_it),
        TEST(a_dependency_is_met_by_the_image_in_place),
        TEST(one_unmet_dependency_holds_all_updates_until_it_is_met),
        TEST(the_image_in_place_may_need_more_than_an_update_brings),
        TEST(a_dependency_on_an_image_that_does_not_exist_is_never_met),
        TEST(a_counter_is_raised_only_when_the_trial_is_over),
        TEST(an_image_below_the_stored_counter_is_refused),
        TEST(a_broken_second_image_stops_the_boot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
