/* PWR: the voltage scale and the booster that a clock needs, the supply of PG2 to PG15, the lock of
 * the backup domain. */
#include "twin/stm32/stm32.h"

#define U5_VOSR    0x00cu
#define U5_SVMCR   0x010u
#define U5_DBPR    0x028u
#define U5_SECCFGR 0x030u
#define U5_SVMSR   0x03cu
#define H5_VOSCR   0x010u
#define H5_VOSSR   0x014u
#define H5_DBPCR   0x024u

#define BOOSTEN (1u << 18)
#define IO2SV   (1u << 29)
#define SETTLES (30u * TWIN_US)

static bool is_u5(const struct stm32 *soc)
{
    return soc->part->family == STM32_U5;
}

static uint32_t pwr(const struct stm32 *soc, uint32_t offset)
{
    return soc->pwr.device.values[offset / 4u];
}

static unsigned wanted(const struct stm32 *soc)
{
    return is_u5(soc) ? pwr(soc, U5_VOSR) >> 16 & 3u : pwr(soc, H5_VOSCR) >> 4 & 3u;
}

static bool is_settled(const struct stm32 *soc)
{
    return twin_now(soc->twin) >= soc->vos_at;
}

unsigned stm32_voltage(const struct stm32 *soc)
{
    return is_settled(soc) || wanted(soc) < soc->vos_before ? wanted(soc) : soc->vos_before;
}

bool stm32_boosted(const struct stm32 *soc)
{
    return pwr(soc, U5_VOSR) & BOOSTEN && twin_now(soc->twin) >= soc->boost_at;
}

bool stm32_has_io2(const struct stm32 *soc)
{
    return !is_u5(soc) || pwr(soc, U5_SVMCR) & IO2SV;
}

bool stm32_backup_open(const struct stm32 *soc)
{
    return pwr(soc, is_u5(soc) ? U5_DBPR : H5_DBPCR) & 1u;
}

static uint32_t pwr_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    const uint32_t settled = is_settled(soc), scale = stm32_voltage(soc);
    if (is_u5(soc) && offset == U5_VOSR)
        return value | settled << 15 | (uint32_t)stm32_boosted(soc) << 14;
    if (is_u5(soc) && offset == U5_SVMSR)
        return value | settled << 15 | scale << 16;
    if (!is_u5(soc) && offset == H5_VOSSR)
        return settled << 3 | settled << 13 | scale << 14;
    return value;
}

/* The booster's clock is the PLL's source, divided to 4 to 16 MHz (U5). */
static void start_booster(struct stm32 *soc)
{
    static const uint8_t dividers[] = {1, 2, 4, 6, 8, 10, 12, 14, 16};
    static const int8_t sources[] = {-1, STM32_MSIS, STM32_HSI, STM32_HSE};
    const uint32_t config = stm32_rcc(soc, 0x028), field = config >> 12 & 0xfu;
    const int8_t source = sources[config & 3u];
    const uint32_t hz = source < 0 ? 0 : stm32_clock_hz(soc, (enum stm32_clock)source);
    const uint32_t divided = field < sizeof dividers ? hz / dividers[field] : 0;
    if (divided < 4000000u || divided > 16000000u)
        twin_fault(soc->twin,
                   "PWR.VOSR.BOOSTEN is set while RCC.PLL1CFGR 0x%08x gives the booster %u Hz, not "
                   "4 to 16 MHz",
                   config, divided);
    else if (wanted(soc) < 2)
        twin_fault(soc->twin, "PWR.VOSR.BOOSTEN is set at voltage range %u", 4u - wanted(soc));
    soc->boost_at = twin_now(soc->twin) + SETTLES;
}

static void pwr_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    const uint32_t now = *device_reg(device, offset);
    (void)value;
    if (offset != (is_u5(soc) ? U5_VOSR : H5_VOSCR))
        return;
    const uint32_t scale_mask = is_u5(soc) ? 3u << 16 : 3u << 4;
    if ((old ^ now) & scale_mask) {
        soc->vos_before = is_u5(soc) ? old >> 16 & 3u : old >> 4 & 3u;
        soc->vos_at = twin_now(soc->twin) + SETTLES;
    }
    if (is_u5(soc) && now & ~old & BOOSTEN)
        start_booster(soc);
    stm32_check_speed(soc);
}

static bool pwr_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    (void)value;
    return !is_u5(soc) || reg->offset != U5_SECCFGR || stm32_wants_two_worlds(soc, "PWR.SECCFGR");
}

static void pwr_reset(struct device *device, enum twin_reset reset)
{
    struct stm32 *soc = stm32_of(device);
    (void)reset;
    soc->vos_at = soc->boost_at = 0;
    soc->vos_before = 0;
}

void stm32_pwr_start(struct stm32 *soc)
{
    soc->pwr.device = (struct device){.name = "PWR",
                                      .base = soc->part->pwr_base,
                                      .size = 0x200u,
                                      .regs = soc->part->pwr_regs,
                                      .reg_count = soc->part->pwr_reg_count,
                                      .read = pwr_read,
                                      .write = pwr_write,
                                      .allow = pwr_allow,
                                      .reset = pwr_reset};
    soc->pwr.gate = soc->part->pwr_gate;
    stm32_add(soc, &soc->pwr);
}
