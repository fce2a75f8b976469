/* The M2354's SD host with a card behind it, used step by step as the register tables and the SD
 * specification say, and each of their rules broken once. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/twin/nuvoton_bench.h"

#define SDH    0x4000d000u
#define DMACTL (SDH + 0x400)
#define DMASA  (SDH + 0x408)
#define GCTL   (SDH + 0x800)
#define CTL    (SDH + 0x820)
#define CMDARG (SDH + 0x824)
#define INTEN  (SDH + 0x828)
#define INTSTS (SDH + 0x82c)
#define RESP0  (SDH + 0x830)
#define RESP1  (SDH + 0x834)
#define TOUT   (SDH + 0x83c)
#define BUFFER 0x20002000u

enum { COEN = 1, RIEN = 2, DIEN = 4, DOEN = 8, R2EN = 16, CLK74 = 32, CLK8 = 64, DBW = 0x8000 };

static const char *folder;
static uint32_t rca;

static void wire(void)
{
    static const struct nuvoton_pin pins[6] = {{1, 0, 3}, {1, 1, 3}, {1, 2, 3},
                                               {1, 3, 3}, {1, 4, 3}, {1, 5, 3}};
    memcpy(soc->card_pins, pins, sizeof pins);
    soc->card_detect = (struct nuvoton_pin){1, 12, 9};
    soc->card = sd_card_new(soc->twin, folder);
    assert_non_null(soc->card);
}

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&nuvoton_m2354, wire);
}

/* From HIRC: 12 MHz / (divider + 1). */
static void set_clock(uint32_t divider)
{
    put(CLK + 0x20, divider << 24);
}

static void open_host(void)
{
    unlock();
    put(CLK + 0x04, get(CLK + 0x04) | 1u << 6);
    put(CLK + 0x10, (get(CLK + 0x10) & ~0x300000u) | 2u << 20);
    set_clock(39);
    put(SYS + 0x30 + 8, 0x00333333);
    put(SYS + 0x34 + 8, 0x00090000);
    put(DMACTL, 2);
    assert_true(comes(DMACTL, 2, 0));
    put(DMACTL, 1);
    put(GCTL, 3);
    assert_true(comes(GCTL, 1, 0));
    put(GCTL, 2);
    put(INTEN, 1u << 30);
    put(CTL, 0x4000);
    assert_true(comes(CTL, 0x4000, 0));
    put(CTL, 9u << 24 | 1u << 16);
    put(TOUT, 0xffff);
}

static uint32_t kept(void)
{
    return get(CTL) & 0xff00c080u;
}

static void clocks(uint32_t bit)
{
    put(CTL, kept() | 1u << 16 | bit);
    assert_true(comes(CTL, bit, 0));
}

/* True when the response came. */
static bool command(unsigned index, uint32_t argument, uint32_t wants)
{
    put(INTSTS, 0x3103);
    put(CMDARG, argument);
    put(CTL, kept() | 1u << 16 | index << 8 | COEN | wants);
    for (unsigned i = 0; i < 5000; i++) {
        if (!(get(CTL) & (COEN | wants)))
            return true;
        if (get(INTSTS) & 0x3000 || *twin_fault_text(soc->twin))
            break;
        pass(100 * TWIN_US);
    }
    put(CTL, kept() | 0x4000);
    assert_true(comes(CTL, 0x4000, 0));
    return false;
}

static bool good_command(unsigned index, uint32_t argument)
{
    return command(index, argument, RIEN) && get(INTSTS) & 4;
}

static void wait_for_card(void)
{
    for (unsigned i = 0; i < 5000; i++) {
        clocks(CLK8);
        if (get(INTSTS) & 0x80)
            return;
        pass(100 * TWIN_US);
    }
    fail_msg("the card stays busy");
}

static void wake_card(void)
{
    clocks(CLK74);
    assert_true(command(0, 0, 0));
    assert_true(good_command(8, 0x155));
    assert_int_equal(get(RESP1) & 0xff, 0x55);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(good_command(55, 0));
        assert_true(command(41, 0x40ff8000, RIEN));
        if (get(RESP0) >> 23 & 1)
            return;
        pass(TWIN_MS);
    }
    fail_msg("the card does not get ready");
}

static void identify_card(void)
{
    wake_card();
    assert_true(command(2, 0, R2EN));
    assert_true(good_command(3, 0));
    rca = get(RESP0) << 8 & 0xffff0000u;
    set_clock(0);
}

