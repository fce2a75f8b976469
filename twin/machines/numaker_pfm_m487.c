/* NuMaker-PFM-M487: M487JIDAE; console on UART0 (PB12, PB13), Ethernet by RMII with an IP101GR at
 * address 1, SPI flash of 4 MB on PC0 to PC5. */
#include "twin/machines/numaker.h"

static const struct numaker board = {.part = &nuvoton_m487,
                                     .console_rx = {PORT_B, 12, 6},
                                     .console_tx = {PORT_B, 13, 6},
                                     .flash = &numaker_m487_flash,
                                     .has_ethernet = true,
                                     .phy_address = 1,
                                     .rmii_pins = {{PORT_E, 8, 3},
                                                   {PORT_E, 9, 3},
                                                   {PORT_E, 10, 3},
                                                   {PORT_E, 11, 3},
                                                   {PORT_E, 12, 3},
                                                   {PORT_C, 8, 3},
                                                   {PORT_C, 7, 3},
                                                   {PORT_C, 6, 3},
                                                   {PORT_A, 7, 3},
                                                   {PORT_A, 6, 3}}};

bool machine_numaker_pfm_m487(struct machine *machine, const char *folder)
{
    return numaker_make(machine, folder, &board);
}
