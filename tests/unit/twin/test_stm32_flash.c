/* FLASH of both STM32 parts, used as the register tables say; each of its rules is broken once. */
#include "tests/unit/twin/stm32_flash_bench.h"

/* ---- keys ---- */

static void two_keys_open_the_flash_and_lock_closes_it(void **state)
{
    (void)state;
    assert_int_equal(get(r.control) & r.locked, r.locked);
    open_flash();
    put(r.control, r.locked);
    assert_int_equal(get(r.control) & r.locked, r.locked);
    assert_no_fault();
    put(r.control, r.programs);
    assert_fault("writes FLASH.NSCR 0x0000000");
    assert_fault("while it is locked");
}

static void a_wrong_key_locks_until_the_next_reset(void **state)
{
    (void)state;
    put(r.key, 0x45670123);
    put(r.key, 0xcdef89ac);
    put(r.key, 0x45670123);
    put(r.key, 0xcdef89ab);
    assert_int_equal(get(r.control) & r.locked, r.locked);
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    open_flash();
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    put(r.key, 1);
    put(r.control, r.programs);
    assert_fault("by a wrong key until the next reset");
}

static void a_key_when_it_is_open_is_named(void **state)
{
    (void)state;
    open_flash();
    put(r.key, 0x45670123);
    assert_fault("FLASH.NSKEYR while it is unlocked already");
}

/* ---- erase ---- */

static void an_erased_page_holds_ones_and_takes_its_time(void **state)
{
    (void)state;
    open_flash();
    program(BANK2 + 0x4000, 0x11111111);
    program(BANK2 + 0x6000, 0x22222222);
    const twin_ns before = twin_now(soc->twin);
    erase(2, 2);
    assert_true(twin_now(soc->twin) - before >= TWIN_MS);
    assert_int_equal(word_at(BANK2 + 0x4000), 0xffffffff);
    assert_int_equal(word_at(BANK2 + 0x6000), 0x22222222);
    assert_flag(0);
}

static void a_bank_is_erased_as_a_whole(void **state)
{
    (void)state;
    open_flash();
    program(BANK2, 0x11111111);
    program(BANK2 + 0xffff0, 0x22222222);
    if (is_u5())
        put(r.control, 1u << 15 | 1u << 16);
    else
        put(r.control, 8 | 1u << 31 | 1u << 5);
    wait_until_done();
    assert_int_equal(word_at(BANK2), 0xffffffff);
    assert_int_equal(word_at(BANK2 + 0xffff0), 0xffffffff);
    assert_int_not_equal(word_at(BANK1), 0xffffffff);
}

static void an_erase_of_nothing_is_a_sequence_error(void **state)
{
    (void)state;
    open_flash();
    put(r.control, is_u5() ? 1u << 16 : 1u << 5);
    assert_flag(is_u5() ? 0x80 : 1u << 18);
}

static void control_stays_alone_while_the_flash_is_busy(void **state)
{
    (void)state;
    open_flash();
    start_erase(2, 1);
    put(r.control, 0);
    assert_fault("writes FLASH.NSCR while NSSR.BSY is 1");
}

static void no_word_is_written_while_the_flash_is_busy(void **state)
{
    (void)state;
    open_flash();
    start_erase(2, 1);
    put(BANK2, 1);
    assert_fault("writes flash at 0x08100000 while FLASH is busy");
}

static void the_other_bank_is_read_during_an_erase(void **state)
{
    (void)state;
    open_flash();
    start_erase(2, 1);
    const twin_ns before = twin_now(soc->twin);
    assert_int_not_equal(get(BANK1), 0xffffffff);
    assert_int_equal(twin_now(soc->twin), before);
    assert_int_equal(get(r.status) & r.busy, r.busy);
}

static void a_read_of_the_busy_bank_waits_for_its_end(void **state)
{
    (void)state;
    open_flash();
    program(BANK2 + 0x2000, 0x11111111);
    start_erase(2, 1);
    const twin_ns before = twin_now(soc->twin);
    assert_int_equal(get(BANK2 + 0x2000), 0xffffffff);
    assert_true(twin_now(soc->twin) - before >= TWIN_MS);
    assert_int_equal(get(r.status) & r.busy, 0);
}

