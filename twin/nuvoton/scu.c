/* SCU of the M2354: what the secure world gives away, in flash (NSCBA, taken over at a reset), RAM,
 * peripherals and pins; who reaches for what is not his ends the run. A pin that is not given is
 * kept from its own data word, not from a write to its port; bus masters are not looked at. */
#include "twin/nuvoton/nuvoton.h"

#include <string.h>

#define PNSSET    0x000u
#define SRAMNSSET 0x024u
#define FNSADDR   0x028u
#define SINFAEN   0x0f0u
#define IONSSET   0x140u

#define RAM_BLOCK 0x4000u
#define INFO_SYS  2u

#define PNSSET_WORDS 7u
#define PORTS        8u
#define GPIO_PORTS   0x4000u
#define GPIO_WORDS   0x4800u
#define GPIO_END     0x5000u

static const struct reg regs[] = {
    {"PNSSET0", PNSSET, 0x01012200, 0, 0, 0, 0},
    {"PNSSET1", PNSSET + 0x04, 0x00060000, 0, 0, 0, 0},
    {"PNSSET2", PNSSET + 0x08, 0x0f0621ac, 0, 0, 0, 0},
    {"PNSSET3", PNSSET + 0x0c, 0x003f001f, 0, 0, 0, 0},
    {"PNSSET4", PNSSET + 0x10, 0x00070007, 0, 0, 0, 0},
    {"PNSSET5", PNSSET + 0x14, 0x0a330001, 0, 0, 0, 0},
    {"PNSSET6", PNSSET + 0x18, 0x00030001, 0, 0, 0, 0},
    {"SRAMNSSET", SRAMNSSET, 0xffff, 0, 0, 0, 0},
    {"FNSADDR", FNSADDR, 0, 0, 0, 0, 0},
    {"SVIOIEN", 0x02c, 0x000fffff, 0, 0, 0, 0},
    {"SVINTSTS", 0x030, 0, 0x000fffff, 0, 0, 0},
    {"SINFAEN", SINFAEN, 7, 0, 0, 0, 0},
    {"IONSSET", IONSSET, 0xffff, 0, 0, 8, 0},
    {"VERSION", 0xffc, 0, 0, 0x02000000, 0, 0},
};

static struct nuvoton *soc_of(struct device *device)
{
    return (struct nuvoton *)((char *)device - offsetof(struct nuvoton, scu));
}

/* Bit 28 of an address says whose it is; what of the secure world's may have gates, SAU says. */
static enum twin_idau idau(uint32_t address)
{
    if (address >= 0x60000000u && address < 0xe0000000u)
        return TWIN_IDAU_SECURE;
    return address >> 28 & 1u ? TWIN_IDAU_NONSECURE : TWIN_IDAU_CALLABLE;
}

static bool is_pin_given(const struct nuvoton *soc, unsigned port, unsigned pin)
{
    return soc->scu.values[IONSSET / 4 + port] >> pin & 1u;
}

/* Ports that have a pin of the non-secure world, and that pin's data word. */
static const char *pins_refuse(const struct nuvoton *soc, uint32_t offset, bool nonsecure)
{
    const uint32_t word = offset - GPIO_WORDS;
    const bool is_port = offset < GPIO_WORDS;
    const unsigned port = (is_port ? offset - GPIO_PORTS : word) / 0x40u;
    if (!nonsecure || port >= PORTS)
        return NULL;
    if (is_port)
        return soc->scu.values[IONSSET / 4 + port] ? NULL
                                                   : "SCU.IONSSET gives no pin of that port away";
    return is_pin_given(soc, port, word / 4u % 16u) ? NULL : "SCU.IONSSET keeps that pin secure";
}

/* In rows of 32 with 4 KB each. */
static const char *peripheral_refuses(const struct nuvoton *soc, uint32_t offset, bool nonsecure)
{
    const uint32_t *values = soc->scu.values;
    if (offset < 0x400u) /* SYS, CLK */
        return nonsecure && !(values[SINFAEN / 4] & INFO_SYS) ? "SCU.SINFAEN does not show it"
                                                              : NULL;
    if (offset >= GPIO_PORTS && offset < GPIO_END)
        return pins_refuse(soc, offset, nonsecure);
    if (offset / 0x1000u == 0xcu) /* FMC: by its target */
        return NULL;
    const uint32_t row = offset / 0x20000u;
    const bool is_given =
        row < PNSSET_WORDS && values[PNSSET / 4 + row] >> (offset / 0x1000u % 32u) & 1u;
    if (is_given == nonsecure)
        return NULL;
    return is_given ? "SCU.PNSSET has given it away: it is at the non-secure address"
                    : "SCU.PNSSET keeps it secure";
}

static const char *refuses(void *ctx, uint32_t address, bool nonsecure)
{
    const struct nuvoton *soc = ctx;
    const uint32_t offset = address & 0x0fffffffu;
    if (address < 0x20000000u) {
        if (offset < soc->part->aprom_size && (offset >= soc->nscba) != nonsecure)
            return nonsecure ? "it lies below NSCBA" : "it lies above NSCBA";
    } else if (address < 0x40000000u) {
        const bool is_given = soc->scu.values[SRAMNSSET / 4] >> (offset / RAM_BLOCK % 16u) & 1u;
        if (is_given != nonsecure)
            return is_given ? "SCU.SRAMNSSET has given it away" : "SCU.SRAMNSSET keeps it secure";
    } else if (address < 0x60000000u) {
        return peripheral_refuses(soc, offset, nonsecure);
    }
    return NULL;
}

static uint32_t scu_read(struct device *device, uint32_t offset, uint32_t value)
{
    return offset == FNSADDR ? soc_of(device)->nscba : value;
}

static void scu_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    (void)old;
    (void)value;
    if (offset == SRAMNSSET)
        twin_attribution_changed(device->twin);
}

static bool scu_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    (void)value;
    if (!twin_access_is_nonsecure(device->twin))
        return true;
    twin_fault(device->twin, "the non-secure world writes SCU.%s", reg->name);
    return false;
}

static void scu_reset(struct device *device, enum twin_reset reset)
{
    struct nuvoton *soc = soc_of(device);
    (void)reset;
    memcpy(&soc->nscba, soc->border.bytes, sizeof soc->nscba);
}

void scu_start(struct nuvoton *soc)
{
    soc->worlds = (struct twin_worlds){.idau = idau, .refuses = refuses, .ctx = soc};
    soc->scu = (struct device){.name = "SCU",
                               .base = 0x4002f000u,
                               .size = 0x1000u,
                               .regs = regs,
                               .reg_count = sizeof regs / sizeof *regs,
                               .read = scu_read,
                               .write = scu_write,
                               .allow = scu_allow,
                               .reset = scu_reset};
    twin_add_device(soc->twin, &soc->scu);
    twin_add_mirror(soc->twin, 0x10000000u, 0);
    twin_add_mirror(soc->twin, 0x30000000u, 0x20000000u);
    twin_two_worlds(soc->twin, &soc->worlds);
}
