/* The board's second flash device: an SPI flash at SPIM. As flash_ops of port/flash.h want it;
 * OTTER_E_IO when none answers. */
#ifndef OTTER_NUVOTON_SPI_NOR_H
#define OTTER_NUVOTON_SPI_NOR_H

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

otter_status spi_nor_read(void *ctx, uint32_t offset, void *data, uint32_t length);
otter_status spi_nor_program(void *ctx, uint32_t offset, const void *data, uint32_t length);
otter_status spi_nor_erase(void *ctx, uint32_t offset);
struct flash_sector spi_nor_sector_at(void *ctx, uint32_t offset);

#ifdef __cplusplus
}
#endif

#endif
