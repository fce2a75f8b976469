/* Inside the bootloader: an image of a swap in progress, read where its parts are now. */
#ifndef OTTER_BOOT_SWAP_MIX_H
#define OTTER_BOOT_SWAP_MIX_H

#include "boot/swap.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Verifies the image that the swap at state->position brings in, or takes out. */
otter_status swap_verify_mix(struct boot_state *state, enum swap_side side);

#ifdef __cplusplus
}
#endif

#endif
