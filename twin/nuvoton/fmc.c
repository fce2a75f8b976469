/* FMC: flash by ISP commands. While a command works on the bank that the core runs from, the core
 * waits; from the other bank it runs on. The file holds what a cut would leave from the start of a
 * command to its end. */
#include <string.h>

#include "twin/nuvoton/nuvoton.h"

#define ISPCTL  0x000u
#define ISPADDR 0x004u
#define ISPDAT  0x008u
#define ISPCMD  0x00cu
#define ISPTRG  0x010u
#define ISPSTS  0x040u
#define CYCCTL  0x04cu
#define MPDAT0  0x080u
#define APPROT  0x110u

#define ISPEN  0x01u
#define APUEN  0x08u
#define CFGUEN 0x10u
#define LDUEN  0x20u
#define ISPFF  0x40u

#define PGFF    0x20u
#define ALLONE  0x80u
#define ISPCERR (1u << 28)

enum {
    READ = 0x00,
    READ_UID = 0x04,
    ALL_ONE_RESULT = 0x08,
    COMPANY_ID = 0x0b,
    PRODUCT_ID = 0x0c,
    CHECKSUM_RESULT = 0x0d,
    PROGRAM = 0x21,
    ERASE_PAGE = 0x22,
    ERASE_BANK = 0x23,
    ERASE_BLOCK = 0x25, /* 4 pages */
    ALL_ONE = 0x28,
    VECTORS = 0x2e, /* where those are that the next start takes */
    READ_64 = 0x40,
    PROGRAM_64 = 0x61
};

#define NSCBA 0x00210800u /* M2354: the word where the non-secure world's flash begins */

/* Typical times; the tables give none. */
#define PROGRAM_NS    (30u * TWIN_US)
#define ERASE_PAGE_NS (20u * TWIN_MS)
#define ERASE_BANK_NS (200u * TWIN_MS)
#define READ_NS       (1u * TWIN_US)

static const struct reg fmc_regs[] = {
    {"ISPCTL", ISPCTL, 0x0101003f, ISPFF, 0, 0, TRAIT_PROTECTED},
    {"ISPADDR", ISPADDR, 0xffffffff, 0, 0, 0, 0},
    {"ISPDAT", ISPDAT, 0xffffffff, 0, 0, 0, 0},
    {"ISPCMD", ISPCMD, 0x7f, 0, 0, 0, 0},
    {"ISPTRG", ISPTRG, 1, 0, 0, 0, TRAIT_PROTECTED},
    {"DFBA", 0x014, 0, 0, 0xffffffff, 0, 0},
    {"ISPSTS", ISPSTS, 0, ALLONE | 1u << 24 | ISPCERR, 0, 0, 0},
    {"CYCCTL", CYCCTL, 0x10f, 0, 1, 0, TRAIT_PROTECTED | REG_KEPT},
    {"MPDAT", MPDAT0, 0xffffffff, 0, 0, 4, 0},
    {"MPSTS", 0x0c0, 0, 0, 0, 0, 0},
    {"MPADDR", 0x0c4, 0, 0, 0, 0, 0},
    {"APPROT", APPROT, 0xffffffff, 0, 0, 0, TRAIT_PROTECTED},
};

static struct nuvoton *soc_of(struct device *device)
{
    return (struct nuvoton *)((char *)device - offsetof(struct nuvoton, fmc));
}

/* ---- where a command works ---- */

struct target {
    struct nvm *nvm;
    uint32_t offset;
    bool is_aprom;
};

static bool locate(struct nuvoton *soc, uint32_t address, uint32_t size, struct target *target)
{
    const struct nuvoton_part *part = soc->part;
    if (address < part->aprom_size && size <= part->aprom_size - address) {
        *target = (struct target){&soc->aprom, address, true};
        return true;
    }
    if (part->has_worlds && address == NSCBA && size <= 4) {
        *target = (struct target){&soc->border, 0, false};
        return true;
    }
    const uint32_t config_size = 4u * part->config_words;
    if (address >= part->config_base && address - part->config_base <= config_size - size) {
        *target = (struct target){&soc->config, address - part->config_base, false};
        return true;
    }
    return false;
}

/* What of the flash the non-secure world may not touch, ISPFF then says. Not checked on silicon. */
static bool is_kept(const struct nuvoton *soc, const struct target *target)
{
    return twin_access_is_nonsecure(soc->twin) &&
           (!target->is_aprom || target->offset < soc->nscba);
}

static bool may_change(struct nuvoton *soc, const struct target *target)
{
    if (is_kept(soc, target))
        return false;
    const uint32_t control = *device_reg(&soc->fmc, ISPCTL);
    return control & (target->is_aprom ? APUEN : CFGUEN);
}

static void refuse(struct nuvoton *soc)
{
    *device_reg(&soc->fmc, ISPCTL) |= ISPFF;
    *device_reg(&soc->fmc, ISPDAT) = 0xffffffffu;
}

/* ---- what a command does ---- */

