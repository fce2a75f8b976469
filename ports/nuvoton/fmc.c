/* The internal flash: 32-bit words by ISP commands, read where it is mapped. While a command works
 * on the bank that the core runs from, the core waits for it; from the other bank it goes on, and
 * interrupts are served (Technical Reference Manual, flash memory controller).
 *
 * What the manual leaves open: whether a word may be programmed twice. It is not; a unit that is
 * not erased is refused here.
 *
 * In two worlds the map's devices are parts of this flash. What lies above the border is mapped at
 * the non-secure world's addresses only; commands take the others, of either world. */
#include <string.h>

#include "boards/map.h"
#include "ports/nuvoton/fmc.h"
#include "ports/nuvoton/nuvoton.h"

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

static void trigger(uint32_t code, uint32_t address, uint32_t data)
{
    FMC_ISPCTL |= FMC_ENABLE | FMC_UPDATE | FMC_FAILED; /* a written 1 clears the last */
    FMC_ISPCMD = code;
    FMC_ISPADDR = address;
    FMC_ISPDAT = data;
    FMC_ISPTRG = 1;
    __asm volatile("isb" ::: "memory");
}

static otter_status run(uint32_t code, uint32_t address, uint32_t data)
{
    if (wait_idle() != OTTER_OK)
        return OTTER_E_FLASH;
    trigger(code, address, data);
    if (wait_idle() != OTTER_OK || (FMC_ISPCTL & FMC_FAILED))
        return OTTER_E_FLASH;
    return OTTER_OK;
}

/* The other world has a view of these registers: no interrupt of it comes between a command of the
 * secure one and its end. The core waits for flash of its own bank anyway. */
static otter_status command(uint32_t code, uint32_t address, uint32_t data)
{
#ifdef OTTER_SECURE
    const uint32_t primask = irq_save();
    const otter_status status = run(code, address, data);
    irq_restore(primask);
    return status;
#else
    return run(code, address, data);
#endif
}

static void open_flash(void)
{
#ifndef OTTER_NONSECURE /* its clock runs */
    CLK_AHBCLK |= CLK_AHB_ISP;
#endif
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

#ifdef BOARD_NSCBA
/* Where commands have the place, and where the core. */
static uint32_t address_of(void *ctx, uint32_t offset)
{
    return (uint32_t)(uintptr_t)ctx + offset;
}

static uint32_t mapped(uint32_t address)
{
    return address >= BOARD_NSCBA ? address + CHIP_NONSECURE_ALIAS : address;
}

/* As the vendor's start-up code does it: what is blank is not erased, since the register's
 * description counts an erase of that page among what fails. */
void flash_border_write(uint32_t border)
{
    open_flash();
    FMC_ISPCTL |= FMC_UPDATE_CONFIG;
    otter_status status = command(FMC_READ, FMC_NSCBA, 0);
    if (status == OTTER_OK && FMC_ISPDAT != 0xffffffffu)
        status = command(FMC_ERASE, FMC_NSCBA, 0);
    if (status == OTTER_OK)
        (void)command(FMC_PROGRAM, FMC_NSCBA, border);
    FMC_ISPCTL &= ~FMC_UPDATE_CONFIG;
    close_flash();
}
#else /* APROM is mapped at 0 */
static uint32_t address_of(void *ctx, uint32_t offset)
{
    (void)ctx;
    return offset;
}

static uint32_t mapped(uint32_t address)
{
    return address;
}
#endif

static otter_status fmc_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    memcpy(data, (const void *)(uintptr_t)mapped(address_of(ctx, offset)), length);
    return OTTER_OK;
}

static otter_status fmc_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    const uint32_t address = address_of(ctx, offset);
    for (uint32_t i = 0; i < length; i += sizeof(uint32_t))
        if (REG32(mapped(address + i)) != 0xffffffffu)
            return OTTER_E_FLASH;
    otter_status status = OTTER_OK;
    open_flash();
    for (uint32_t i = 0; i < length && status == OTTER_OK; i += sizeof(uint32_t)) {
        uint32_t word;
        memcpy(&word, (const uint8_t *)data + i, sizeof word);
        if (word != 0xffffffffu)
            status = command(FMC_PROGRAM, address + i, word);
        if (status == OTTER_OK && (FMC_ISPSTS & FMC_DIFFERS || REG32(mapped(address + i)) != word))
            status = OTTER_E_FLASH;
    }
    close_flash();
    return status;
}

static otter_status fmc_erase(void *ctx, uint32_t offset)
{
    open_flash();
    const otter_status status = command(FMC_ERASE, address_of(ctx, offset), 0);
    close_flash();
    return status;
}

struct flash_sector fmc_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % CHIP_PAGE_SIZE, CHIP_PAGE_SIZE};
}

const struct flash_ops fmc_ops = {
    .read = fmc_read,
    .program = fmc_program,
    .erase = fmc_erase,
    .sector_at = fmc_sector_at,
};

_Static_assert(DEVICE_SECTOR_1(BOARD_DEVICE_0) == CHIP_PAGE_SIZE,
               "the map has not the chip's pages");
_Static_assert(DEVICE_WRITE(BOARD_DEVICE_0) == 4, "this flash is programmed by words");
