/* Boards with a Nuvoton chip; see numaker.h. */
#include "twin/machines/numaker.h"

#include <stdlib.h>
#include <string.h>

#include "twin/modem/line.h"
#include "twin/net.h"

struct state {
    const struct numaker *board;
    struct nuvoton *soc;
    struct machine *machine;
    struct net *net; /* behind the Ethernet; NULL where there is none */
};

static bool program(struct machine *machine, uint32_t address, const uint8_t *data, uint32_t size)
{
    const struct state *state = machine->chip;
    return nuvoton_program(state->soc, address, data, size);
}

static void connect_console(struct machine *machine, struct serial *console)
{
    struct state *state = machine->chip;
    uart_connect(&state->soc->uarts[0], console);
}

/* By the program, not because the chip's own reset lets go of all pins. */
static bool ends_reset(const struct state *state, bool level)
{
    const struct nuvoton_pin *reset = &state->board->modem_reset;
    return level && pin_is_held_high(state->soc, reset->port, reset->pin);
}

static void on_pin(void *ctx, unsigned port, unsigned pin, bool level)
{
    const struct state *state = ctx;
    const struct numaker *board = state->board;
    if (!board->modem_uart || port != board->modem_reset.port || pin != board->modem_reset.pin)
        return;
    if (board->has_strap && ends_reset(state, level) &&
        !pin_is_held_high(state->soc, board->modem_strap.port, board->modem_strap.pin))
        twin_fault(state->soc->twin, "the modem's reset ends while P%c%u, its strap, is not high",
                   'A' + (char)board->modem_strap.port, board->modem_strap.pin);
    if (state->machine->modem)
        modem_line_reset(state->machine->modem, level);
}

static bool connect_modem(struct machine *machine, const struct modem_setup *setup)
{
    struct state *state = machine->chip;
    struct model_config config = MODEL_DEFAULTS;
    config.ssid = setup->ssid;
    config.password = setup->password;
    config.fault = (enum model_fault)setup->fault;
    config.fault_at = setup->fault_at;
    if (setup->delay_ms > 0)
        config.delay_ms = setup->delay_ms;
    machine->modem = modem_line_new(machine->twin, &config);
    if (!machine->modem)
        return false;
    uart_connect(&state->soc->uarts[state->board->modem_uart], modem_line_serial(machine->modem));
    return true;
}

static bool connect_ethernet(struct machine *machine, const struct modem_setup *setup)
{
    const struct state *state = machine->chip;
    emac_spoil(state->soc, setup->fault, setup->fault_at);
    return true;
}

static void connect_link(struct machine *machine, bool there)
{
    struct state *state = machine->chip;
    if (machine->modem)
        modem_line_air(machine->modem, there);
    if (state->soc->phy)
        phy_plug(state->soc->phy, there);
}

static void spoil_entropy(struct machine *machine)
{
    const struct state *state = machine->chip;
    state->soc->random_stuck = true;
}

static void spoil_memory(struct machine *machine, enum part_fault fault, unsigned n)
{
    const struct state *state = machine->chip;
    if (state->soc->nor)
        spi_nor_spoil(state->soc->nor, fault, n);
    if (state->soc->card)
        sd_card_break(state->soc->card, fault, n);
}

static void on_frame_out(void *ctx, const uint8_t *frame, uint32_t length)
{
    const struct state *state = ctx;
    net_send(state->net, frame, length);
}

static void on_frame_in(void *ctx, const uint8_t *frame, uint32_t length)
{
    const struct state *state = ctx;
    emac_receive(state->soc, frame, length);
}

static bool add_ethernet(struct state *state)
{
    struct nuvoton *soc = state->soc;
    if (!state->board->has_ethernet)
        return true;
    memcpy(soc->rmii_pins, state->board->rmii_pins, sizeof soc->rmii_pins);
    soc->phy = phy_new(soc->twin, &phy_ip101gr, state->board->phy_address);
    state->net = net_new(soc->twin, on_frame_in, state);
    emac_connect(soc, on_frame_out, state);
    return soc->phy && state->net;
}

static void free_board(struct machine *machine)
{
    struct state *state = machine->chip;
    net_free(state->net);
    nuvoton_free(state->soc);
    free(state);
}

static void wire(struct nuvoton *soc, const struct numaker *board)
{
    soc->uarts[0].rx_pin = board->console_rx;
    soc->uarts[0].tx_pin = board->console_tx;
    if (board->modem_uart) {
        struct uart *uart = &soc->uarts[board->modem_uart];
        uart->rx_pin = board->modem_rx;
        uart->tx_pin = board->modem_tx;
        uart->cts_pin = board->modem_cts;
        uart->rts_pin = board->modem_rts;
    }
}

const struct nuvoton_flash_pins numaker_m487_flash = {
    .pins = {{PORT_C, 3, 0}, {PORT_C, 2, 0}, {PORT_C, 0, 0}, {PORT_C, 1, 0}},
    .high = {{PORT_C, 4, 0}, {PORT_C, 5, 0}},
    .spim_function = 3,
    .qspi_function = 4};

static bool add_flash(struct nuvoton *soc, const struct nuvoton_flash_pins *pins,
                      const char *folder)
{
    if (!pins)
        return true;
    soc->flash_pins = *pins;
    soc->nor = spi_nor_new(soc->twin, &spi_nor_w25q32, folder);
    return soc->nor != NULL;
}

static bool add_card(struct nuvoton *soc, const struct numaker *board, const char *folder)
{
    if (!board->has_card)
        return true;
    memcpy(soc->card_pins, board->card_pins, sizeof soc->card_pins);
    soc->card_detect = board->card_detect;
    soc->card = sd_card_new(soc->twin, folder);
    return soc->card != NULL;
}

bool numaker_make(struct machine *machine, const char *folder, const struct numaker *board)
{
    struct state *state = calloc(1, sizeof *state);
    struct nuvoton *soc = state ? nuvoton_new(board->part, folder) : NULL;
    if (soc)
        *state = (struct state){.board = board, .soc = soc, .machine = machine};
    if (!soc || !add_flash(soc, board->flash, folder) || !add_card(soc, board, folder) ||
        !add_ethernet(state)) {
        net_free(state ? state->net : NULL);
        nuvoton_free(soc);
        free(state);
        return false;
    }
    wire(soc, board);
    soc->on_pin = on_pin;
    soc->pin_ctx = state;
    *machine =
        (struct machine){.twin = soc->twin,
                         .chip = state,
                         .program = program,
                         .connect_console = connect_console,
                         .connect_modem = board->modem_uart     ? connect_modem
                                          : board->has_ethernet ? connect_ethernet
                                                                : NULL,
                         .modem_faults = board->modem_uart     ? esp8266_model_faults
                                         : board->has_ethernet ? emac_faults
                                                               : NULL,
                         .connect_link = connect_link,
                         .spoil_entropy = spoil_entropy,
                         .spoil_memory = board->flash || board->has_card ? spoil_memory : NULL,
                         .free = free_board};
    return true;
}
