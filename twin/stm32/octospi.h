/* OCTOSPI2 of the U5 (behind OCTOSPIM's port 2) and OCTOSPI1 of the H5, in indirect mode: one data
 * line each way, and commands of two bytes by eight lines, such as reset a flash that was left
 * there. Polling by hardware, mapped mode, DMA, interrupts, two and four lines and data by eight
 * are not modelled. */
#ifndef OTTER_TWIN_STM32_OCTOSPI_H
#define OTTER_TWIN_STM32_OCTOSPI_H

#include "twin/parts/spi_nor.h"
#include "twin/stm32/stm32.h"

#define STM32_OCTOSPI_FIFO 32u

enum stm32_octospi_pin {
    STM32_NCS,
    STM32_CLK,
    STM32_IO0,
    STM32_IO7 = STM32_IO0 + 7,
    STM32_OCTOSPI_PINS
};

/* The board's flash, and where it is. */
struct stm32_octospi_board {
    struct spi_nor *nor;
    struct stm32_pin pins[STM32_OCTOSPI_PINS];
};

struct stm32_octospi {
    struct stm32_module module;
    const struct stm32_octospi_part *part;
    struct stm32_module *manager; /* OCTOSPIM; NULL on the H5 */
    struct stm32_octospi_board board;
    struct twin_timer clocked; /* the byte under way, or the command with its address */
    uint8_t fifo[STM32_OCTOSPI_FIFO];
    unsigned count;
    uint32_t left;  /* bytes of data that are to pass the pins yet */
    bool head_done; /* command, address and dummies are through */
    bool runs;      /* from the command's first bit to the last of its data */
};

/* Before it, there is no flash: every read is 0xff. */
void stm32_octospi_connect(struct stm32_octospi *octospi, const struct stm32_octospi_board *board);

#endif
