/* What a program sees of the flash of an STM32U585: loads that raise an NMI and are skipped, stores
 * that are commands, a bank that is busy. */
#include <unistd.h>

#include "tests/unit/twin/guest.h"
#include "tests/unit/twin/stm32_bench.h"

#define BANK2 0x08100000u

static void wire(void)
{
    static const uint32_t good[] = {1, 2, 3, 4}, noise[] = {5, 6, 7, 8};
    add_mailbox(soc->twin, 0x5fff0000u);
    assert_true(stm32_program(soc, 0x08000000u, guest, (uint32_t)guest_size));
    assert_true(stm32_program(soc, BANK2 + 0x10, (const uint8_t *)good, sizeof good));
    assert_true(stm32_program(soc, BANK2 + 0x20, (const uint8_t *)noise, sizeof noise));
    soc->flash.slots.bytes[(0x100000 + 0x20) / 16] = 0;
    soc->flash.torn_count = 1;
}

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&stm32_u585, wire);
}

static enum twin_end run(char what)
{
    scenario = (uint32_t)what;
    return twin_run(soc->twin, twin_now(soc->twin) + 400u * TWIN_MS);
}

static void assert_said(const uint32_t *words, unsigned count)
{
    if (twin_fault_text(soc->twin)[0])
        fail_msg("%s", twin_fault_text(soc->twin));
    for (unsigned i = 0; i < count && i < said_count; i++)
        if (said[i] != words[i])
            fail_msg("word %u is 0x%x, not 0x%x", i, said[i], words[i]);
    assert_int_equal(said_count, count);
}
#define ASSERT_SAID(...)                                                                           \
    do {                                                                                           \
        static const uint32_t words[] = {__VA_ARGS__};                                             \
        assert_said(words, sizeof words / sizeof *words);                                          \
    } while (0)

static void a_load_of_a_torn_slot_is_skipped_by_the_nmis_handler(void **state)
{
    (void)state;
    assert_int_equal(run('t'), TWIN_STOPPED);
    ASSERT_SAID('n', 0x77, 2, 'n', 0x77, 'n', 'b', 3, 0xffffffb8, 'z');
}

static void a_handler_that_skips_nothing_meets_the_load_again(void **state)
{
    (void)state;
    assert_int_equal(run('a'), TWIN_STOPPED);
    assert_int_equal(said_count, 5); /* three NMIs, the register as it was, the end */
    assert_int_equal(said[2], 'n');
    assert_int_equal(said[4], 'z');
}

static void a_conditional_load_of_a_torn_slot_is_named(void **state)
{
    (void)state;
    assert_int_equal(run('c'), TWIN_FAULT);
    assert_fault("a conditional load (IT) raises an NMI");
}

static void a_torn_slot_is_not_executed(void **state)
{
    (void)state;
    assert_int_equal(run('x'), TWIN_FAULT);
    assert_fault("executes 0x08100020, a slot with a double ECC error");
}

static void a_program_of_erased_flash_ends_the_run_and_is_named(void **state)
{
    (void)state;
    alarm(30); /* it would never come back */
    assert_int_equal(run('f'), TWIN_FAULT);
    alarm(0);
    assert_fault("an exception returns with 0xfffffffe at depth 0");
}

static void four_stores_of_any_shape_write_a_slot(void **state)
{
    (void)state;
    assert_int_equal(run('w'), TWIN_STOPPED);
    ASSERT_SAID('y', 21, 24, 'z');
}

static void a_store_alone_leaves_the_cells_as_they_are(void **state)
{
    (void)state;
    assert_int_equal(run('h'), TWIN_STOPPED);
    ASSERT_SAID(0xffffffff, 'z');
    assert_int_equal(soc->flash.cells.bytes[0x100060], 0xff);
}

static void a_program_runs_on_while_the_other_bank_is_erased_until_it_reads_there(void **state)
{
    (void)state;
    assert_int_equal(run('e'), TWIN_STOPPED);
    ASSERT_SAID('e', 'y', 0xffffffff, 'n', 'z');
    assert_true(said_at[1] - said_at[0] < 100 * TWIN_US);
    assert_true(said_at[2] - said_at[1] >= TWIN_MS);
}

/* What ran last is not run again: a slice ends before a block, here always the same. */
static void a_slice_goes_on_at_the_block_that_it_ended_before(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        scenario = 's';
        assert_int_equal(twin_run(soc->twin, twin_now(soc->twin) + 777u * TWIN_US), TWIN_STOPPED);
        assert_int_equal(said_count, 1);
        assert_int_equal(twin_pc(soc->twin), said[0]);
    }
}

static struct twin_timer disturbance;

static void disturb(void *ctx)
{
    twin_timer_set(ctx, &disturbance, twin_now(ctx) + 7777);
}

static void no_instruction_is_done_twice_at_a_border_of_pages(void **state)
{
    (void)state;
    disturbance = (struct twin_timer){.run = disturb, .ctx = soc->twin};
    disturb(soc->twin);
    assert_int_equal(run('b'), TWIN_STOPPED);
    ASSERT_SAID(100000, 'z');
}

int main(void)
{
    if (!load_guest()) {
        puts("skipped: the guest program needs gcc-arm-none-eabi");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        TEST(a_load_of_a_torn_slot_is_skipped_by_the_nmis_handler),
        TEST(a_handler_that_skips_nothing_meets_the_load_again),
        TEST(a_conditional_load_of_a_torn_slot_is_named),
        TEST(a_torn_slot_is_not_executed),
        TEST(a_program_of_erased_flash_ends_the_run_and_is_named),
        TEST(four_stores_of_any_shape_write_a_slot),
        TEST(a_store_alone_leaves_the_cells_as_they_are),
        TEST(a_program_runs_on_while_the_other_bank_is_erased_until_it_reads_there),
        TEST(a_slice_goes_on_at_the_block_that_it_ended_before),
        TEST(no_instruction_is_done_twice_at_a_border_of_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