static void open_card(void)
{
    open_host();
    identify_card();
    assert_true(good_command(7, rca));
    wait_for_card();
    assert_true(good_command(55, rca));
    assert_true(good_command(6, 2));
    put(CTL, kept() | 1u << 16 | DBW);
    assert_true(good_command(16, 512));
}

static void start(unsigned index, uint32_t sector, unsigned blocks, uint32_t direction)
{
    put(INTSTS, 0x3103);
    put(CMDARG, sector);
    put(DMASA, BUFFER);
    put(CTL, kept() | blocks << 16 | index << 8 | COEN | RIEN | direction);
}

static void transfer(unsigned index, uint32_t sector, unsigned blocks, uint32_t direction)
{
    start(index, sector, blocks, direction);
    assert_true(comes(INTSTS, 1, 1));
}

static void stop(void)
{
    assert_true(good_command(12, 0));
    wait_for_card();
}

static void fill(uint8_t seed, unsigned size)
{
    uint8_t data[4096];
    assert_in_range(size, 1, sizeof data);
    for (unsigned i = 0; i < size; i++)
        data[i] = (uint8_t)(seed + i * 7u);
    assert_true(twin_write_memory(soc->twin, BUFFER, data, size));
}

static void a_card_is_identified_step_by_step(void **state)
{
    (void)state;
    open_host();
    assert_int_equal(get(INTSTS) >> 16 & 1, 0);
    identify_card();
    assert_int_equal(get(INTSTS) & 4, 4);
    assert_true(command(9, rca, R2EN));
    uint8_t csd[17];
    for (unsigned i = 0; i < 5; i++) {
        const uint32_t word = get(SDH + 4 * i);
        memcpy(csd + 4 * i, &word, i < 4 ? 4 : 1);
    }
    assert_int_equal(csd[0], 0x3f);
    assert_int_equal(csd[1] >> 6, 1);
    const uint32_t size = (csd[8] & 0x3fu) << 16 | csd[9] << 8 | csd[10];
    assert_int_equal((size + 1) * 1024, SD_SECTORS);
    assert_no_fault();
}

static void a_high_capacity_card_says_so_without_a_checksum(void **state)
{
    (void)state;
    open_host();
    wake_card();
    assert_int_equal(get(RESP0) >> 22 & 1, 1);
    assert_int_equal(get(INTSTS) & 6, 2);
}

static void blocks_are_written_and_read_back(void **state)
{
    uint8_t back[2048];
    (void)state;
    open_card();
    fill(3, 2048);
    transfer(25, 100, 4, DOEN);
    assert_int_equal(get(INTSTS) & 0x7a, 0x28); /* CRC16 good, token 2 */
    stop();
    assert_int_equal(sd_card_bytes(soc->card)[100 * 512 + 1], 10);
    memset(back, 0, sizeof back);
    assert_true(twin_write_memory(soc->twin, BUFFER, back, sizeof back));
    transfer(18, 100, 4, DIEN);
    stop();
    assert_true(twin_read_memory(soc->twin, BUFFER, back, sizeof back));
    assert_memory_equal(back, sd_card_bytes(soc->card) + 51200, sizeof back);
    assert_int_equal(back[2047], (uint8_t)(3 + 2047 * 7));
    assert_no_fault();
}

static void a_written_card_is_busy_until_it_has_programmed(void **state)
{
    (void)state;
    open_card();
    fill(3, 512);
    transfer(25, 5, 1, DOEN);
    assert_true(good_command(12, 0));
    assert_int_equal(get(INTSTS) & 0x80, 0);
    pass(10 * TWIN_MS);
    assert_int_equal(get(INTSTS) & 0x80, 0); /* no clocks, no news */
    clocks(CLK8);
    assert_int_equal(get(INTSTS) & 0x80, 0x80);
}

static void noise_in_a_read_is_seen_by_its_checksum(void **state)
{
    (void)state;
    open_card();
    sd_card_spoil(soc->card, 1);
    transfer(18, 0, 2, DIEN);
    assert_int_equal(get(INTSTS) & 0xb, 3); /* CRCIF, not CRC16 */
    put(CTL, kept() | 0x4000);
    assert_true(comes(CTL, 0x4000, 0));
    put(CTL, kept() | DBW | 1u << 16);
    stop();
    transfer(18, 0, 2, DIEN);
    assert_int_equal(get(INTSTS) & 0xb, 9);
    assert_no_fault();
}

