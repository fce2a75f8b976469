/* FLASH of the STM32U585: registers, write buffer and option bytes.
 *
 * Option bytes are loaded when the power comes and by OBL_LAUNCH. After a reset of another kind the
 * registers show what is programmed, in force or not. After a change that was cut OPSR tells of it
 * and the old options stay (not checked on silicon). */
#include "twin/stm32/stm32.h"

#include <string.h>

#define ACR     0x000u
#define NSKEYR  0x008u
#define OPTKEYR 0x010u
#define NSSR    0x020u
#define NSCR    0x028u
#define ECCR    0x030u
#define OPSR    0x034u
#define OPTR    0x040u

#define EOP     (1u << 0)
#define PROGERR (1u << 3)
#define WRPERR  (1u << 4)
#define PGAERR  (1u << 5)
#define SIZERR  (1u << 6)
#define PGSERR  (1u << 7)
#define ERRORS  0x20fau
#define BSY     (1u << 16)
#define WDW     (1u << 17)

#define PG         (1u << 0)
#define PER        (1u << 1)
#define MER1       (1u << 2)
#define BKER       (1u << 11)
#define BWR        (1u << 14)
#define MER2       (1u << 15)
#define STRT       (1u << 16)
#define OPTSTRT    (1u << 17)
#define EOPIE      (1u << 24)
#define ERRIE      (1u << 25)
#define OBL_LAUNCH (1u << 27)
#define OPTLOCK    (1u << 30)
#define LOCK       (1u << 31)

#define SYSF_ECC (1u << 22)
#define ECCD     (1u << 31)

#define SRAM_RST  (1u << 15)
#define SWAP_BANK (1u << 20)
#define SRAM2_RST (1u << 25)
/* What a program may change without this model's knowing what follows. */
#define OPTR_FREE (SWAP_BANK | SRAM_RST | SRAM2_RST | 7u << 22 | 0x000f0000u | 0x1700u | 0x6000u)

static const struct reg regs[] = {
    {"ACR", ACR, 0x0000790f, 0, 0, 0, 0},
    {"NSKEYR", NSKEYR, 0, 0, 0, 0, 0},
    {"OPTKEYR", OPTKEYR, 0, 0, 0, 0, 0},
    {"NSSR", NSSR, 0, ERRORS | EOP, 0, 0, 0},
    {"NSCR", NSCR, 0x0303cbff, 0, 0, 0, 0},
    {"ECCR", ECCR, 1u << 24, 3u << 30, 0, 0, 0},
    {"OPSR", OPSR, 0, 0, 0, 0, 0},
    {"OPTR", OPTR, 0xffffffff, 0, 0, 0, 0},
    {"NSBOOTADD0R", 0x044, 0xffffff80, 0, 0x7f, 0, 0},
    {"NSBOOTADD1R", 0x048, 0xffffff80, 0, 0x0f, 0, 0},
    {"WRP1AR", 0x058, 0x807f007f, 0, 0, 0, 0},
    {"WRP1BR", 0x05c, 0x807f007f, 0, 0, 0, 0},
    {"WRP2AR", 0x068, 0x807f007f, 0, 0, 0, 0},
    {"WRP2BR", 0x06c, 0x807f007f, 0, 0, 0, 0},
};

/* Where the options lie, in the order of stm32_kept. */
static const uint16_t options[] = {0x040, 0x044, 0x048, 0x058, 0x05c, 0x068, 0x06c};
#define OPTION_COUNT (sizeof options / sizeof *options)

static uint32_t *reg_of(struct stm32 *soc, uint32_t offset)
{
    return device_reg(&soc->flash.module.device, offset);
}

static void update(struct stm32 *soc)
{
    const uint32_t flags = *reg_of(soc, NSSR), control = *reg_of(soc, NSCR);
    twin_irq(soc->twin, 6, (flags & EOP && control & EOPIE) || (flags & ERRORS && control & ERRIE));
}

static void flag(struct stm32 *soc, uint32_t bit)
{
    *reg_of(soc, NSSR) |= bit;
    soc->flash.filled = 0;
    update(soc);
}

/* ---- operations ---- */

