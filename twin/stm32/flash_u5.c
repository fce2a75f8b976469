/* FLASH of the STM32U585: registers, write buffer and option bytes.
 *
 * Option bytes are loaded when the power comes and by OBL_LAUNCH. After a reset of another kind the
 * registers show what is programmed, in force or not. After a change that was cut OPSR tells of it
 * and the old options stay (not checked on silicon).
 *
 * With TZEN there are two sets of registers, and each page is one world's (SECWM, SECBB): its own
 * registers erase and program it. Of options, those that say so are the programmer's here. */
#include "twin/stm32/stm32.h"

#include <string.h>

#define ACR         0x000u
#define NSKEYR      0x008u
#define SECKEYR     0x00cu
#define OPTKEYR     0x010u
#define NSSR        0x020u
#define SECSR       0x024u
#define NSCR        0x028u
#define SECCR       0x02cu
#define ECCR        0x030u
#define OPSR        0x034u
#define OPTR        0x040u
#define BOOT        0x04cu /* SECBOOTADD0R */
#define SECWM1      0x050u
#define SECWM2      0x060u
#define OPTIONS_END 0x070u
#define SECBB1      0x080u
#define SECBB2      0x0a0u

#define EOP           (1u << 0)
#define PROGERR       (1u << 3)
#define WRPERR        (1u << 4)
#define PGAERR        (1u << 5)
#define SIZERR        (1u << 6)
#define PGSERR        (1u << 7)
#define ERRORS        0x20fau
#define SECURE_ERRORS 0xfau
#define BSY           (1u << 16)
#define WDW           (1u << 17)

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
    {"SECKEYR", SECKEYR, 0, 0, 0, 0, 0},
    {"OPTKEYR", OPTKEYR, 0, 0, 0, 0, 0},
    {"NSSR", NSSR, 0, ERRORS | EOP, 0, 0, 0},
    {"SECSR", SECSR, 0, SECURE_ERRORS | EOP, 0, 0, 0},
    {"NSCR", NSCR, 0x0303cbff, 0, 0, 0, 0},
    {"SECCR", SECCR, 0x0301cbff, 0, 0, 0, 0},
    {"ECCR", ECCR, 1u << 24, 3u << 30, 0, 0, 0},
    {"OPSR", OPSR, 0, 0, 0, 0, 0},
    {"OPTR", OPTR, 0xffffffff, 0, 0, 0, 0},
    {"NSBOOTADD0R", 0x044, 0xffffff80, 0, 0x7f, 0, 0},
    {"NSBOOTADD1R", 0x048, 0xffffff80, 0, 0x0f, 0, 0},
    {"SECBOOTADD0R", BOOT, 0, 0, 0, 0, 0},
    {"SECWM1R1", SECWM1, 0, 0, 0, 0, 0},
    {"WRP1AR", 0x058, 0x807f007f, 0, 0, 0, 0},
    {"WRP1BR", 0x05c, 0x807f007f, 0, 0, 0, 0},
    {"SECWM2R1", SECWM2, 0, 0, 0, 0, 0},
    {"WRP2AR", 0x068, 0x807f007f, 0, 0, 0, 0},
    {"WRP2BR", 0x06c, 0x807f007f, 0, 0, 0, 0},
    {"SECBB1R", SECBB1, 0xffffffff, 0, 0, 4, 0},
    {"SECBB2R", SECBB2, 0xffffffff, 0, 0, 4, 0},
};

/* Where the options lie, in the order of stm32_kept. */
static const uint16_t options[] = {0x040, 0x044, 0x048, 0x058, 0x05c, 0x068, 0x06c};
#define OPTION_COUNT (sizeof options / sizeof *options)

static uint32_t *reg_of(struct stm32 *soc, uint32_t offset)
{
    return device_reg(&soc->flash.module.device, offset);
}

/* The registers of each world. */
static const struct half {
    const char *key_name, *name; /* of key and control */
    uint32_t key, status, control, errors, irq;
} halves[2] = {{"NSKEYR", "NSCR", NSKEYR, NSSR, NSCR, ERRORS, 6},
               {"SECKEYR", "SECCR", SECKEYR, SECSR, SECCR, SECURE_ERRORS, 7}};

static struct stm32_lock *lock_of(struct stm32 *soc, bool secure)
{
    return secure ? &soc->flash.secure_lock : &soc->flash.lock;
}

