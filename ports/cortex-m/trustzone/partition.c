/* The secure partition of a board: its store, the slots that it minds. */
#include "boards/board.h"
#include "boards/map.h"
#include "port/log.h"
#include "ports/cortex-m/trustzone/worlds.h"
#include "secure/secure.h"
#include "store/kv.h"

static const struct flash_area vault = BOARD_AREA(BOARD_VAULT);
static const struct flash_area primary = BOARD_AREA(BOARD_PRIMARY);
static const struct flash_area secondary = BOARD_AREA(BOARD_SECONDARY);

_Static_assert(AREA_SIZE(BOARD_VAULT) > 0u, "BOARD_VAULT: a board with TrustZone needs one");
_Static_assert(AREA_DEVICE(BOARD_SECONDARY) != AREA_DEVICE(BOARD_PRIMARY),
               "BOARD_SECONDARY: lies on a device that is the secure world's");

/* The firmware runs no further than its region reaches. */
static uint32_t image_size_max(void)
{
    for (unsigned i = 0; i < chip_region_count; i++)
        if (chip_regions[i].first == AREA_ADDRESS(BOARD_PRIMARY) + OTTER_NONSECURE_ALIAS &&
            chip_regions[i].end - chip_regions[i].first < board.image_size_max)
            return chip_regions[i].end - chip_regions[i].first;
    return board.image_size_max;
}

/* What candidates are checked with: the bootloader's keys, which it has for itself where it lends
 * its check (image/lent.h). */
static const struct image_policy *keys(void)
{
#ifdef OTTER_BORROWS
    return NULL;
#else
    static struct image_policy policy;
    policy = (struct image_policy){.keys = image_keys, .key_count = image_key_count};
    return &policy;
#endif
}

void worlds_start(void)
{
    static struct kv kv;
    static struct secure_config config = {
        .kv = &kv,
        .components = {[FWU_COMPONENT_SECURE] = {&board_secure.primary, &board_secure.secondary, 0},
                       [FWU_COMPONENT_FIRMWARE] = {&primary, &secondary, 0}},
        .trailer_align = BOARD_MAX_ALIGN,
    };
    chip_start();
    otter_status status = kv_open(&kv, &vault);
    if (status == OTTER_OK)
        status = kv_purge(&kv);
    if (status != OTTER_OK)
        LOG_ERR("SECURE", "no key store: %s", otter_status_text(status));
    config.policy = keys();
    config.components[FWU_COMPONENT_SECURE].image_size_max = board_secure.image_size_max;
    config.components[FWU_COMPONENT_FIRMWARE].image_size_max = image_size_max();
    secure_start(&config);
}
