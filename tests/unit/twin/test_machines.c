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
static struct machine *run_board(const char *board)
{
    static const uint8_t program[0x104] = {
        [3] = 0x20,     [4] = 0x01,     [5] = 0x01,    [0x100] = 0x30,
        [0x101] = 0xbf, [0x102] = 0xfd, [0x103] = 0xe7};
    struct machine *machine = machine_new(board, NULL);
    assert_non_null(machine);
    twin_hurry(machine->twin);
    assert_true(machine->program(machine, 0, program, sizeof program));
    if (machine->connect_modem)
        assert_true(machine->connect_modem(machine, &modem));
    twin_reset(machine->twin, TWIN_RESET_POWER);
    return machine;
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
        cmocka_unit_test(an_unknown_board_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
