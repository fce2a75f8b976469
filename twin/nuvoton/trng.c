/* TRNG: a byte about each millisecond, once it has been started in its order, and once it has been
 * asked for it. Its bytes come from a simple generator, seeded by the host. M2354: seeds for the
 * crypto engine's PRNG, too. M487: the header has the block, the part has not; it never gets ready.
 */
#include "twin/nuvoton/nuvoton.h"

#define CTL  0x0u
#define DATA 0x4u
#define ACT  0xcu

#define TRNGEN 0x01u
#define DVIF   0x02u
#define READY  0x80u
#define CLKPSC 0x3cu

#define SEEDGEN 0x100u /* M2354 */
#define SEEDRDY 0x200u
#define ACTIVE  0x80u

static const struct reg trng_regs[] = {
    {"CTL", CTL, 0x17d, 0, 0, 0, 0},
    {"DATA", DATA, 0, 0, 0, 0, 0},
    {"ACT", ACT, 0x80, 0, 0, 0, 0},
};

static struct nuvoton *soc_of(struct device *device)
{
    return (struct nuvoton *)((char *)device - offsetof(struct nuvoton, trng));
}

bool trng_is_ready(const struct nuvoton *soc)
{
    return !soc->trng_absent && soc->trng.values[ACT / 4] & ACTIVE &&
           twin_now(soc->twin) >= soc->trng_ready_at;
}

static bool has_byte(const struct nuvoton *soc)
{
    return trng_is_ready(soc) && soc->trng.values[CTL / 4] & TRNGEN && soc->trng_byte_at != 0 &&
           twin_now(soc->twin) >= soc->trng_byte_at;
}

bool trng_seed_ready(const struct nuvoton *soc)
{
    return trng_is_ready(soc) && soc->trng_seed_at != 0 && twin_now(soc->twin) >= soc->trng_seed_at;
}

uint64_t chip_random(struct nuvoton *soc)
{
    if (soc->random_stuck)
        return 0;
    soc->random = soc->random * 6364136223846793005ull + 1442695040888963407ull;
    return soc->random;
}

static uint32_t trng_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct nuvoton *soc = soc_of(device);
    if (offset == CTL)
        return (value & ~(trng_seed_ready(soc) ? SEEDGEN : 0)) | (has_byte(soc) ? DVIF : 0) |
               (trng_is_ready(soc) ? READY : 0) | (trng_seed_ready(soc) ? SEEDRDY : 0);
    if (offset != DATA || !has_byte(soc))
        return offset == DATA ? 0 : value;
    soc->trng_byte_at = 0;
    *device_reg(device, CTL) &= ~TRNGEN;
    return (uint32_t)(chip_random(soc) >> 56);
}

static void activate(struct nuvoton *soc)
{
    static const struct nuvoton_bit lirc_selected = {0x018, 27};
    const uint32_t rtc = soc->rtc.values ? soc->rtc.values[0x100 / 4] : 0;
    if (soc->part->trng == TRNG_LIRC &&
        (clock_hz(soc, CLOCK_LIRC) == 0 || !clock_gate(soc, lirc_selected)))
        twin_fault(soc->twin, "the TRNG is started without LIRC as its clock");
    if (soc->part->trng == TRNG_LIRC32 && (clock_hz(soc, CLOCK_LIRC32) == 0 || !(rtc & 0x40u)))
        twin_fault(soc->twin, "the TRNG is started without the RTC's LIRC32 as its clock");
    soc->trng_ready_at = twin_now(soc->twin) + 110u * TWIN_US;
}

static void control(struct nuvoton *soc, uint32_t old, uint32_t value)
{
    if (soc->trng_absent)
        return;
    if (value & (TRNGEN | SEEDGEN) && !trng_is_ready(soc))
        twin_fault(soc->twin, "TRNG.CTL.%s is set before READY",
                   value & TRNGEN ? "TRNGEN" : "SEEDGEN");
    else if ((old ^ value) & CLKPSC && old & TRNGEN)
        twin_fault(soc->twin, "TRNG.CTL.CLKPSC is changed while TRNGEN is 1");
    else if (value & SEEDGEN && soc->part->trng != TRNG_LIRC32)
        twin_fault(soc->twin, "%s has no TRNG.CTL.SEEDGEN", soc->part->name);
    else if (value & SEEDGEN)
        soc->trng_seed_at = twin_now(soc->twin) + 40u * TWIN_MS;
    else if (value & TRNGEN && soc->trng_byte_at == 0)
        soc->trng_byte_at = twin_now(soc->twin) + TWIN_MS;
}

static void trng_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct nuvoton *soc = soc_of(device);
    if (offset == ACT && value & ACTIVE && !(old & ACTIVE))
        activate(soc);
    else if (offset == CTL)
        control(soc, old, value);
}

static void trng_reset(struct device *device, enum twin_reset reset)
{
    struct nuvoton *soc = soc_of(device);
    (void)reset;
    soc->trng_byte_at = soc->trng_seed_at = 0;
}

static const char *trng_deaf(struct device *device)
{
    const struct nuvoton_bit gate = {0x00c, 25};
    return module_deaf(soc_of(device), device, gate);
}

void trng_start(struct nuvoton *soc)
{
    soc->trng = (struct device){.name = "TRNG",
                                .base = 0x400b9000u,
                                .size = 0x100u,
                                .regs = trng_regs,
                                .reg_count = sizeof trng_regs / sizeof *trng_regs,
                                .read = trng_read,
                                .write = trng_write,
                                .reset = trng_reset,
                                .deaf = trng_deaf};
    soc->trng_absent = soc->part->trng == TRNG_NONE;
    module_add(soc, &soc->trng, (struct nuvoton_bit){0x00c, 31});
}