static void update(struct stm32 *soc)
{
    for (unsigned i = 0; i < 2; i++) {
        const uint32_t flags = *reg_of(soc, halves[i].status);
        const uint32_t control = *reg_of(soc, halves[i].control);
        twin_irq(soc->twin, halves[i].irq,
                 (flags & EOP && control & EOPIE) || (flags & ERRORS && control & ERRIE));
    }
}

static void flag(struct stm32 *soc, bool secure, uint32_t bit)
{
    *reg_of(soc, halves[secure].status) |= bit;
    soc->flash.filled = 0;
    update(soc);
}

static bool has_failed(struct stm32 *soc, bool secure)
{
    return *reg_of(soc, halves[secure].status) & halves[secure].errors;
}

bool stm32_page_is_secure(const struct stm32 *soc, uint32_t offset)
{
    const unsigned bank = offset < STM32_BANK ? 0 : 1;
    const uint32_t page = offset % STM32_BANK / STM32_PAGE;
    const uint32_t area = soc->flash.kept->secure.watermarks[bank];
    const uint32_t *bits = &soc->flash.module.device.values[(bank ? SECBB2 : SECBB1) / 4u];
    if (!stm32_has_two_worlds(soc))
        return false;
    return (page >= (area & 0x7fu) && page <= (area >> 16 & 0x7fu)) ||
           bits[page / 32u] >> page % 32u & 1u;
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

static bool any_is_protected(struct stm32 *soc, bool secure, uint32_t start, uint32_t size)
{
    for (uint32_t at = start; at < start + size; at += STM32_PAGE)
        if (is_protected(soc, at) || stm32_page_is_secure(soc, at) != secure)
            return true;
    return false;
}

static void start_erase(struct stm32 *soc, bool secure)
{
    const uint32_t control = *reg_of(soc, halves[secure].control);
    const uint32_t what = control & (PG | PER | MER1 | MER2);
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
    soc->flash.secure = secure;
    if (!known || has_failed(soc, secure))
        flag(soc, secure, PGSERR);
    else if (any_is_protected(soc, secure, start, size))
        flag(soc, secure, WRPERR);
    else
        stm32_flash_begin(soc, operation, start, size);
}

static void start_change(struct stm32 *soc)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        soc->flash.kept->wanted[i] = *reg_of(soc, options[i]);
    soc->flash.secure = false;
    stm32_flash_begin(soc, STM32_OPTION_CHANGE, 0, 0);
}

static void done(struct stm32 *soc, enum stm32_operation operation)
{
    const struct half *half = &halves[soc->flash.secure];
    (void)operation;
    *reg_of(soc, half->control) &= ~(STRT | OPTSTRT);
    if (*reg_of(soc, half->control) & EOPIE)
        *reg_of(soc, half->status) |= EOP;
    update(soc);
}

static void program(struct stm32 *soc)
{
    struct stm32_flash *flash = &soc->flash;
    flash->filled = 0;
    if (is_protected(soc, flash->slot)) {
        flag(soc, flash->secure, WRPERR);
    } else if (!stm32_slot_is_erased(soc, flash->slot) && !stm32_buffer_is_zero(soc)) {
        flag(soc, flash->secure, PROGERR);
    } else {
        memcpy(flash->data, flash->buffer, STM32_SLOT);
        flash->fits = true;
        stm32_flash_begin(soc, STM32_PROGRAM, flash->slot, STM32_SLOT);
    }
}

