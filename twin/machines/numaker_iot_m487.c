/* NuMaker-IoT-M487: M487JIDAE; console on UART0 (PB12, PB13), ESP8266 on UART1 (PH8, PH9, PB8, PB9)
 * with its reset on PH3, SPI flash of 4 MB on PC0 to PC5. */
#include "twin/machines/numaker.h"

static const struct numaker board = {.part = &nuvoton_m487,
                                     .console_rx = {PORT_B, 12, 6},
                                     .console_tx = {PORT_B, 13, 6},
                                     .modem_uart = 1,
                                     .modem_rx = {PORT_H, 9, 10},
                                     .modem_tx = {PORT_H, 8, 10},
                                     .modem_cts = {PORT_B, 9, 6},
                                     .modem_rts = {PORT_B, 8, 6},
                                     .modem_reset = {PORT_H, 3, 0},
                                     .flash = &numaker_m487_flash};

bool machine_numaker_iot_m487(struct machine *machine, const char *folder)
{
    return numaker_make(machine, folder, &board);
}
