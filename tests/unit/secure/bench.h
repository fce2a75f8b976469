/* A secure partition on simulated flash: its store, and the slots of one component. */
#ifndef OTTER_TESTS_UNIT_SECURE_BENCH_H
#define OTTER_TESTS_UNIT_SECURE_BENCH_H

#include <stdbool.h>

#include "secure/secure.h"
#include "tests/sim/nor_sim.h"

#define BENCH_SECTOR     4096u
#define BENCH_SLOT       (3u * BENCH_SECTOR)
#define BENCH_IMAGE_SIZE (BENCH_SLOT - 256u)
#define BENCH_ALIGN      8u

extern struct nor_power bench_power;
extern struct nor_device bench_flash;      /* the store, then the primary slot */
extern struct nor_device bench_flash_slot; /* the secondary slot */
extern const struct flash_area bench_primary, bench_secondary;
extern struct kv bench_kv;
extern struct image_policy bench_policy; /* golden_key, at first */
extern unsigned bench_resets; /* calls of port_reset, which leaves by longjmp */
extern bool bench_random_fails;

/* cmocka set-up and tear-down: all blank, the services started. */
int bench_set_up(void **state);
int bench_tear_down(void **state);

/* Power goes and comes back. */
void bench_restart(void);
/* What the bootloader leaves: the image in the primary slot is on trial, or was taken back. */
void bench_on_trial(void);
void bench_reverted(void);

#endif
