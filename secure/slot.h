/* The update slot behind PSA Firmware Update, for a firmware that may neither write slots nor see
 * trailers. In place of image/trailer.c and of a flash driver: the update agent stays as it is.
 *
 *   trailer_prepare(secondary)   to READY whatever was, then start
 *   program, erase, read         write, fwu_erase, fwu_read
 *   trailer_request(secondary)   finish, install
 *   trailer_confirm(primary)     accept
 *   trailer_read                 query: on trial, or requested
 *
 * Link room_secure_slot before room_image. The secondary slot lies on a flash device of its own,
 * the first thing on it, whose driver calls these. */
#ifndef OTTER_SECURE_SLOT_H
#define OTTER_SECURE_SLOT_H

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

otter_status secure_slot_read(void *ctx, uint32_t offset, void *data, uint32_t length);
otter_status secure_slot_program(void *ctx, uint32_t offset, const void *data, uint32_t length);
otter_status secure_slot_erase(void *ctx, uint32_t offset);

#ifdef __cplusplus
}
#endif

#endif
