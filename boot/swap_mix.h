/* Inside the bootloader: the new image of a swap in progress, read where its parts are now. */
#ifndef OTTER_BOOT_SWAP_MIX_H
#define OTTER_BOOT_SWAP_MIX_H

#include "boot/swap.h"

/* Verifies the image that the swap at state->position brings in. The status of a swap may be older
 * than what lies in the slots (someone has programmed an image by other means): going on would
 * destroy it. */
otter_status swap_verify_mix(struct boot_state *state);

#endif
