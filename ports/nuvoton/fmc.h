/* The internal flash as a flash device, or as several that are parts of it. */
#ifndef OTTER_NUVOTON_FMC_H
#define OTTER_NUVOTON_FMC_H

#include <stdint.h>

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `ctx`: where the device begins in this flash, as a pointer. */
extern const struct flash_ops fmc_ops;
struct flash_sector fmc_sector_at(void *ctx, uint32_t offset);

/* Word 0, 1 or 2 of the chip's unique number; 0xffffffff when it cannot be read. */
uint32_t flash_unique_id(unsigned word);

/* Two worlds: has the chip take another border between them at its next start. */
void flash_border_write(uint32_t border);

#ifdef __cplusplus
}
#endif

#endif
