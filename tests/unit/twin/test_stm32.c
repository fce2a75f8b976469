/* Modules, pins, USART1, timers, RNG and ICACHE of the STM32U585 and the STM32H573, used as the
 * register tables say: what is right works, what is wrong is named. */
#include "tests/unit/twin/stm32_bench.h"
#include "tests/unit/twin/peer.h"

static void wire(void)
{
    stm32_usart_connect(&soc->usart1, &peer);
    heard_count = 0;
    if (soc->part->family == STM32_H5)
        soc->hse_hz = 25000000u;
}

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&stm32_u585, wire);
}

static int switch_h5_on(void **state)
{
    (void)state;
    return bench_on(&stm32_h573, wire);
}

/* ---- modules ---- */

static void a_module_without_clock_does_not_answer(void **state)
{
    (void)state;
    put(USART, 1);
    assert_fault("USART1.CR1 while its clock is off");
}

static void pwr_of_the_u5_has_a_clock_too(void **state)
{
    (void)state;
    get(PWR + 0x0c);
    assert_fault("PWR.VOSR while its clock is off");
}

static void a_module_held_in_reset_does_not_answer(void **state)
{
    (void)state;
    set(RCC + 0xa4, 1u << 14);
    put(RCC + 0x7c, 1u << 14);
    put(USART, 1);
    assert_fault("USART1.CR1 while its reset bit is set");
}

static void a_modules_reset_forgets_its_registers(void **state)
{
    (void)state;
    set(RCC + 0xa4, 1u << 14);
    put(USART + 0x0c, 1389);
    put(RCC + 0x7c, 1u << 14);
    put(RCC + 0x7c, 0);
    assert_int_equal(get(USART + 0x0c), 0);
}

static void what_is_secure_is_not_there(void **state)
{
    (void)state;
    get(0x50022000);
    assert_fault("0x50022000, where no peripheral is modelled");
}

static void the_unique_id_and_the_flash_size_are_there(void **state)
{
    uint32_t id = 0;
    uint16_t size = 0;
    (void)state;
    assert_true(twin_read_memory(soc->twin, 0x0bfa0700, &id, 4));
    assert_int_not_equal(id, 0xffffffff);
    assert_true(twin_read_memory(soc->twin, 0x0bfa07a0, &size, 2));
    assert_int_equal(size, 2048);
}

/* ---- pins ---- */

static void a_pin_follows_its_output_and_its_pull(void **state)
{
    (void)state;
    set(RCC + 0x8c, 1u << 7);
    put(GPIO + 0x1c00, 0xffffd3ff); /* PH5 input, PH6 output */
    put(GPIO + 0x1c18, 1u << 6);
    assert_int_equal(get(GPIO + 0x1c10) & 0x60, 0x40);
    put(GPIO + 0x1c0c, 1u << 10);
    put(GPIO + 0x1c28, 1u << 6);
    assert_int_equal(get(GPIO + 0x1c10) & 0x60, 0x20);
    stm32_pin_drive(soc, 7, 5, false);
    assert_int_equal(get(GPIO + 0x1c10) & 0x60, 0);
    assert_no_fault();
}

static void port_g_of_the_u5_needs_its_own_supply(void **state)
{
    (void)state;
    set(RCC + 0x8c, 1u << 6);
    put(GPIO + 0x1800, 0x3fffffff); /* PG15 */
    set(RCC + 0x94, 1u << 2);
    set(PWR + 0x10, 1u << 29);
    get(GPIO + 0x1810);
    assert_no_fault();
    put(PWR + 0x10, 0);
    get(GPIO + 0x1810);
    assert_fault("the program reads PG15, which has no power: PWR.SVMCR.IO2SV is 0");
}

/* ---- USART1 ---- */

/* At 4 MHz (U5). */
static void open_usart(uint32_t divisor, bool fifo)
{
    set(RCC + 0x8c, 1);
    set(RCC + 0xa4, 1u << 14);
    put(GPIO + 0x24, 0x770);
    put(GPIO, 0xabebffff);
    put(USART, 0);
    put(USART + 0x0c, divisor);
    put(USART, (fifo ? 1u << 29 : 0) | 1u << 3 | 1u << 2);
    set(USART, 1);
    assert_true(comes(USART + 0x1c, 3u << 21, 3u << 21));
}

