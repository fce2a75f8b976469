/* RNG: words once it was conditioned and started, as long as its clock runs and its seed is good.
 * The words come from a simple generator, seeded by the host. A source that is stuck, or that a
 * test lets fail, is what the health tests are for: a seed error, and no word. */
#include <sys/random.h>

#include "twin/stm32/stm32.h"

#define CR   0x00u
#define SR   0x04u
#define DR   0x08u
#define NSCR 0x0cu
#define HTCR 0x10u

#define RNGEN      (1u << 2)
#define IE         (1u << 3)
#define CED        (1u << 5)
#define CONDRST    (1u << 30)
#define CONFIGLOCK (1u << 31)
/* What only a conditioning reset takes over. */
#define CONFIG 0x03fffff0u

#define DRDY 1u
#define CECS 2u
#define SECS 4u
#define CEIS 0x20u
#define SEIS 0x40u

#define CONDITIONS (5u * TWIN_US)
#define STARTS     (500u * TWIN_US)
#define NEXT_WORD  (3u * TWIN_US)

static const struct reg rng_regs[] = {
    {"CR", CR, 0xc3ffffac, 0, 0x00800d00, 0, 0},
    {"SR", SR, 0, 0, 0, 0, 0}, /* holds CEIS and SEIS */
    {"DR", DR, 0, 0, 0, 0, 0},
    {"NSCR", NSCR, 0x0003ffff, 0, 0x0003ffff, 0, 0},
    {"HTCR", HTCR, 0x0003ffff, 0, 0x000072ac, 0, 0},
};

static uint32_t control_of(const struct stm32_rng *rng)
{
    return rng->module.device.values[CR / 4u];
}

static bool is_clocked(const struct stm32_rng *rng)
{
    struct stm32 *soc = rng->module.soc;
    const bool is_u5 = soc->part->family == STM32_U5;
    const uint32_t select =
        is_u5 ? stm32_rcc(soc, 0x0e4) >> 12 & 3u : stm32_rcc(soc, 0x0e8) >> 4 & 3u;
    if (select != 0)
        twin_fault(soc->twin, "RCC puts RNG on its clock %u; only HSI48, 0, is modelled", select);
    return stm32_clock_hz(soc, STM32_HSI48) != 0;
}

/* CONDRST was cleared, and its way through the conditioning takes its time. */
static bool is_conditioning(const struct stm32_rng *rng)
{
    return control_of(rng) & CONDRST ||
           (rng->conditioned_at != 0 &&
            (!is_clocked(rng) || twin_now(rng->module.soc->twin) < rng->conditioned_at));
}

static bool is_running(const struct stm32_rng *rng)
{
    return control_of(rng) & RNGEN && !is_conditioning(rng);
}

/* The health tests look at the source when the generator has started. */
static void look_at_source(struct stm32_rng *rng)
{
    uint32_t *flags = device_reg(&rng->module.device, SR);
    if (is_running(rng) && !is_clocked(rng) && !(control_of(rng) & CED))
        *flags |= CEIS;
    const bool tested =
        is_running(rng) && is_clocked(rng) && twin_now(rng->module.soc->twin) >= rng->word_at;
    if (!tested || rng->seeded || rng->seed_error)
        return;
    if (rng->stuck || rng->failures) {
        rng->failures -= rng->failures > 0;
        rng->seed_error = true;
        *flags |= SEIS;
    } else {
        rng->seeded = true;
    }
}

static bool has_word(struct stm32_rng *rng)
{
    look_at_source(rng);
    return is_running(rng) && is_clocked(rng) && rng->seeded && !rng->seed_error &&
           !(*device_reg(&rng->module.device, SR) & SEIS) &&
           twin_now(rng->module.soc->twin) >= rng->word_at;
}

static uint32_t take(struct stm32_rng *rng)
{
    if (!has_word(rng))
        return 0;
    rng->word_at = twin_now(rng->module.soc->twin) + NEXT_WORD;
    rng->state = rng->state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(rng->state >> 32);
}

static uint32_t rng_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct stm32_rng *rng = (struct stm32_rng *)device;
    if (offset == DR)
        return take(rng);
    if (offset == CR)
        return value | (is_conditioning(rng) ? CONDRST : 0);
    if (offset != SR)
        return value;
    const bool ready = has_word(rng);
    const bool unclocked = control_of(rng) & RNGEN && !is_clocked(rng) && !(control_of(rng) & CED);
    return *device_reg(device, SR) | (ready ? DRDY : 0) | (unclocked ? CECS : 0) |
           (rng->seed_error ? SECS : 0);
}

static bool rng_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    const struct stm32_rng *rng = (struct stm32_rng *)device;
    const uint32_t held = *device_reg(device, reg->offset);
    const bool takes_config = (reg->offset == CR && value & CONDRST) || control_of(rng) & CONDRST;
    if (reg->offset == CR && value & IE)
        twin_fault(device->twin, "RNG.CR.IE is set: its interrupt is not modelled");
    else if (reg->offset == CR && control_of(rng) & CONFIGLOCK && (held ^ value) & CONFIG)
        twin_fault(device->twin, "the program changes RNG.CR to 0x%08x after CONFIGLOCK", value);
    else if (reg->offset == CR && (held ^ value) & CONFIG && !takes_config)
        twin_fault(device->twin, "the program configures RNG.CR as 0x%08x without CONDRST", value);
    else if (reg->offset == CR && (held ^ value) & CONFIG && held & RNGEN && value & RNGEN)
        twin_fault(device->twin, "the program configures RNG.CR while RNGEN is 1");
    else if ((reg->offset == NSCR || reg->offset == HTCR) && !takes_config)
        twin_fault(device->twin, "the program writes RNG.%s while CR.CONDRST is 0", reg->name);
    else
        return true;
    return false;
}

static void rng_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32_rng *rng = (struct stm32_rng *)device;
    const uint32_t now = *device_reg(device, CR);
    const twin_ns time = twin_now(device->twin);
    if (offset == SR)
        *device_reg(device, SR) &= value; /* written 0 clears */
    if (offset != CR)
        return;
    if (now & CONDRST)
        rng->seeded = rng->seed_error = false;
    if (old & ~now & CONDRST)
        rng->conditioned_at = time + CONDITIONS;
    if ((now & ~old & RNGEN) || (old & ~now & CONDRST)) {
        rng->seeded = false;
        rng->word_at = time + STARTS;
    }
    look_at_source(rng);
}

static void rng_reset(struct device *device, enum twin_reset reset)
{
    struct stm32_rng *rng = (struct stm32_rng *)device;
    (void)reset;
    rng->seeded = rng->seed_error = false;
    rng->conditioned_at = rng->word_at = 0;
}

void stm32_rng_start(struct stm32 *soc, bool by_host)
{
    struct stm32_rng *rng = &soc->rng;
    rng->state = 0x4f74746572ull; /* a test's runs must be alike */
    if (by_host)
        (void)getrandom(&rng->state, sizeof rng->state, 0);
    rng->module.device = (struct device){.name = "RNG",
                                         .base = 0x420c0800u,
                                         .size = 0x400u,
                                         .regs = rng_regs,
                                         .reg_count = sizeof rng_regs / sizeof *rng_regs,
                                         .read = rng_read,
                                         .write = rng_write,
                                         .allow = rng_allow,
                                         .reset = rng_reset};
    rng->module.gate = (struct stm32_bit){0x08c, 18};
    rng->module.reset = (struct stm32_bit){0x064, 18};
    stm32_add(soc, &rng->module);
}
