/* The flash devices of a board in two worlds: parts of the chip's flash, each told where it begins.
 * The firmware has its own part; another one's slots it reaches by gates. */
#include "boards/map.h"
#include "ports/nuvoton/fmc.h"
#include "ports/nuvoton/nuvoton.h"
#ifdef OTTER_NONSECURE
#include "secure/slot.h"
#endif

#ifdef OTTER_NONSECURE
static const struct flash_ops gate_ops = {
    .read = secure_slot_read,
    .program = secure_slot_program,
    .erase = secure_slot_erase,
    .sector_at = fmc_sector_at,
};
#define SECURE_OPS &gate_ops
#else
#define SECURE_OPS &fmc_ops
#endif

#define PART(n, its_ops)                                                                           \
    {                                                                                              \
        .ops = (its_ops), .ctx = (void *)(uintptr_t)BOARD_OF_DEVICE(DEVICE_BASE, n),                 \
        .size = BOARD_OF_DEVICE(DEVICE_SIZE, n), .write_size = BOARD_OF_DEVICE(DEVICE_WRITE, n),   \
        .erased_value = 0xff                                                                       \
    }
const struct flash port_flash[] = {PART(0, SECURE_OPS), PART(1, SECURE_OPS), PART(2, &fmc_ops)};

_Static_assert(DEVICE_BASE(BOARD_DEVICE_0) == 0u &&
                   DEVICE_BASE(BOARD_DEVICE_1) == DEVICE_SIZE(BOARD_DEVICE_0) &&
                   DEVICE_BASE(BOARD_DEVICE_2) ==
                       DEVICE_BASE(BOARD_DEVICE_1) + DEVICE_SIZE(BOARD_DEVICE_1) &&
                   DEVICE_BASE(BOARD_DEVICE_2) == BOARD_NSCBA &&
                   BOARD_NSCBA + DEVICE_SIZE(BOARD_DEVICE_2) == CHIP_APROM_SIZE,
               "the map's devices are not the chip's flash, its border below the last");
_Static_assert(BOARD_NSCBA % CHIP_PAGE_SIZE == 0u, "NSCBA is not the start of a page");
_Static_assert(AREA_DEVICE(BOARD_PRIMARY) == 2 && AREA_DEVICE(BOARD_SECONDARY) == 1 &&
                   AREA_DEVICE(BOARD_VAULT) == 0,
               "device 0 is the secure world's, 1 is reached by gates, 2 is the firmware's");