static void a_byte_is_sent_at_the_lines_rate(void **state)
{
    (void)state;
    open_usart(35, true);
    put(USART + 0x28, 'h');
    put(USART + 0x28, 'i');
    pass(50 * TWIN_US);
    assert_int_equal(heard_count, 0);
    assert_int_equal(get(USART + 0x1c) & 0x40, 0);
    pass(150 * TWIN_US);
    assert_memory_equal(heard, "hi", 2);
    assert_int_equal(get(USART + 0x1c) & 0x40, 0x40);
}

static void a_wrong_rate_is_named(void **state)
{
    (void)state;
    open_usart(70, true);
    put(USART + 0x28, 'h');
    assert_fault("USART1 runs at 57142 bit/s; the other end, the console, at 115200");
}

static void a_pin_without_its_function_is_named(void **state)
{
    (void)state;
    open_usart(35, true);
    put(GPIO + 0x24, 0x700);
    put(USART + 0x28, 'h');
    assert_fault("USART1 sends, but PA9 has function AF0, not AF7");
}

static void a_byte_before_the_transmitter_answers_is_named(void **state)
{
    (void)state;
    open_usart(35, true);
    put(USART, 0);
    put(USART, 0x0d);
    put(USART + 0x28, 'h');
    assert_fault("USART1.TDR before ISR.TEACK");
}

static void a_byte_into_a_full_fifo_is_named(void **state)
{
    (void)state;
    open_usart(35, true);
    for (unsigned i = 0; i < 9; i++)
        put(USART + 0x28, 'x');
    assert_int_equal(get(USART + 0x1c) & 0x80, 0);
    assert_no_fault();
    put(USART + 0x28, 'x');
    assert_fault("USART1.TDR while ISR.TXE is 0");
}

static void settings_stay_while_the_usart_is_on(void **state)
{
    (void)state;
    open_usart(35, true);
    put(USART + 0x0c, 36);
    assert_fault("changes USART1.BRR to 0x00000024 while CR1.UE is 1");
}

static void nine_bytes_that_nobody_reads_overrun_and_block(void **state)
{
    (void)state;
    open_usart(35, true);
    assert_true(serial_give(&peer, "0123456789", 10));
    pass(2 * TWIN_MS);
    assert_int_equal(get(USART + 0x1c) & 8, 8);
    assert_int_equal(get(USART + 0x24), '0');
    assert_true(serial_give(&peer, "a", 1));
    pass(2 * TWIN_MS);
    for (unsigned i = 1; i < 8; i++)
        assert_int_equal(get(USART + 0x24), "01234567"[i]);
    assert_int_equal(get(USART + 0x1c) & 0x20, 0);
    put(USART + 0x20, 8);
    assert_true(serial_give(&peer, "b", 1));
    pass(2 * TWIN_MS);
    assert_int_equal(get(USART + 0x24), 'b');
    assert_no_fault();
}

static void without_its_fifo_the_receiver_holds_one_byte(void **state)
{
    (void)state;
    open_usart(35, false);
    assert_true(serial_give(&peer, "01", 2));
    pass(TWIN_MS);
    assert_int_equal(get(USART + 0x1c) & 8, 8);
}

/* An erase of 2 ms, which a read of that bank waits for: time for 23 bytes. */
static void bytes_come_in_while_the_core_waits_for_the_flash(void **state)
{
    (void)state;
    open_usart(35, true);
    put(FLASH + 0x08, 0x45670123);
    put(FLASH + 0x08, 0xcdef89ab);
    put(FLASH + 0x28, 2 | 1u << 11 | 1u << 16);
    assert_true(serial_give(&peer, "0123456", 7));
    get(0x08100000);
    pass(TWIN_US);
    assert_int_equal(get(USART + 0x1c) & 8, 0);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(get(USART + 0x24), "0123456"[i]);
    put(FLASH + 0x28, 2 | 1u << 11 | 1u << 16);
    assert_true(serial_give(&peer, "0123456789", 10));
    get(0x08100000);
    pass(TWIN_US);
    assert_int_equal(get(USART + 0x1c) & 8, 8);
    assert_no_fault();
}

static void a_received_byte_interrupts(void **state)
{
    (void)state;
    open_usart(35, true);
    set(USART, 1u << 5);
    assert_true(serial_give(&peer, "0", 1));
    pass(TWIN_MS);
    assert_int_equal(get(0xe000e204) >> 29 & 1, 1);
    get(USART + 0x24);
    assert_no_fault();
}

