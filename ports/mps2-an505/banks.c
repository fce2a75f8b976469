/* Bank swap on a chip that has no banks: an exchange of the two halves of device 0, at a reset, as
 * the hardware's remapping is done then. The word that orders it and the count of its steps stand
 * in for the option bytes; they lie in device 2 of the map with a sector to put things by. They are
 * RAM to QEMU, so written in place, and kept when power fails: a step that was cut is done again,
 * and finds its source as it was. */
#include <string.h>

#include "boards/map.h"
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/system.h"
#include "ports/mps2-an505/nor.h"

#define ORDER     0x50415753u /* "SWAP" */
#define NO_ORDER  0xffffffffu
#define SECTOR    DEVICE_SECTOR_1(BOARD_DEVICE_0)
#define BANK_SIZE (DEVICE_SIZE(BOARD_DEVICE_0) / 2u)
#define STEPS     (BANK_SIZE / SECTOR * 3u)

_Static_assert(BOARD_UPDATE != UPDATE_BANK_SWAP ||
                   (DEVICE_END_1(BOARD_DEVICE_0) == DEVICE_SIZE(BOARD_DEVICE_0) &&
                    BANK_SIZE % SECTOR == 0u),
               "BOARD_DEVICE_0: bank swap of this port wants equal sectors, an even count of them");
_Static_assert(BOARD_UPDATE != UPDATE_BANK_SWAP || DEVICE_SIZE(BOARD_DEVICE_2) >= 2u * SECTOR,
               "BOARD_DEVICE_2: bank swap of this port wants two sectors here for itself");
#define IS_FREE(...) (AREA_SIZE(__VA_ARGS__) == 0u || AREA_DEVICE(__VA_ARGS__) != 2)
_Static_assert(BOARD_UPDATE != UPDATE_BANK_SWAP ||
                   (IS_FREE(BOARD_STORE) && IS_FREE(BOARD_PROGRESS) && IS_FREE(BOARD_SEED)),
               "BOARD_DEVICE_2: bank swap of this port wants it for itself");

static volatile uint32_t *const option = (volatile uint32_t *)(NOR_BASE + BOARD_FILE_OFFSET(2));

static void exchange_step(uint32_t step)
{
    uint8_t *const spare = (uint8_t *)(NOR_BASE + BOARD_FILE_OFFSET(2) + SECTOR);
    uint8_t *const here = (uint8_t *)(NOR_BASE + step / 3u * SECTOR);
    uint8_t *const there = here + BANK_SIZE;
    if (step % 3u == 0)
        memcpy(spare, here, SECTOR);
    else if (step % 3u == 1)
        memcpy(here, there, SECTOR);
    else
        memcpy(there, spare, SECTOR);
}

void chip_settle_banks(enum reset_reason reason)
{
    (void)reason; /* nothing here resets */
    if (option[0] != ORDER)
        return;
    for (; option[1] < STEPS; option[1]++) {
        exchange_step(option[1]);
        if (BOARD_ERASE_US > 0)
            clock_wait_us(BOARD_ERASE_US / 2u);
    }
    option[0] = NO_ORDER;
}

otter_status chip_swap_banks(void *ctx)
{
    const enum reset_reason *reason = ctx;
    option[1] = 0;
    option[0] = ORDER;
    system_reset(*reason);
}