/* A command that changes flash: its end state waits here until it is done. */
static void begin(struct nuvoton *soc, const struct target *target, uint32_t size, twin_ns takes)
{
    soc->isp_target = target->nvm;
    soc->isp_offset = target->offset;
    soc->isp_size = size;
    if (target->is_aprom)
        twin_rom_changed(soc->twin, target->offset, size);
    if (twin_operation(soc->twin) || twin_reset_is_due(soc->twin))
        return;
    const uint32_t bank = soc->part->bank_size;
    const uint32_t pc = twin_pc(soc->twin) & ~(soc->part->has_worlds ? 0x10000000u : 0);
    const bool stalls =
        target->is_aprom && pc < soc->part->aprom_size && pc / bank == target->offset / bank;
    if (stalls) {
        twin_stall(soc->twin, takes);
        soc->isp_done.run(soc);
    } else {
        twin_timer_set(soc->twin, &soc->isp_done, twin_now(soc->twin) + takes);
    }
}

static void erase(struct nuvoton *soc, uint32_t address, uint32_t size, twin_ns takes)
{
    struct target target;
    address &= ~(size - 1u);
    if (!locate(soc, address, 1, &target) || !may_change(soc, &target)) {
        refuse(soc);
        return;
    }
    if (!target.is_aprom)
        size = target.nvm->size;
    if (twin_starts(soc->twin,
                    !target.is_aprom               ? "option-change"
                    : size == soc->part->bank_size ? "bank-erase"
                                                   : "erase",
                    target.offset))
        return;
    *device_reg(&soc->fmc, ISPSTS) &= ~PGFF;
    memset(soc->isp_after, 0xff, size);
    nvm_tear_erase(target.nvm, target.offset, size);
    begin(soc, &target, size, takes);
}

static void program(struct nuvoton *soc, uint32_t address, const uint32_t *words, uint32_t size)
{
    struct target target;
    if (address % size != 0 || !locate(soc, address, size, &target) || !may_change(soc, &target)) {
        refuse(soc);
        return;
    }
    const uint8_t *data = (const uint8_t *)words, *held = target.nvm->bytes + target.offset;
    for (uint32_t i = 0; i < size; i++) {
        if (held[i] != 0xff) {
            twin_fault(soc->twin, "the program writes flash at 0x%08x, which is not erased",
                       address);
            return;
        }
        soc->isp_after[i] = held[i] & data[i];
    }
    if (soc->bad_word == (address & ~3u)) {
        soc->isp_after[0] |= 1u;
        *device_reg(&soc->fmc, ISPSTS) |= PGFF;
    }
    if (twin_starts(soc->twin, target.is_aprom ? "program" : "option-change", target.offset))
        return;
    nvm_tear_program(target.nvm, target.offset, data, size);
    begin(soc, &target, size, PROGRAM_NS * size / 4u);
}

static void on_done(void *ctx)
{
    struct nuvoton *soc = ctx;
    memcpy(soc->isp_target->bytes + soc->isp_offset, soc->isp_after, soc->isp_size);
    if (soc->isp_target == &soc->aprom)
        twin_rom_changed(soc->twin, soc->isp_offset, soc->isp_size);
    *device_reg(&soc->fmc, ISPTRG) = 0;
    twin_operation_ends(soc->twin);
}

static void read_flash(struct nuvoton *soc, uint32_t address, uint32_t size)
{
    struct target target;
    if (address % size != 0 || !locate(soc, address, size, &target) || is_kept(soc, &target)) {
        refuse(soc);
        return;
    }
    memcpy(device_reg(&soc->fmc, size == 8 ? MPDAT0 : ISPDAT), target.nvm->bytes + target.offset,
           size);
}

static void check_blank(struct nuvoton *soc, uint32_t address, uint32_t size)
{
    struct target target;
    if (size % 512u != 0 || size == 0 || !locate(soc, address, size, &target) ||
        is_kept(soc, &target)) {
        refuse(soc);
        return;
    }
    bool blank = true;
    for (uint32_t i = 0; i < size && blank; i++)
        blank = target.nvm->bytes[target.offset + i] == 0xff;
    soc->result = blank ? 0xa11fffffu : 0xa1100000u;
    if (blank)
        *device_reg(&soc->fmc, ISPSTS) |= ALLONE;
    twin_stall(soc->twin, READ_NS * size / 16u);
}

static uint32_t unique_id(uint32_t address)
{
    return address <= 8u || (address >= 0x10u && address <= 0x1cu)
               ? 0x4f545401u + 0x11111111u * (address / 4u)
               : 0xffffffffu;
}

