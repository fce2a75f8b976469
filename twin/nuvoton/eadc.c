/* EADC of the M487, as far as entropy is taken from it: sample module 16, the band gap, by software
 * trigger. Its lowest bits are noise. */
#include "twin/nuvoton/nuvoton.h"

#define DAT     0x000u
#define CTL     0x050u
#define SWTRG   0x054u
#define SCTL    0x080u
#define STATUS2 0x0f8u
#define PWRM    0x110u

#define ADCEN   1u
#define ADCRST  2u
#define BUSY    0x800000u
#define ADIF0   1u
#define PWUPRDY 1u
#define OV      0x10000u
#define VALID   0x20000u

#define MODULE   16u
#define BAND_GAP 1488u /* of 1.2 V, of 4096 at 3.3 V */
#define POWER_NS (20u * TWIN_US)

static const struct reg eadc_regs[] = {
    {"DAT", DAT, 0, 0, 0, 19, 0},
    {"CTL", CTL, 0xbff, 0, 0, 0, 0},
    {"SWTRG", SWTRG, 0, 0, 0, 0, 0},
    {"SCTL", SCTL, 0xff1f000f, 0, 0, 19, 0},
    {"STATUS2", STATUS2, 0, ADIF0, 0, 0, 0},
    {"PWRM", PWRM, 0x000fff0e, 0, 0, 0, 0},
};

struct eadc {
    struct device device;
    struct nuvoton *soc;
    struct twin_timer done;
    twin_ns powered_at;
};

static bool is_powered(struct eadc *eadc)
{
    return *device_reg(&eadc->device, CTL) & ADCEN && twin_now(eadc->soc->twin) >= eadc->powered_at;
}

static void trigger(struct eadc *eadc, uint32_t modules)
{
    static const struct nuvoton_field pclk1 = {0x034, 4, 3}, divider = {0x020, 16, 8};
    struct nuvoton *soc = eadc->soc;
    const uint32_t hz =
        (twin_hz(soc->twin) >> clock_field(soc, pclk1)) / (clock_field(soc, divider) + 1u);
    const uint32_t sampling = *device_reg(&eadc->device, SCTL + 4u * MODULE) >> 24;
    if (!is_powered(eadc))
        twin_fault(soc->twin, "EADC is triggered before PWRM.PWUPRDY is 1");
    else if (modules != 1u << MODULE)
        twin_fault(soc->twin, "EADC.SWTRG is written 0x%x; only module 16 is modelled", modules);
    else if (eadc->done.queued)
        twin_fault(soc->twin, "EADC is triggered while it converts");
    else
        twin_timer_set(soc->twin, &eadc->done,
                       twin_now(soc->twin) + (15u + sampling) * 1000000000ull / hz);
}

/* The sum of some bits: near the middle, and seldom far from it. */
static uint32_t noise(struct nuvoton *soc)
{
    uint64_t bits = chip_random(soc) >> 40;
    uint32_t sum = 0;
    for (unsigned i = 0; i < 8; i++, bits >>= 1)
        sum += (uint32_t)(bits & 1u);
    return sum;
}

static void on_done(void *ctx)
{
    struct eadc *eadc = ctx;
    uint32_t *data = device_reg(&eadc->device, DAT + 4u * MODULE);
    const uint32_t late = *data & VALID ? OV : 0; /* nobody has read the last one */
    *data = (BAND_GAP + noise(eadc->soc)) | VALID | late;
    *device_reg(&eadc->device, STATUS2) |= ADIF0;
}

static uint32_t eadc_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct eadc *eadc = (struct eadc *)device;
    if (offset == DAT + 4u * MODULE)
        *device_reg(device, offset) &= ~(VALID | OV);
    if (offset == STATUS2)
        return value | (eadc->done.queued ? BUSY : 0);
    if (offset == PWRM)
        return value | (is_powered(eadc) ? PWUPRDY : 0);
    return value;
}

static void eadc_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct eadc *eadc = (struct eadc *)device;
    if (offset == SWTRG)
        trigger(eadc, value);
    else if (offset == CTL && value & ADCEN && !(old & ADCEN))
        eadc->powered_at = twin_now(device->twin) + POWER_NS;
    if (offset == CTL)
        *device_reg(device, CTL) &= ~ADCRST;
}

static void eadc_reset(struct device *device, enum twin_reset reset)
{
    (void)reset;
    twin_timer_set(device->twin, &((struct eadc *)device)->done, TWIN_NEVER);
}

static const char *eadc_deaf(struct device *device)
{
    const struct nuvoton_bit gate = {0x008, 28};
    return module_deaf(((struct eadc *)device)->soc, device, gate);
}

void eadc_start(struct nuvoton *soc)
{
    struct eadc *eadc = chip_alloc(soc, sizeof *eadc);
    eadc->soc = soc;
    eadc->done = (struct twin_timer){.run = on_done, .ctx = eadc};
    eadc->device = (struct device){.name = "EADC",
                                   .base = 0x40043000u,
                                   .size = 0x1000u,
                                   .regs = eadc_regs,
                                   .reg_count = sizeof eadc_regs / sizeof *eadc_regs,
                                   .read = eadc_read,
                                   .write = eadc_write,
                                   .reset = eadc_reset,
                                   .deaf = eadc_deaf};
    module_add(soc, &eadc->device, (struct nuvoton_bit){0x00c, 28});
}
