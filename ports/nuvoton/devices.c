/* The flash devices of a board in one world: the chip's, and what lies beside it. */
#include "boards/map.h"
#include "ports/nuvoton/fmc.h"
#include "ports/nuvoton/nuvoton.h"
#include "ports/nuvoton/sd_card.h"
#include "ports/nuvoton/spi_nor.h"

#ifdef BOARD_SD_PINS
static const struct flash_ops second_ops = {
    .read = sd_card_read,
    .program = sd_card_program,
    .erase = sd_card_erase,
    .sector_at = sd_card_sector_at,
};
#elif BOARD_DEVICES > 1
static const struct flash_ops second_ops = {
    .read = spi_nor_read,
    .program = spi_nor_program,
    .erase = spi_nor_erase,
    .sector_at = spi_nor_sector_at,
};
#endif

const struct flash port_flash[] = {
    {.ops = &fmc_ops,
     .size = DEVICE_SIZE(BOARD_DEVICE_0),
     .write_size = DEVICE_WRITE(BOARD_DEVICE_0),
     .erased_value = 0xff},
#if BOARD_DEVICES > 1
    {.ops = &second_ops,
     .size = DEVICE_SIZE(BOARD_DEVICE_1),
     .write_size = DEVICE_WRITE(BOARD_DEVICE_1),
     .erased_value = 0xff},
#endif
};

_Static_assert(DEVICE_SIZE(BOARD_DEVICE_0) == CHIP_APROM_SIZE, "the map has not the chip's flash");
