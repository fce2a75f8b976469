/* What the bootloader tells the firmware: a small record that the port carries from one to the
 * other (reserved RAM on a microcontroller, an environment variable on the host). */
#ifndef OTTER_PORT_HANDOVER_H
#define OTTER_PORT_HANDOVER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HANDOVER_MAGIC 0x4f545248u /* "OTRH" */

enum reset_reason { RESET_POWER_ON = 0, RESET_SOFTWARE = 1, RESET_WATCHDOG = 2 };

/* Only direct XIP ever starts the secondary one. */
enum handover_slot { SLOT_PRIMARY = 0, SLOT_SECONDARY = 1 };

struct handover {
    uint32_t magic;
    uint32_t reset_reason; /* enum reset_reason */
    uint32_t swap_type;    /* what this boot did, as in docs/formats.md 2.3; 1: nothing */
    uint32_t boot_ms;      /* time spent in the bootloader */
    uint32_t bytes_copied; /* by a swap in this boot, 0 without one */
    uint32_t slot;         /* enum handover_slot: where the image that was started lies */
};

/* NULL when no bootloader left a record. */
const struct handover *port_handover(void);

#ifdef __cplusplus
}
#endif

#endif
