/* Reset, watchdog, stack and the record that survives a reset. */
#ifndef OTTER_CORTEX_M_SYSTEM_H
#define OTTER_CORTEX_M_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "port/handover.h"
#include "port/status.h"

/* Reads and forgets why the board restarted; called once, by the bootloader. */
enum reset_reason system_take_reset_reason(void);

/* Notes the reason for system_take_reset_reason, for resets that are not system_reset's. */
void system_note_reset(enum reset_reason reason);
/* Notes it and restarts the board. */
_Noreturn void system_reset(enum reset_reason reason);
/* The bootloader asks before each reset of its own: false when it has asked BOOT_RESETS_MAX times
 * and no image was started since, so that what a reset does not mend is not tried for ever. */
bool system_may_reset(void);
void system_forget_resets(void); /* an image is being started */
#define BOOT_RESETS_MAX 4u

/* What a chip brings: its watchdog, and what its own registers tell of the last reset
 * (RESET_POWER_ON when they tell nothing). Both are used by the bootloader alone. */
void watchdog_start(void);
enum reset_reason chip_reset_reason(void);

/* Chips of boards that swap banks. The first act of the bootloader: finishes an exchange that power
 * or a reset cut, or does what a chip without the feature does not do at a reset. It may reset;
 * `reason` is what the next start is to be told then. */
void chip_settle_banks(enum reset_reason reason);
/* The bootloader's hook: has the banks exchanged by a reset, and does not return if that can be.
 * `ctx` is the enum reset_reason that the next start is to be told. */
otter_status chip_swap_banks(void *ctx);

/* The firmware's first step: clock, entropy, whatever else the chip wants. Interrupts are on. */
void chip_start(void);

/* port_watchdog_feed must be called at least this often once an image has been started. */
#define WATCHDOG_S 60u

/* The bootloader's last act: keeps `handover` for the image's port_handover, starts the watchdog
 * and enters the image whose vector table is at `address`, with the core as after a reset. */
_Noreturn void system_start_image(const struct handover *handover, uint32_t address);

/* Paints the stack; called once, before anything of consequence. */
void system_paint_stack(void);

#endif