static void noise_in_a_write_is_refused_by_the_card(void **state)
{
    (void)state;
    open_card();
    fill(3, 512);
    sd_card_spoil(soc->card, 1);
    transfer(25, 9, 1, DOEN);
    assert_int_equal(get(INTSTS) & 0x72, 0x52);
    assert_int_equal(sd_card_bytes(soc->card)[9 * 512], 0xff);
}

static void a_card_that_is_out_answers_nothing(void **state)
{
    (void)state;
    sd_card_insert(soc->card, false);
    open_host();
    assert_int_equal(get(INTSTS) >> 16 & 1, 1);
    clocks(CLK74);
    assert_true(command(0, 0, 0));
    assert_false(command(8, 0x155, RIEN));
    assert_int_equal(get(INTSTS) & 0x1000, 0x1000);
    assert_no_fault();
}

static void a_card_that_goes_in_a_transfer_ends_by_the_time_out(void **state)
{
    (void)state;
    open_card();
    fill(3, 2048);
    start(25, 100, 4, DOEN);
    sd_card_insert(soc->card, false);
    assert_true(comes(INTSTS, 0x2000, 0x2000));
    assert_int_equal(get(CTL) & DOEN, DOEN);
    put(CTL, kept() | 0x4000);
    assert_true(comes(CTL, 0x4000, 0));
    assert_int_equal(get(CTL) & 0x7f, 0);
    assert_no_fault();
}

static void without_a_time_out_the_engine_waits_for_ever(void **state)
{
    (void)state;
    sd_card_insert(soc->card, false);
    open_host();
    put(TOUT, 0);
    clocks(CLK74);
    put(CTL, kept() | 1u << 16 | 8 << 8 | COEN | RIEN);
    pass(10000 * TWIN_MS);
    assert_int_equal(get(INTSTS) & 0x1000, 0);
    assert_int_equal(get(CTL) & RIEN, RIEN);
}

static void power_cut_in_a_write_leaves_a_torn_sector_in_the_file(void **state)
{
    char path[] = "/tmp/sd_card.XXXXXX", file[64];
    nuvoton_free(soc);
    folder = mkdtemp(path);
    assert_non_null(folder);
    (void)bench_on(&nuvoton_m2354, wire);
    memset(sd_card_bytes(soc->card), 0xee, 1024);
    open_card();
    fill(1, 512);
    twin_cut_in(soc->twin, "card-write", 1);
    start(25, 0, 1, DOEN);
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    nuvoton_free(soc);
    (void)bench_on(&nuvoton_m2354, wire); /* the power is back */
    unsigned fresh = 0, old = 0, rubbish = 0;
    const uint8_t *sector = sd_card_bytes(soc->card);
    for (unsigned i = 0; i < 512; i++) {
        fresh += sector[i] == (uint8_t)(1 + i * 7u);
        old += sector[i] == 0xee;
        rubbish += sector[i] != (uint8_t)(1 + i * 7u) && sector[i] != 0xee;
    }
    const uint8_t next = sector[512];
    snprintf(file, sizeof file, "%s/sd-card.bin", folder);
    unlink(file);
    rmdir(folder);
    folder = NULL;
    (void)state;
    assert_true(fresh > 0 && old > 0 && rubbish > 0);
    assert_int_equal(next, 0xee);
}

static void a_cut_before_a_write_leaves_the_sector_as_it_was(void **state)
{
    (void)state;
    memset(sd_card_bytes(soc->card), 0xee, 512);
    open_card();
    fill(1, 512);
    twin_cut_at(soc->twin, "card-write", 1);
    start(25, 0, 1, DOEN);
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(sd_card_bytes(soc->card)[i], 0xee);
}

static void a_sector_beyond_the_end_is_refused(void **state)
{
    (void)state;
    open_card();
    assert_true(good_command(18, SD_SECTORS));
    assert_int_equal(get(RESP0) >> 23 & 1, 1); /* OUT_OF_RANGE, bit 31 of the status */
    assert_true(good_command(13, rca));
    assert_int_equal((get(RESP0) << 8 | (get(RESP1) & 0xff)) >> 9 & 0xf, 4); /* transfer state */
}

static void a_command_in_the_wrong_state_gets_no_response(void **state)
{
    (void)state;
    open_host();
    clocks(CLK74);
    assert_true(command(0, 0, 0));
    assert_false(command(18, 0, RIEN));
    assert_no_fault();
}

