/* A transformer for tests: run lengths of the difference, byte by byte, between the image that runs
 * and the new one. Little-endian:
 *
 *   4      "DIF1"
 *   4      size of the new image
 *   1      its major version
 *   1      that of the image it is against
 *   3      a run: its length in 2 bytes, then what is to be added to each byte of it; repeated
 *   3 + n  or, with the top bit of the length set, so many new bytes
 *
 * Where the old image has ended, its bytes count as 0. */
#ifndef OTTER_TESTS_SIM_OTA_DIFF_PATCH_H
#define OTTER_TESTS_SIM_OTA_DIFF_PATCH_H

#include "services/ota/staging.h"

extern const struct ota_transform diff_patch;

/* The patch's size. */
uint32_t diff_patch_make(uint8_t *out, uint32_t room, const uint8_t *old, uint32_t old_size,
                         const uint8_t *new, uint32_t new_size);

#endif
