/* Two images that depend on each other, in every mode that brings images in: updated together, or
 * not at all. (test_boot_images.c has the cases that swapping adds.) */
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
#define END    1500u
#define IMAGES 2u

/* The slots of one image each have a device of their own, as banks do. */
static struct flash_sector sectors[2 * 6];
static struct nor_power power;
static struct nor_device first, second;
static struct flash_area primary[IMAGES], secondary[IMAGES], scratch;
static struct boot_slots slots[IMAGES];
static struct boot_config config;
static struct boot_result result;
static otter_status status;
static unsigned held;

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static void note(void *ctx, const struct boot_event *event)
{
    (void)ctx;
    held += event->type == BOOT_EVENT_HELD;
}

/* All banks at once, by a reset: what a chip with both images in each bank does. */
static otter_status swap_banks(void *ctx)
{
    const struct nor_device other = second;
    (void)ctx;
    second = first;
    first = other;
    first.flash.ctx = &first;
    second.flash.ctx = &second;
    nor_power_reset(&power);
}

static int set_up(void **state)
{
    (void)state;
    nor_uniform_sectors(sectors, 12, SECTOR);
    nor_power_init(&power, 1);
    nor_create(&first, &power, sectors, 12, 4, 0xff);
    nor_create(&second, &power, sectors, 12, 4, 0xff);
    for (uint32_t i = 0; i < IMAGES; i++) {
        primary[i] = (struct flash_area){&first.flash, i * SLOT, SLOT};
        secondary[i] = (struct flash_area){&second.flash, i * SLOT, SLOT};
        slots[i] = (struct boot_slots){.primary = &primary[i], .secondary = &secondary[i]};
    }
    config = (struct boot_config){.images = slots,
                                  .image_count = IMAGES,
                                  .scratch = &scratch,
                                  .max_sectors = 8,
                                  .max_align = 8,
                                  .policy = sim_policy,
                                  .rescue = true,
                                  .hooks = {.report = note, .swap_banks = swap_banks}};
    held = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nor_destroy(&first);
    nor_destroy(&second);
    return 0;
}

static uint32_t start_of_candidate(void)
{
    return strcmp(boot_mode_name, "offset") == 0 ? SECTOR : 0;
}

/* A version that needs version `needs` of image `other`; 0: that needs nothing. */
static void put(struct nor_device *device, uint32_t offset, uint8_t version, uint8_t other,
                uint8_t needs)
{
    static uint8_t image[END];
    const struct sim_image_options options = {.needs_image = other, .needs_version = needs};
    sim_image_make_with(image, END, version, SIM_KEY, &options);
    nor_load(device, offset, image, END);
}

static void install(unsigned image, uint8_t version)
{
    put(&first, image * SLOT, version, 0, 0);
}

static void ask(unsigned image, uint8_t version, uint8_t other, uint8_t needs)
{
    put(&second, image * SLOT + start_of_candidate(), version, other, needs);
    assert_int_equal(trailer_request(&secondary[image], 8, true), OTTER_OK);
}

static void boot_body(void *context)
{
    (void)context;
    status = boot_go(&config, &result);
}

static void boot(void)
{
    nor_power_plan(&power, 0, NOR_CUT_BEFORE);
    if (nor_power_run(&power, boot_body, NULL) == NOR_RUN_CUT)
        assert_int_equal(nor_power_run(&power, boot_body, NULL), NOR_RUN_DONE);
    assert_int_equal(first.rule_breaks + second.rule_breaks, 0);
}

static unsigned version_in(const struct flash_area *slot)
{
    struct image_header header;
    return image_header_read(slot, &header) == OTTER_OK ? header.version.major : 0;
}

static void an_update_waits_for_the_image_that_it_needs(void **state)
{
    (void)state;
    install(0, 1);
    install(1, 1);
    ask(0, 2, 1, 2);
    boot();
    assert_int_equal(status, OTTER_OK);
    assert_int_equal(result.header.version.major, 1);
    assert_int_equal(held, 1);
    assert_int_equal(power.operations, 0);
}

static void images_that_need_each_other_come_together(void **state)
{
    (void)state;
    install(0, 1);
    install(1, 1);
    ask(0, 2, 1, 2);
    ask(1, 2, 0, 2);
    boot();
    assert_int_equal(status, OTTER_OK);
    assert_int_equal(result.header.version.major, 2);
    assert_int_equal(version_in(&primary[1]), 2);
    assert_int_equal(held, 0);
}

static void an_image_that_the_product_does_not_have_is_never_found(void **state)
{
    (void)state;
    install(0, 1);
    install(1, 1);
    ask(0, 2, 7, 1);
    boot();
    assert_int_equal(status, OTTER_OK);
    assert_int_equal(result.header.version.major, 1);
    assert_int_equal(held, 1);
}

/* An empty slot wants nothing, so it holds no update back; but it cannot be started either. */
static void an_empty_slot_does_not_hold_an_update_back(void **state)
{
    (void)state;
    install(0, 1);
    ask(0, 2, 0, 0);
    boot();
    assert_int_equal(held, 0);
    assert_int_equal(status, OTTER_E_NOT_FOUND);
    assert_int_equal(version_in(&primary[0]), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_update_waits_for_the_image_that_it_needs),
        TEST(images_that_need_each_other_come_together),
        TEST(an_image_that_the_product_does_not_have_is_never_found),
        TEST(an_empty_slot_does_not_hold_an_update_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
