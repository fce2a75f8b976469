/* FLASH of the STM32H573: registers, write buffer and option bytes.
 *
 * A change of option bytes takes effect at the next reset, as a whole. After one that was cut, OPSR
 * says so at each reset, the options are the old ones, and the registers to be programmed hold the
 * new ones: OPTCR.OPTSTART then finishes it. */
#include "twin/stm32/stm32.h"

#include <string.h>

#define ACR     0x000u
#define NSKEYR  0x004u
#define OPTKEYR 0x00cu
#define OPSR    0x018u
#define OPTCR   0x01cu
#define NSSR    0x020u
#define NSCR    0x028u
#define NSCCR   0x030u
#define OPTSR   0x054u /* to be programmed; what is in force lies 4 below */
#define OPTSR2  0x074u
#define NSBOOTR 0x084u
#define WRP1R   0x0ecu
#define WRP2R   0x1ecu
#define ECCDETR 0x104u
#define ECCDR   0x108u

#define BSY     (1u << 0)
#define WBNE    (1u << 1)
#define EOP     (1u << 16)
#define WRPERR  (1u << 17)
#define PGSERR  (1u << 18)
#define STRBERR (1u << 19)
#define INCERR  (1u << 20)
#define ERRORS  0x00fe0000u

#define LOCK  (1u << 0)
#define PG    (1u << 1)
#define SER   (1u << 2)
#define BER   (1u << 3)
#define FW    (1u << 4)
#define START (1u << 5)
#define MER   (1u << 15)
#define BKSEL (1u << 31)

#define OPTLOCK   (1u << 0)
#define OPTSTART  (1u << 1)
#define SWAP_BANK (1u << 31)

#define SRAM1_3_RST (1u << 2)
#define SRAM2_RST   (1u << 3)
/* What a program may change without this model's knowing what follows. */
#define OPTSR_FREE  (SWAP_BANK | 0x003000dfu)
#define OPTSR2_FREE 0x0000017cu

#define ECCD (1u << 31)

static const struct reg regs[] = {
    {"ACR", ACR, 0x0000013f, 0, 0x00000013, 0, 0},
    {"NSKEYR", NSKEYR, 0, 0, 0, 0, 0},
    {"OPTKEYR", OPTKEYR, 0, 0, 0, 0, 0},
    {"OPSR", OPSR, 0, 0, 0, 0, 0},
    {"OPTCR", OPTCR, OPTSTART, 0, 0, 0, 0},
    {"NSSR", NSSR, 0, 0, 0, 0, 0},
    {"NSCR", NSCR, 0x80ff9fce, 0, 0, 0, 0},
    {"NSCCR", NSCCR, 0, 0, 0, 0, 0},
    {"OPTSR_CUR", OPTSR - 4, 0, 0, 0, 0, 0},
    {"OPTSR_PRG", OPTSR, 0xffffffff, 0, 0, 0, 0},
    {"OPTSR2_CUR", OPTSR2 - 4, 0, 0, 0, 0, 0},
    {"OPTSR2_PRG", OPTSR2, 0xffffffff, 0, 0, 0, 0},
    {"NSBOOTR_CUR", NSBOOTR - 4, 0, 0, 0, 0, 0},
    {"NSBOOTR_PRG", NSBOOTR, 0xffffffff, 0, 0, 0, 0},
    {"WRP1R_CUR", WRP1R - 4, 0, 0, 0, 0, 0},
    {"WRP1R_PRG", WRP1R, 0xffffffff, 0, 0, 0, 0},
    {"ECCCORR", 0x100, 1u << 25, 1u << 30, 0, 0, 0},
    {"ECCDETR", ECCDETR, 0, ECCD, 0, 0, 0},
    {"ECCDR", ECCDR, 0, 0, 0, 0, 0},
    {"WRP2R_CUR", WRP2R - 4, 0, 0, 0, 0, 0},
    {"WRP2R_PRG", WRP2R, 0xffffffff, 0, 0, 0, 0},
};

/* Where the options lie, in the order of stm32_kept. */
static const uint16_t options[] = {OPTSR, OPTSR2, NSBOOTR, WRP1R, WRP2R};
#define OPTION_COUNT (sizeof options / sizeof *options)

static uint32_t *reg_of(struct stm32 *soc, uint32_t offset)
{
    return device_reg(&soc->flash.module.device, offset);
}

static void update(struct stm32 *soc)
{
    /* The interrupt enables of NSCR lie where NSSR has the flags. */
    twin_irq(soc->twin, 6, *reg_of(soc, NSSR) & *reg_of(soc, NSCR) & (ERRORS | EOP));
}

static void flag(struct stm32 *soc, uint32_t bit)
{
    *reg_of(soc, NSSR) |= bit;
    soc->flash.filled = 0;
    update(soc);
}

/* ---- operations ---- */

/* A bit for 4 sectors; 0 protects. */
static bool is_protected(struct stm32 *soc, uint32_t offset)
{
    const uint32_t groups = *reg_of(soc, offset < STM32_BANK ? WRP1R - 4 : WRP2R - 4);
    return !(groups >> (offset % STM32_BANK / (4u * STM32_PAGE)) & 1u);
}