/* The bench's program has not begun yet; it lies in bank 1. */
static void the_core_waits_while_its_own_bank_is_busy(void **state)
{
    (void)state;
    open_flash();
    start_erase(1, 100);
    const twin_ns before = twin_now(soc->twin);
    (void)twin_run(soc->twin, before + TWIN_US);
    assert_true(twin_now(soc->twin) - before >= TWIN_MS);
}

/* ---- program ---- */

static void four_words_make_a_slot(void **state)
{
    (void)state;
    open_flash();
    put(r.control, r.programs);
    put(BANK2, 1);
    assert_int_equal(get(r.status), is_u5() ? 1u << 17 : 2);
    assert_int_equal(word_at(BANK2), 0xffffffff);
    put(BANK2 + 4, 2);
    put(BANK2 + 8, 3);
    put(BANK2 + 12, 4);
    assert_int_equal(get(r.status) & r.busy, r.busy);
    wait_until_done();
    assert_int_equal(word_at(BANK2), 1);
    assert_int_equal(word_at(BANK2 + 12), 4);
    assert_flag(0);
    assert_int_equal(get(r.status) >> 16 & 1, !is_u5()); /* EOP: always, or with EOPIE */
}

static void a_store_without_pg_is_a_sequence_error(void **state)
{
    (void)state;
    open_flash();
    put(BANK2, 1);
    assert_flag(is_u5() ? 0x80 : 1u << 18);
}

static void a_flag_that_stands_stops_what_comes(void **state)
{
    (void)state;
    open_flash();
    put(BANK2, 1);
    put(r.control, r.programs);
    put_slot(BANK2, 1);
    assert_flag(is_u5() ? 0x80 : 1u << 18);
    assert_int_equal(word_at(BANK2), 0xffffffff);
    put(r.clear, is_u5() ? 0x80 : 1u << 18);
    assert_flag(0);
    put_slot(BANK2, 1);
    wait_until_done();
    assert_int_equal(word_at(BANK2), 1);
}

static void pg_stays_while_a_slot_is_half_filled(void **state)
{
    (void)state;
    open_flash();
    put(r.control, r.programs);
    put(BANK2, 1);
    put(r.control, 0);
    assert_fault("clears FLASH.NSCR.PG while");
}

static void a_u5_slot_begins_at_16_bytes_and_goes_on_in_order(void **state)
{
    (void)state;
    open_flash();
    put(r.control, 1);
    put(BANK2 + 4, 1);
    assert_flag(0x20);
    put(r.clear, 0x20);
    put(BANK2, 1);
    put(BANK2 + 8, 2);
    assert_flag(0x20);
    put(r.clear, 0x20);
    assert_flag(0);
}

static void a_u5_slot_is_written_by_words(void **state)
{
    (void)state;
    open_flash();
    put(r.control, 1);
    twin_store_byte(soc->twin, BANK2, 1);
    assert_flag(0x40);
}

static void a_written_u5_slot_takes_nothing_but_zeros(void **state)
{
    (void)state;
    open_flash();
    program(BANK2, 0x10);
    put(r.control, 1);
    put_slot(BANK2, 0x10);
    assert_flag(0x08);
    assert_int_equal(word_at(BANK2), 0x10);
    put(r.clear, 0x08);
    for (unsigned i = 0; i < 4; i++)
        put(BANK2 + 4 * i, 0);
    wait_until_done();
    assert_flag(0);
    assert_int_equal(get(BANK2), 0);
    assert_false(nmi_is_pending());
}

static void ones_are_written_too(void **state)
{
    (void)state;
    open_flash();
    put(r.control, 1);
    for (unsigned i = 0; i < 4; i++)
        put(BANK2 + 4 * i, 0xffffffff);
    wait_until_done();
    put_slot(BANK2, 1);
    assert_flag(0x08);
}

static void a_word_outside_an_h5_slot_is_inconsistent(void **state)
{
    (void)state;
    open_flash();
    put(r.control, 2);
    put(BANK2, 1);
    put(BANK2 + 16, 2);
    assert_flag(1u << 20);
}