static void run_command(struct nuvoton *soc)
{
    const uint32_t address = *device_reg(&soc->fmc, ISPADDR);
    uint32_t *data = device_reg(&soc->fmc, ISPDAT);
    switch (*device_reg(&soc->fmc, ISPCMD)) {
    case READ:
        read_flash(soc, address, 4);
        break;
    case READ_64:
        read_flash(soc, address, 8);
        break;
    case READ_UID:
        *data = unique_id(address);
        break;
    case COMPANY_ID:
        *data = 0xda;
        break;
    case PRODUCT_ID:
        *data = *device_reg(&soc->sys, 0);
        break;
    case PROGRAM:
        program(soc, address, data, 4);
        break;
    case PROGRAM_64:
        program(soc, address, device_reg(&soc->fmc, MPDAT0), 8);
        break;
    case ERASE_PAGE:
        erase(soc, address, soc->part->page_size, ERASE_PAGE_NS);
        break;
    case ERASE_BANK:
        erase(soc, address, soc->part->bank_size, ERASE_BANK_NS);
        break;
    case ERASE_BLOCK:
        if (soc->part->erases_blocks) {
            erase(soc, address, 4u * soc->part->page_size, 4u * ERASE_PAGE_NS);
            break;
        }
        twin_fault(soc->twin, "%s has no FMC command 0x25", soc->part->name);
        break;
    case ALL_ONE:
        check_blank(soc, address, *data);
        break;
    case VECTORS: /* of who must not choose, it is only noted: fmc_reset */
        if (twin_access_is_nonsecure(soc->twin)) {
            soc->vectors_chosen = true;
            break;
        }
        twin_fault(soc->twin, "the program gives the FMC command 0x2e, which is not modelled");
        break;
    case ALL_ONE_RESULT:
        *data = soc->result;
        break;
    default:
        twin_fault(soc->twin, "the program gives the FMC command 0x%02x, which is not modelled",
                   *device_reg(&soc->fmc, ISPCMD));
    }
    if (!soc->isp_done.queued)
        *device_reg(&soc->fmc, ISPTRG) = 0;
}

/* ---- registers ---- */

static bool fmc_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct nuvoton *soc = soc_of(device);
    if (!unlocked_or_fault(soc, device, reg))
        return false;
    if (reg->offset == ISPCTL && value & ~(soc->part->isp_control | ISPFF)) {
        twin_fault(soc->twin, "FMC.ISPCTL is written 0x%08x, with bits that %s does not have",
                   value, soc->part->name);
        return false;
    }
    if (reg->offset == APPROT && !soc->part->has_approt) {
        twin_fault(soc->twin, "%s has no FMC.APPROT", soc->part->name);
        return false;
    }
    const bool touches = reg->offset >= ISPADDR && reg->offset <= ISPTRG;
    if (touches && *device_reg(device, ISPTRG)) {
        twin_fault(soc->twin, "the program writes FMC.%s while a command runs", reg->name);
        return false;
    }
    return true;
}

/* ISPSTS.CBS, as CONFIG0 had it at the start. */
static uint32_t boot_mode(const struct nuvoton *soc)
{
    const uint32_t cbs = soc->config.bytes[0] >> 6;
    return soc->part->cycle_tuned ? cbs & 2u : cbs;
}

static uint32_t fmc_read(struct device *device, uint32_t offset, uint32_t value)
{
    const struct nuvoton *soc = soc_of(device);
    if (offset == ISPSTS)
        return value | boot_mode(soc) << 1 | *device_reg(device, ISPTRG) |
               (*device_reg(device, ISPCTL) & ISPFF);
    if (offset == ISPTRG && value)
        twin_stall_until(soc->twin, soc->isp_done.at); /* who asks, waits for it */
    return value;
}

static void fmc_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct nuvoton *soc = soc_of(device);
    (void)old;
    if (offset == CYCCTL)
        check_speed(soc);
    if (offset != ISPTRG || !(value & 1u))
        return;
    if (!(*device_reg(device, ISPCTL) & ISPEN)) {
        twin_fault(soc->twin, "the program starts an FMC command while ISPCTL.ISPEN is 0");
        return;
    }
    if (*device_reg(device, ISPCTL) & ISPFF) {
        twin_fault(soc->twin, "the program starts an FMC command with ISPFF of the last one set");
        return;
    }
    run_command(soc);
}

static void fmc_reset(struct device *device, enum twin_reset reset)
{
    struct nuvoton *soc = soc_of(device);
    twin_timer_set(soc->twin, &soc->isp_done, TWIN_NEVER); /* torn for good */
    if (soc->vectors_chosen && (reset == TWIN_RESET_SYSTEM || reset == TWIN_RESET_CORE))
        twin_fault(soc->twin, "the chip starts by vectors that the non-secure world has chosen");
    soc->vectors_chosen = false;
}

static const char *fmc_deaf(struct device *device)
{
    const struct nuvoton_bit gate = {0x004, 2};
    return clock_gate(soc_of(device), gate) ? NULL : "while AHBCLK.ISPCKEN is off";
}

void fmc_start(struct nuvoton *soc)
{
    soc->isp_done = (struct twin_timer){.run = on_done, .ctx = soc};
    soc->fmc = (struct device){.name = "FMC",
                               .base = 0x4000c000u,
                               .size = 0x1000u,
                               .regs = fmc_regs,
                               .reg_count = sizeof fmc_regs / sizeof *fmc_regs,
                               .read = fmc_read,
                               .write = fmc_write,
                               .allow = fmc_allow,
                               .reset = fmc_reset,
                               .deaf = fmc_deaf};
    twin_add_device(soc->twin, &soc->fmc);
}
