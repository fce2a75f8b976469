/* The two worlds of an Armv8-M core, with a program that was made for them (guest_worlds.c), on a
 * Cortex-M33 and on a Cortex-M23: gates, what is refused, and interrupts across the border. */
#include "tests/unit/twin/guest.h"

static struct twin *twin;
static enum twin_core core;

/* As the M2354 has it: bit 28. */
static enum twin_idau idau(uint32_t address)
{
    return address >> 28 & 1u ? TWIN_IDAU_NONSECURE : TWIN_IDAU_CALLABLE;
}

static bool given;

/* Of the RAM that the SAU gives away the chip may keep a part. */
static const char *refuses(void *ctx, uint32_t address, bool nonsecure)
{
    (void)ctx;
    return nonsecure && !given && address >= 0x30001800u && address < 0x30001c00u
               ? "it is not given"
               : NULL;
}

static const struct twin_worlds worlds = {.idau = idau, .refuses = refuses};

static int switch_on(void **state)
{
    (void)state;
    twin = twin_new(core, 1000000u);
    assert_non_null(twin);
    twin_hurry(twin);
    twin_add_rom(twin, 0, sizeof guest, guest);
    twin_add_mirror(twin, 0x10000000u, 0);
    twin_add_ram(twin, 0x20000000u, 0x4000);
    twin_add_mirror(twin, 0x30000000u, 0x20000000u);
    add_mailbox(twin, 0x40000000u);
    twin_two_worlds(twin, &worlds);
    bench = twin;
    scenario = 0;
    given = false;
    twin_reset(twin, TWIN_RESET_POWER);
    return 0;
}

static int switch_off(void **state)
{
    (void)state;
    twin_free(twin);
    return 0;
}

static enum twin_end run(char what)
{
    scenario = (uint32_t)what;
    static const uint32_t none = 0;
    assert_true(twin_write_memory(twin, 0x20002000u, &none, sizeof none));
    const enum twin_end end = twin_run(twin, twin_now(twin) + 100u * TWIN_MS);
    for (unsigned i = 0; end == TWIN_FAULT && i < said_count; i++)
        print_message("said 0x%x\n", said[i]);
    return end;
}

