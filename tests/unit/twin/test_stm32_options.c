/* Option bytes of both STM32 parts: locks, the swap of the banks, changes that are cut. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/twin/stm32_flash_bench.h"

static void open_options(void)
{
    open_flash();
    put(r.option_key, 0x08192a3b);
    put(r.option_key, 0x4c5d6e7f);
}

static void ask_for_swap(bool swapped)
{
    if (is_u5())
        put(FLASH + 0x40, (get(FLASH + 0x40) & ~(1u << 20)) | (swapped ? 1u << 20 : 0));
    else
        put(FLASH + 0x54, (get(FLASH + 0x54) & ~(1u << 31)) | (swapped ? 1u << 31 : 0));
}

static void start_change(void)
{
    if (is_u5())
        put(r.control, 1u << 17);
    else
        put(FLASH + 0x1c, 2);
}

static void swap_banks(bool swapped)
{
    open_options();
    ask_for_swap(swapped);
    start_change();
    assert_int_equal(get(r.status) & r.busy, r.busy);
    wait_until_done();
}

/* The U5 launches, the H5 resets. */
static void take_effect(void)
{
    if (is_u5())
        put(r.control, 1u << 27);
    else
        put(AIRCR, 0x05fa0004);
    pass(TWIN_MS);
}

/* Bank 2 gets vectors of its own, a word beside them, and the marks of both banks. */
static void fill_bank2(void)
{
    uint8_t first[0x110];
    assert_true(twin_read_memory(soc->twin, BANK1, first, sizeof first));
    assert_true(stm32_program(soc, BANK2, first, sizeof first));
    assert_true(stm32_program(soc, BANK2 + 0x3000, (const uint8_t *)"bank", 4));
}

#define MARK 0x6b6e6162u

static void banks_change_places_with_the_option_bytes(void **state)
{
    (void)state;
    fill_bank2();
    swap_banks(true);
    assert_int_equal(get(BANK1 + 0x3000), 0xffffffff);
    take_effect();
    assert_int_equal(get(BANK1 + 0x3000), MARK);
    assert_int_equal(get(BANK2 + 0x3000), 0xffffffff);
    assert_int_equal(get(is_u5() ? FLASH + 0x40 : FLASH + 0x1c) >> (is_u5() ? 20 : 31) & 1, 1);
    assert_no_fault();
}

static void a_swap_outlives_the_power_and_erases_go_by_the_physical_bank(void **state)
{
    (void)state;
    fill_bank2();
    swap_banks(true);
    twin_reset(soc->twin, TWIN_RESET_POWER);
    assert_int_equal(get(BANK1 + 0x3000), MARK);
    open_flash();
    program(BANK2 + 0x3000, 5);
    assert_memory_equal(soc->flash.cells.bytes + 0x3000, "\5\0\0\0", 4);
    erase(1, 1); /* what now lies in the second window */
    assert_int_equal(get(BANK2 + 0x3000), 0xffffffff);
    assert_int_equal(get(BANK1 + 0x3000), MARK);
    assert_no_fault();
}

static void the_u5_loads_its_options_only_when_it_is_told_to(void **state)
{
    (void)state;
    fill_bank2();
    swap_banks(true);
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    assert_int_equal(get(BANK1 + 0x3000), 0xffffffff);
    assert_int_equal(get(FLASH + 0x40) >> 20 & 1, 1); /* OPTR is ahead of what is in force */
    open_options();
    put(RCC + 0xf4, 1u << 23);
    put(r.control, 1u << 27);
    pass(TWIN_MS);
    assert_int_equal(get(BANK1 + 0x3000), MARK);
    assert_int_equal(get(RCC + 0xf4) >> 25 & 0xf, 3); /* OBLRSTF, PINRSTF */
}

static void options_stay_locked_without_their_keys(void **state)
{
    (void)state;
    open_flash();
    ask_for_swap(true);
    assert_fault(is_u5() ? "writes FLASH.OPTR while NSCR.OPTLOCK is 1"
                         : "writes FLASH.OPTSR_PRG while OPTCR.OPTLOCK is 1");
}

static void the_options_keys_come_after_the_flashs(void **state)
{
    (void)state;
    put(r.option_key, 0x08192a3b);
    assert_fault("writes FLASH.OPTKEYR while NSCR.LOCK is 1");
}

static void a_change_without_the_keys_is_named(void **state)
{
    (void)state;
    open_flash();
    start_change();
    assert_fault("while OPTLOCK is 1");
}

static void what_would_brick_a_board_is_named(void **state)
{
    (void)state;
    open_options();
    if (is_u5())
        put(FLASH + 0x40, get(FLASH + 0x40) ^ 1u << 31);
    else
        put(FLASH + 0x54, (get(FLASH + 0x54) & ~0xff00u) | 0x7200);
    assert_fault("what follows from that is not modelled");
}

