/* Each board that has a twin is there, whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "twin/machine.h"

static const struct modem_setup modem = {.ssid = "net", .password = ""};

static void each_board_is_made_and_freed(void **state)
{
    (void)state;
    for (unsigned i = 0; machine_name(i); i++) {
        struct machine *machine = machine_new(machine_name(i), NULL);
        assert_non_null(machine);
        assert_non_null(machine->twin);
        if (machine->connect_modem)
            assert_true(machine->connect_modem(machine, &modem));
        machine_free(machine);
    }
}

/* A program of 0x104 bytes that sleeps. */
static struct machine *run_board_at(const char *board, uint32_t flash)
{
    static const uint8_t program[0x104] = {
        [3] = 0x20,     [4] = 0x01,     [5] = 0x01,    [0x100] = 0x30,
        [0x101] = 0xbf, [0x102] = 0xfd, [0x103] = 0xe7};
    const uint8_t high = (uint8_t)(flash >> 24); /* of the reset vector */
    struct machine *machine = machine_new(board, NULL);
    assert_non_null(machine);
    twin_hurry(machine->twin);
    assert_true(machine->program(machine, flash, program, sizeof program));
    assert_true(machine->program(machine, flash + 7, &high, 1));
    if (machine->connect_modem)
        assert_true(machine->connect_modem(machine, &modem));
    twin_reset(machine->twin, TWIN_RESET_POWER);
    return machine;
}

static struct machine *run_board(const char *board)
{
    return run_board_at(board, 0);
}

static uint32_t phy_status(struct twin *twin)
{
    twin_store(twin, 0x4000b098, 1 | 1u << 8 | 1u << 17 | 1u << 19);
    assert_int_equal(twin_run(twin, twin_now(twin) + TWIN_MS), TWIN_STOPPED);
    return twin_load(twin, 0x4000b094);
}

static void the_cable_of_the_pfm_m487_can_be_pulled(void **state)
{
    static const uint32_t key[] = {0x59, 0x16, 0x88};
    (void)state;
    struct machine *machine = run_board("numaker-pfm-m487");
    struct twin *twin = machine->twin;
    for (unsigned i = 0; i < 3; i++)
        twin_store(twin, 0x40000100, key[i]);
    twin_store(twin, 0x40000204, 0x8024);
    twin_store(twin, 0x4000022c, 127u << 16);
    twin_store(twin, 0x40000054, 0x33);
    assert_int_equal(twin_run(twin, 2000 * TWIN_MS), TWIN_STOPPED);
    (void)phy_status(twin); /* that it was down */
    assert_int_equal(phy_status(twin) & 4, 4);
    machine->connect_link(machine, false);
    assert_int_equal(phy_status(twin) & 4, 0);
    machine->connect_link(machine, true);
    assert_int_equal(twin_run(twin, 5000 * TWIN_MS), TWIN_STOPPED);
    (void)phy_status(twin);
    assert_int_equal(phy_status(twin) & 4, 4);
    machine_free(machine);
}

static void the_modems_strap_is_high_when_its_reset_ends(void **state)
{
    static const uint32_t key[] = {0x59, 0x16, 0x88};
    (void)state;
    for (unsigned strap = 0; strap < 2; strap++) {
        struct machine *machine = run_board("numaker-m2354");
        struct twin *twin = machine->twin;
        for (unsigned i = 0; i < 3; i++)
            twin_store(twin, 0x40000100, key[i]);
        twin_store(twin, 0x40000204, 3u << 26 | 0x8004);
        if (strap)
            twin_store(twin, 0x400040c0, 1u << 24); /* PD12 */
        twin_store(twin, 0x40004088, 0xdfff);       /* PC13 low, then high */
        twin_store(twin, 0x40004080, 1u << 26);
        twin_store(twin, 0x40004088, 0xffff);
        if (strap)
            assert_string_equal(twin_fault_text(twin), "");
        else
            assert_non_null(strstr(twin_fault_text(twin), "PD12, its strap, is not high"));
        machine_free(machine);
    }
}