static void a_host_without_high_capacity_never_sees_it_ready(void **state)
{
    (void)state;
    open_host();
    clocks(CLK74);
    assert_true(command(0, 0, 0));
    assert_true(good_command(8, 0x155));
    for (unsigned i = 0; i < 100; i++) {
        assert_true(good_command(55, 0));
        assert_true(command(41, 0x00ff8000, RIEN));
        assert_int_equal(get(RESP0) >> 23 & 1, 0);
        pass(TWIN_MS);
    }
}

static void identification_is_slow(void **state)
{
    (void)state;
    open_host();
    clocks(CLK74);
    assert_true(command(0, 0, 0));
    set_clock(2);
    (void)command(8, 0x155, RIEN);
    assert_fault("CMD8 at 4000000 Hz; it takes 400000 now");
}

static void a_card_wants_74_clocks_first(void **state)
{
    (void)state;
    open_host();
    (void)command(0, 0, 0);
    assert_fault("CMD0 after 0 clocks; it needs 74");
}

static void card_and_host_agree_on_the_lines(void **state)
{
    (void)state;
    open_card();
    put(CTL, (kept() & ~(uint32_t)DBW) | 1u << 16);
    start(18, 0, 1, DIEN);
    (void)comes(INTSTS, 1, 1);
    assert_fault("a block comes by 1 data lines; the SD card is set to 4");
}

static void start_bits_are_not_turned_off(void **state)
{
    (void)state;
    open_card();
    put(CTL, kept() | 1u << 16 | CLK8);
    put(CTL, kept() | 1u << 16);
    assert_fault("writes SDH0.CTL while its bits 0x40 still work");
}

static void no_blocks_are_no_transfer(void **state)
{
    (void)state;
    open_card();
    start(18, 0, 0, DIEN);
    assert_fault("BLKCNT is 0");
}

static void the_buffer_is_aligned_ram(void **state)
{
    (void)state;
    open_card();
    put(CMDARG, 0);
    put(DMASA, 0x10000000);
    put(CTL, kept() | 1u << 16 | 18 << 8 | COEN | RIEN | DIEN);
    (void)comes(INTSTS, 1, 1);
    assert_fault("SDH0's DMA writes 0x10000000, where no RAM is");
}

static void an_unaligned_buffer_is_named(void **state)
{
    (void)state;
    open_card();
    put(CMDARG, 0);
    put(DMASA, BUFFER + 2);
    put(CTL, kept() | 1u << 16 | 18 << 8 | COEN | RIEN | DIEN);
    assert_fault("a buffer that is not aligned");
}

static void the_pins_need_their_function(void **state)
{
    (void)state;
    open_host();
    put(SYS + 0x30 + 8, 0x00333330);
    put(CTL, kept() | 1u << 16 | CLK74);
    assert_fault("SDH0 works, but PB0 has function 0, not 3");
}

static void a_disabled_host_starts_nothing(void **state)
{
    (void)state;
    open_host();
    put(GCTL, 0);
    put(CTL, kept() | 1u << 16 | CLK74);
    assert_fault("while GCTL.SDEN is 0");
}

static void the_host_without_clock_does_not_answer(void **state)
{
    (void)state;
    get(CTL);
    assert_fault("SDH0.CTL while its clock is off");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_card_is_identified_step_by_step),
        TEST(a_high_capacity_card_says_so_without_a_checksum),
        TEST(blocks_are_written_and_read_back),
        TEST(a_written_card_is_busy_until_it_has_programmed),
        TEST(noise_in_a_read_is_seen_by_its_checksum),
        TEST(noise_in_a_write_is_refused_by_the_card),
        TEST(a_card_that_is_out_answers_nothing),
        TEST(a_card_that_goes_in_a_transfer_ends_by_the_time_out),
        TEST(without_a_time_out_the_engine_waits_for_ever),
        TEST(power_cut_in_a_write_leaves_a_torn_sector_in_the_file),
        TEST(a_cut_before_a_write_leaves_the_sector_as_it_was),
        TEST(a_sector_beyond_the_end_is_refused),
        TEST(a_command_in_the_wrong_state_gets_no_response),
        TEST(a_host_without_high_capacity_never_sees_it_ready),
        TEST(identification_is_slow),
        TEST(a_card_wants_74_clocks_first),
        TEST(card_and_host_agree_on_the_lines),
        TEST(start_bits_are_not_turned_off),
        TEST(no_blocks_are_no_transfer),
        TEST(the_buffer_is_aligned_ram),
        TEST(an_unaligned_buffer_is_named),
        TEST(the_pins_need_their_function),
        TEST(a_disabled_host_starts_nothing),
        TEST(the_host_without_clock_does_not_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
