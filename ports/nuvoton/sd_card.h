/* The board's second flash device: an SD card. As flash_ops of port/flash.h want it; OTTER_E_IO
 * when no card answers. */
#ifndef OTTER_NUVOTON_SD_CARD_H
#define OTTER_NUVOTON_SD_CARD_H

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

otter_status sd_card_read(void *ctx, uint32_t offset, void *data, uint32_t length);
otter_status sd_card_program(void *ctx, uint32_t offset, const void *data, uint32_t length);
otter_status sd_card_erase(void *ctx, uint32_t offset);
struct flash_sector sd_card_sector_at(void *ctx, uint32_t offset);

#ifdef __cplusplus
}
#endif

#endif
