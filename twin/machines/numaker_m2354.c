/* NuMaker-M2354: M2354KJFAE; console on UART0 (PA6, PA7), ESP8266 on UART4 (PC7, PC6, PE13, PC8)
 * with its reset on PC13 and its strap on PD12, SD card on SDH0 (PB0 to PB5, detect PB12). */
#include "twin/machines/numaker.h"

static const struct numaker board = {.part = &nuvoton_m2354,
                                     .console_rx = {PORT_A, 6, 7},
                                     .console_tx = {PORT_A, 7, 7},
                                     .modem_uart = 4,
                                     .modem_rx = {PORT_C, 6, 5},
                                     .modem_tx = {PORT_C, 7, 5},
                                     .modem_cts = {PORT_C, 8, 5},
                                     .modem_rts = {PORT_E, 13, 5},
                                     .modem_reset = {PORT_C, 13, 0},
                                     .has_strap = true,
                                     .modem_strap = {PORT_D, 12, 0},
                                     .has_card = true,
                                     .card_pins = {{PORT_B, 0, 3},
                                                   {PORT_B, 1, 3},
                                                   {PORT_B, 2, 3},
                                                   {PORT_B, 3, 3},
                                                   {PORT_B, 4, 3},
                                                   {PORT_B, 5, 3}},
                                     .card_detect = {PORT_B, 12, 9}};

bool machine_numaker_m2354(struct machine *machine, const char *folder)
{
    return numaker_make(machine, folder, &board);
}
