/* The update slots behind PSA Firmware Update, for a firmware that may neither read nor write slots
 * nor see trailers: secure/update.h's implementation, or a board's own (TF-M), since nothing is
 * called but that specification's functions. In place of image/trailer.c, services/ota/verify.c and
 * of a flash driver: the update agent stays as it is.
 *
 *   trailer_prepare(secondary)   to READY whatever was, then start
 *   program                      write
 *   erase                        nothing: start did, or write does
 *   read                         OTTER_E_UNSUPPORTED
 *   ota_verify_step              finish; then the code signature over the digest of the file
 *   trailer_request(secondary)   finish if that is still to do, install
 *   trailer_confirm(primary)     accept
 *   trailer_read                 query: on trial, or requested
 *
 * Of which component a slot is, the board's map says: `board` and `board_secure`. The agent's image
 * 0 is the firmware; the secure program, if there is one on the map, its partner.
 *
 * The digest is what query says of a CANDIDATE; from an implementation that says none, that of the
 * blocks as they came, which must have come in their order (a window of 1). An implementation may
 * forget in a reset what was written: the download then begins anew (OTTER_E_NO_SPACE). One that
 * does not goes on where it was; where it does not take again what a cut tore, or has no digest,
 * that begins anew too. A trial that fails ends in a reset without accept.
 *
 * Link room_secure_slot before room_image and room_ota. The secondary slots lie on one flash
 * device, whose driver calls these; its `write_size` is 1 where the digest is over what was
 * written, since what fills up a unit would be hashed too. Its sectors are what is written again
 * after a fault: secure/update.h's are those of the flash, of another implementation blocks of the
 * download. */
#ifndef OTTER_SECURE_SLOT_H
#define OTTER_SECURE_SLOT_H

#include "image/image.h"
#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

otter_status secure_slot_read(void *ctx, uint32_t offset, void *data, uint32_t length);
otter_status secure_slot_program(void *ctx, uint32_t offset, const void *data, uint32_t length);
otter_status secure_slot_erase(void *ctx, uint32_t offset);

/* Of the secure program that runs: struct ota_partner. */
struct image_version secure_slot_version(void);

/* Forgets what is known of the slot in RAM, as a reset does: for programs that outlive one. */
void secure_slot_forget(void);

#ifdef __cplusplus
}
#endif

#endif
