/*
 * A key-value store on simulated flash of its own, for tests of what keeps settings and records
 * there: link sim_nor and room_store.
 */
#ifndef OTTER_TESTS_SIM_NOR_STORE_H
#define OTTER_TESTS_SIM_NOR_STORE_H

#include "store/kv.h"
#include "tests/sim/nor_sim.h"

enum { NOR_STORE_SECTORS = 5, NOR_STORE_SECTOR = 4096 };

struct nor_store {
    struct nor_power power;
    struct nor_device device;
    struct flash_sector sectors[NOR_STORE_SECTORS];
    struct flash_area area; /* all of it */
};

/* Blank flash of so many sectors (at most NOR_STORE_SECTORS) of 4 KiB with 4-byte writes, and kv
 * opened on it. */
static inline otter_status nor_store_open(struct nor_store *store, size_t sectors, struct kv *kv)
{
    nor_power_init(&store->power, 1);
    nor_uniform_sectors(store->sectors, sectors, NOR_STORE_SECTOR);
    nor_create(&store->device, &store->power, store->sectors, sectors, 4, 0xff);
    store->area = (struct flash_area){&store->device.flash, 0, store->device.flash.size};
    return kv_open(kv, &store->area);
}

/* False: a rule of the flash was broken meanwhile. */
static inline bool nor_store_close(struct nor_store *store)
{
    const bool good = store->device.rule_breaks == 0;
    nor_destroy(&store->device);
    return good;
}

#endif