static void a_word_twice_into_an_h5_slot_is_a_strobe_error(void **state)
{
    (void)state;
    open_flash();
    put(r.control, 2);
    put(BANK2, 1);
    put(BANK2, 1);
    assert_flag(1u << 19);
}

static void words_out_of_order_in_an_h5_slot_are_named(void **state)
{
    (void)state;
    open_flash();
    put(r.control, 2);
    put(BANK2, 1);
    put(BANK2 + 8, 2);
    assert_fault("writes byte 8 of a slot of flash, not byte 4");
}

static void the_h5_fills_a_slot_up_when_it_is_forced(void **state)
{
    (void)state;
    open_flash();
    put(r.control, 2);
    put(BANK2, 1);
    put(r.control, 2 | 1u << 4);
    wait_until_done();
    assert_int_equal(word_at(BANK2), 1);
    assert_int_equal(word_at(BANK2 + 4), 0xffffffff);
    assert_flag(0);
}

/* Silently: no flag says so. */
static void a_second_write_to_an_h5_slot_is_anded_and_spoils_its_ecc(void **state)
{
    (void)state;
    open_flash();
    program(BANK2, 0x0f0f0f00);
    program(BANK2, 0x00ffff00);
    assert_flag(0);
    assert_int_equal(word_at(BANK2), 0x000f0f00);
    get(BANK2);
    assert_true(nmi_is_pending());
    assert_int_equal(get(FLASH + 0x104), 1u << 31 | 1u << 22);
}

static void the_same_again_and_zeros_leave_an_h5_slot_readable(void **state)
{
    (void)state;
    open_flash();
    program(BANK2, 7);
    program(BANK2, 7);
    put(r.control, 2);
    for (unsigned i = 0; i < 4; i++)
        put(BANK2 + 16 + 4 * i, 0);
    wait_until_done();
    assert_int_equal(get(BANK2), 7);
    assert_int_equal(get(BANK2 + 16), 0);
    assert_false(nmi_is_pending());
}

static void the_h5s_flags_are_cleared_in_their_own_register(void **state)
{
    (void)state;
    open_flash();
    put(r.status, 1u << 18);
    assert_fault("writes FLASH.NSSR, which clears nothing: NSCCR does");
}

static void burst_programming_is_named(void **state)
{
    (void)state;
    open_flash();
    put(r.control, 1 | 1u << 14);
    put(BANK2, 1);
    assert_fault("FLASH.NSCR.BWR is set");
}

/* ---- ICACHE ---- */

static void what_changed_under_the_cache_is_not_read_before_it_is_invalidated(void **state)
{
    (void)state;
    open_flash();
    put(ICACHE, 1);
    program(BANK2, 1);
    assert_int_equal(get(ICACHE + 4) & 4, 4); /* ERRF */
    put(ICACHE, 3);
    assert_true(comes(ICACHE + 4, 2, 2));
    assert_int_equal(get(BANK2), 1);
    program(BANK2 + 16, 2);
    assert_int_equal(get(BANK2), 1);
    get(BANK2 + 16);
    assert_fault("reads 0x08100010, which changed since ICACHE was invalidated");
}

static void a_cache_that_was_off_holds_nothing_old(void **state)
{
    (void)state;
    open_flash();
    put(ICACHE, 1);
    put(ICACHE, 0);
    pass(10 * TWIN_US);
    erase(2, 0);
    program(BANK2, 1);
    put(ICACHE, 1);
    assert_int_equal(get(BANK2), 1);
    assert_int_equal(get(ICACHE + 4) & 4, 0);
    assert_no_fault();
}

static void the_h5s_unique_id_is_not_read_through_the_cache(void **state)
{
    (void)state;
    get(0x08fff800);
    put(ICACHE, 1);
    put(0xe000ed98, 0);
    put(0xe000edc0, 0x44);
    put(0xe000ed9c, 0x08fff000 | 2);
    put(0xe000eda0, 0x08ffffe0 | 1);
    put(0xe000ed94, 5);
    get(0x08fff800);
    assert_no_fault();
    put(0xe000ed94, 0);
    get(0x08fff800);
    assert_fault("reads 0x08fff800 with ICACHE on and no MPU region");
}

