/* TRNG: a byte about each millisecond, once it has been started in its order. Its bytes come from
 * a simple generator, seeded by the host. */
#include "twin/nuvoton/nuvoton.h"

#define CTL  0x0u
#define DATA 0x4u
#define ACT  0xcu

#define TRNGEN 0x01u
#define DVIF   0x02u
#define READY  0x80u
#define ACTIVE 0x80u

static const struct reg trng_regs[] = {
    {"CTL", CTL, 0x7d, 0, 0, 0, 0},
    {"DATA", DATA, 0, 0, 0, 0, 0},
    {"ACT", ACT, 0x80, 0, 0, 0, 0},
};

static struct nuvoton *soc_of(struct device *device)
{
    return (struct nuvoton *)((char *)device - offsetof(struct nuvoton, trng));
}

static bool is_ready(const struct nuvoton *soc)
{
    return soc->trng.values[ACT / 4] & ACTIVE && twin_now(soc->twin) >= soc->trng_ready_at;
}

static bool has_byte(const struct nuvoton *soc)
{
    return is_ready(soc) && soc->trng.values[CTL / 4] & TRNGEN && soc->trng_byte_at != 0 &&
           twin_now(soc->twin) >= soc->trng_byte_at;
}

static uint32_t next_byte(struct nuvoton *soc)
{
    if (soc->random_stuck)
        return 0;
    soc->random = soc->random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(soc->random >> 56);
}

static uint32_t trng_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct nuvoton *soc = soc_of(device);
    if (offset == CTL)
        return value | (has_byte(soc) ? DVIF : 0) | (is_ready(soc) ? READY : 0);
    if (offset != DATA || !has_byte(soc))
        return offset == DATA ? 0 : value;
    soc->trng_byte_at = twin_now(soc->twin) + TWIN_MS;
    return next_byte(soc);
}

static void trng_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct nuvoton *soc = soc_of(device);
    (void)old;
    if (offset == ACT && value & ACTIVE) {
        if (clock_hz(soc, CLOCK_LIRC) == 0 || !(soc->clk.values[0x18 / 4] >> 27 & 1u))
            twin_fault(soc->twin, "the TRNG is started without LIRC as its clock");
        soc->trng_ready_at = twin_now(soc->twin) + 110u * TWIN_US;
    } else if (offset == CTL && value & TRNGEN) {
        if (!is_ready(soc))
            twin_fault(soc->twin, "TRNG.CTL.TRNGEN is set before READY");
        else if (soc->trng_byte_at == 0)
            soc->trng_byte_at = twin_now(soc->twin) + TWIN_MS;
    }
}

static void trng_reset(struct device *device, enum twin_reset reset)
{
    struct nuvoton *soc = soc_of(device);
    (void)reset;
    soc->trng_byte_at = 0;
}

static const char *trng_deaf(struct device *device)
{
    const struct nuvoton_bit gate = {0x00c, 25};
    return clock_gate(soc_of(device), gate) ? NULL : "while its clock is off";
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
    twin_add_device(soc->twin, &soc->trng);
}
