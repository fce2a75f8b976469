/* CRPT: its pseudo-random generator alone. What it makes follows from its seed: a program that
 * never seeds it, or only with what everybody knows, gets what everybody knows. */
#include "twin/nuvoton/nuvoton.h"

#define INTSTS 0x04u
#define CTL    0x08u
#define SEED   0x0cu
#define KEY    0x10u
#define STS    0x30u

#define START   0x001u
#define SEEDRLD 0x002u
#define SEEDSEL 0x040u /* M2354 */
#define SEEDRDY 0x080u /* M2354: SEEDSRC, read only */
#define BUSY    0x100u
#define SEEDSRC 0x10000u /* M467 */
#define PRNGIF  0x10000u

#define KEY_NS (2u * TWIN_US)

static const struct reg crpt_regs[] = {
    {"INTSTS", INTSTS, 0, 0x30000, 0, 0, 0}, {"PRNG_CTL", CTL, 0x1007f, 0, 0, 0, 0},
    {"PRNG_SEED", SEED, 0, 0, 0, 0, 0},      {"PRNG_KEY", KEY, 0, 0, 0, 8, 0},
    {"PRNG_STS", STS, 0, 0, 0, 0, 0},
};

struct crpt {
    struct device device;
    struct nuvoton *soc;
    struct twin_timer done;
    uint32_t seed;
    uint64_t state;
    bool seeded;
};

static bool has_trng_seed(const struct crpt *crpt, uint32_t control)
{
    return crpt->soc->part->trng == TRNG_LIRC32 && control & SEEDSEL;
}

/* The seed that SEEDRLD takes, or a fault. */
static bool reload(struct crpt *crpt, uint32_t control)
{
    struct nuvoton *soc = crpt->soc;
    const bool by_trng = soc->part->trng == TRNG_LIRC && !(control & SEEDSRC);
    if (by_trng && !trng_is_ready(soc)) {
        twin_fault(soc->twin, "PRNG_CTL.SEEDSRC is 0 and the TRNG, which then seeds, is not ready");
        return false;
    }
    crpt->state = by_trng || has_trng_seed(crpt, control) ? chip_random(soc) : crpt->seed;
    crpt->seeded = true;
    return true;
}

static void start(struct crpt *crpt, uint32_t control)
{
    struct nuvoton *soc = crpt->soc;
    const uint32_t size = control >> 2 & 0xfu, wanted = soc->part->trng == TRNG_NONE ? 3u : 6u;
    if (size != wanted)
        twin_fault(soc->twin, "PRNG_CTL.KEYSZ is %u; only keys of 256 bits, %u, are modelled", size,
                   wanted);
    else if (control & SEEDRLD && !reload(crpt, control))
        return;
    else if (!crpt->seeded)
        twin_fault(soc->twin, "the PRNG is started without a seed (PRNG_CTL.SEEDRLD)");
    else
        twin_timer_set(soc->twin, &crpt->done, twin_now(soc->twin) + KEY_NS);
}

static void on_done(void *ctx)
{
    struct crpt *crpt = ctx;
    for (unsigned i = 0; i < 8; i++) {
        crpt->state = crpt->state * 6364136223846793005ull + 1442695040888963407ull;
        *device_reg(&crpt->device, KEY + 4u * i) = (uint32_t)(crpt->state >> 32);
    }
    *device_reg(&crpt->device, CTL) &= ~(START | SEEDRLD);
    *device_reg(&crpt->device, INTSTS) |= PRNGIF;
}

static bool crpt_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct crpt *crpt = (struct crpt *)device;
    const enum nuvoton_trng trng = crpt->soc->part->trng;
    const bool control = reg->offset == CTL;
    if (crpt->done.queued)
        twin_fault(device->twin, "the program writes CRPT.%s while the PRNG is busy", reg->name);
    else if (control && trng == TRNG_LIRC32 && value & SEEDSEL && !trng_seed_ready(crpt->soc))
        twin_fault(device->twin, "PRNG_CTL.SEEDSEL is set before TRNG.CTL.SEEDRDY");
    else if (control &&
             ((trng != TRNG_LIRC32 && value & SEEDSEL) || (trng != TRNG_LIRC && value & SEEDSRC)))
        twin_fault(device->twin, "PRNG_CTL is written 0x%08x, with bits that %s does not have",
                   value, crpt->soc->part->name);
    else
        return true;
    return false;
}

static uint32_t crpt_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct crpt *crpt = (struct crpt *)device;
    const bool busy = crpt->done.queued;
    if (offset == CTL)
        return value | (busy ? BUSY : 0) | (has_trng_seed(crpt, value) ? SEEDRDY : 0);
    if (offset == STS)
        return busy;
    if (offset >= KEY && offset < STS && busy)
        twin_fault(device->twin, "the program reads PRNG_KEY while the PRNG is busy");
    return value;
}

static void crpt_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct crpt *crpt = (struct crpt *)device;
    (void)old;
    if (offset == SEED)
        crpt->seed = value;
    else if (offset == CTL && value & START)
        start(crpt, value);
}

static void crpt_reset(struct device *device, enum twin_reset reset)
{
    struct crpt *crpt = (struct crpt *)device;
    (void)reset;
    crpt->seeded = false;
    crpt->seed = 0;
    twin_timer_set(device->twin, &crpt->done, TWIN_NEVER);
}

static const char *crpt_deaf(struct device *device)
{
    const struct nuvoton *soc = ((struct crpt *)device)->soc;
    const struct nuvoton_bit gate = {0x004, 12};
    if (soc->part->trng == TRNG_LIRC32 && !(soc->sys.values[0x1f4 / 4] & 0x1000u))
        return "while it has no power (SYS.PSWCTL.CRPTPWREN)";
    return module_deaf(soc, device, gate);
}

void crpt_start(struct nuvoton *soc)
{
    struct crpt *crpt = chip_alloc(soc, sizeof *crpt);
    crpt->soc = soc;
    crpt->done = (struct twin_timer){.run = on_done, .ctx = crpt};
    crpt->device = (struct device){.name = "CRPT",
                                   .base = soc->part->crpt_base,
                                   .size = 0x1000u,
                                   .regs = crpt_regs,
                                   .reg_count = sizeof crpt_regs / sizeof *crpt_regs,
                                   .read = crpt_read,
                                   .write = crpt_write,
                                   .allow = crpt_allow,
                                   .reset = crpt_reset,
                                   .deaf = crpt_deaf};
    module_add(soc, &crpt->device, (struct nuvoton_bit){0x008, 12});
}