/* ---- torn operations ---- */

static void a_cut_program_leaves_a_slot_that_raises_an_nmi(void **state)
{
    (void)state;
    open_flash();
    put(r.control, r.programs);
    twin_cut_in_operation(soc->twin, 1);
    put_slot(BANK2 + 0x2010, 0x01020304);
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    power_again();
    assert_int_equal(get(r.opsr), 1u << 29 | (is_u5() ? 1u << 21 : 1u << 22) | 0x2010);
    assert_int_equal(get(BANK2 + 0x2000), 0xffffffff);
    assert_false(nmi_is_pending());
    get(BANK2 + 0x2018);
    assert_true(nmi_is_pending());
    if (is_u5())
        assert_int_equal(get(FLASH + 0x30), 1u << 31 | 1u << 21 | 0x2010);
    else
        assert_int_equal(get(FLASH + 0x104), 1u << 31 | 1u << 22 | 0x201);
    put(FLASH + (is_u5() ? 0x30 : 0x104), 1u << 31);
    assert_int_equal(get(FLASH + (is_u5() ? 0x30 : 0x104)) >> 31, 0);
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    assert_int_equal(get(r.opsr), 0);
}

static void a_cut_erase_leaves_slots_of_all_kinds_and_a_whole_one_mends_them(void **state)
{
    (void)state;
    open_flash();
    for (uint32_t at = 0; at < 0x400; at += 16)
        program(BANK2 + 0x2000 + at, 0x55555555);
    twin_cut_in_operation(soc->twin, 1);
    start_erase(2, 1);
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    power_again();
    assert_int_equal(get(r.opsr) >> 29, 3);
    unsigned old = 0, erased = 0, torn = 0;
    for (uint32_t at = 0; at < 0x400; at += 16) {
        const uint8_t slot = soc->flash.slots.bytes[(0x102000 + at) / 16];
        torn += slot == 0;
        erased += slot == 0xff && word_at(BANK2 + 0x2000 + at) == 0xffffffff;
        old += slot == 1 && word_at(BANK2 + 0x2000 + at) == 0x55555555;
    }
    assert_int_equal(old + erased + torn, 64);
    assert_true(old > 0 && erased > 0 && torn > 32);
    open_flash();
    erase(2, 1);
    for (uint32_t at = 0; at < 0x400; at += 16)
        assert_int_equal(get(BANK2 + 0x2000 + at), 0xffffffff);
    assert_false(nmi_is_pending());
    assert_no_fault();
}

static void an_operation_that_a_reset_cuts_is_torn_too(void **state)
{
    (void)state;
    open_flash();
    put(r.control, r.programs);
    put_slot(BANK2, 1);
    twin_reset(soc->twin, TWIN_RESET_WATCHDOG);
    assert_int_equal(get(r.opsr) >> 29, 1);
    get(BANK2);
    assert_true(nmi_is_pending());
}

static void the_h5_masks_the_nmi_in_sbs(void **state)
{
    (void)state;
    open_flash();
    program(BANK2, 1);
    program(BANK2, 2);
    set(RCC + 0xa8, 2);
    put(0x4400054c, 1);
    get(BANK2);
    assert_false(nmi_is_pending());
    assert_int_equal(get(FLASH + 0x104) >> 31, 1);
}

static void a_cut_before_an_operation_leaves_all_as_it_was(void **state)
{
    (void)state;
    open_flash();
    program(BANK2 + 0x2000, 7);
    twin_cut_at(soc->twin, "erase", 2);
    erase(2, 2);
    start_erase(2, 1);
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    power_again();
    assert_int_equal(get(r.opsr), 0);
    assert_int_equal(get(BANK2 + 0x2000), 7);
    assert_false(nmi_is_pending());
}

