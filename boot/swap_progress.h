/* Inside the bootloader: how far a swap has come, and its way there and back. */
#ifndef OTTER_BOOT_SWAP_PROGRESS_H
#define OTTER_BOOT_SWAP_PROGRESS_H

#include "boot/swap.h"

#ifdef __cplusplus
extern "C" {
#endif

enum swap_course {
    SWAP_GOES_ON,   /* from state->position */
    SWAP_GOES_BACK, /* the same, but what it was to bring in is not whole any more */
    SWAP_IS_STALE   /* the status does not belong to what lies in the slots */
};

/* Finds the position of a swap that was noted, from its records and from the data. The status of a
 * swap may also be older than what lies in the slots (someone has programmed an image by other
 * means): going on would destroy it. */
enum swap_course swap_locate(struct boot_state *state);

/* From state->position to the end. On an error state->position tells how far it came. */
otter_status swap_advance(struct boot_state *state);
/* From state->position to the beginning: the outgoing image is whole in the primary again. Nothing
 * is done for the image that was to come in. */
otter_status swap_retreat(struct boot_state *state);

#ifdef __cplusplus
}
#endif

#endif