static void store(struct stm32 *soc, uint32_t offset, unsigned size, uint32_t value)
{
    struct stm32_flash *flash = &soc->flash;
    /* No other world's store gets here: the page is its own. */
    const bool secure = stm32_page_is_secure(soc, offset);
    const uint32_t control = *reg_of(soc, halves[secure].control);
    if (control & BWR) {
        twin_fault(soc->twin, "FLASH.%s.BWR is set: burst programming is not modelled",
                   halves[secure].name);
        return;
    }
    if (!lock_of(soc, secure)->open || (control & (PG | PER | MER1 | MER2)) != PG ||
        has_failed(soc, secure)) {
        flag(soc, secure, PGSERR);
        return;
    }
    if (size != 4) {
        flag(soc, secure, SIZERR);
        return;
    }
    if (flash->filled == 0) {
        flash->slot = offset & ~(STM32_SLOT - 1u);
        flash->secure = secure;
    }
    if (offset != flash->slot + flash->filled) {
        flag(soc, secure, PGAERR);
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
    *reg_of(soc, BOOT) = kept->secure.boot;
    *reg_of(soc, SECWM1) = kept->secure.watermarks[0];
    *reg_of(soc, SECWM2) = kept->secure.watermarks[1];
    const uint32_t option = flash->loaded[0];
    const uint32_t boot = stm32_has_two_worlds(soc) ? kept->secure.boot : flash->loaded[1];
    stm32_flash_map(soc, option & SWAP_BANK, boot & ~0x7fu);
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
    struct stm32 *soc = stm32_of(device);
    const struct stm32_flash *flash = &soc->flash;
    for (unsigned i = 0; i < 2; i++) {
        if (offset == halves[i].status)
            return value | (stm32_flash_is_busy(soc) ? BSY : 0) | (flash->filled ? WDW : 0);
        if (offset == halves[i].control)
            return value | (lock_of(soc, i)->open ? 0 : LOCK) |
                   (i > 0 || flash->option_lock.open ? 0 : OPTLOCK);
    }
    return value;
}

static bool control_is_open(struct stm32 *soc, bool secure, uint32_t value)
{
    const struct stm32_lock *lock = lock_of(soc, secure);
    if (lock->open)
        return true;
    if (!(value & LOCK))
        twin_fault(soc->twin, "the program writes FLASH.%s 0x%08x while it is locked%s",
                   halves[secure].name, value,
                   lock->dead ? ", by a wrong key until the next reset" : "");
    return false;
}

static bool option_is_open(struct stm32 *soc, const struct reg *reg, uint32_t value)
{
    const uint32_t old = *reg_of(soc, OPTR);
    if (reg->offset == BOOT || reg->offset == SECWM1 || reg->offset == SECWM2)
        twin_fault(soc->twin, "the program writes FLASH.%s, which a programmer sets here",
                   reg->name);
    else if (!soc->flash.option_lock.open)
        twin_fault(soc->twin, "the program writes FLASH.%s while NSCR.OPTLOCK is 1", reg->name);
    else if (reg->offset == OPTR && (old ^ value) & ~OPTR_FREE)
        twin_fault(soc->twin,
                   "the program changes FLASH.OPTR from 0x%08x to 0x%08x: what follows "
                   "from that is not modelled",
                   old, value);
    else
        return true;
    return false;
}

static bool flash_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    const bool secure = reg->offset == SECCR || reg->offset == SECKEYR || reg->offset == SECSR;
    if ((secure || reg->offset >= SECBB1) && !stm32_wants_two_worlds(soc, "FLASH's secure half"))
        return false;
    if (reg->offset >= OPTR && reg->offset < OPTIONS_END)
        return option_is_open(soc, reg, value);
    if (reg->offset != halves[secure].control)
        return true;
    if (!control_is_open(soc, secure, value))
        return false;
    if (stm32_flash_is_busy(soc)) {
        twin_fault(soc->twin, "the program writes FLASH.%s while %s.BSY is 1", reg->name,
                   secure ? "SECSR" : "NSSR");
        return false;
    }
    if (soc->flash.filled && !(value & PG)) {
        twin_fault(soc->twin, "the program clears FLASH.%s.PG while %s.WDW is 1", reg->name,
                   secure ? "SECSR" : "NSSR");
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
        start_erase(soc, false);
    if (value & OPTLOCK || value & LOCK)
        flash->option_lock.open = false;
}

static void secure_control(struct stm32 *soc, uint32_t value)
{
    if (value & (OPTSTRT | OBL_LAUNCH))
        twin_fault(soc->twin, "FLASH.SECCR 0x%08x: it has no option bits", value);
    else if (value & STRT)
        start_erase(soc, true);
}

static void flash_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    struct stm32_flash *flash = &soc->flash;
    (void)old;
    for (unsigned i = 0; i < 2; i++) {
        if (offset == halves[i].key)
            stm32_take_key(soc, lock_of(soc, i), halves[i].key_name, value, stm32_flash_keys);
        if (offset != halves[i].control)
            continue;
        if (i == 0)
            control(soc, value);
        else
            secure_control(soc, value);
        if (!stm32_flash_is_busy(soc))
            *reg_of(soc, offset) &= ~(STRT | OPTSTRT);
        if (value & LOCK)
            lock_of(soc, i)->open = false;
    }
    if (offset == OPTKEYR && !flash->lock.open)
        twin_fault(soc->twin, "the program writes FLASH.OPTKEYR while NSCR.LOCK is 1");
    else if (offset == OPTKEYR)
        stm32_take_key(soc, &flash->option_lock, "OPTKEYR", value, stm32_option_keys);
    else if (offset >= SECBB1)
        twin_attribution_changed(soc->twin);
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
