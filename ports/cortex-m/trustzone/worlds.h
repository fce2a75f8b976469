/* The two worlds of an Armv8-M with TrustZone, as the secure program sets them up. What a chip
 * brings is at the end. */
#ifndef OTTER_CORTEX_M_WORLDS_H
#define OTTER_CORTEX_M_WORLDS_H

#include <stdbool.h>
#include <stdint.h>

#include "port/handover.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Starts the services of the partition: randomness, store; see secure/secure.h. */
void worlds_start(void);

/* The secure program's last act: divides the chip, keeps `handover` for the firmware, starts the
 * watchdog and enters the program whose vector table is at `address`, in the other world. */
_Noreturn void worlds_enter(const struct handover *handover, uint32_t address);

/* What is not secure, in steps of 32 bytes. All else is. */
struct worlds_region {
    uint32_t first;
    uint32_t end; /* behind the last byte */
    bool gates;   /* secure, but its gates may be called */
};

/* The chip's regions, at most 8. Where the chip has protection of its own for such an address, it
 * must say the same: gates ask the processor alone. */
extern const struct worlds_region chip_regions[];
extern const unsigned chip_region_count;

/* Gives memory, peripherals and interrupts to the non-secure world. The last step of the secure
 * program's start; peripherals that were given away do not answer at their secure address. */
void chip_divide(void);

/* Where the non-secure program's RAM begins, with the record that it finds there. */
extern const uint32_t chip_nonsecure_ram;

/* Randomness. */
void chip_start(void);

#ifdef __cplusplus
}
#endif

#endif