static void assert_said(const uint32_t *words, unsigned count)
{
    if (twin_fault_text(twin)[0])
        fail_msg("%s", twin_fault_text(twin));
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

#define RUNS(what)                                                                                 \
    do {                                                                                           \
        if (run(what) != TWIN_STOPPED)                                                             \
            fail_msg("%s", twin_fault_text(twin));                                                 \
    } while (0)

static void a_gate_takes_four_words_and_gives_one(void **state)
{
    (void)state;
    RUNS('g');
    ASSERT_SAID('n', 'g', 4321, 'z');
}

static void the_core_tells_a_gate_whose_memory_a_pointer_means(void **state)
{
    (void)state;
    RUNS('t');
    ASSERT_SAID('n', 1, 1, 0, 0, 0, 0, 0, 1, 'z');
}

static void interrupts_and_calls_of_the_free_world_come_by_its_own_table(void **state)
{
    (void)state;
    RUNS('i');
    ASSERT_SAID('n', '3', 'i', 's', 'z');
}

static void an_interrupt_in_a_gate_sees_no_register_and_leaves_them_as_they_were(void **state)
{
    (void)state;
    RUNS('j');
    ASSERT_SAID('n', '[', '3', ']', 33, 0, 'z');
}

static void both_worlds_interrupts_come_in_the_middle_of_a_gate(void **state)
{
    (void)state;
    RUNS('k');
    ASSERT_SAID('n', '[', '3', '4', ']', 33, 'z');
}

static void the_secure_ones_come_first_where_they_are_set_to(void **state)
{
    (void)state;
    RUNS('q');
    ASSERT_SAID('n', '[', '4', '3', ']', 33, 'z');
}

static void a_mask_of_the_free_world_does_not_hold_up_what_is_secure(void **state)
{
    (void)state;
    scenario = 'm';
    RUNS('m');
    ASSERT_SAID('n', '[', '4', ']', 33, 'm', '3', 'z');
}

static void each_world_has_a_systick(void **state)
{
    (void)state;
    RUNS('s');
    ASSERT_SAID('n', 't', 'T', 't', 't', 7, 'z');
}

static void a_gate_calls_the_free_world_and_gets_an_answer(void **state)
{
    (void)state;
    RUNS('c');
    ASSERT_SAID('n', 'f', 'c', 11, 'z');
}

static void the_free_world_changes_no_border_and_resets_nothing(void **state)
{
    (void)state;
    RUNS('a');
    ASSERT_SAID('n', 0, 0, 'z');
}

/* Before a cut the core runs instruction by instruction. */
static void the_border_is_crossed_when_a_power_cut_is_near(void **state)
{
    (void)state;
    twin_cut_after(twin, 500);
    RUNS('k');
    ASSERT_SAID('n', '[', '3', '4', ']', 33, 'z');
}

/* It ends with a reset by the secure world's handler, after which that starts again. */
static void assert_refused(char what, uint32_t status, uint32_t address)
{
    RUNS(what);
    assert_int_equal(said_count, 6);
    assert_int_equal(said[1], 'F');
    assert_int_equal(said[2], core == TWIN_CORTEX_M33 ? 7 : 3);
    assert_int_equal(said[3], core == TWIN_CORTEX_M33 ? status : 0);
    assert_int_equal(said[4], core == TWIN_CORTEX_M33 ? address : 0);
    assert_int_equal(said[5], 'z');
}

static void what_the_free_world_must_not_reach_is_the_secure_worlds_fault(void **state)
{
    (void)state;
    assert_refused('d', 0x48, 0x20002000u);
}

static void a_store_is_refused_like_a_load(void **state)
{
    (void)state;
    assert_refused('w', 0x48, 0x20002004u);
    uint32_t word = 1;
    assert_true(twin_read_memory(twin, 0x20002004u, &word, sizeof word));
    assert_int_not_equal(word, 1);
}

static void a_peripheral_is_refused_by_its_secure_address(void **state)
{
    (void)state;
    assert_refused('p', 0x48, 0x40000000u);
}

static void secure_code_is_not_called_but_by_a_gate(void **state)
{
    (void)state;
    assert_refused('f', 1, 0);
}

static void a_gate_is_not_entered_behind_its_first_instruction(void **state)
{
    (void)state;
    assert_refused('e', 1, 0);
}

static void nobody_returns_who_was_not_called(void **state)
{
    (void)state;
    RUNS('R');
    ASSERT_SAID('n', 'F', 3, 0, 0, 'z');
}

static void the_secure_world_does_not_go_where_no_free_world_is(void **state)
{
    (void)state;
    RUNS('v');
    assert_int_equal(said[0], 'F');
    assert_int_equal(said[2], core == TWIN_CORTEX_M33 ? 1 : 0);
}

static void a_stack_of_the_free_world_in_secure_memory_ends_the_run(void **state)
{
    (void)state;
    assert_int_equal(run('S'), TWIN_FAULT);
    assert_non_null(strstr(twin_fault_text(twin), "stack is at 0x20002fe0"));
}

static void what_the_chip_alone_refuses_ends_the_run_and_is_named(void **state)
{
    (void)state;
    assert_int_equal(run('D'), TWIN_FAULT);
    assert_non_null(strstr(twin_fault_text(twin),
                           "the non-secure world reaches for 0x30001800, but it is not given"));
}

static void the_chip_is_asked_again_when_it_has_changed_its_mind(void **state)
{
    (void)state;
    given = true;
    RUNS('D');
    given = false;
    twin_attribution_changed(twin);
    assert_int_equal(run('D'), TWIN_FAULT);
}

int main(void)
{
    if (!load_guest()) {
        puts("skipped: the guest program needs gcc-arm-none-eabi");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        TEST(a_gate_takes_four_words_and_gives_one),
        TEST(the_core_tells_a_gate_whose_memory_a_pointer_means),
        TEST(interrupts_and_calls_of_the_free_world_come_by_its_own_table),
        TEST(an_interrupt_in_a_gate_sees_no_register_and_leaves_them_as_they_were),
        TEST(both_worlds_interrupts_come_in_the_middle_of_a_gate),
        TEST(the_secure_ones_come_first_where_they_are_set_to),
        TEST(a_mask_of_the_free_world_does_not_hold_up_what_is_secure),
        TEST(each_world_has_a_systick),
        TEST(a_gate_calls_the_free_world_and_gets_an_answer),
        TEST(the_free_world_changes_no_border_and_resets_nothing),
        TEST(the_border_is_crossed_when_a_power_cut_is_near),
        TEST(what_the_free_world_must_not_reach_is_the_secure_worlds_fault),
        TEST(a_store_is_refused_like_a_load),
        TEST(a_peripheral_is_refused_by_its_secure_address),
        TEST(secure_code_is_not_called_but_by_a_gate),
        TEST(a_gate_is_not_entered_behind_its_first_instruction),
        TEST(nobody_returns_who_was_not_called),
        TEST(the_secure_world_does_not_go_where_no_free_world_is),
        TEST(a_stack_of_the_free_world_in_secure_memory_ends_the_run),
        TEST(what_the_chip_alone_refuses_ends_the_run_and_is_named),
        TEST(the_chip_is_asked_again_when_it_has_changed_its_mind),
    };
    core = GUEST_M23 ? TWIN_CORTEX_M23 : TWIN_CORTEX_M33;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