static bool any_is_protected(struct stm32 *soc, uint32_t start, uint32_t size)
{
    for (uint32_t at = start; at < start + size; at += STM32_PAGE)
        if (is_protected(soc, at))
            return true;
    return false;
}

static void start_erase(struct stm32 *soc)
{
    const uint32_t control = *reg_of(soc, NSCR), what = control & (PG | SER | BER | MER);
    enum stm32_operation operation = STM32_ERASE_BANK;
    uint32_t start = control & BKSEL ? STM32_BANK : 0, size = STM32_BANK;
    if (what == SER) {
        operation = STM32_ERASE;
        start += (control >> 6 & 0x7fu) * STM32_PAGE;
        size = STM32_PAGE;
    } else if (what == MER) {
        operation = STM32_ERASE_ALL;
        start = 0;
        size = 2u * STM32_BANK;
    }
    if ((what != SER && what != BER && what != MER) || *reg_of(soc, NSSR) & ERRORS)
        flag(soc, PGSERR);
    else if (any_is_protected(soc, start, size))
        flag(soc, WRPERR);
    else
        stm32_flash_begin(soc, operation, start, size);
}

static void start_change(struct stm32 *soc)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        soc->flash.kept->wanted[i] = *reg_of(soc, options[i]);
    stm32_flash_begin(soc, STM32_OPTION_CHANGE, 0, 0);
}

static void done(struct stm32 *soc, enum stm32_operation operation)
{
    if (operation == STM32_OPTION_CHANGE)
        *reg_of(soc, OPTCR) &= ~OPTSTART;
    *reg_of(soc, NSSR) |= EOP;
    update(soc);
}

/* Bits only go from 1 to 0, and no flag tells of a slot that was written before: its ECC fits only
 * what all 0 or the same once more leave. */
static void program(struct stm32 *soc)
{
    struct stm32_flash *flash = &soc->flash;
    const uint8_t *held = flash->cells.bytes + flash->slot;
    flash->filled = 0;
    if (is_protected(soc, flash->slot)) {
        flag(soc, WRPERR);
        return;
    }
    flash->fits = stm32_slot_is_erased(soc, flash->slot) || stm32_buffer_is_zero(soc) ||
                  memcmp(held, flash->buffer, STM32_SLOT) == 0;
    for (unsigned i = 0; i < STM32_SLOT; i++)
        flash->data[i] = held[i] & flash->buffer[i];
    stm32_flash_begin(soc, STM32_PROGRAM, flash->slot, STM32_SLOT);
}

static void store(struct stm32 *soc, uint32_t offset, unsigned size, uint32_t value)
{
    struct stm32_flash *flash = &soc->flash;
    if (!flash->lock.open || (*reg_of(soc, NSCR) & (PG | SER | BER | MER)) != PG ||
        *reg_of(soc, NSSR) & ERRORS) {
        flag(soc, PGSERR);
        return;
    }
    if (flash->filled == 0)
        flash->slot = offset & ~(STM32_SLOT - 1u);
    const uint32_t at = offset - flash->slot;
    if (at >= STM32_SLOT) {
        flag(soc, INCERR);
    } else if (at < flash->filled) {
        flag(soc, STRBERR);
    } else if (at > flash->filled) {
        twin_fault(soc->twin,
                   "the program writes byte %u of a slot of flash, not byte %u: they "
                   "come in their order",
                   at, flash->filled);
    } else {
        memcpy(flash->buffer + at, &value, size);
        flash->filled += size;
        if (flash->filled == STM32_SLOT)
            program(soc);
    }
}

static bool double_error(struct stm32 *soc, uint32_t offset)
{
    uint32_t *errors = reg_of(soc, ECCDETR);
    const bool masked = stm32_ecc_nmi_is_masked(soc);
    if (*errors & ECCD && !masked && !soc->flash.late_nmi)
        twin_fault(soc->twin, "a slot with a double ECC error is read while ECCDETR.ECCD of the "
                              "last one is still 1: its NMI would come without end");
    if (!(*errors & ECCD)) {
        *errors = ECCD | offset % STM32_BANK / STM32_SLOT | (offset < STM32_BANK ? 0 : 1u << 22);
        *reg_of(soc, ECCDR) = soc->flash.cells.bytes[offset];
    }
    return !masked;
}

static uint32_t code(enum stm32_operation operation, uint32_t offset)
{
    return (uint32_t)operation << 29 | offset % STM32_BANK | (offset < STM32_BANK ? 0 : 1u << 22);
}

/* ---- options ---- */

static void load(struct stm32 *soc, enum twin_reset reset)
{
    struct stm32_kept *kept = soc->flash.kept;
    const bool unfinished = kept->operation >> 29 == STM32_OPTION_CHANGE;
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        *reg_of(soc, options[i] - 4u) = kept->options[i];
        *reg_of(soc, options[i]) = unfinished ? kept->wanted[i] : kept->options[i];
    }
    const bool swapped = soc->flash.stuck ? soc->flash.swapped : kept->options[0] & SWAP_BANK;
    stm32_flash_map(soc, swapped, kept->options[2] & ~0xffu);
    if (reset != TWIN_RESET_POWER)
        stm32_clear_ram(soc, (kept->options[1] & SRAM1_3_RST ? 0 : 5u) |
                                 (kept->options[1] & SRAM2_RST ? 0 : 2u));
}