/* A page of a bank lies within one of its two protected areas. */
static bool is_protected(struct stm32 *soc, uint32_t offset)
{
    const uint32_t page = offset % STM32_BANK / STM32_PAGE;
    const unsigned first = offset < STM32_BANK ? 3 : 5;
    for (unsigned i = first; i < first + 2; i++) {
        const uint32_t area = soc->flash.loaded[i];
        if (page >= (area & 0x7fu) && page <= (area >> 16 & 0x7fu))
            return true;
    }
    return false;
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
    const uint32_t control = *reg_of(soc, NSCR), what = control & (PG | PER | MER1 | MER2);
    enum stm32_operation operation = STM32_ERASE_BANK;
    uint32_t start = what == MER2 ? STM32_BANK : 0, size = STM32_BANK;
    if (what == PER) {
        operation = STM32_ERASE;
        start = (control & BKER ? STM32_BANK : 0) + (control >> 3 & 0x7fu) * STM32_PAGE;
        size = STM32_PAGE;
    } else if (what == (MER1 | MER2)) {
        operation = STM32_ERASE_ALL;
        size = 2u * STM32_BANK;
    }
    const bool known = what == PER || what == MER1 || what == MER2 || what == (MER1 | MER2);
    if (!known || *reg_of(soc, NSSR) & ERRORS)
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
    (void)operation;
    *reg_of(soc, NSCR) &= ~(STRT | OPTSTRT);
    if (*reg_of(soc, NSCR) & EOPIE)
        *reg_of(soc, NSSR) |= EOP;
    update(soc);
}

static void program(struct stm32 *soc)
{
    struct stm32_flash *flash = &soc->flash;
    flash->filled = 0;
    if (is_protected(soc, flash->slot)) {
        flag(soc, WRPERR);
    } else if (!stm32_slot_is_erased(soc, flash->slot) && !stm32_buffer_is_zero(soc)) {
        flag(soc, PROGERR);
    } else {
        memcpy(flash->data, flash->buffer, STM32_SLOT);
        flash->fits = true;
        stm32_flash_begin(soc, STM32_PROGRAM, flash->slot, STM32_SLOT);
    }
}

static void store(struct stm32 *soc, uint32_t offset, unsigned size, uint32_t value)
{
    struct stm32_flash *flash = &soc->flash;
    const uint32_t control = *reg_of(soc, NSCR);
    if (control & BWR) {
        twin_fault(soc->twin, "FLASH.NSCR.BWR is set: burst programming is not modelled");
        return;
    }
    if (!flash->lock.open || (control & (PG | PER | MER1 | MER2)) != PG ||
        *reg_of(soc, NSSR) & ERRORS) {
        flag(soc, PGSERR);
        return;
    }
    if (size != 4) {
        flag(soc, SIZERR);
        return;
    }
    if (flash->filled == 0)
        flash->slot = offset & ~(STM32_SLOT - 1u);
    if (offset != flash->slot + flash->filled) {
        flag(soc, PGAERR);
        return;
    }
    memcpy(flash->buffer + flash->filled, &value, 4);
    flash->filled += 4;
    if (flash->filled == STM32_SLOT)
        program(soc);
}

static bool double_error(struct stm32 *soc, uint32_t offset)
{
    uint32_t *errors = reg_of(soc, ECCR);
    if (*errors & ECCD && !soc->flash.late_nmi)
        twin_fault(soc->twin, "a slot with a double ECC error is read while ECCR.ECCD of the last "
                              "one is still 1: its NMI would come without end");
    else
        *errors = (*errors & (1u << 24 | 1u << 30)) | ECCD | (offset & (STM32_BANK - STM32_SLOT)) |
                  (offset < STM32_BANK ? 0 : 1u << 21);
    return true;
}

static uint32_t code(enum stm32_operation operation, uint32_t offset)
{
    return (uint32_t)operation << 29 | offset % STM32_BANK | (offset < STM32_BANK ? 0 : 1u << 21);
}

/* ---- options ---- */

static void load(struct stm32 *soc, enum twin_reset reset)
{
    struct stm32_kept *kept = soc->flash.kept;
    struct stm32_flash *flash = &soc->flash;
    const bool loads = reset == TWIN_RESET_POWER || soc->launched;
    if (flash->stuck)
        kept->options[0] = (kept->options[0] & ~SWAP_BANK) | (flash->swapped ? SWAP_BANK : 0);
    if (loads)
        memcpy(flash->loaded, kept->options, sizeof flash->loaded);
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        *reg_of(soc, options[i]) = kept->options[i];
    const uint32_t option = flash->loaded[0];
    stm32_flash_map(soc, option & SWAP_BANK, flash->loaded[1] & ~0x7fu);
    if (reset != TWIN_RESET_POWER)
        stm32_clear_ram(soc, (option & SRAM_RST ? 0 : 0xdu) | (option & SRAM2_RST ? 0 : 2u));
}