static void cut_in_a_change(void)
{
    fill_bank2();
    open_options();
    ask_for_swap(true);
    twin_cut_in_operation(soc->twin, 1);
    start_change();
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    power_again();
    assert_int_equal(get(r.opsr) >> 29, 6);
    assert_int_equal(get(BANK1 + 0x3000), 0xffffffff);
}

static void a_cut_change_of_the_u5_leaves_the_old_options(void **state)
{
    (void)state;
    cut_in_a_change();
    assert_int_equal(get(FLASH + 0x40) >> 20 & 1, 0);
    twin_reset(soc->twin, TWIN_RESET_POWER);
    assert_int_equal(get(r.opsr), 0);
    assert_int_equal(get(BANK1 + 0x3000), 0xffffffff);
}

static void a_cut_change_of_the_h5_is_told_until_it_is_finished(void **state)
{
    (void)state;
    cut_in_a_change();
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    assert_int_equal(get(r.opsr) >> 29, 6);
    assert_int_equal(get(FLASH + 0x50) >> 31, 0);
    assert_int_equal(get(FLASH + 0x54) >> 31, 1);
    put(r.option_key, 0x08192a3b);
    put(r.option_key, 0x4c5d6e7f);
    put(FLASH + 0x1c, 2);
    wait_until_done();
    put(FLASH + 0x1c, 1);
    take_effect();
    assert_int_equal(get(r.opsr), 0);
    assert_int_equal(get(BANK1 + 0x3000), MARK);
    assert_no_fault();
}

static void a_cut_when_a_change_starts_leaves_no_trace(void **state)
{
    (void)state;
    fill_bank2();
    open_options();
    ask_for_swap(true);
    twin_cut_at(soc->twin, "option-change", 1);
    start_change();
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    power_again();
    assert_int_equal(get(r.opsr), 0);
    assert_int_equal(get(BANK1 + 0x3000), 0xffffffff);
}

static void a_reset_clears_the_ram_that_the_options_name(void **state)
{
    uint32_t word = 0x12345678;
    (void)state;
    assert_true(twin_write_memory(soc->twin, 0x20000000, &word, 4));
    assert_true(twin_write_memory(soc->twin, is_u5() ? 0x20030000 : 0x20040000, &word, 4));
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    assert_int_equal(word_at(0x20000000), 0x12345678);
    open_options();
    if (is_u5())
        put(FLASH + 0x40, get(FLASH + 0x40) & ~(1u << 15));
    else
        put(FLASH + 0x74, get(FLASH + 0x74) & ~4u);
    start_change();
    wait_until_done();
    take_effect();
    assert_int_equal(word_at(0x20000000), 0);
    assert_int_equal(word_at(is_u5() ? 0x20030000 : 0x20040000), 0x12345678);
}

static void protected_pages_take_nothing(void **state)
{
    (void)state;
    open_options();
    if (is_u5())
        put(FLASH + 0x68, 3 | 3u << 16);
    else
        put(FLASH + 0x1ec, ~1u);
    start_change();
    wait_until_done();
    take_effect();
    open_flash();
    start_erase(2, 3);
    assert_flag(is_u5() ? 0x10 : 1u << 17);
    put(r.clear, is_u5() ? 0x10 : 1u << 17);
    put(r.control, r.programs);
    put_slot(BANK2 + 0x6000, 1);
    assert_flag(is_u5() ? 0x10 : 1u << 17);
    assert_int_equal(word_at(BANK2 + 0x6000), 0xffffffff);
}

static void a_start_outside_the_flash_is_named(void **state)
{
    (void)state;
    open_options();
    if (is_u5())
        put(FLASH + 0x44, 0x0bf90000);
    else
        put(FLASH + 0x84, 0x0bf800c3);
    start_change();
    wait_until_done();
    twin_reset(soc->twin, TWIN_RESET_POWER);
    assert_fault("the option bytes start the core at 0x0bf");
}

static void the_core_starts_where_the_options_say(void **state)
{
    (void)state;
    fill_bank2();
    open_options();
    if (is_u5())
        put(FLASH + 0x44, 0x08100000);
    else
        put(FLASH + 0x84, 0x081000c3);
    start_change();
    wait_until_done();
    take_effect();
    assert_int_equal(get(0xe000ed08), 0x08100000); /* VTOR */
    assert_no_fault();
}

static void the_u5_launches_only_with_its_options_open(void **state)
{
    (void)state;
    open_flash();
    put(r.control, 1u << 27);
    assert_fault("NSCR.OBL_LAUNCH is set while OPTLOCK is 1");
}

static void the_h5_changes_nothing_while_it_is_busy(void **state)
{
    (void)state;
    open_options();
    start_change();
    start_change();
    assert_fault("OPTSTART is set while NSSR.BSY is 1");
}

static void a_wrong_key_locks_the_options_until_the_next_reset(void **state)
{
    (void)state;
    open_flash();
    put(r.option_key, 0x08192a3b);
    put(r.option_key, 0);
    put(r.option_key, 0x08192a3b);
    put(r.option_key, 0x4c5d6e7f);
    if (is_u5())
        assert_int_equal(get(r.control) >> 30 & 1, 1);
    else
        assert_int_equal(get(FLASH + 0x1c) & 1, 1);
}

