/* Reset, watchdog, stack and the record that survives a reset. */
#ifndef OTTER_MPS2_SYSTEM_H
#define OTTER_MPS2_SYSTEM_H

#include <stdint.h>

#include "port/handover.h"

/* Reads and forgets why the board restarted; called once, by the bootloader. */
enum reset_reason system_take_reset_reason(void);

/* Notes the reason for system_take_reset_reason and restarts the board. */
_Noreturn void system_reset(enum reset_reason reason);

/* port_watchdog_feed must be called at least this often once an image has been started. */
#define WATCHDOG_S 60u

/* The bootloader's last act: keeps `handover` for the image's port_handover, starts the watchdog
 * and enters the image whose vector table is at `address`, with the core as after a reset. */
_Noreturn void system_start_image(const struct handover *handover, uint32_t address);

/* Paints the stack; called once, before anything of consequence. */
void system_paint_stack(void);

#endif
