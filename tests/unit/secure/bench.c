/* A secure partition on simulated flash; see bench.h. */
#include "tests/unit/secure/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>

#include "boards/board.h"
#include "image/trailer.h"
#include "port/port.h"
#include "tests/unit/image/support.h"

#define STORE_SECTORS 4u
#define SLOT_SECTORS  (BENCH_SLOT / BENCH_SECTOR)

struct nor_power bench_power;
struct nor_device bench_flash;
struct nor_device bench_flash_slot;
struct kv bench_kv;
unsigned bench_resets;
bool bench_random_fails;

static struct flash_sector sectors[STORE_SECTORS + SLOT_SECTORS];
static struct flash_sector slot_sectors[SLOT_SECTORS];
static const struct flash_area store = {&bench_flash.flash, 0, STORE_SECTORS *BENCH_SECTOR};
const struct flash_area bench_primary = {&bench_flash.flash, STORE_SECTORS *BENCH_SECTOR,
                                         BENCH_SLOT};
const struct flash_area bench_secondary = {&bench_flash_slot.flash, 0, BENCH_SLOT};

struct image_policy bench_policy;
static const struct secure_config config = {
    .kv = &bench_kv,
    .components = {[FWU_COMPONENT_FIRMWARE] = {&bench_primary, &bench_secondary, BENCH_IMAGE_SIZE}},
    .trailer_align = BENCH_ALIGN,
    .policy = &bench_policy,
};

otter_ms port_now(void)
{
    return 0;
}

otter_status port_random(void *data, size_t length)
{
    if (bench_random_fails)
        return OTTER_E_CRYPTO;
    return getrandom(data, length, 0) == (ssize_t)length ? OTTER_OK : OTTER_E_CRYPTO;
}

void port_log_write(const char *line, size_t length)
{
    printf("%.*s\n", (int)length, line);
}

void port_watchdog_feed(void)
{
}

void port_reset(void)
{
    bench_resets++;
    nor_power_reset(&bench_power);
}

void bench_restart(void)
{
    assert_int_equal(kv_open(&bench_kv, &store), OTTER_OK);
    assert_int_equal(kv_purge(&bench_kv), OTTER_OK);
    secure_start(&config);
}

int bench_set_up(void **state)
{
    (void)state;
    bench_policy = (struct image_policy){&golden_key, 1, 0};
    nor_power_init(&bench_power, 1);
    nor_uniform_sectors(sectors, STORE_SECTORS + SLOT_SECTORS, BENCH_SECTOR);
    nor_uniform_sectors(slot_sectors, SLOT_SECTORS, BENCH_SECTOR);
    nor_create(&bench_flash, &bench_power, sectors, STORE_SECTORS + SLOT_SECTORS, 4, 0xff);
    nor_create(&bench_flash_slot, &bench_power, slot_sectors, SLOT_SECTORS, 4, 0xff);
    bench_resets = 0;
    bench_random_fails = false;
    bench_restart();
    return 0;
}

int bench_tear_down(void **state)
{
    (void)state;
    nor_destroy(&bench_flash);
    nor_destroy(&bench_flash_slot);
    return 0;
}

static void write_trailer(enum swap_type type, bool confirmed)
{
    const struct flash_area *slot = &bench_primary;
    assert_int_equal(flash_erase(slot, BENCH_SLOT - BENCH_SECTOR, BENCH_SECTOR), OTTER_OK);
    trailer_write_flag(slot, BENCH_ALIGN, TRAILER_SWAP_INFO, (uint8_t)type);
    trailer_write_flag(slot, BENCH_ALIGN, TRAILER_COPY_DONE, 1);
    if (confirmed)
        trailer_write_flag(slot, BENCH_ALIGN, TRAILER_IMAGE_OK, 1);
    trailer_write_magic(slot, BENCH_ALIGN);
}

static void after_swap(void)
{
    assert_int_equal(flash_erase(&bench_secondary, BENCH_SLOT - BENCH_SECTOR, BENCH_SECTOR),
                     OTTER_OK);
    bench_restart();
}

void bench_on_trial(void)
{
    write_trailer(SWAP_TEST, false);
    after_swap();
}

void bench_reverted(void)
{
    write_trailer(SWAP_REVERT, true);
    after_swap();
}
