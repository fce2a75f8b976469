/* Entropy where there is no TRNG: the noise in the converter's reading of its band gap. One bit,
 * the parity of twelve, of each sample; pairs that agree are thrown away (von Neumann), so a bias
 * does no harm. How much entropy it has on silicon was not measured: the health tests of entropy.h
 * watch it, and the generator takes two raw bytes for each byte of seed. (Technical Reference
 * Manual, EADC: sample module 16 is the band gap.) */
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/entropy.h"
#include "ports/nuvoton/nuvoton.h"
#include "ports/nuvoton/trng.h"

#define EADC_DAT16  REG32(0x40043000u + 4u * 16u)
#define EADC_CTL    REG32(0x40043050u)
#define EADC_SWTRG  REG32(0x40043054u)
#define EADC_SCTL16 REG32(0x40043080u + 4u * 16u)
#define EADC_PWRM   REG32(0x40043110u)

#define APB_EADC  (1u << 28)
#define VALID     (1u << 17)
#define POWERED   1u
#define START_MS  10u
#define SAMPLE_MS 5u
#define PAIRS_MAX 256u
#define TURNS     100u

static bool wait_for(volatile const uint32_t *reg, uint32_t flag, uint32_t limit_ms)
{
    const otter_ms limit = port_now() + limit_ms;
    do {
        for (unsigned i = 0; i < TURNS; i++) { /* most come before anyone looks at the clock */
            if (*reg & flag)
                return true;
            pause_about_us(3);
        }
    } while (port_now() <= limit);
    return false;
}

void trng_start(void)
{
    registers_unlock();
    CLK_APBCLK0 |= APB_EADC;
    CLK_CLKDIV0 = (CLK_CLKDIV0 & ~(0xffu << 16)) | 254u << 16;
    EADC_CTL |= 1u;
    (void)wait_for(&EADC_PWRM, POWERED, START_MS); /* without power no sample comes */
    EADC_SCTL16 = 15u << 24;
}

static bool sample(uint32_t *bit)
{
    EADC_SWTRG = 1u << 16;
    if (!wait_for(&EADC_DAT16, VALID, SAMPLE_MS))
        return false;
    *bit = (uint32_t)__builtin_parity(EADC_DAT16 & 0xfffu);
    return true;
}

static bool unbiased_bit(uint32_t *bit)
{
    for (unsigned i = 0; i < PAIRS_MAX; i++) {
        uint32_t first, second;
        if (!sample(&first) || !sample(&second))
            return false;
        *bit = first;
        if (first != second)
            return true;
    }
    return false; /* it stands still */
}

bool chip_entropy_byte(uint8_t *byte)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint32_t bit;
        if (!unbiased_bit(&bit))
            return false;
        bits = bits << 1 | bit;
    }
    *byte = (uint8_t)bits;
    return true;
}