static void another_frame_is_named(void **state)
{
    (void)state;
    open_usart(35, true);
    put(USART, 0);
    put(USART, 0x1000 | 0x0d);
    assert_true(comes(USART + 0x1c, 3u << 21, 3u << 21));
    put(USART + 0x28, 'h');
    assert_fault("USART1 does not send 8N1");
}

static void dma_of_the_usart_is_named(void **state)
{
    (void)state;
    open_usart(35, true);
    put(USART + 0x08, 1u << 7);
    assert_fault("USART1.CR3 asks for DMA");
}

static void what_comes_before_the_receiver_is_on_is_lost(void **state)
{
    (void)state;
    assert_true(serial_give(&peer, "01", 2));
    pass(TWIN_MS);
    open_usart(35, true);
    assert_int_equal(get(USART + 0x1c) & 0x28, 0);
}

static void a_receiver_that_is_switched_off_forgets_its_bytes(void **state)
{
    (void)state;
    open_usart(35, true);
    assert_true(serial_give(&peer, "0123456789", 10));
    pass(2 * TWIN_MS);
    put(USART, 0);
    assert_int_equal(get(USART + 0x1c) & 0x28, 0);
}

/* ---- TIM2, the watchdog ---- */

static void tim2_counts_its_divided_clock(void **state)
{
    (void)state;
    set(RCC + 0x9c, 1);
    put(TIM2 + 0x28, 3);
    put(TIM2 + 0x2c, 0xffffffff);
    put(TIM2 + 0x14, 1);
    put(TIM2, 1);
    const uint32_t before = get(TIM2 + 0x24);
    pass(1000 * TWIN_US);
    assert_in_range(get(TIM2 + 0x24) - before, 999, 1010);
    put(TIM2 + 0x10, 0);
    put(TIM2 + 0x2c, 4999);
    pass(4500 * TWIN_US);
    assert_int_equal(get(TIM2 + 0x10), 1);
    assert_in_range(get(TIM2 + 0x24), 400, 600);
}

static void tim2s_prescaler_waits_for_an_update(void **state)
{
    (void)state;
    set(RCC + 0x9c, 1);
    put(TIM2 + 0x28, 3);
    put(TIM2, 1);
    pass(1000 * TWIN_US);
    assert_in_range(get(TIM2 + 0x24), 3990, 4010);
}

static void open_iwdg(void)
{
    put(IWDG, 0xcccc);
    put(IWDG, 0x5555);
    put(IWDG + 4, 8);
    put(IWDG + 8, 315);
    put(IWDG + 0x10, 0xfff);
    assert_int_not_equal(get(IWDG + 0x0c) & 7, 0);
    assert_true(comes(IWDG + 0x0c, 7, 0));
    put(IWDG, 0xaaaa);
}

static void an_unfed_watchdog_resets(void **state)
{
    (void)state;
    open_iwdg();
    pass(10000 * TWIN_MS);
    put(IWDG, 0xaaaa);
    pass(10000 * TWIN_MS);
    assert_int_equal(twin_last_reset(soc->twin), TWIN_RESET_POWER);
    pass(200 * TWIN_MS);
    assert_int_equal(twin_last_reset(soc->twin), TWIN_RESET_WATCHDOG);
    assert_int_equal(get(RCC + 0xf4) >> 29 & 1, 1);
}

static void the_watchdogs_settings_are_locked(void **state)
{
    (void)state;
    put(IWDG, 0xcccc);
    put(IWDG + 8, 315);
    assert_fault("IWDG.RLR without the key 0x5555 before");
}

static void the_watchdogs_settings_take_their_time(void **state)
{
    (void)state;
    put(IWDG, 0xcccc);
    put(IWDG, 0x5555);
    put(IWDG + 4, 8);
    put(IWDG + 4, 7);
    assert_fault("IWDG.PR while its SR flag is 1");
}

static void a_word_that_is_no_key_is_named(void **state)
{
    (void)state;
    put(IWDG, 0x1234);
    assert_fault("IWDG.KR 0x1234, which is no key");
}

