/* NuMaker-IoT-M467: M467HJHAE; console on UART0 (PB12, PB13), ESP8266 on UART2 (PC0 to PC3) with
 * its reset on PC4, SPI flash at QSPI0 (PI12 to PI15, PJ0, PJ1). */
#include "twin/machines/numaker.h"

static const struct nuvoton_flash_pins flash = {
    .pins = {{PORT_I, 14, 0}, {PORT_I, 15, 0}, {PORT_J, 1, 0}, {PORT_J, 0, 0}},
    .high = {{PORT_I, 13, 0}, {PORT_I, 12, 0}},
    .qspi_function = 4};

static const struct numaker board = {.part = &nuvoton_m467,
                                     .console_rx = {PORT_B, 12, 6},
                                     .console_tx = {PORT_B, 13, 6},
                                     .modem_uart = 2,
                                     .modem_rx = {PORT_C, 0, 8},
                                     .modem_tx = {PORT_C, 1, 8},
                                     .modem_cts = {PORT_C, 2, 8},
                                     .modem_rts = {PORT_C, 3, 8},
                                     .modem_reset = {PORT_C, 4, 0},
                                     .flash = &flash};

bool machine_numaker_iot_m467(struct machine *machine, const char *folder)
{
    return numaker_make(machine, folder, &board);
}
