/* Factory programming of a board without silicon: makes its flash file. */
#ifndef OTTER_TOOL_FLASH_IMAGE_H
#define OTTER_TOOL_FLASH_IMAGE_H

#include "tool/board_map.h"
#include "tool/failure.h"

/* Writes a flash file of the board's size at `path`, if the images are whole and signed: erased,
 * the signed image file in the primary slot, that of the secure program in its own (NULL: none),
 * and a fresh entropy seed from the system's random generator where the board has no such source of
 * its own (ports/mps2-an505/random.h). An existing file is replaced only when the new one is
 * complete. */
otter_status flash_image_make(const struct board_map *board, const char *path,
                              const char *signed_image, const char *signed_secure,
                              struct failure *failure);

#endif
