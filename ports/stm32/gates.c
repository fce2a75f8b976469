/* The secure side of the port's gates; see gates.h. What comes from the other world is not
 * believed, as in secure/gates.c, whose flag says that a call is under way. */
#include "ports/stm32/gates.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <arm_cmse.h>

#include "boards/map.h"
#include "port/flash.h"
#include "secure/gate_side.h"

#define GATE __attribute__((cmse_nonsecure_entry))

/* From the firmware's store to the end of its device; the journal is in there. */
#define OWN_DEVICE AREA_DEVICE(BOARD_STORE)
#define OWN_START  AREA_OFFSET(BOARD_STORE)
static const struct flash_area own = {&port_flash[OWN_DEVICE], OWN_START,
                                      BOARD_OF_DEVICE(DEVICE_SIZE, OWN_DEVICE) - OWN_START};
_Static_assert(
    AREA_DEVICE(BOARD_PRIMARY) == OWN_DEVICE && AREA_DEVICE(BOARD_PROGRESS) == OWN_DEVICE &&
        AREA_END(BOARD_PRIMARY) <= OWN_START && AREA_OFFSET(BOARD_PROGRESS) >= OWN_START,
    "BOARD_STORE: behind the slot on its device, and what is behind it the firmware's own");

static otter_status read(const struct gate_flash *call)
{
    if (!gate_may_write(call->data, call->length))
        return OTTER_E_ARGUMENT;
    return flash_read(&own, call->offset - OWN_START, call->data, call->length);
}

/* The data are copied unit by unit on their way (flash.c). */
static otter_status program(const struct gate_flash *call)
{
    if (!gate_may_read(call->data, call->length))
        return OTTER_E_ARGUMENT;
    return flash_program(&own, call->offset - OWN_START, call->data, call->length);
}

static int32_t act(uint32_t action, const struct gate_flash *from)
{
    struct gate_flash call;
    if (!gate_may_read(from, sizeof call))
        return OTTER_E_ARGUMENT;
    memcpy(&call, from, sizeof call);
    switch (action) {
    case GATE_FLASH_READ:
        return read(&call);
    case GATE_FLASH_PROGRAM:
        return program(&call);
    case GATE_FLASH_ERASE:
        return flash_erase(&own, call.offset - OWN_START, call.length);
    default:
        return OTTER_E_ARGUMENT;
    }
}

GATE int32_t gate_flash(uint32_t action, const struct gate_flash *call)
{
    return gate_enter() ? gate_leave(act(action, call)) : OTTER_E_STATE;
}

GATE int32_t gate_keep(struct uart_kept *kept)
{
    if (!gate_may_write(kept, sizeof *kept) || (uintptr_t)kept % 4u != 0u)
        return OTTER_E_ARGUMENT;
    flash_keep(kept);
    return OTTER_OK;
}
