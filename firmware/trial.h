/* The deadline of a firmware on trial, below the update agent: who does not confirm in time makes
 * way, whether its agent ran, hung, or could not start because a setting was missing or wrong. */
#ifndef OTTER_FIRMWARE_TRIAL_H
#define OTTER_FIRMWARE_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "port/flash.h"
#include "port/port.h"

#ifdef __cplusplus
extern "C" {
#endif

struct trial {
    const struct flash_area *primary;
    const struct flash_area *partner; /* primary slot of an image tried with it or alone; or NULL */
    uint32_t max_align;
    otter_ms deadline; /* OTTER_NEVER: not on trial, or over */
};

/* Reads from the trailers of the slots that run whether this is a trial. */
void trial_start(struct trial *trial, const struct flash_area *primary,
                 const struct flash_area *partner, uint32_t max_align, uint32_t limit_ms,
                 otter_ms now);

/* True when the time is up and the firmware is still not confirmed: restart, and the bootloader
 * brings the old one back. */
bool trial_expired(struct trial *trial, otter_ms now);

#ifdef __cplusplus
}
#endif

#endif
