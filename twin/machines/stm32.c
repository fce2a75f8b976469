/* Boards with an STM32; see stm32.h. */
#include "twin/machines/stm32.h"

#include <stdlib.h>
#include <string.h>

struct state {
    const struct stm32_board *board;
    struct stm32 *soc;
    struct machine *machine;
    struct stm32_net *net;
    struct spi_nor *nor;
    struct mems sensors[MEMS_KINDS];
};

/* A room, and the board on its table. */
static const struct mems_world table = {.temperature_mc = 23400,
                                        .humidity_mpct = 51200,
                                        .pressure_umbar = 987600,
                                        .acceleration_mg = {12, -34, 998},
                                        .rotation_mdps = {140, -70, 210},
                                        .magnetic_mgauss = {-150, 300, 450}};

static bool program(struct machine *machine, uint32_t address, const uint8_t *data, uint32_t size)
{
    const struct state *state = machine->chip;
    return stm32_program(state->soc, address, data, size);
}

static void connect_console(struct machine *machine, struct serial *console)
{
    struct state *state = machine->chip;
    stm32_usart_connect(&state->soc->usart1, console);
}

static bool connect_modem(struct machine *machine, const struct modem_setup *setup)
{
    const struct state *state = machine->chip;
    return stm32_net_connect_modem(state->net, setup);
}

static void connect_link(struct machine *machine, bool there)
{
    const struct state *state = machine->chip;
    stm32_net_connect_link(state->net, there);
}

static void delay_nmi(struct machine *machine)
{
    const struct state *state = machine->chip;
    state->soc->flash.late_nmi = true;
}

static void hold_banks(struct machine *machine)
{
    const struct state *state = machine->chip;
    state->soc->flash.stuck = true;
}

static void spoil_memory(struct machine *machine, enum part_fault fault, unsigned n)
{
    const struct state *state = machine->chip;
    spi_nor_spoil(state->nor, fault, n);
}

static void spoil_entropy(struct machine *machine)
{
    const struct state *state = machine->chip;
    state->soc->rng.stuck = true;
}

static void free_board(struct machine *machine)
{
    struct state *state = machine->chip;
    stm32_net_free(state->net);
    stm32_free(state->soc);
    spi_nor_free(state->nor);
    free(state);
}

static struct spi_nor *add_flash(struct stm32 *soc, const struct stm32_board *board,
                                 const char *folder)
{
    struct stm32_octospi_board flash = {.nor =
                                            spi_nor_new(soc->twin, &spi_nor_mx25lm51245g, folder)};
    memcpy(flash.pins, board->flash_pins, sizeof flash.pins);
    stm32_octospi_connect(soc->octospi, &flash);
    return flash.nor;
}

static void add_sensors(struct state *state)
{
    struct stm32_i2c *i2c = state->soc->i2c;
    stm32_i2c_connect(i2c, state->board->sensor_pins);
    for (unsigned i = 0; i < MEMS_KINDS; i++) {
        mems_start(&state->sensors[i], (enum mems_kind)i, state->soc->twin, &table);
        stm32_i2c_add(i2c, &state->sensors[i].slave);
    }
}

bool stm32_make(struct machine *machine, const char *folder, const struct stm32_board *board)
{
    struct state *state = calloc(1, sizeof *state);
    struct stm32 *soc = state ? stm32_new_in_two_worlds(board->part, folder, board->secure) : NULL;
    struct stm32_net *net = soc ? stm32_net_new(soc, board->wifi, board->ethernet) : NULL;
    struct spi_nor *nor = net ? add_flash(soc, board, folder) : NULL;
    if (!nor) {
        stm32_net_free(net);
        stm32_free(soc);
        free(state);
        return false;
    }
    *state = (struct state){.board = board, .soc = soc, .machine = machine, .net = net, .nor = nor};
    if (board->sensor_pins)
        add_sensors(state);
    soc->hse_hz = board->hse_hz;
    stm32_pin_drive(soc, board->button.port, board->button.pin, false);
    *machine = (struct machine){.twin = soc->twin,
                                .chip = state,
                                .program = program,
                                .connect_console = connect_console,
                                .connect_modem = board->wifi ? connect_modem : NULL,
                                .modem_faults = stm32_net_faults(net),
                                .connect_link = connect_link,
                                .spoil_entropy = spoil_entropy,
                                .delay_nmi = delay_nmi,
                                .hold_banks = hold_banks,
                                .spoil_memory = spoil_memory,
                                .free = free_board};
    return true;
}
