/* NuMaker-PFM-M487 (M487JIDAE): 512 KiB of internal flash, pages of 4 KiB, programmed by words; a
 * W25Q32 at SPIM takes the new image. Bootloader, primary slot and the start of the store lie where
 * the board's AWS example has them. */
#define BOARD_UPDATE UPDATE_SWAP_SCRATCH

/*                      mapped at  write unit  count x size of its sectors */
#define BOARD_DEVICE_0 0x00000000u, 4u, 0x080u, 0x1000u
#define BOARD_DEVICE_1 0u, 4u, 0x400u, 0x1000u

/*                      device  offset     size */
#define BOARD_BOOT      0, 0x000000u, 0x10000u
#define BOARD_PRIMARY   0, 0x010000u, 0x66000u
#define BOARD_SECONDARY 1, 0x000000u, 0x66000u
#define BOARD_STORE     0, 0x076000u, 0x05000u
#define BOARD_PROGRESS  0, 0x07b000u, 0x02000u
#define BOARD_SCRATCH   0, 0x07d000u, 0x02000u

#define BOARD_HEADER_SIZE 0x1000u
#define BOARD_MAX_SECTORS 102u
#define BOARD_MAX_ALIGN   8u

#define BOARD_CONNECT_SPREAD_MS 250u /* one device on a desk, whose user waits */

/* Pins: port, number, function (ports/nuvoton). */
#define BOARD_CONSOLE_UART 0
#define BOARD_CONSOLE_RX   PORT_B, 12, 6
#define BOARD_CONSOLE_TX   PORT_B, 13, 6
#define BOARD_SPIM_MOSI    PORT_C, 0, 3
#define BOARD_SPIM_MISO    PORT_C, 1, 3
#define BOARD_SPIM_CLK     PORT_C, 2, 3
#define BOARD_SPIM_SS      PORT_C, 3, 3
#define BOARD_SPIM_HOLD    PORT_C, 4
#define BOARD_SPIM_WP      PORT_C, 5
/* RMII: MDC, MDIO, TXD0, TXD1, TXEN, REFCLK, RXD0, RXD1, CRSDV, RXERR; port and number of those
 * that are driven fast. */
#define BOARD_EMAC_PINS                                                                            \
    {PORT_E, 8, 3}, {PORT_E, 9, 3}, {PORT_E, 10, 3}, {PORT_E, 11, 3}, {PORT_E, 12, 3},             \
        {PORT_C, 8, 3}, {PORT_C, 7, 3}, {PORT_C, 6, 3}, {PORT_A, 7, 3}, {PORT_A, 6, 3}
#define BOARD_EMAC_FAST_PINS {PORT_E, 10}, {PORT_E, 11}, {PORT_E, 12}
