/* The internal flash: 32-bit words by ISP commands, read where it is mapped. While a command works
 * on the bank that the core runs from, the core waits for it; from the other bank it goes on, and
 * interrupts are served (Technical Reference Manual, flash memory controller).
 *
 * What the manual leaves open: whether a word may be programmed twice. It is not; a unit that is
 * not erased is refused here. */
#include <string.h>

#include "boards/map.h"
#include "port/flash.h"
#include "ports/nuvoton/nuvoton.h"
#include "ports/nuvoton/sd_card.h"
#include "ports/nuvoton/spi_nor.h"

/* The longest command takes tens of milliseconds; who asks this often, at least a second, has a
 * dead controller. */
#define POLL_MAX (CHIP_HZ / 8u)

/* ISPSTS.ISPBUSY mirrors it. */
static bool is_busy(void)
{
    return FMC_ISPTRG & 1u;
}

__attribute__((noinline)) static otter_status wait_idle(void)
{
    for (unsigned i = 0; i < POLL_MAX; i++)
        if (!is_busy())
            return OTTER_OK;
    return OTTER_E_FLASH;
}

static otter_status command(uint32_t code, uint32_t address, uint32_t data)
{
    if (wait_idle() != OTTER_OK)
        return OTTER_E_FLASH;
    FMC_ISPCTL |= FMC_FAILED; /* a written 1 clears it */
    FMC_ISPCMD = code;
    FMC_ISPADDR = address;
    FMC_ISPDAT = data;
    FMC_ISPTRG = 1;
    __asm volatile("isb" ::: "memory");
    if (wait_idle() != OTTER_OK || (FMC_ISPCTL & FMC_FAILED))
        return OTTER_E_FLASH;
    return OTTER_OK;
}

static void open_flash(void)
{
    CLK_AHBCLK |= CLK_AHB_ISP;
    FMC_ISPCTL |= FMC_ENABLE | FMC_UPDATE;
}

static void close_flash(void)
{
    FMC_ISPCTL &= ~FMC_UPDATE;
}

uint32_t flash_unique_id(unsigned word)
{
    open_flash();
    const otter_status status = command(FMC_READ_ID, 4u * word, 0);
    const uint32_t id = FMC_ISPDAT;
    close_flash();
    return status == OTTER_OK ? id : 0xffffffffu;
}

static otter_status fmc_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    memcpy(data, (const void *)(uintptr_t)offset, length); /* APROM is mapped at 0 */
    return OTTER_OK;
}

static otter_status fmc_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    for (uint32_t i = 0; i < length; i += sizeof(uint32_t))
        if (REG32(offset + i) != 0xffffffffu)
            return OTTER_E_FLASH;
    otter_status status = OTTER_OK;
    open_flash();
    for (uint32_t i = 0; i < length && status == OTTER_OK; i += sizeof(uint32_t)) {
        uint32_t word;
        memcpy(&word, (const uint8_t *)data + i, sizeof word);
        if (word != 0xffffffffu)
            status = command(FMC_PROGRAM, offset + i, word);
        if (status == OTTER_OK && (FMC_ISPSTS & FMC_DIFFERS || REG32(offset + i) != word))
            status = OTTER_E_FLASH;
    }
    close_flash();
    return status;
}

static otter_status fmc_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    open_flash();
    const otter_status status = command(FMC_ERASE, offset, 0);
    close_flash();
    return status;
}

static struct flash_sector fmc_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % CHIP_PAGE_SIZE, CHIP_PAGE_SIZE};
}

static const struct flash_ops ops = {
    .read = fmc_read,
    .program = fmc_program,
    .erase = fmc_erase,
    .sector_at = fmc_sector_at,
};

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
    {.ops = &ops,
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
_Static_assert(DEVICE_SECTOR_1(BOARD_DEVICE_0) == CHIP_PAGE_SIZE,
               "the map has not the chip's pages");
_Static_assert(DEVICE_WRITE(BOARD_DEVICE_0) == 4, "this flash is programmed by words");
