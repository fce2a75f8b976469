/* For tests of a Nuvoton chip's models: the chip with its core asleep, and bus accesses. */
#ifndef OTTER_TEST_NUVOTON_BENCH_H
#define OTTER_TEST_NUVOTON_BENCH_H

#include "tests/unit/twin/bench.h"
#include "twin/nuvoton/nuvoton.h"

#define SYS  0x40000000u
#define CLK  0x40000200u
#define GPIO 0x40004000u
#define FMC  0x4000c000u
#define UART 0x40070000u
#define TRNG 0x400b9000u
#define WDT  0x40040000u

static struct nuvoton *soc;

/* Before the power comes, a test wires what its board has. */
static int bench_on(const struct nuvoton_part *part, void (*wire)(void))
{
    /* Vectors: a stack and `wfi; b .` at 0x100; the core sleeps while the test uses the bus. */
    static const uint8_t program[0x104] = {
        [3] = 0x20,     [4] = 0x01,     [5] = 0x01,    [0x100] = 0x30,
        [0x101] = 0xbf, [0x102] = 0xfd, [0x103] = 0xe7};
    soc = nuvoton_new(part, NULL);
    assert_non_null(soc);
    bench = soc->twin;
    twin_hurry(soc->twin);
    assert_true(nuvoton_program(soc, 0, program, sizeof program));
    if (wire)
        wire();
    twin_reset(soc->twin, TWIN_RESET_POWER);
    return 0;
}

static int switch_off(void **state)
{
    (void)state;
    nuvoton_free(soc);
    return 0;
}

static inline void unlock(void)
{
    put(SYS + 0x100, 0x59);
    put(SYS + 0x100, 0x16);
    put(SYS + 0x100, 0x88);
    assert_int_equal(get(SYS + 0x100), 1);
}

#endif
