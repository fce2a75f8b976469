/* Where the device of the fleet's tests has its private keys: in its store, or, with FLEET_VAULT,
 * behind the services of secure/, on a flash of their own that the same power feeds. */
#include "world.h"

#ifdef FLEET_VAULT

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "port/port.h"
#include "secure/psa_keys.h"
#include "secure/secure.h"

#define SECTORS 4u
#define SECTOR  4096u

const struct pki_keys *const world_keys = &psa_keys;

static struct nor_device device;
static struct flash_sector sectors[SECTORS];
static const struct flash_area area = {&device.flash, 0, SECTORS *SECTOR};
static struct kv kv;
static struct nor_snapshot start;

void port_watchdog_feed(void)
{
}

void port_reset(void)
{
    fail_msg("nobody asks for a reset here");
    abort();
}

void vault_create(void)
{
    nor_uniform_sectors(sectors, SECTORS, SECTOR);
    nor_create(&device, &w.flash.power, sectors, SECTORS, 4, 0xff);
    vault_start();
}

void vault_start(void)
{
    static const struct secure_config config = {.kv = &kv, .trailer_align = 8};
    assert_int_equal(kv_open(&kv, &area), OTTER_OK);
    (void)kv_purge(&kv);
    secure_start(&config);
}

void vault_destroy(void)
{
    assert_int_equal(device.rule_breaks, 0);
    nor_destroy(&device);
}

void vault_take(void)
{
    start = (struct nor_snapshot){NULL, 0, 0};
    nor_snapshot_take(&device, &start);
}

void vault_restore(void)
{
    nor_snapshot_restore(&device, &start);
}

void vault_forget(void)
{
    nor_snapshot_free(&start);
}

#else

const struct pki_keys *const world_keys = NULL;

void vault_create(void)
{
}

void vault_start(void)
{
}

void vault_destroy(void)
{
}

void vault_take(void)
{
}

void vault_restore(void)
{
}

void vault_forget(void)
{
}

#endif