static void a_watchdog_fed_before_its_window_resets(void **state)
{
    (void)state;
    put(IWDG, 0xcccc);
    put(IWDG, 0x5555);
    put(IWDG + 4, 8);
    put(IWDG + 8, 315);
    put(IWDG + 0x10, 100);
    assert_true(comes(IWDG + 0x0c, 7, 0));
    pass(1000 * TWIN_MS);
    put(IWDG, 0xaaaa);
    pass(TWIN_MS);
    assert_int_equal(twin_last_reset(soc->twin), TWIN_RESET_WATCHDOG);
}

static void what_tim2_does_besides_counting_is_named(void **state)
{
    (void)state;
    set(RCC + 0x9c, 1);
    put(TIM2 + 0x14, 2);
    assert_fault("TIM2.EGR is written 0x00000002");
}

static void tim2_interrupts_when_it_wraps(void **state)
{
    (void)state;
    set(RCC + 0x9c, 1);
    put(TIM2 + 0x2c, 3999);
    put(TIM2 + 0x0c, 1);
    put(TIM2, 1);
    pass(900 * TWIN_US);
    assert_int_equal(get(0xe000e204) >> 13 & 1, 0);
    pass(200 * TWIN_US);
    assert_int_equal(get(0xe000e204) >> 13 & 1, 1);
}

/* ---- RNG ---- */

static void give_rng_its_clock(void)
{
    set(RCC, 1u << 12);
    assert_true(comes(RCC, 1u << 13, 1u << 13));
    set(RCC + 0x8c, 1u << 18);
}

static void open_rng(void)
{
    put(RNG, 0x40f00e00);
    put(RNG + 0x10, 0x6a91);
    put(RNG + 0x0c, 0x3af66);
    put(RNG, 0x00f00e00);
    assert_int_equal(get(RNG) >> 30 & 1, 1);
    assert_true(comes(RNG, 1u << 30, 0));
    set(RNG, 4);
}

static void the_rng_gives_words_that_differ(void **state)
{
    (void)state;
    give_rng_its_clock();
    open_rng();
    assert_int_equal(get(RNG + 4), 0);
    assert_true(comes(RNG + 4, 1, 1));
    const uint32_t first = get(RNG + 8);
    assert_int_equal(get(RNG + 4) & 1, 0);
    assert_int_equal(get(RNG + 8), 0); /* too early */
    assert_true(comes(RNG + 4, 1, 1));
    assert_int_not_equal(get(RNG + 8), first);
    assert_no_fault();
}

static void without_its_clock_the_rng_says_so(void **state)
{
    (void)state;
    set(RCC + 0x8c, 1u << 18);
    set(RNG, 4);
    pass(10 * TWIN_MS);
    assert_int_equal(get(RNG + 4), 0x22);
}

static void a_bad_seed_stays_until_the_rng_is_conditioned_again(void **state)
{
    (void)state;
    soc->rng.failures = 1;
    give_rng_its_clock();
    open_rng();
    pass(10 * TWIN_MS);
    assert_int_equal(get(RNG + 4), 0x44);
    assert_int_equal(get(RNG + 8), 0);
    put(RNG + 4, 0);
    assert_int_equal(get(RNG + 4), 4);
    open_rng();
    assert_true(comes(RNG + 4, 1, 1));
    assert_int_equal(get(RNG + 4), 1);
}

static void a_stuck_source_never_gives_a_word(void **state)
{
    (void)state;
    soc->rng.stuck = true;
    give_rng_its_clock();
    for (unsigned i = 0; i < 3; i++) {
        put(RNG + 4, 0);
        open_rng();
        pass(10 * TWIN_MS);
        assert_int_equal(get(RNG + 4), 0x44);
        put(RNG, get(RNG) & ~4u);
    }
}

static void the_rng_is_configured_in_its_conditioning_reset(void **state)
{
    (void)state;
    give_rng_its_clock();
    put(RNG, 0x00f00e00);
    assert_fault("configures RNG.CR as 0x00f00e00 without CONDRST");
}

static void the_rngs_health_tests_are_set_in_its_conditioning_reset(void **state)
{
    (void)state;
    give_rng_its_clock();
    put(RNG + 0x10, 0x6a91);
    assert_fault("writes RNG.HTCR while CR.CONDRST is 0");
}

