/* The M2354's border between two worlds: NSCBA, SCU, and what the flash controller does for each.
 */
#include "tests/unit/twin/nuvoton_bench.h"

#define SAU    0xe000edd0u
#define SCU    0x4002f000u
#define PNSSET 0x00u
#define RAMSET 0x24u
#define FNSADR 0x28u
#define IONSET 0x140u
#define OTHER  0x10000000u /* added to an address: the non-secure world's */
#define NSCBA  0x00210800u
#define BORDER 0x00070000u

#define APROM 0x08u
#define CFG   0x10u
#define ISPFF 0x40u

/* All of the non-secure world's addresses are its own, as a secure program says at its start. */
static void give_addresses(void)
{
    put(SAU + 0x08, 0);
    put(SAU + 0x0c, OTHER);
    put(SAU + 0x10, 0x1fffffe1);
    put(SAU + 0x08, 1);
    put(SAU + 0x0c, 0x30000000);
    put(SAU + 0x10, 0x3fffffe1);
    put(SAU + 0x08, 2);
    put(SAU + 0x0c, 0x50000000);
    put(SAU + 0x10, 0x5fffffe1);
    put(SAU, 1);
}

static int switch_on(void **state)
{
    (void)state;
    const int result = bench_on(&nuvoton_m2354, NULL);
    unlock();
    give_addresses();
    return result;
}

/* What ISPFF says then. */
static bool command(uint32_t fmc, uint32_t code, uint32_t address, uint32_t data)
{
    put(fmc, 1u | APROM | CFG | ISPFF);
    put(fmc + 0x0c, code);
    put(fmc + 0x04, address);
    put(fmc + 0x08, data);
    put(fmc + 0x10, 1);
    assert_true(comes(fmc + 0x10, 1, 0));
    assert_no_fault();
    return !(get(fmc) & ISPFF);
}

static void set_border(uint32_t border)
{
    assert_true(command(FMC, 0x22, NSCBA, 0));
    assert_true(command(FMC, 0x21, NSCBA, border));
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    unlock();
    give_addresses();
}

static const char *asks(uint32_t address, bool nonsecure)
{
    return soc->worlds.refuses(soc->worlds.ctx, address, nonsecure);
}

static void all_flash_is_secure_until_there_is_a_border(void **state)
{
    (void)state;
    assert_null(asks(0xffff0, false));
    assert_non_null(asks(0xffff0 + OTHER, true));
}

static void a_border_is_taken_over_at_a_reset(void **state)
{
    (void)state;
    assert_true(command(FMC, 0x21, NSCBA, BORDER));
    assert_int_equal(get(SCU + FNSADR), 0xffffffff);
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    assert_int_equal(get(SCU + FNSADR), BORDER);
    assert_null(asks(BORDER - 4, false));
    assert_non_null(asks(BORDER, false));
    assert_null(asks(BORDER + OTHER, true));
    assert_string_equal(asks(BORDER - 4 + OTHER, true), "it lies below NSCBA");
}

static void a_border_is_erased_and_set_anew(void **state)
{
    (void)state;
    set_border(BORDER);
    set_border(0x80000);
    assert_int_equal(get(SCU + FNSADR), 0x80000);
}

static void the_other_world_programs_and_erases_its_own_flash_alone(void **state)
{
    (void)state;
    set_border(BORDER);
    const uint32_t fmc = FMC + OTHER;
    assert_true(command(fmc, 0x21, BORDER, 0x12345678));
    assert_int_equal(soc->aprom.bytes[BORDER], 0x78);
    assert_true(command(fmc, 0x22, BORDER, 0));
    assert_int_equal(soc->aprom.bytes[BORDER], 0xff);
    assert_false(command(fmc, 0x21, BORDER - 4, 0x12345678));
    assert_false(command(fmc, 0x22, 0, 0));
    assert_false(command(fmc, 0x23, 0, 0));
    assert_false(command(fmc, 0x00, 0, 0));
    assert_int_equal(get(FMC + 0x08), 0xffffffff);
    assert_int_equal(soc->aprom.bytes[4], 1); /* the program's start */
}

static void the_other_world_moves_no_border(void **state)
{
    (void)state;
    set_border(BORDER);
    assert_false(command(FMC + OTHER, 0x22, NSCBA, 0));
    assert_false(command(FMC + OTHER, 0x22, soc->part->config_base, 0));
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    assert_int_equal(get(SCU + FNSADR), BORDER);
}

