/* The two worlds of a U5 with TZEN: what of memory, peripherals and pins is whose (RM0456: GTZC,
 * FLASH, RCC, PWR, SYSCFG, EXTI, GPIO). What the chip would ignore in silence, and tell GTZC's
 * interrupt controller of, ends the run: a world that reaches for what is not its own. Only where
 * both use registers together, in RCC, EXTI and GPIO, each world's bits are kept from the other.
 *
 * Bus masters are not looked at, nor privilege and locks, MPCBB's SRWILADIS, and the block
 * controllers of the RAM that is not SRAM1: that is all secure. */
#include "twin/stm32/stm32.h"

#define TZSC1_SECCFGR 0x10u
#define MPCBB_SECCFGR 0x100u
#define RAM_BLOCK     512u /* a bit of MPCBB's */
#define SRAM1_SIZE    0x30000u

#define FLASH_BASE  0x40022000u
#define NSKEYR      0x08u
#define OPTKEYR     0x10u
#define NSSR        0x20u
#define NSCR        0x28u
#define OPTR        0x40u
#define NSBOOTADD1R 0x48u

#define RCC_CR      0x000u
#define RCC_RSTR    0x060u
#define RCC_END     0x0b0u /* of the modules' resets and gates */
#define RCC_CCIPR1  0x0e0u
#define RCC_SECCFGR 0x110u
#define HSISEC      1u
#define CR_OF_HSI   0x700u
#define I2C2SEL     (3u << 12)
#define I2C2_BASE   0x40005800u

static const struct reg tzsc1_regs[] = {
    {"SECCFGR1", TZSC1_SECCFGR, 0x1fffff, 0, 0, 0, 0},
    {"SECCFGR2", TZSC1_SECCFGR + 4u, 0x1ff, 0, 0, 0, 0},
    {"SECCFGR3", TZSC1_SECCFGR + 8u, 0x7fffff, 0, 0, 0, 0},
};
static const struct reg tzsc2_regs[] = {{"SECCFGR1", 0x10, 0x1bff, 0, 0, 0, 0}};
static const struct reg mpcbb_regs[] = {
    {"SECCFGR", MPCBB_SECCFGR, 0xffffffff, 0, 0xffffffff, SRAM1_SIZE / (32u * RAM_BLOCK), 0},
};
static const struct reg syscfg_regs[] = {{"SECCFGR", 0x00, 0x0b, 0, 0, 0, 0}};

struct stm32_gtzc {
    struct stm32_module tzsc1, tzsc2, mpcbb, syscfg;
    struct twin_worlds worlds;
};

/* Peripherals that TZSC1 gives away, by number of register and bit. */
static const struct {
    uint32_t base;
    uint8_t word, bit;
} securable[] = {
    {0x40000000u, 0, 0},  /* TIM2 */
    {0x40003000u, 0, 7},  /* IWDG */
    {0x40003800u, 0, 8},  /* SPI2 */
    {I2C2_BASE, 0, 14},   /* I2C2 */
    {0x40013800u, 1, 3},  /* USART1 */
    {0x40030400u, 2, 6},  /* ICACHE */
    {0x420c0800u, 2, 13}, /* RNG */
    {0x420c4000u, 2, 16}, /* OCTOSPIM */
    {0x420d2400u, 2, 21}, /* OCTOSPI2 */
};

bool stm32_wants_two_worlds(struct stm32 *soc, const char *name)
{
    if (stm32_has_two_worlds(soc))
        return true;
    twin_fault(soc->twin, "the program writes %s while TZEN is 0", name);
    return false;
}

/* ---- who may reach what ---- */

static bool knows_worlds(const struct stm32 *soc, uint32_t page)
{
    return page == soc->part->rcc_base || page == 0x46022000u ||
           (page >= 0x42020000u && page < 0x42020000u + 0x400u * STM32_PORTS);
}

/* Options are the other world's, too, but for those that divide the chip. */
static bool is_nonsecure_flash(uint32_t offset)
{
    return offset == NSKEYR || offset == OPTKEYR || offset == NSSR || offset == NSCR ||
           (offset >= OPTR && offset <= NSBOOTADD1R);
}

const char *stm32_keeps(const struct stm32 *soc, uint32_t address)
{
    const uint32_t at = address & ~0x10000000u, page = at & ~0x3ffu;
    for (unsigned i = 0; i < sizeof securable / sizeof *securable; i++)
        if (securable[i].base == page)
            return soc->gtzc->tzsc1.device.values[TZSC1_SECCFGR / 4u + securable[i].word] >>
                               securable[i].bit &
                           1u
                       ? "GTZC1_TZSC keeps it secure"
                       : NULL;
    if (page == FLASH_BASE)
        return is_nonsecure_flash(at - page) ? NULL : "it is a register of the secure world";
    return knows_worlds(soc, page) ? NULL : "it is the secure world's";
}

static const char *ram_refuses(const struct stm32 *soc, uint32_t offset, bool nonsecure)
{
    const uint32_t block = offset / RAM_BLOCK;
    const uint32_t *words = &soc->gtzc->mpcbb.device.values[MPCBB_SECCFGR / 4u];
    const bool is_secure = offset >= SRAM1_SIZE || words[block / 32u] >> block % 32u & 1u;
    if (is_secure != nonsecure)
        return NULL;
    return nonsecure ? "GTZC's MPCBB keeps it secure" : "GTZC1_MPCBB1 has given it away";
}