/* Register 1 by MDC and MDIO at 32 or 64 MHz / 42. */
static uint32_t lan8742_status(struct twin *twin)
{
    twin_store(twin, 0x40028200, 1u << 16 | 3u << 2 | 1);
    assert_int_equal(twin_run(twin, twin_now(twin) + TWIN_MS), TWIN_STOPPED);
    return twin_load(twin, 0x40028204);
}

static void the_cable_of_the_h573i_dk_can_be_pulled(void **state)
{
    (void)state;
    struct machine *machine = run_board_at("stm32h573i-dk", 0x08000000u);
    struct twin *twin = machine->twin;
    twin_store(twin, 0x44020c8c, 5); /* PA2 and PC1, AF11 */
    twin_store(twin, 0x44020c88, twin_load(twin, 0x44020c88) | 1u << 19);
    twin_store(twin, 0x42020020, 11u << 8);
    twin_store(twin, 0x42020000, 0xabffffefu);
    twin_store(twin, 0x42020820, 11u << 4);
    twin_store(twin, 0x42020800, 0xfffffffbu);
    assert_int_equal(twin_run(twin, 2000 * TWIN_MS), TWIN_STOPPED);
    (void)lan8742_status(twin); /* that it was down */
    assert_int_equal(lan8742_status(twin) & 4, 4);
    machine->connect_link(machine, false);
    assert_int_equal(lan8742_status(twin) & 4, 0);
    machine->connect_link(machine, true);
    assert_int_equal(twin_run(twin, 5000 * TWIN_MS), TWIN_STOPPED);
    (void)lan8742_status(twin);
    assert_int_equal(lan8742_status(twin) & 4, 4);
    assert_string_equal(twin_fault_text(twin), "");
    machine_free(machine);
}

static void the_modem_on_stmod_has_its_boot_pin_high(void **state)
{
    (void)state;
    for (unsigned boot = 0; boot < 2; boot++) {
        struct machine *machine = run_board_at("stm32h573i-dk", 0x08000000u);
        struct twin *twin = machine->twin;
        twin_store(twin, 0x44020c8c, 0x82); /* PB0, PH8 */
        if (boot) {
            twin_store(twin, 0x42020418, 1);
            twin_store(twin, 0x42020400, 0xfffffebdu);
        }
        twin_store(twin, 0x42021c00, 0xfffdffffu);
        assert_int_equal(twin_run(twin, twin_now(twin) + 100 * TWIN_MS), TWIN_STOPPED);
        twin_store(twin, 0x42021c18, 1u << 8);
        if (boot)
            assert_string_equal(twin_fault_text(twin), "");
        else
            assert_non_null(strstr(twin_fault_text(twin), "PB0, its BOOT, is low"));
        machine_free(machine);
    }
}

static void a_profile_of_a_board_runs_in_the_board_s_twin(void **state)
{
    (void)state;
    struct machine *machine = machine_new("stm32h573i-dk/external", NULL);
    assert_non_null(machine);
    assert_string_equal(machine->board, "stm32h573i-dk");
    machine_free(machine);
    assert_null(machine_new("stm32h573i-dk2", NULL));
}

static void an_unknown_board_is_refused(void **state)
{
    (void)state;
    assert_null(machine_new("numaker-x", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_board_is_made_and_freed),
        cmocka_unit_test(the_cable_of_the_pfm_m487_can_be_pulled),
        cmocka_unit_test(the_modems_strap_is_high_when_its_reset_ends),
        cmocka_unit_test(the_cable_of_the_h573i_dk_can_be_pulled),
        cmocka_unit_test(the_modem_on_stmod_has_its_boot_pin_high),
        cmocka_unit_test(a_profile_of_a_board_runs_in_the_board_s_twin),
        cmocka_unit_test(an_unknown_board_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
