/* Boards with an STM32; see stm32.h. */
#include "twin/machines/stm32.h"

#include <stdlib.h>

struct state {
    const struct stm32_board *board;
    struct stm32 *soc;
    struct machine *machine;
};

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

static void free_board(struct machine *machine)
{
    struct state *state = machine->chip;
    stm32_free(state->soc);
    free(state);
}

bool stm32_make(struct machine *machine, const char *folder, const struct stm32_board *board)
{
    struct state *state = calloc(1, sizeof *state);
    struct stm32 *soc = state ? stm32_new(board->part, folder) : NULL;
    if (!soc) {
        free(state);
        return false;
    }
    *state = (struct state){.board = board, .soc = soc, .machine = machine};
    soc->hse_hz = board->hse_hz;
    stm32_pin_drive(soc, board->button.port, board->button.pin, false);
    *machine = (struct machine){.twin = soc->twin,
                                .chip = state,
                                .program = program,
                                .connect_console = connect_console,
                                .free = free_board};
    return true;
}
