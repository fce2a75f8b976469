/* The STM32H573's Ethernet with its LAN8742: the PHY, the reset and what a start needs, used step
 * by step as the register tables say, and each of their rules broken once. */
#include "tests/unit/twin/stm32_eth_bench.h"

/* ---- the PHY ---- */

static void the_phy_says_who_it_is(void **state)
{
    (void)state;
    open_mac();
    assert_int_equal(phy_get(2), 0x0007);
    assert_int_equal(phy_get(3) & 0xfff0, 0xc130);
    put(MDIOAR, mdio(2, 3) | 1u << 21);
    assert_true(comes(MDIOAR, 1, 0));
    assert_int_equal(get(MDIODR) & 0xffff, 0xffff); /* nobody at address 1 */
    assert_no_fault();
}

static void the_phy_says_what_was_negotiated(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    assert_int_equal(phy_get(31) & 0x101c, 0x1018);
    phy_put(4, 0x0061);
    phy_put(0, 0x1200);
    assert_true(link_comes());
    assert_int_equal(phy_get(31) & 0x101c, 0x1014);
    assert_no_fault();
}

static void management_is_slow(void **state)
{
    (void)state;
    open_mac();
    put(MDIOAR, (mdio(2, 3) & ~0xf00u) | 1u << 8);
    assert_fault("ETH's MDC runs at 4032258 Hz (MACMDIOAR.CR 1 at HCLK 250000000)");
}

static void management_is_waited_for(void **state)
{
    (void)state;
    open_mac();
    put(MDIOAR, mdio(2, 3));
    (void)get(MDIODR);
    assert_fault("reads ETH.MACMDIODR while MACMDIOAR.MB is 1");
}

static void management_does_not_begin_twice(void **state)
{
    (void)state;
    open_mac();
    put(MDIOAR, mdio(2, 3));
    put(MDIOAR, mdio(3, 3));
    assert_fault("writes ETH.MACMDIOAR while MACMDIOAR.MB is 1");
}

static void management_reads_or_writes(void **state)
{
    (void)state;
    open_mac();
    put(MDIOAR, mdio(2, 2));
    assert_fault("asks for operation 2");
}

/* ---- the reset ---- */

static void rmii_is_selected_before_the_reset(void **state)
{
    (void)state;
    open_clocks();
    put(DMAMR, 1);
    assert_fault("ETH.DMAMR.SWR is set with SBS.PMCR.ETH_SEL_PHY 0; RMII is 4");
}

static void without_the_phys_clock_the_reset_does_not_end(void **state)
{
    (void)state;
    open_mac();
    phy_put(0, 0x0800);
    put(DMAMR, 1);
    pass(500 * TWIN_MS);
    assert_int_equal(get(DMAMR) & 1, 1);
    assert_no_fault();
}

static void the_reset_needs_the_pin_of_its_clock(void **state)
{
    (void)state;
    h5_pll(5 | 2u << 4);
    set(RCC + 0x88, 7u << 19);
    set(RCC + 0xa8, 2);
    put(PMCR, 4u << 21);
    put(DMAMR, 1);
    assert_fault("ETH works, but PA1");
}

static void the_reset_is_waited_for(void **state)
{
    (void)state;
    open_mac();
    put(DMAMR, 1);
    put(MACPFR, 0);
    assert_fault("writes ETH.MACPFR while DMAMR.SWR is 1");
}

static void a_start_without_a_reset_is_named(void **state)
{
    (void)state;
    open_clocks();
    put(PMCR, 4u << 21);
    put(MAC1USTCR, 249);
    open_rings();
    put(MACCR, CONTROL | TE_RE);
    assert_fault("ETH starts without DMAMR.SWR");
}

static void a_start_needs_both_clock_gates(void **state)
{
    (void)state;
    open_mac();
    put(RCC + 0x88, get(RCC + 0x88) & ~(1u << 21));
    put(MACCR, CONTROL | TE_RE);
    assert_fault("ETH starts while AHB1ENR.ETHRXEN is 0");
}

static void a_start_needs_the_microseconds_counter(void **state)
{
    (void)state;
    open_mac();
    put(MAC1USTCR, 63);
    put(MACCR, CONTROL | TE_RE);
    assert_fault("MAC1USTCR 63; HCLK is 250 MHz, so it must be 249");
}

static void a_start_needs_fast_pins(void **state)
{
    (void)state;
    open_mac();
    put(GPIO + 0x400 * 6 + 8, 0);
    put(MACCR, CONTROL | TE_RE);
    assert_fault("RMII drives PG11 at a low speed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_phy_says_who_it_is),
        TEST(the_phy_says_what_was_negotiated),
        TEST(management_is_slow),
        TEST(management_is_waited_for),
        TEST(management_does_not_begin_twice),
        TEST(management_reads_or_writes),
        TEST(rmii_is_selected_before_the_reset),
        TEST(without_the_phys_clock_the_reset_does_not_end),
        TEST(the_reset_needs_the_pin_of_its_clock),
        TEST(the_reset_is_waited_for),
        TEST(a_start_without_a_reset_is_named),
        TEST(a_start_needs_both_clock_gates),
        TEST(a_start_needs_the_microseconds_counter),
        TEST(a_start_needs_fast_pins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
