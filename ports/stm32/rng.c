/* The true random generator, on HSI48 (reference manuals: RNG). Its own tests are watched at each
 * word: what an error taints is thrown away, and one that does not go after a few fresh starts is a
 * failure, for good. The tests of entropy.c see every byte besides. Not known: whether a word of
 * zeros may be true; it is taken as a failure, which costs one in 2^32. */
#include "ports/stm32/rng.h"

#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/entropy.h"
#include "ports/stm32/clock.h"
#include "ports/stm32/stm32.h"

#define READY_MS_MAX 10u
#define STARTS_MAX   3u

#ifdef CHIP_H573
/* The configuration that the vendor gives for this part; the U585 has its own after a reset. */
#define CONFIG 0x00f00e00u
#else
#define CONFIG (RNG_CR & ~(RNG_ENABLE | RNG_CONDITION))
#endif

static bool wait_ready(void)
{
    const otter_ms limit = port_now() + READY_MS_MAX;
    while (!(RNG_SR & RNG_READY))
        if ((RNG_SR & (RNG_SEED_SEEN | RNG_CLOCK_SEEN)) || port_now() > limit)
            return false;
    return true;
}

/* One word that no error taints. */
static bool take(uint32_t *word)
{
    if (!wait_ready())
        return false;
    *word = RNG_DR;
    return !(RNG_SR & (RNG_SEED_SEEN | RNG_CLOCK_SEEN)) && *word != 0;
}

static bool condition(void)
{
    const uint32_t config = CONFIG;
    RNG_CR = config | RNG_CONDITION;
#ifdef CHIP_H573
    RNG_HTCR = 0x6a91u;
    RNG_NSCR = 0x3af66u;
#endif
    RNG_CR = config;
    const otter_ms limit = port_now() + READY_MS_MAX;
    while (RNG_CR & RNG_CONDITION)
        if (port_now() > limit)
            return false;
    RNG_SR = 0; /* what was seen is forgotten */
    RNG_CR = config | RNG_ENABLE;
    uint32_t first; /* thrown away */
    return take(&first);
}

static bool start(void)
{
    for (unsigned i = 0; i < STARTS_MAX; i++) {
        RCC_AHB2RSTR |= RCC_AHB2_RNG;
        RCC_AHB2RSTR &= ~RCC_AHB2_RNG;
        if (condition())
            return true;
    }
    return false;
}

static bool works;

void rng_start(void)
{
    RCC_CR |= RCC_HSI48ON;
    RCC_AHB2ENR |= RCC_AHB2_RNG;
    works = clock_wait_flag(&RCC_CR, RCC_HSI48RDY) && start();
}

bool chip_entropy_byte(uint8_t *byte)
{
    static uint32_t word;
    static unsigned left;
    if (works && left == 0) {
        works = take(&word) || (start() && take(&word));
        left = 4;
    }
    *byte = (uint8_t)word;
    word >>= 8;
    left--;
    return works;
}