static void an_error_that_nobody_clears_is_named_at_the_next(void **state)
{
    (void)state;
    open_flash();
    for (uint32_t at = BANK2; at < BANK2 + 32; at += 16)
        assert_true(stm32_program(soc, at, (const uint8_t *)"torn", 4));
    soc->flash.slots.bytes[0x100000 / 16] = soc->flash.slots.bytes[0x100010 / 16] = 0;
    soc->flash.torn_count = 2;
    get(BANK2);
    assert_no_fault();
    get(BANK2 + 16);
    assert_fault("ECCD of the last one is still 1");
}

static void a_torn_vector_table_stops_the_core(void **state)
{
    (void)state;
    soc->flash.slots.bytes[0] = 0;
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    assert_fault("the vector table at 0x08000000 has a double ECC error");
}

/* ---- interrupts ---- */

static void the_end_and_errors_interrupt_where_they_are_enabled(void **state)
{
    (void)state;
    open_flash();
    put(r.control, is_u5() ? 2 | 1u << 11 | 1u << 24 | 1u << 25 | 1u << 16
                           : 4 | 1u << 31 | 1u << 16 | 1u << 18 | 1u << 5);
    wait_until_done();
    assert_int_equal(get(0xe000e200) >> 6 & 1, 1);
    assert_int_equal(get(r.status) & (is_u5() ? 1 : 1u << 16), is_u5() ? 1 : 1u << 16);
    put(r.clear, is_u5() ? 1 : 1u << 16);
    put(0xe000e280, 1u << 6);
    put(BANK2, 1);
    assert_int_equal(get(0xe000e200) >> 6 & 1, 1);
    assert_no_fault();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(two_keys_open_the_flash_and_lock_closes_it),
        BOTH(a_wrong_key_locks_until_the_next_reset),
        BOTH(a_key_when_it_is_open_is_named),
        BOTH(an_erased_page_holds_ones_and_takes_its_time),
        BOTH(a_bank_is_erased_as_a_whole),
        BOTH(an_erase_of_nothing_is_a_sequence_error),
        BOTH(control_stays_alone_while_the_flash_is_busy),
        BOTH(no_word_is_written_while_the_flash_is_busy),
        BOTH(the_other_bank_is_read_during_an_erase),
        BOTH(a_read_of_the_busy_bank_waits_for_its_end),
        BOTH(the_core_waits_while_its_own_bank_is_busy),
        BOTH(four_words_make_a_slot),
        BOTH(a_store_without_pg_is_a_sequence_error),
        BOTH(a_flag_that_stands_stops_what_comes),
        BOTH(pg_stays_while_a_slot_is_half_filled),
        TEST(a_u5_slot_begins_at_16_bytes_and_goes_on_in_order),
        TEST(a_u5_slot_is_written_by_words),
        TEST(a_written_u5_slot_takes_nothing_but_zeros),
        TEST(ones_are_written_too),
        H5(a_word_outside_an_h5_slot_is_inconsistent),
        H5(a_word_twice_into_an_h5_slot_is_a_strobe_error),
        H5(words_out_of_order_in_an_h5_slot_are_named),
        H5(the_h5_fills_a_slot_up_when_it_is_forced),
        H5(a_second_write_to_an_h5_slot_is_anded_and_spoils_its_ecc),
        H5(the_same_again_and_zeros_leave_an_h5_slot_readable),
        H5(the_h5s_flags_are_cleared_in_their_own_register),
        TEST(burst_programming_is_named),
        BOTH(what_changed_under_the_cache_is_not_read_before_it_is_invalidated),
        BOTH(a_cache_that_was_off_holds_nothing_old),
        H5(the_h5s_unique_id_is_not_read_through_the_cache),
        BOTH(a_cut_program_leaves_a_slot_that_raises_an_nmi),
        BOTH(a_cut_erase_leaves_slots_of_all_kinds_and_a_whole_one_mends_them),
        BOTH(an_operation_that_a_reset_cuts_is_torn_too),
        H5(the_h5_masks_the_nmi_in_sbs),
        BOTH(a_cut_before_an_operation_leaves_all_as_it_was),
        BOTH(an_error_that_nobody_clears_is_named_at_the_next),
        BOTH(a_torn_vector_table_stops_the_core),
        BOTH(the_end_and_errors_interrupt_where_they_are_enabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
