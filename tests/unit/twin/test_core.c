/* The twin's core by itself, with a program that was made for it (guest_core.c): exceptions, time,
 * sleep, cuts, and what ends a run. */
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/twin/guest.h"

#define CLOCK_HZ 1000000u

static struct twin *twin;
static bool in_hurry = true;

static int switch_on(void **state)
{
    (void)state;
    twin = twin_new(TWIN_CORTEX_M4, CLOCK_HZ);
    assert_non_null(twin);
    if (in_hurry)
        twin_hurry(twin);
    twin_add_rom(twin, 0, sizeof guest, guest);
    twin_add_ram(twin, 0x20000000u, 0x4000);
    add_mailbox(twin, 0x40000000u);
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
    said_count = 0;
    twin_reset(twin, TWIN_RESET_POWER);
    return twin_run(twin, twin_now(twin) + 400u * TWIN_MS);
}

static void assert_said(const char *words)
{
    char heard[sizeof said / sizeof *said + 1];
    for (unsigned i = 0; i < said_count; i++)
        heard[i] = said[i] >= 0x20 && said[i] < 0x7f ? (char)said[i] : (char)('A' + said[i] % 8u);
    heard[said_count] = '\0';
    assert_string_equal(heard, words);
}

static void the_more_urgent_interrupt_nests_and_an_equal_one_waits(void **state)
{
    (void)state;
    assert_int_equal(run('n'), TWIN_STOPPED);
    assert_said("a01o2z");
}

static void a_masked_interrupt_waits_and_nmi_does_not(void **state)
{
    (void)state;
    assert_int_equal(run('m'), TWIN_STOPPED);
    assert_said("na1z");
}

static void a_sleep_right_behind_a_store_to_the_core_s_registers_lasts(void **state)
{
    (void)state;
    assert_int_equal(run('l'), TWIN_STOPPED);
    assert_said("az");
    assert_in_range(said_at[1] - said_at[0], 10u * TWIN_MS, 10u * TWIN_MS + 100000u);
}

static void a_pended_supervisor_call_follows_the_one_that_pends_it(void **state)
{
    (void)state;
    assert_int_equal(run('s'), TWIN_STOPPED);
    assert_said("asSpz");
}

static void systick_ticks_every_reload_plus_one_clocks(void **state)
{
    (void)state;
    assert_int_equal(run('t'), TWIN_STOPPED);
    assert_said("tttBAz");           /* B: COUNTFLAG 1, A: 0 */
    for (unsigned i = 1; i < 3; i++) /* 10,000 clocks of 1 MHz, and what the program takes */
        assert_in_range(said_at[i] - said_at[i - 1], 9990u * TWIN_US, 10010u * TWIN_US);
}

static void raise_irq(void *ctx)
{
    twin_irq(ctx, 1, true);
    twin_irq(ctx, 1, false);
}

static void a_masked_interrupt_ends_a_sleep_and_is_taken_later(void **state)
{
    struct twin_timer timer = {.run = raise_irq, .ctx = twin};
    (void)state;
    twin_timer_set(twin, &timer, 5u * TWIN_MS);
    assert_int_equal(run('w'), TWIN_STOPPED);
    assert_said("aw1z");
    assert_in_range(said_at[1], 5u * TWIN_MS, 6u * TWIN_MS);
}

static void an_exception_leaves_what_runs_as_it_was(void **state)
{
    (void)state;
    assert_int_equal(run('b'), TWIN_STOPPED);
    unsigned ticks = 0;
    for (unsigned i = 1; i < said_count; i++)
        ticks += said[i] == 't';
    assert_in_range(ticks, 100, 250);
    unsigned sums = 0;
    for (unsigned i = 1; i < said_count; i++)
        sums += said[i] == said[0];
    assert_int_equal(sums, 1);
}

static void a_program_runs_the_instructions_that_it_has_just_written(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) { /* RAM is what it was at each power-on */
        assert_int_equal(run('o'), TWIN_STOPPED);
        assert_said("a12b34567z");
    }
}

static void a_cut_comes_after_each_clock_that_is_asked_for(void **state)
{
    uint32_t last = 0;
    (void)state;
    assert_int_equal(run('c'), TWIN_STOPPED); /* its `b .` runs until the time is over */
    const uint32_t sled = said[0];
    unsigned steps = 0;
    for (uint64_t clocks = 40; clocks < 80; clocks++) {
        const uint64_t before = twin_clocks(twin);
        twin_reset(twin, TWIN_RESET_POWER);
        twin_cut_after(twin, clocks);
        assert_int_equal(twin_run(twin, TWIN_NEVER), TWIN_CUT);
        assert_int_equal(twin_clocks(twin) - before, clocks);
        const uint32_t pc = twin_pc(twin);
        if (last >= sled + 2 && last < sled + 200) {
            assert_int_equal(pc, last + 2); /* one instruction further */
            steps++;
        }
        last = pc;
    }
    assert_in_range(steps, 20, 40);
}