static void a_change_is_closed_by_its_lock(void **state)
{
    (void)state;
    open_options();
    if (is_u5())
        put(r.control, 1u << 30);
    else
        put(FLASH + 0x1c, 1);
    ask_for_swap(true);
    assert_fault("LOCK is 1");
}

static void banks_that_are_stuck_do_not_change_places(void **state)
{
    (void)state;
    fill_bank2();
    soc->flash.stuck = true;
    swap_banks(true);
    take_effect();
    twin_reset(soc->twin, TWIN_RESET_POWER);
    assert_int_equal(get(BANK1 + 0x3000), 0xffffffff);
    if (is_u5())
        assert_int_equal(get(FLASH + 0x40) >> 20 & 1, 0);
    else
        assert_int_equal((get(FLASH + 0x50) ^ get(FLASH + 0x1c)) >> 31, 1);
    assert_no_fault();
}

static void a_reset_in_a_program_tears_its_slot_and_keeps_the_power(void **state)
{
    const uint32_t kept = 0x12345678;
    (void)state;
    assert_true(twin_write_memory(soc->twin, 0x20000000, &kept, 4));
    open_flash();
    put(r.control, r.programs);
    twin_reset_at_operation(soc->twin, TWIN_IN_OPERATION, 1);
    put_slot(BANK2 + 0x5000, 1);
    pass(TWIN_MS);
    assert_int_equal(twin_last_reset(soc->twin), TWIN_RESET_SYSTEM);
    assert_int_equal(get(r.opsr) >> 29, 1);
    assert_int_equal(word_at(0x20000000), kept);
    get(BANK2 + 0x5000);
    assert_true(nmi_is_pending());
}

static void a_reset_behind_a_change_finds_it_done(void **state)
{
    (void)state;
    fill_bank2();
    open_options();
    ask_for_swap(true);
    twin_reset_at_operation(soc->twin, TWIN_BEHIND_OPERATION, 1);
    start_change();
    pass(100 * TWIN_MS);
    assert_int_equal(twin_last_reset(soc->twin), TWIN_RESET_SYSTEM);
    assert_int_equal(get(r.opsr), 0);
    assert_int_equal(get(BANK1 + 0x3000), is_u5() ? 0xffffffff : MARK);
}

/* A twin that was killed and one that is started again on its files. */
static void cells_errors_and_options_outlive_the_twin(void **state)
{
    char folder[] = "/tmp/otter-stm32-XXXXXX", path[64];
    static const char *const names[] = {"flash.bin", "flash-ecc.bin", "options.bin"};
    (void)state;
    assert_non_null(mkdtemp(folder));
    const struct stm32_part *part = soc->part;
    stm32_free(soc);
    for (unsigned life = 0; life < 2; life++) {
        soc = stm32_new(part, folder);
        bench = soc->twin;
        assert_non_null(soc);
        twin_hurry(soc->twin);
        bench_program();
        if (life == 0)
            fill_bank2();
        twin_reset(soc->twin, TWIN_RESET_POWER);
        if (life == 1)
            break;
        swap_banks(true);
        put(r.control, r.programs);
        put_slot(BANK1 + 0x5000, 1); /* under way when the twin ends */
        stm32_free(soc);
    }
    assert_int_equal(get(BANK1 + 0x3000), MARK);
    assert_int_equal(get(r.opsr) >> 29, 1);
    get(BANK2 + 0x5000);
    assert_true(nmi_is_pending());
    assert_no_fault();
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(remove(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(banks_change_places_with_the_option_bytes),
        BOTH(a_swap_outlives_the_power_and_erases_go_by_the_physical_bank),
        TEST(the_u5_loads_its_options_only_when_it_is_told_to),
        BOTH(options_stay_locked_without_their_keys),
        TEST(the_options_keys_come_after_the_flashs),
        BOTH(a_change_without_the_keys_is_named),
        BOTH(what_would_brick_a_board_is_named),
        TEST(a_cut_change_of_the_u5_leaves_the_old_options),
        H5(a_cut_change_of_the_h5_is_told_until_it_is_finished),
        BOTH(a_cut_when_a_change_starts_leaves_no_trace),
        BOTH(a_reset_clears_the_ram_that_the_options_name),
        BOTH(protected_pages_take_nothing),
        BOTH(a_start_outside_the_flash_is_named),
        BOTH(the_core_starts_where_the_options_say),
        TEST(the_u5_launches_only_with_its_options_open),
        H5(the_h5_changes_nothing_while_it_is_busy),
        BOTH(a_wrong_key_locks_the_options_until_the_next_reset),
        BOTH(a_change_is_closed_by_its_lock),
        BOTH(banks_that_are_stuck_do_not_change_places),
        BOTH(a_reset_in_a_program_tears_its_slot_and_keeps_the_power),
        BOTH(a_reset_behind_a_change_finds_it_done),
        BOTH(cells_errors_and_options_outlive_the_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