static void report(struct stm32 *soc)
{
    struct stm32_kept *kept = soc->flash.kept;
    *reg_of(soc, OPSR) = kept->operation;
    if (kept->operation >> 29 != STM32_OPTION_CHANGE)
        kept->operation = 0;
}

/* ---- registers ---- */

static uint32_t flash_read(struct device *device, uint32_t offset, uint32_t value)
{
    const struct stm32 *soc = stm32_of(device);
    const struct stm32_flash *flash = &soc->flash;
    if (offset == NSSR)
        return value | (stm32_flash_is_busy(soc) ? BSY : 0) | (flash->filled ? WBNE : 0);
    if (offset == NSCR)
        return value | (flash->lock.open ? 0 : LOCK);
    if (offset == OPTCR)
        return value | (flash->option_lock.open ? 0 : OPTLOCK) | (flash->swapped ? SWAP_BANK : 0);
    return value;
}

static bool options_are_open(struct stm32 *soc, const struct reg *reg, uint32_t value)
{
    const uint32_t changes = *reg_of(soc, reg->offset) ^ value;
    if (!soc->flash.option_lock.open)
        twin_fault(soc->twin, "the program writes FLASH.%s while OPTCR.OPTLOCK is 1", reg->name);
    else if ((reg->offset == OPTSR && changes & ~OPTSR_FREE) ||
             (reg->offset == OPTSR2 && changes & ~OPTSR2_FREE))
        twin_fault(soc->twin,
                   "the program changes FLASH.%s from 0x%08x to 0x%08x: what follows "
                   "from that is not modelled",
                   reg->name, *reg_of(soc, reg->offset), value);
    else
        return true;
    return false;
}

static bool control_is_open(struct stm32 *soc, uint32_t value)
{
    struct stm32_flash *flash = &soc->flash;
    if (!flash->lock.open && value & LOCK)
        return false;
    if (!flash->lock.open)
        twin_fault(soc->twin, "the program writes FLASH.NSCR 0x%08x while it is locked%s", value,
                   flash->lock.dead ? ", by a wrong key until the next reset" : "");
    else if (stm32_flash_is_busy(soc))
        twin_fault(soc->twin, "the program writes FLASH.NSCR while NSSR.BSY is 1");
    else if (flash->filled && !(value & PG))
        twin_fault(soc->twin, "the program clears FLASH.NSCR.PG while NSSR.WBNE is 1");
    else
        return true;
    return false;
}

static bool flash_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    if (reg->writable == 0xffffffffu)
        return options_are_open(soc, reg, value);
    if (reg->offset == NSCR)
        return control_is_open(soc, value);
    if (reg->offset == NSSR) {
        twin_fault(soc->twin, "the program writes FLASH.NSSR, which clears nothing: NSCCR does");
        return false;
    }
    if (reg->offset == OPTCR && value & OPTSTART &&
        (!soc->flash.option_lock.open || stm32_flash_is_busy(soc))) {
        twin_fault(soc->twin, "FLASH.OPTCR.OPTSTART is set while %s",
                   stm32_flash_is_busy(soc) ? "NSSR.BSY is 1" : "OPTLOCK is 1");
        return false;
    }
    return true;
}

static void control(struct stm32 *soc, uint32_t value)
{
    struct stm32_flash *flash = &soc->flash;
    if (value & START)
        start_erase(soc);
    if (value & FW && flash->filled) {
        memset(flash->buffer + flash->filled, 0xff, STM32_SLOT - flash->filled);
        program(soc);
    }
    if (value & LOCK)
        flash->lock.open = false;
}

static void flash_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    struct stm32_flash *flash = &soc->flash;
    (void)old;
    if (offset == NSKEYR)
        stm32_take_key(soc, &flash->lock, "NSKEYR", value, stm32_flash_keys);
    else if (offset == OPTKEYR)
        stm32_take_key(soc, &flash->option_lock, "OPTKEYR", value, stm32_option_keys);
    else if (offset == NSCR)
        control(soc, value);
    else if (offset == NSCCR)
        *device_reg(device, NSSR) &= ~(value & (ERRORS | EOP));
    else if (offset == OPTCR && value & OPTSTART)
        start_change(soc);
    if (offset == OPTCR && value & OPTLOCK)
        flash->option_lock.open = false;
    update(soc);
}

const struct stm32_controller stm32_h5_flash = {
    .regs = regs,
    .reg_count = sizeof regs / sizeof *regs,
    .factory = {0x2d30edf8u, 0xc300007cu, 0x080000c3u, 0xffffffffu, 0xffffffffu},
    .program_takes = 60u * TWIN_US,
    .read = flash_read,
    .write = flash_write,
    .allow = flash_allow,
    .store = store,
    .done = done,
    .double_error = double_error,
    .load = load,
    .report = report,
    .code = code,
};
