/* For tests of a chip's models: accesses on the bus of a chip whose core sleeps, and what its
 * faults say. nuvoton_bench.h and stm32_bench.h put a chip on the bench. */
#ifndef OTTER_TEST_BENCH_H
#define OTTER_TEST_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "twin/twin.h"

/* Of the chip on the bench. */
static struct twin *bench;

static inline void put(uint32_t address, uint32_t value)
{
    twin_store(bench, address, value);
}

static inline uint32_t get(uint32_t address)
{
    return twin_load(bench, address);
}

static inline void set(uint32_t address, uint32_t bits)
{
    put(address, get(address) | bits);
}

static inline void pass(twin_ns time)
{
    const enum twin_end end = twin_run(bench, twin_now(bench) + time);
    if (end == TWIN_FAULT)
        fail_msg("%s", twin_fault_text(bench));
    assert_int_equal(end, TWIN_STOPPED);
}

/* Until the bits are as wanted, for 2 s at most, or until there is a fault, which the test then has
 * to look at. */
static inline bool comes(uint32_t address, uint32_t mask, uint32_t wanted)
{
    for (unsigned i = 0; i < 20000; i++) {
        if ((get(address) & mask) == wanted)
            return true;
        if (twin_run(bench, twin_now(bench) + 100 * TWIN_US) == TWIN_FAULT)
            return true;
    }
    return false;
}

static inline void assert_fault(const char *part)
{
    const char *text = twin_fault_text(bench);
    if (!strstr(text, part))
        fail_msg("the fault says \"%s\", not \"%s\"", text, part);
}

static inline void assert_no_fault(void)
{
    assert_string_equal(twin_fault_text(bench), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, switch_on, switch_off)

#endif