static void report(struct stm32 *soc)
{
    *reg_of(soc, OPSR) = soc->flash.kept->operation;
    soc->flash.kept->operation = 0;
}

/* ---- registers ---- */

static uint32_t flash_read(struct device *device, uint32_t offset, uint32_t value)
{
    const struct stm32 *soc = stm32_of(device);
    const struct stm32_flash *flash = &soc->flash;
    if (offset == NSSR)
        return value | (stm32_flash_is_busy(soc) ? BSY : 0) | (flash->filled ? WDW : 0);
    if (offset == NSCR)
        return value | (flash->lock.open ? 0 : LOCK) | (flash->option_lock.open ? 0 : OPTLOCK);
    return value;
}

static bool control_is_open(struct stm32 *soc, uint32_t value)
{
    if (soc->flash.lock.open)
        return true;
    if (!(value & LOCK))
        twin_fault(soc->twin, "the program writes FLASH.NSCR 0x%08x while it is locked%s", value,
                   soc->flash.lock.dead ? ", by a wrong key until the next reset" : "");
    return false;
}

static bool flash_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    struct stm32_flash *flash = &soc->flash;
    if (reg->offset >= OPTR && !flash->option_lock.open) {
        twin_fault(soc->twin, "the program writes FLASH.%s while NSCR.OPTLOCK is 1", reg->name);
        return false;
    }
    if (reg->offset == OPTR && (*device_reg(device, OPTR) ^ value) & ~OPTR_FREE) {
        twin_fault(soc->twin,
                   "the program changes FLASH.OPTR from 0x%08x to 0x%08x: what follows "
                   "from that is not modelled",
                   *device_reg(device, OPTR), value);
        return false;
    }
    if (reg->offset != NSCR)
        return true;
    if (!control_is_open(soc, value))
        return false;
    if (stm32_flash_is_busy(soc)) {
        twin_fault(soc->twin, "the program writes FLASH.NSCR while NSSR.BSY is 1");
        return false;
    }
    if (flash->filled && !(value & PG)) {
        twin_fault(soc->twin, "the program clears FLASH.NSCR.PG while NSSR.WDW is 1");
        return false;
    }
    return true;
}

static void launch(struct stm32 *soc)
{
    soc->launched = true;
    twin_request_reset(soc->twin, TWIN_RESET_SYSTEM);
}

static void control(struct stm32 *soc, uint32_t value)
{
    struct stm32_flash *flash = &soc->flash;
    if (value & (OPTSTRT | OBL_LAUNCH) && !flash->option_lock.open)
        twin_fault(soc->twin, "FLASH.NSCR.%s is set while OPTLOCK is 1",
                   value & OPTSTRT ? "OPTSTRT" : "OBL_LAUNCH");
    else if (value & OBL_LAUNCH)
        launch(soc);
    else if (value & OPTSTRT)
        start_change(soc);
    else if (value & STRT)
        start_erase(soc);
    if (!stm32_flash_is_busy(soc))
        *reg_of(soc, NSCR) &= ~(STRT | OPTSTRT);
    if (value & OPTLOCK || value & LOCK)
        flash->option_lock.open = false;
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
    else if (offset == OPTKEYR && !flash->lock.open)
        twin_fault(soc->twin, "the program writes FLASH.OPTKEYR while NSCR.LOCK is 1");
    else if (offset == OPTKEYR)
        stm32_take_key(soc, &flash->option_lock, "OPTKEYR", value, stm32_option_keys);
    else if (offset == NSCR)
        control(soc, value);
    update(soc);
}

const struct stm32_controller stm32_u5_flash = {
    .regs = regs,
    .reg_count = sizeof regs / sizeof *regs,
    .factory = {0x1feff8aau, 0x0800007fu, 0x0bf9000fu, 0x8000007fu, 0x8000007fu, 0x8000007fu,
                0x8000007fu},
    .program_takes = 118u * TWIN_US,
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
