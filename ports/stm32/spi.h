/* An SPI of the STM32U5 and H5 as master: mode 0, bytes, most significant bit first, polled. */
#ifndef OTTER_STM32_SPI_H
#define OTTER_STM32_SPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Turns on the SPI at `base`, whose clock and pins are; clocks at its kernel clock / 2^(mbr + 1).
 */
void spi_start(uint32_t base, unsigned mbr);

/* Clocks `length` bytes, 1 to 65535, both ways. False when the SPI reports an error or does not
 * end, in a time that grows with `length`. */
bool spi_exchange(uint32_t base, const uint8_t *out, uint8_t *in, size_t length);

#ifdef __cplusplus
}
#endif

#endif
