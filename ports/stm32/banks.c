/* The exchange of the two banks by the option SWAP_BANK (reference manuals: option bytes, bank
 * swap).
 *
 * Each bank has a bootloader in front, since an exchange changes which of them runs: before one is
 * ordered, what the other bank has is compared with this one, and replaced by it where they differ.
 * A cut in that leaves the banks as they are, and it is done again at the next start.
 *
 * U585: the options are programmed, then loaded by OBL_LAUNCH, which resets. A cut between the two
 * does no harm: the next power-on loads them. A reset of another kind between them does not, and
 * OPTR may show then what is not in force; so each reset that has loaded nothing is followed by a
 * launch. H573: OPTSTART programs them, and the next reset puts them in force. A change that was
 * cut is told by OPSR and must be finished at the next start. Not known: whether OPSR outlives a
 * power-on. If it does not, what the option bytes hold is in force then, and the bootloader goes by
 * that.
 *
 * The resets of this file are counted (system_may_reset): a chip on which one has no effect starts
 * what it can, and says so. */
#include "boards/map.h"
#include "port/flash.h"
#include "port/log.h"
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/system.h"
#include "ports/stm32/flash.h"
#include "ports/stm32/stm32.h"

#define LAUNCH_US 10000u /* a reset comes in less */

static void open_options(void)
{
    flash_open();
#ifdef CHIP_H573
    const bool locked = FLASH_OPTCR & FLASH_OPTLOCK;
#else
    const bool locked = FLASH_CR & FLASH_CR_OPTLOCK;
#endif
    if (locked) {
        FLASH_OPTKEYR = FLASH_OPTKEY_1;
        FLASH_OPTKEYR = FLASH_OPTKEY_2;
    }
}

/* Comes back only when the reset that loads the options does not come, or has come too often. */
static void load_options(enum reset_reason reason);

#ifdef CHIP_H573

static otter_status program_options(void)
{
    open_options();
    const otter_status status = flash_command(&FLASH_OPTCR, FLASH_OPTCR | FLASH_OPTSTART);
    FLASH_OPTCR |= FLASH_OPTLOCK;
    flash_close();
    return status;
}

static void order_load(enum reset_reason reason)
{
    system_reset(reason);
}

void chip_settle_banks(enum reset_reason reason)
{
    const uint32_t cut = FLASH_OP_CODE();
    if (cut == FLASH_OP_OPTIONS || cut == FLASH_OP_KEYS_SWAP) {
        LOG_PLAIN(LOG_LEVEL_WRN, "BOOT", "finishing a change of option bytes that was cut");
        if (program_options() != OTTER_OK)
            LOG_PLAIN(LOG_LEVEL_ERR, "BOOT", "the option bytes are refused");
    }
    if ((FLASH_OPTSR_CUR ^ FLASH_OPTCR) & FLASH_SWAP) {
        LOG_PLAIN(LOG_LEVEL_WRN, "BOOT", "a reset puts the exchange of the banks in force");
        load_options(reason);
    }
    (void)flash_is_swapped();
}

static otter_status order_swap(void)
{
    open_options();
    FLASH_OPTSR_PRG = FLASH_OPTSR_CUR ^ FLASH_SWAP;
    return program_options();
}

#else

static void order_load(enum reset_reason reason)
{
    system_note_reset(reason);
    open_options();
    FLASH_CR = FLASH_CR_OBL;
    clock_wait_us(LAUNCH_US);
    flash_close();
}

void chip_settle_banks(enum reset_reason reason)
{
    if (!chip_has_loaded_options())
        load_options(reason);
    (void)flash_is_swapped();
}

static otter_status order_swap(void)
{
    if (!(FLASH_OPTR & FLASH_OPTR_DUALBANK)) {
        LOG_PLAIN(LOG_LEVEL_ERR, "BOOT", "the option DUALBANK is off: set it to 1");
        return OTTER_E_UNSUPPORTED;
    }
    open_options();
    FLASH_OPTR ^= FLASH_OPTR_SWAP;
    const otter_status status = flash_command(&FLASH_CR, FLASH_CR_OPTSTRT);
    if (status != OTTER_OK)
        FLASH_CR |= FLASH_CR_OPTLOCK;
    return status;
}

#endif

static void load_options(enum reset_reason reason)
{
    if (system_may_reset())
        order_load(reason);
    LOG_PLAIN(LOG_LEVEL_ERR, "BOOT", "resets do not put the option bytes in force");
}

/* ---- the other bank's bootloader ---- */

extern char linker_data_start[], linker_data_end[], linker_data_image[];

static const struct flash_area here = BOARD_AREA(BOARD_BOOT);
static const struct flash_area there = {&port_flash[0], AREA_OFFSET(BOARD_BOOT) + FLASH_BANK_SIZE,
                                        AREA_SIZE(BOARD_BOOT)};

/* Whole units that this program takes. */
static uint32_t own_size(void)
{
    const uint32_t end =
        (uint32_t)(uintptr_t)linker_data_image + (uint32_t)(linker_data_end - linker_data_start);
    return (end - AREA_ADDRESS(BOARD_BOOT) + FLASH_UNIT - 1u) / FLASH_UNIT * FLASH_UNIT;
}

#define PART 64u

static otter_status copy_or_compare(uint32_t offset, uint32_t end, bool copy)
{
    otter_status status = OTTER_OK;
    for (; offset < end && status == OTTER_OK; offset += PART) {
        uint8_t part[PART];
        const uint32_t length = end - offset < PART ? end - offset : PART;
        status = flash_read(&here, offset, part, length);
        if (status == OTTER_OK)
            status = copy ? flash_program(&there, offset, part, length)
                          : flash_compare(&there, offset, part, length);
    }
    return status;
}

static otter_status mirror_bootloader(void)
{
    const uint32_t size = own_size();
    otter_status status = OTTER_OK;
    for (uint32_t sector = 0; sector < size && status == OTTER_OK; sector += FLASH_SECTOR) {
        const uint32_t left = size - sector;
        const uint32_t end = sector + (left < FLASH_SECTOR ? left : FLASH_SECTOR);
        if (copy_or_compare(sector, end, false) == OTTER_OK)
            continue;
        LOG_PLAIN(LOG_LEVEL_INF, "BOOT", "this bootloader goes to the other bank");
        status = flash_erase(&there, sector, FLASH_SECTOR);
        if (status == OTTER_OK)
            status = copy_or_compare(sector, end, true);
        if (status == OTTER_OK)
            status = copy_or_compare(sector, end, false);
    }
    return status;
}

otter_status chip_swap_banks(void *ctx)
{
    const enum reset_reason *reason = ctx;
    if (!system_may_reset()) {
        LOG_PLAIN(LOG_LEVEL_ERR, "BOOT", "the banks do not change places at a reset");
        return OTTER_E_UNSUPPORTED;
    }
    otter_status status = mirror_bootloader();
    if (status != OTTER_OK) {
        LOG_PLAIN(LOG_LEVEL_ERR, "BOOT", "the other bank takes no bootloader");
        return status;
    }
    const uint32_t primask = irq_save();
    status = order_swap();
    if (status == OTTER_OK)
        order_load(*reason);
    flash_close();
    irq_restore(primask);
    LOG_PLAIN(LOG_LEVEL_ERR, "BOOT", "the option bytes are refused");
    return OTTER_E_FLASH;
}
