/* Inside the bootloader: the trial of an image that is started where it was written, without a
 * copy. Each slot speaks for itself through its own trailer (docs/formats.md 4.5):
 *
 *   magic good, copy_done unset      asked for; copy_done is set when it is started first
 *   copy_done set, image_ok unset    was started and not confirmed: it failed
 *   image_ok set, even torn          confirmed, or wanted for good
 *   anything else                    nobody asked for it */
#ifndef OTTER_BOOT_TRIAL_H
#define OTTER_BOOT_TRIAL_H

#include "boot/mode.h"

#ifdef __cplusplus
extern "C" {
#endif

enum trial { TRIAL_FAILED, TRIAL_UNASKED, TRIAL_CONFIRMED, TRIAL_ASKED };

enum trial trial_of(const struct trailer *trailer);
/* What a request asks for: SWAP_TEST or SWAP_PERM. */
enum swap_type trial_type(const struct trailer *trailer);
/* The image in the slot is about to be started: sets copy_done if it was asked for, as state->type
 * says (a torn copy_done may read differently now), or the slot itself where the type is another.
 * An error if that cannot be noted and the image is on trial: then it could never be taken back. (A
 * torn copy_done may read as unset, and write-once flash refuses it.) */
otter_status trial_begin(const struct boot_state *state, const struct flash_area *slot);
/* Where images must end: before the fields of the smaller slot's trailer. */
uint32_t trial_limit(const struct boot_state *state);

#ifdef __cplusplus
}
#endif

#endif
