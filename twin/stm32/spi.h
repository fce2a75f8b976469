/* SPI of the U5 and the H5 as a master of 8 bits with a known number of them (TSIZE). Interrupts,
 * DMA, other frame sizes, half duplex, CRC and slave mode are not modelled. */
#ifndef OTTER_TWIN_STM32_SPI_H
#define OTTER_TWIN_STM32_SPI_H

#include "twin/stm32/stm32.h"

#define STM32_SPI_FIFO_MAX 16u

/* What sits at the other end, in SPI mode 0: eight clocks at this rate. */
struct stm32_spi_slave {
    void *ctx;
    uint8_t (*exchange)(void *ctx, uint8_t out, uint32_t hz);
};

enum stm32_spi_pin { STM32_SCK, STM32_MISO, STM32_MOSI, STM32_SPI_PINS };

struct stm32_spi {
    struct stm32_module module;
    const struct stm32_spi_part *part;
    struct stm32_spi_slave slave; /* all NULL: nothing there, MISO is high */
    struct stm32_pin pins[STM32_SPI_PINS];
    struct twin_timer shifted;
    uint8_t tx[STM32_SPI_FIFO_MAX], rx[STM32_SPI_FIFO_MAX];
    unsigned tx_count, rx_count;
    uint32_t submitted, left; /* frames of TSIZE */
    bool runs;                /* CSTART */
    bool suspends;
};

/* What the board has there. */
void stm32_spi_connect(struct stm32_spi *spi, const struct stm32_spi_slave *slave,
                       const struct stm32_pin pins[STM32_SPI_PINS]);

#endif