static void ram_is_given_by_blocks_of_16_kib(void **state)
{
    (void)state;
    put(SCU + RAMSET, 0xffe0);
    assert_null(asks(0x20013ffc, false));
    assert_non_null(asks(0x20014000, false));
    assert_non_null(asks(0x30013ffc, true));
    assert_null(asks(0x30014000, true));
}

#define TIMER2 0x40051000u

static void start_timer_2(void)
{
    put(CLK + 0x08, 1u << 4);
}

static void what_is_given_is_reached_by_the_other_address(void **state)
{
    (void)state;
    start_timer_2();
    put(SCU + PNSSET + 8, 1u << 17);
    put(TIMER2 + OTHER + 4, 0x1234);
    assert_int_equal(get(TIMER2 + OTHER + 4), 0x1234);
    assert_no_fault();
}

static void what_is_given_is_not_at_its_secure_address_any_more(void **state)
{
    (void)state;
    start_timer_2();
    put(SCU + PNSSET + 8, 1u << 17);
    get(TIMER2 + 4);
    assert_fault("the secure world reads TIMER2.CMP, but SCU.PNSSET has given it away");
}

static void what_is_not_given_is_named(void **state)
{
    (void)state;
    start_timer_2();
    put(TIMER2 + OTHER + 4, 1);
    assert_fault("TIMER2.CMP, but SCU.PNSSET keeps it secure");
}

static void timer_0_and_the_watchdog_are_nobodys_to_give(void **state)
{
    (void)state;
    put(SCU + PNSSET + 8, 0xffffffff);
    assert_int_equal(get(SCU + PNSSET + 8) & (1u << 16 | 1u), 0);
}

static void the_other_world_sees_clocks_where_it_may_and_changes_none(void **state)
{
    (void)state;
    put(SCU + 0xf0, 2);
    assert_int_equal(get(CLK + OTHER + 0x50), get(CLK + 0x50));
    assert_no_fault();
    put(CLK + OTHER + 0x08, 1);
    assert_fault("the non-secure world writes CLK.APBCLK0");
}

static void the_other_world_sees_no_clock_where_it_may_not(void **state)
{
    (void)state;
    get(CLK + OTHER + 0x50);
    assert_fault("CLK.STATUS, but SCU.SINFAEN does not show it");
}

static void a_pin_is_given_by_itself(void **state)
{
    (void)state;
    set(CLK + 0x04, 0xff000000); /* the ports' gates */
    put(SCU + IONSET + 4 * 2, 1u << 13);
    put(GPIO + OTHER + 0x800 + 0x40 * 2 + 4 * 13, 1);
    assert_no_fault();
    put(GPIO + OTHER + 0x800 + 0x40 * 2 + 4 * 12, 1);
    assert_fault("SCU.IONSSET keeps that pin secure");
}

static void a_port_of_which_no_pin_is_given_is_kept(void **state)
{
    (void)state;
    set(CLK + 0x04, 0xff000000);
    get(GPIO + OTHER + 0x40 * 3 + 0x10);
    assert_fault("PD_PIN, but SCU.IONSSET gives no pin of that port away");
}

static void the_other_world_gives_itself_nothing(void **state)
{
    (void)state;
    put(SCU + OTHER + PNSSET, 1);
    assert_fault("SCU.PNSSET0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_flash_is_secure_until_there_is_a_border),
        TEST(a_border_is_taken_over_at_a_reset),
        TEST(a_border_is_erased_and_set_anew),
        TEST(the_other_world_programs_and_erases_its_own_flash_alone),
        TEST(the_other_world_moves_no_border),
        TEST(ram_is_given_by_blocks_of_16_kib),
        TEST(what_is_given_is_reached_by_the_other_address),
        TEST(what_is_given_is_not_at_its_secure_address_any_more),
        TEST(what_is_not_given_is_named),
        TEST(timer_0_and_the_watchdog_are_nobodys_to_give),
        TEST(the_other_world_sees_clocks_where_it_may_and_changes_none),
        TEST(the_other_world_sees_no_clock_where_it_may_not),
        TEST(a_pin_is_given_by_itself),
        TEST(a_port_of_which_no_pin_is_given_is_kept),
        TEST(the_other_world_gives_itself_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
