/* NuMaker-IoT-M467: M467HJHAE; console on UART0 (PB12, PB13), ESP8266 on UART2 (PC0 to PC3) with
 * its reset on PC4. */
#include "twin/machine.h"
#include "twin/modem/line.h"
#include "twin/nuvoton/nuvoton.h"

enum { PORT_B = 1, PORT_C = 2 };

static bool program(struct machine *machine, uint32_t address, const uint8_t *data, uint32_t size)
{
    return nuvoton_program(machine->chip, address, data, size);
}

static void connect_console(struct machine *machine, struct serial *console)
{
    struct nuvoton *soc = machine->chip;
    uart_connect(&soc->uarts[0], console);
}

static void on_pin(void *ctx, unsigned port, unsigned pin, bool level)
{
    const struct machine *machine = ctx;
    if (port == PORT_C && pin == 4 && machine->modem)
        modem_line_reset(machine->modem, level);
}

static bool connect_modem(struct machine *machine, const struct model_config *config)
{
    struct nuvoton *soc = machine->chip;
    machine->modem = modem_line_new(machine->twin, config);
    if (!machine->modem)
        return false;
    uart_connect(&soc->uarts[2], modem_line_serial(machine->modem));
    return true;
}

static void free_board(struct machine *machine)
{
    nuvoton_free(machine->chip);
}

bool machine_numaker_iot_m467(struct machine *machine, const char *folder)
{
    struct nuvoton *soc = nuvoton_new(&nuvoton_m467, folder);
    if (!soc)
        return false;
    soc->uarts[0].rx_pin = (struct nuvoton_pin){PORT_B, 12, 6};
    soc->uarts[0].tx_pin = (struct nuvoton_pin){PORT_B, 13, 6};
    soc->uarts[2].rx_pin = (struct nuvoton_pin){PORT_C, 0, 8};
    soc->uarts[2].tx_pin = (struct nuvoton_pin){PORT_C, 1, 8};
    *machine = (struct machine){.twin = soc->twin,
                                .chip = soc,
                                .program = program,
                                .connect_console = connect_console,
                                .connect_modem = connect_modem,
                                .free = free_board};
    soc->on_pin = on_pin;
    soc->pin_ctx = machine;
    return true;
}