static const char *refuses(void *ctx, uint32_t address, bool nonsecure)
{
    const struct stm32 *soc = ctx;
    const uint32_t in_flash = (address & ~STM32_SECURE) - STM32_FLASH_BASE;
    if (in_flash < 2u * STM32_BANK) {
        if (stm32_flash_is_secure(soc, address) != nonsecure)
            return NULL;
        return nonsecure ? "SECWM or SECBB keeps it secure" : "SECBB has given it away";
    }
    if (address >= 0x20000000u && address < 0x40000000u)
        return ram_refuses(soc, address & 0x0fffffffu, nonsecure);
    if (address >= 0x40000000u && address < 0x60000000u && nonsecure)
        return stm32_keeps(soc, address);
    return NULL;
}

/* Fixed in the chip: bit 28 of an address, in flash bit 26. */
static enum twin_idau idau(uint32_t address)
{
    const uint32_t region = address >> 28;
    const bool is_callable = region == 3 || region == 5 || address >> 26 == 3;
    return is_callable ? TWIN_IDAU_CALLABLE : TWIN_IDAU_NONSECURE;
}

/* ---- registers that both worlds use ---- */

/* A gate and a reset are those of the world that has the module; of a port's, whoever has all of
 * its pins. */
static bool is_free(struct stm32 *soc, const struct stm32_module *module)
{
    const uint32_t base = module->device.base;
    if (base >= 0x42020000u && base < 0x42020000u + 0x400u * STM32_PORTS)
        return module->device.values[0x30u / 4u] == 0;
    return base != FLASH_BASE && !stm32_keeps(soc, base);
}

uint32_t stm32_rcc_shows(struct stm32 *soc, const struct stm32_module *rcc, uint32_t offset)
{
    const uint32_t kept = rcc->device.values[RCC_SECCFGR / 4u];
    uint32_t bits = 0;
    if (offset >= RCC_RSTR && offset < RCC_END) {
        for (const struct stm32_module *module = soc->modules; module; module = module->next) {
            if (!is_free(soc, module))
                continue;
            if (module->gate.offset == offset)
                bits |= 1u << module->gate.bit;
            if (module->reset.offset == offset)
                bits |= 1u << module->reset.bit;
        }
        return bits;
    }
    if (offset == RCC_SECCFGR)
        return 0;
    if (offset == RCC_CCIPR1)
        return stm32_keeps(soc, I2C2_BASE) ? 0 : I2C2SEL;
    if (kept == 0)
        return UINT32_MAX;
    return offset == RCC_CR && !(kept & HSISEC) ? CR_OF_HSI : 0;
}

static uint32_t shown(struct device *device, uint32_t offset)
{
    const struct stm32_module *module = (const struct stm32_module *)device;
    return twin_access_is_nonsecure(device->twin) ? module->shows(module->soc, module, offset)
                                                  : UINT32_MAX;
}

static uint32_t read_shown(struct device *device, uint32_t offset, uint32_t value)
{
    const struct stm32_module *module = (const struct stm32_module *)device;
    if (module->read)
        value = module->read(device, offset, value);
    return value & shown(device, offset);
}

static void write_shown(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    const struct stm32_module *module = (const struct stm32_module *)device;
    const uint32_t mask = shown(device, offset);
    uint32_t *held = device_reg(device, offset);
    *held = (old & ~mask) | (*held & mask);
    if (module->write)
        module->write(device, offset, old, (old & ~mask) | (value & mask));
}

/* ---- the start ---- */

static void memory_changed(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    (void)offset;
    (void)old;
    (void)value;
    twin_attribution_changed(device->twin);
}

static void add(struct stm32 *soc, struct stm32_module *module, struct stm32_bit gate,
                const struct device *device)
{
    module->device = *device;
    module->gate = gate;
    stm32_add(soc, module);
}
#define ADD(module, gate, ...) add(soc, module, gate, &(const struct device){__VA_ARGS__})
#define REGS(of)               .regs = (of), .reg_count = sizeof(of) / sizeof *(of)

void stm32_gtzc_start(struct stm32 *soc)
{
    static const struct stm32_bit gtzc1 = {0x088, 24}, gtzc2 = {0x094, 12}, syscfg = {0x0a8, 1};
    struct stm32_gtzc *gtzc = soc->gtzc = stm32_alloc(soc, sizeof *gtzc);
    ADD(&gtzc->tzsc1, gtzc1, .name = "GTZC1_TZSC", .base = 0x40032400u, .size = 0x400u,
        REGS(tzsc1_regs));
    ADD(&gtzc->mpcbb, gtzc1, .name = "GTZC1_MPCBB1", .base = 0x40032c00u, .size = 0x400u,
        REGS(mpcbb_regs), .write = memory_changed);
    ADD(&gtzc->tzsc2, gtzc2, .name = "GTZC2_TZSC", .base = 0x46023000u, .size = 0x400u,
        REGS(tzsc2_regs));
    ADD(&gtzc->syscfg, syscfg, .name = "SYSCFG", .base = 0x46000400u, .size = 0x400u,
        REGS(syscfg_regs));
    for (struct stm32_module *module = soc->modules; module; module = module->next) {
        if (!module->shows)
            continue;
        module->read = module->device.read;
        module->write = module->device.write;
        module->device.read = read_shown;
        module->device.write = write_shown;
    }
    gtzc->worlds = (struct twin_worlds){.idau = idau, .refuses = refuses, .ctx = soc};
    twin_two_worlds(soc->twin, &gtzc->worlds);
}
