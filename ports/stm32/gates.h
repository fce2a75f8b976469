/* Gates of this port between the worlds, beside those of secure/gate.h: the firmware's settings and
 * journal lie in flash that is the secure world's, as is the controller that programs it and the
 * cache that must not hold what has changed; and a torn unit raises the NMI, which is taken there,
 * too. So the firmware reads, programs and erases them here. */
#ifndef OTTER_STM32_GATES_H
#define OTTER_STM32_GATES_H

#include <stdint.h>

#include "ports/stm32/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

enum gate_flash_action { GATE_FLASH_READ, GATE_FLASH_PROGRAM, GATE_FLASH_ERASE };

struct gate_flash {
    uint32_t offset; /* in the flash device of the firmware's own areas */
    uint32_t length;
    void *data; /* of the non-secure world */
};

/* An otter_status; OTTER_E_BOUNDS outside of the areas, OTTER_E_ARGUMENT for memory that is not the
 * caller's, OTTER_E_STATE from an interrupt while another gate is under way. */
int32_t gate_flash(uint32_t action, const struct gate_flash *call);

/* Where the secure world puts what the console's UART receives while flash is busy. An
 * otter_status. */
int32_t gate_keep(struct uart_kept *kept);

#ifdef __cplusplus
}
#endif

#endif
