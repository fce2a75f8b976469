/* The flash as a non-secure program has it. Device 1 is what it runs from: its image it reads by
 * itself, its own areas behind it by gates, which do all the rest, too (gates.h). The other two are
 * the secure world's: device 2 begins with the update slot, which is written by secure/slot.h's
 * calls, and device 0 answers nothing. */
#include <string.h>

#include "boards/map.h"
#include "port/flash.h"
#include "ports/stm32/gates.h"
#include "ports/stm32/stm32.h"
#include "secure/slot.h"

#define OWN_START AREA_OFFSET(BOARD_STORE)

static otter_status ask(uint32_t action, uint32_t offset, void *data, uint32_t length)
{
    const struct gate_flash call = {.offset = offset, .length = length, .data = data};
    return (otter_status)gate_flash(action, &call);
}

/* What begins in the image and ends behind it is nobody's. */
static otter_status own_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    if (offset >= OWN_START)
        return ask(GATE_FLASH_READ, offset, data, length);
    if (offset + length > AREA_END(BOARD_PRIMARY) - FLASH_SECTOR)
        return OTTER_E_FLASH;
    memcpy(data, (const void *)(uintptr_t)(DEVICE_BASE(BOARD_DEVICE_1) + offset), length);
    return OTTER_OK;
}

static otter_status own_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    return ask(GATE_FLASH_PROGRAM, offset, (void *)(uintptr_t)data, length);
}

static otter_status own_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    return ask(GATE_FLASH_ERASE, offset, NULL, FLASH_SECTOR);
}

static struct flash_sector sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % FLASH_SECTOR, FLASH_SECTOR};
}

static const struct flash_ops own_ops = {
    .read = own_read, .program = own_program, .erase = own_erase, .sector_at = sector_at};
static const struct flash_ops secure_ops = {.read = secure_slot_read,
                                            .program = secure_slot_program,
                                            .erase = secure_slot_erase,
                                            .sector_at = sector_at};

#define DEVICE(n, of)                                                                              \
    {                                                                                              \
        .ops = &(of), .size = BOARD_OF_DEVICE(DEVICE_SIZE, n), .write_size = FLASH_UNIT,           \
        .erased_value = 0xff                                                                       \
    }
const struct flash port_flash[] = {DEVICE(0, secure_ops), DEVICE(1, own_ops),
                                   DEVICE(2, secure_ops)};

_Static_assert(AREA_DEVICE(BOARD_STORE) == 1 && AREA_DEVICE(BOARD_SECONDARY) == 2,
               "this driver knows what lies on which device");
