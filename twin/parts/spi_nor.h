/* A serial NOR flash behind any SPI controller, by one data line; its contents lie in a file.
 * Commands, times and rules: the parts' data sheets; what silicon would ignore (a program without
 * write enable, a command while busy) is a fault here. */
#ifndef OTTER_TWIN_PARTS_SPI_NOR_H
#define OTTER_TWIN_PARTS_SPI_NOR_H

#include "twin/parts/fault.h"
#include "twin/twin.h"

struct spi_nor;
struct spi_nor_part;

/* 4 MiB, JEDEC EF 40 16, addresses of three bytes. */
extern const struct spi_nor_part spi_nor_w25q32;
/* 64 MiB, JEDEC C2 85 3A, addresses of four bytes. Its file keeps the first 8 MiB, so that it is
 * small; behind them it cannot be used. By CR2 it goes to eight data lines, STR or DTR, and then
 * hears nothing on one any more. */
extern const struct spi_nor_part spi_nor_mx25lm51245g;

#define SPI_NOR_W25Q32_SIZE      0x400000u
#define SPI_NOR_MX25LM51245_KEPT 0x800000u

/* The memory is FOLDER/spi-flash.bin; NULL: none, for tests. NULL with a message on stderr. */
struct spi_nor *spi_nor_new(struct twin *twin, const struct spi_nor_part *part, const char *folder);
void spi_nor_free(struct spi_nor *nor);

/* The chip select, true for active (low). Programs and erases begin when it ends. */
void spi_nor_select(struct spi_nor *nor, bool selected);
/* The same as a reset of the chip does it, maybe in the middle of a command. */
void spi_nor_drop(struct spi_nor *nor);
/* Eight clocks at this rate: a byte in, a byte out. */
uint8_t spi_nor_exchange(struct spi_nor *nor, uint8_t in, uint32_t hz);
/* A command of two bytes by eight data lines, and nothing else: 0x6699 and 0x9966 reset a part that
 * listens to such. */
void spi_nor_octal(struct spi_nor *nor, uint16_t command, bool dtr);

/* From now on it goes wrong; `n` counts its operations from here, from 1 on. */
void spi_nor_spoil(struct spi_nor *nor, enum part_fault fault, unsigned n);

/* What it holds, as an external programmer sees it. */
uint8_t *spi_nor_bytes(struct spi_nor *nor);

#endif
