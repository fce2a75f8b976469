/* For tests of an STM32's models: the chip with its core asleep, and bus accesses. */
#ifndef OTTER_TEST_STM32_BENCH_H
#define OTTER_TEST_STM32_BENCH_H

#include "tests/unit/twin/bench.h"
#include "twin/stm32/stm32.h"

#define FLASH  0x40022000u
#define ICACHE 0x40030400u
#define GPIO   0x42020000u
#define USART  0x40013800u
#define RNG    0x420c0800u
#define IWDG   0x40003000u
#define TIM2   0x40000000u

static struct stm32 *soc;
static uint32_t RCC, PWR; /* where the part has them */

/* Vectors: a stack and `wfi; b .` at 0x100; the core sleeps while the test uses the bus. */
static inline void bench_program(void)
{
    static const uint8_t program[0x104] = {
        [3] = 0x20,     [4] = 0x01,     [5] = 0x01,     [7] = 0x08,
        [0x100] = 0x30, [0x101] = 0xbf, [0x102] = 0xfd, [0x103] = 0xe7};
    assert_true(stm32_program(soc, 0x08000000u, program, sizeof program));
}

/* Before the power comes, a test wires what its board has. */
static int bench_on_with(const struct stm32_part *part, const struct stm32_secure_options *options,
                         void (*wire)(void))
{
    soc = stm32_new_in_two_worlds(part, NULL, options);
    assert_non_null(soc);
    bench = soc->twin;
    RCC = part->rcc_base;
    PWR = part->pwr_base;
    twin_hurry(soc->twin);
    bench_program();
    if (wire)
        wire();
    twin_reset(soc->twin, TWIN_RESET_POWER);
    return 0;
}

static inline int bench_on(const struct stm32_part *part, void (*wire)(void))
{
    return bench_on_with(part, NULL, wire);
}

static int switch_off(void **state)
{
    (void)state;
    stm32_free(soc);
    return 0;
}

/* ---- the way to the rated speed, as the parts' sequences have it ---- */

static inline void u5_voltage(void)
{
    set(RCC + 0x94, 1u << 2);
    set(PWR + 0x0c, 3u << 16);
    assert_true(comes(PWR + 0x0c, 1u << 15, 1u << 15));
    assert_true(comes(PWR + 0x3c, 1u << 15, 1u << 15));
}

static inline void u5_pll(uint32_t latency)
{
    put(FLASH, 1);
    put(RCC + 0x08, (get(RCC + 0x08) & 0x0fffffffu) | 1u << 23);
    assert_true(comes(RCC, 4, 4));
    put(RCC + 0x28, 1 | 3u << 2 | 2u << 8 | 2u << 12);
    put(RCC + 0x34, 9 | 1u << 9 | 1u << 16);
    set(PWR + 0x0c, 1u << 18);
    set(RCC, 1u << 24);
    assert_true(comes(RCC, 1u << 25, 1u << 25));
    set(RCC + 0x28, 1u << 18);
    assert_true(comes(PWR + 0x0c, 1u << 14, 1u << 14));
    put(FLASH, latency);
    put(RCC + 0x1c, 3);
}

static inline void h5_pll(uint32_t acr)
{
    put(PWR + 0x10, 3u << 4);
    assert_true(comes(PWR + 0x14, 1u << 3, 1u << 3));
    set(RCC, 1u << 18 | 1u << 20);
    set(RCC, 1u << 16);
    assert_true(comes(RCC, 1u << 17, 1u << 17));
    put(RCC + 0x28, 3 | 2u << 2 | 5u << 8 | 1u << 16 | 1u << 17);
    put(RCC + 0x34, 99 | 1u << 9 | 1u << 16 | 1u << 24);
    set(RCC, 1u << 24);
    assert_true(comes(RCC, 1u << 25, 1u << 25));
    put(FLASH, acr);
    put(RCC + 0x1c, 3);
}

#endif
