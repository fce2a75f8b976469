/* What the boards with a Nuvoton chip share. */
#ifndef OTTER_TWIN_MACHINES_NUMAKER_H
#define OTTER_TWIN_MACHINES_NUMAKER_H

#include "twin/machine.h"
#include "twin/nuvoton/nuvoton.h"

enum { PORT_A, PORT_B, PORT_C, PORT_D, PORT_E, PORT_F, PORT_G, PORT_H, PORT_I, PORT_J };

/* What a board has at its chip. The console is UART0. */
struct numaker {
    const struct nuvoton_part *part;
    struct nuvoton_pin console_rx, console_tx;
    /* The ESP8266: its UART, 0 where there is none, its pins and its reset, which is active low. */
    unsigned modem_uart;
    struct nuvoton_pin modem_rx, modem_tx, modem_cts, modem_rts, modem_reset;
    /* Where it is: a pin that must be high when the reset ends, else the module waits for a new
     * firmware of its own. */
    bool has_strap;
    struct nuvoton_pin modem_strap;
    /* The SPI flash; NULL where there is none. */
    const struct nuvoton_flash_pins *flash;
    /* Ethernet by RMII (nuvoton.h has the pins' order) with a PHY at this address. */
    bool has_ethernet;
    unsigned phy_address;
    struct nuvoton_pin rmii_pins[10];
    /* The slot for an SD card, with a card in it: command, clock, data 0 to 3, detect. */
    bool has_card;
    struct nuvoton_pin card_pins[6], card_detect;
};

/* Of both M487 boards. */
extern const struct nuvoton_flash_pins numaker_m487_flash;

/* `board` must outlive the machine. */
bool numaker_make(struct machine *machine, const char *folder, const struct numaker *board);

#endif