static void the_rngs_settings_can_be_locked(void **state)
{
    (void)state;
    give_rng_its_clock();
    put(RNG, 1u << 31 | 0x40f00e00);
    put(RNG, 1u << 31 | 0x00f00e00);
    put(RNG, 1u << 31 | 0x40f00d00);
    assert_fault("RNG.CR to 0xc0f00d00 after CONFIGLOCK");
}

static void the_rngs_interrupt_is_named(void **state)
{
    (void)state;
    give_rng_its_clock();
    set(RNG, 8);
    assert_fault("RNG.CR.IE is set");
}

static void another_clock_of_the_rng_is_named(void **state)
{
    (void)state;
    give_rng_its_clock();
    put(RCC + 0xe4, 1u << 12);
    set(RNG, 4);
    assert_fault("RCC puts RNG on its clock 1");
}

/* ---- ICACHE ---- */

static void the_cache_is_invalidated_in_its_time(void **state)
{
    (void)state;
    put(ICACHE, 1);
    put(ICACHE, 3);
    assert_int_equal(get(ICACHE + 4), 1);
    pass(10 * TWIN_US);
    assert_int_equal(get(ICACHE + 4), 2);
    put(ICACHE + 0x0c, 2);
    assert_int_equal(get(ICACHE + 4), 0);
    put(ICACHE, 3);
    put(ICACHE, 0);
    assert_fault("ICACHE.CR while SR.BUSYF is 1");
}

static void the_caches_ways_stay_while_it_is_on(void **state)
{
    (void)state;
    put(ICACHE, 5);
    put(ICACHE, 1);
    assert_fault("changes ICACHE.CR.WAYSEL while EN is 1");
}

int main(void)
{
#define H5(name) cmocka_unit_test_setup_teardown(name, switch_h5_on, switch_off)
    const struct CMUnitTest tests[] = {
        TEST(a_module_without_clock_does_not_answer),
        TEST(pwr_of_the_u5_has_a_clock_too),
        TEST(a_module_held_in_reset_does_not_answer),
        TEST(a_modules_reset_forgets_its_registers),
        TEST(what_is_secure_is_not_there),
        TEST(the_unique_id_and_the_flash_size_are_there),
        TEST(a_pin_follows_its_output_and_its_pull),
        TEST(port_g_of_the_u5_needs_its_own_supply),
        TEST(a_byte_is_sent_at_the_lines_rate),
        TEST(a_wrong_rate_is_named),
        TEST(a_pin_without_its_function_is_named),
        TEST(a_byte_before_the_transmitter_answers_is_named),
        TEST(a_byte_into_a_full_fifo_is_named),
        TEST(settings_stay_while_the_usart_is_on),
        TEST(nine_bytes_that_nobody_reads_overrun_and_block),
        TEST(without_its_fifo_the_receiver_holds_one_byte),
        TEST(bytes_come_in_while_the_core_waits_for_the_flash),
        TEST(a_received_byte_interrupts),
        TEST(tim2_counts_its_divided_clock),
        TEST(tim2s_prescaler_waits_for_an_update),
        TEST(an_unfed_watchdog_resets),
        TEST(the_watchdogs_settings_are_locked),
        TEST(the_watchdogs_settings_take_their_time),
        TEST(the_rng_gives_words_that_differ),
        H5(the_rng_gives_words_that_differ),
        TEST(without_its_clock_the_rng_says_so),
        H5(a_bad_seed_stays_until_the_rng_is_conditioned_again),
        H5(a_stuck_source_never_gives_a_word),
        H5(the_rng_is_configured_in_its_conditioning_reset),
        TEST(the_rngs_health_tests_are_set_in_its_conditioning_reset),
        TEST(the_cache_is_invalidated_in_its_time),
        TEST(another_frame_is_named),
        TEST(dma_of_the_usart_is_named),
        TEST(what_comes_before_the_receiver_is_on_is_lost),
        TEST(a_receiver_that_is_switched_off_forgets_its_bytes),
        TEST(a_word_that_is_no_key_is_named),
        TEST(a_watchdog_fed_before_its_window_resets),
        TEST(what_tim2_does_besides_counting_is_named),
        TEST(tim2_interrupts_when_it_wraps),
        TEST(the_rngs_settings_can_be_locked),
        TEST(the_rngs_interrupt_is_named),
        TEST(another_clock_of_the_rng_is_named),
        TEST(the_caches_ways_stay_while_it_is_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
