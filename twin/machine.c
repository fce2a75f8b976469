/* The list of boards that have a twin. */
#include "twin/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin/modem/line.h"

static const struct {
    const char *board;
    machine_maker make;
} machines[] = {
    {"b-u585i-iot02a/trustzone", machine_b_u585i_iot02a_trustzone},
    {"b-u585i-iot02a", machine_b_u585i_iot02a},
    {"numaker-iot-m467", machine_numaker_iot_m467},
    {"numaker-iot-m487", machine_numaker_iot_m487},
    {"numaker-m2354", machine_numaker_m2354},
    {"numaker-pfm-m487", machine_numaker_pfm_m487},
    {"stm32h573i-dk", machine_stm32h573i_dk},
};

const char *machine_name(unsigned index)
{
    return index < sizeof machines / sizeof *machines ? machines[index].board : NULL;
}

/* A profile, BOARD/PROFILE, is another program for the same board. */
static bool is_of(const char *board, const char *name)
{
    const size_t length = strlen(name);
    return strncmp(board, name, length) == 0 && (board[length] == '\0' || board[length] == '/');
}

struct machine *machine_new(const char *board, const char *folder)
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        if (!is_of(board, machines[i].board))
            continue;
        struct machine *machine = calloc(1, sizeof *machine);
        if (machine && !machines[i].make(machine, folder)) {
            free(machine);
            return NULL;
        }
        if (machine)
            machine->board = machines[i].board;
        return machine;
    }
    fprintf(stderr, "otter twin: no board '%s' has a twin; there are:\n", board);
    for (unsigned i = 0; machine_name(i); i++)
        fprintf(stderr, "  %s\n", machine_name(i));
    return NULL;
}

void machine_free(struct machine *machine)
{
    if (!machine)
        return;
    modem_line_free(machine->modem);
    machine->free(machine);
    free(machine);
}