static void what_the_core_cannot_do_ends_the_run_and_is_named(void **state)
{
    (void)state;
    assert_int_equal(run('r'), TWIN_FAULT);
    assert_non_null(strstr(twin_fault_text(twin), "reads 4 bytes at 0xf0000000"));
    assert_non_null(strstr(twin_fault_text(twin), "pc 0x0000"));
}

static void flash_is_not_written_by_a_store(void **state)
{
    (void)state;
    assert_int_equal(run('x'), TWIN_FAULT);
    assert_non_null(strstr(twin_fault_text(twin), "0x00000000"));
}

static void a_breakpoint_ends_the_run(void **state)
{
    (void)state;
    assert_int_equal(run('u'), TWIN_FAULT);
    assert_non_null(strstr(twin_fault_text(twin), "breakpoint"));
}

static void what_jumps_to_registers_ends_the_run_and_is_named(void **state)
{
    (void)state;
    alarm(30); /* it would never come back */
    assert_int_equal(run('e'), TWIN_FAULT);
    alarm(0);
    assert_non_null(strstr(twin_fault_text(twin), "executes at 0x40000000"));
}

static void a_program_of_erased_flash_ends_the_run_and_is_named(void **state)
{
    (void)state;
    alarm(30);
    assert_int_equal(run('f'), TWIN_FAULT);
    alarm(0);
    assert_non_null(strstr(twin_fault_text(twin), "an exception returns with 0xfffffffe"));
}

/* ---- timers, without a program ---- */

static char order[8];

static void note_a(void *ctx)
{
    (void)ctx;
    strcat(order, "a");
}

static void note_b(void *ctx)
{
    (void)ctx;
    strcat(order, "b");
}

static void timers_run_in_their_order_and_can_be_moved_and_taken_off(void **state)
{
    struct twin_timer a = {.run = note_a}, b = {.run = note_b}, c = {.run = note_a};
    (void)state;
    order[0] = '\0';
    scenario = 0;
    twin_reset(twin, TWIN_RESET_POWER);
    twin_timer_set(twin, &a, 3u * TWIN_MS);
    twin_timer_set(twin, &b, 2u * TWIN_MS);
    twin_timer_set(twin, &c, 1u * TWIN_MS);
    twin_timer_set(twin, &c, TWIN_NEVER);
    twin_timer_set(twin, &b, 4u * TWIN_MS);
    (void)twin_run(twin, 10u * TWIN_MS);
    assert_string_equal(order, "ab");
}

/* ---- the host ---- */

static int host_end;
static twin_ns came_at, due_at;
static struct twin_timer due;

static void note_due(void *ctx)
{
    due_at = twin_now(ctx);
    twin_stop(ctx);
}

static void note_input(void *ctx)
{
    char byte;
    assert_int_equal(read(host_end, &byte, 1), 1);
    twin_watch(ctx, -1, note_input, ctx);
    came_at = twin_now(ctx);
    twin_timer_set(ctx, &due, came_at + 87u * TWIN_US);
}

/* As a UART's next byte: its time is counted from when the host's came, not from when the core went
 * to sleep before. */
static void what_the_host_sends_into_a_sleep_has_come_when_it_comes(void **state)
{
    int ends[2];
    (void)state;
    switch_off(NULL);
    in_hurry = false;
    switch_on(NULL);
    in_hurry = true;
    due = (struct twin_timer){.run = note_due, .ctx = twin};
    due_at = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        usleep(30000);
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    host_end = ends[0];
    scenario = 0;
    twin_reset(twin, TWIN_RESET_POWER);
    twin_watch(twin, host_end, note_input, twin);
    assert_int_equal(twin_run(twin, TWIN_NEVER), TWIN_STOPPED);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(due_at - came_at < TWIN_MS);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    if (!load_guest()) {
        puts("skipped: the guest program needs gcc-arm-none-eabi");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        TEST(the_more_urgent_interrupt_nests_and_an_equal_one_waits),
        TEST(a_masked_interrupt_waits_and_nmi_does_not),
        TEST(a_pended_supervisor_call_follows_the_one_that_pends_it),
        TEST(systick_ticks_every_reload_plus_one_clocks),
        TEST(a_sleep_right_behind_a_store_to_the_core_s_registers_lasts),
        TEST(a_masked_interrupt_ends_a_sleep_and_is_taken_later),
        TEST(an_exception_leaves_what_runs_as_it_was),
        TEST(a_program_runs_the_instructions_that_it_has_just_written),
        TEST(a_cut_comes_after_each_clock_that_is_asked_for),
        TEST(what_the_core_cannot_do_ends_the_run_and_is_named),
        TEST(flash_is_not_written_by_a_store),
        TEST(a_breakpoint_ends_the_run),
        TEST(what_jumps_to_registers_ends_the_run_and_is_named),
        TEST(a_program_of_erased_flash_ends_the_run_and_is_named),
        TEST(timers_run_in_their_order_and_can_be_moved_and_taken_off),
        TEST(what_the_host_sends_into_a_sleep_has_come_when_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
