/* For tests of FLASH of both STM32 parts: the same words for both. */
#ifndef OTTER_TEST_STM32_FLASH_BENCH_H
#define OTTER_TEST_STM32_FLASH_BENCH_H

#include "tests/unit/twin/stm32_bench.h"

#define BANK1 0x08000000u
#define BANK2 0x08100000u
#define AIRCR 0xe000ed0cu
#define ICSR  0xe000ed04u

static struct {
    uint32_t key, option_key, status, control, clear, opsr;
    uint32_t busy, programs, locked;
} r;

static int switch_on(void **state)
{
    (void)state;
    r.key = FLASH + 0x08;
    r.option_key = FLASH + 0x10;
    r.status = r.clear = FLASH + 0x20;
    r.control = FLASH + 0x28;
    r.opsr = FLASH + 0x34;
    r.busy = 1u << 16;
    r.programs = 1;
    r.locked = 1u << 31;
    return bench_on(&stm32_u585, NULL);
}

static int switch_h5_on(void **state)
{
    (void)state;
    r.key = FLASH + 0x04;
    r.option_key = FLASH + 0x0c;
    r.status = FLASH + 0x20;
    r.clear = FLASH + 0x30;
    r.control = FLASH + 0x28;
    r.opsr = FLASH + 0x18;
    r.busy = 1;
    r.programs = 2;
    r.locked = 1;
    return bench_on(&stm32_h573, NULL);
}

static inline bool is_u5(void)
{
    return soc->part->family == STM32_U5;
}

static inline void open_flash(void)
{
    put(r.key, 0x45670123);
    put(r.key, 0xcdef89ab);
    assert_int_equal(get(r.control) & r.locked, 0);
}

static inline void wait_until_done(void)
{
    assert_true(comes(r.status, r.busy, 0));
}

static inline void put_slot(uint32_t address, uint32_t first)
{
    for (unsigned i = 0; i < 4; i++)
        put(address + 4 * i, first + i);
}

static inline void program(uint32_t address, uint32_t first)
{
    put(r.control, r.programs);
    put_slot(address, first);
    wait_until_done();
    put(r.control, 0);
}

/* Of a physical bank, 1 or 2. */
static inline void start_erase(unsigned bank, uint32_t page)
{
    if (is_u5())
        put(r.control, 2 | page << 3 | (bank == 2 ? 1u << 11 : 0) | 1u << 16);
    else
        put(r.control, 4 | page << 6 | (bank == 2 ? 1u << 31 : 0) | 1u << 5);
}

static inline void erase(unsigned bank, uint32_t page)
{
    start_erase(bank, page);
    assert_int_equal(get(r.status) & r.busy, r.busy);
    wait_until_done();
    put(r.control, 0);
}

static inline void assert_flag(uint32_t bit)
{
    assert_no_fault();
    assert_int_equal(get(r.status) & 0x00fe20fau, bit);
}

static inline uint32_t word_at(uint32_t address)
{
    uint32_t word;
    assert_true(twin_read_memory(soc->twin, address, &word, sizeof word));
    return word;
}

static inline bool nmi_is_pending(void)
{
    return get(ICSR) >> 31 & 1;
}

static inline void power_again(void)
{
    twin_cut_in_operation(soc->twin, 0);
    twin_cut_at(soc->twin, NULL, 0);
    assert_true(twin_power_again(soc->twin));
}

#define H5(name)   cmocka_unit_test_setup_teardown(name, switch_h5_on, switch_off)
#define BOTH(name) {"U5: " #name, name, switch_on, switch_off, NULL}, H5(name)

#endif
