/* A serial NOR flash of the W25Q32's class behind any SPI controller: 4 MiB, JEDEC EF 40 16, by one
 * data line. Its contents lie in a file. Commands, times and rules: the W25Q32JV's data sheet; what
 * silicon would ignore (a program without write enable, a command while busy) is a fault here. */
#ifndef OTTER_TWIN_PARTS_SPI_NOR_H
#define OTTER_TWIN_PARTS_SPI_NOR_H

#include "twin/twin.h"

#define SPI_NOR_SIZE 0x400000u

struct spi_nor;

/* The memory is FOLDER/spi-flash.bin; NULL: none, for tests. NULL with a message on stderr. */
struct spi_nor *spi_nor_new(struct twin *twin, const char *folder);
void spi_nor_free(struct spi_nor *nor);

/* The chip select, true for active (low). Programs and erases begin when it ends. */
void spi_nor_select(struct spi_nor *nor, bool selected);
/* The same as a reset of the chip does it, maybe in the middle of a command. */
void spi_nor_drop(struct spi_nor *nor);
/* Eight clocks at this rate: a byte in, a byte out. */
uint8_t spi_nor_exchange(struct spi_nor *nor, uint8_t in, uint32_t hz);

/* What it holds, as an external programmer sees it. */
uint8_t *spi_nor_bytes(struct spi_nor *nor);

#endif
