/* The application and the board's memories that its tests look into, made anew for each test. */
#ifndef OTTER_TESTS_UNIT_FIRMWARE_APP_BENCH_H
#define OTTER_TESTS_UNIT_FIRMWARE_APP_BENCH_H

#include "firmware/app.h"
#include "tests/sim/boot/sim_image.h"
#include "tests/unit/firmware/fake_port.h"

static struct app app;
static struct flash_area primary; /* with an image of 2000 bytes */
static struct flash_area store;   /* blank */

static int set_up(void **state)
{
    static uint8_t image[4096];
    (void)state;
    fake_port_power_on();
    primary = (struct flash_area){&fake.device.flash, board.primary.offset, board.primary.size};
    store = (struct flash_area){&fake.device.flash, board.store.offset, board.store.size};
    sim_image_make(image, 2000, 1, SIM_KEY);
    nor_load(&fake.device, board.primary.offset, image, 2000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(fake.device.rule_breaks, 0);
    tls_close(&app.link.tls);
    nor_destroy(&fake.device);
    return 0;
}

#endif
