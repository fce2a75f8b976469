/* STM32H573I-DK (STM32H573IIK3Q): 2 MiB of internal flash in two banks of 1 MiB, sectors of 8 KiB,
 * programmed by 16 bytes, once each. The option SWAP_BANK says which bank is mapped first. Settings
 * and journal lie at the end of the banks and are reached by the bank's own number, so that an
 * exchange does not move them; device 0 leaves that part alone. */
#define BOARD_UPDATE UPDATE_BANK_SWAP

/* Device 0 is the bank mapped first, then the other; device 1 the last 32 KiB of bank 1, then of 2.
 *                      mapped at    write unit  count   x size of its sectors */
#define BOARD_DEVICE_0 0x08000000u, 16u, 0x100u, 0x2000u
#define BOARD_DEVICE_1 0u, 16u, 0x8u, 0x2000u

/*                      device  offset     size */
#define BOARD_BOOT      0, 0x000000u, 0x10000u
#define BOARD_PRIMARY   0, 0x010000u, 0xe8000u
#define BOARD_SECONDARY 0, 0x110000u, 0xe8000u
#define BOARD_STORE     1, 0x000000u, 0x08000u
#define BOARD_PROGRESS  1, 0x008000u, 0x08000u

#define BOARD_HEADER_SIZE 0x400u
#define BOARD_MAX_SECTORS 116u
#define BOARD_MAX_ALIGN   16u

#define BOARD_CONNECT_SPREAD_MS 250u /* one device on a desk, whose user waits */

/* Pins: port, number, function (ports/stm32). */
#define BOARD_CONSOLE_TX PORT_A, 9, 7
#define BOARD_CONSOLE_RX PORT_A, 10, 7

/* Ethernet by RMII; the PHY is a LAN8742 at address 0. */
#define BOARD_PHY_ADDRESS   0u
#define BOARD_RMII_FUNCTION 11u
#define BOARD_RMII_REF_CLK  PORT_A, 1
#define BOARD_RMII_MDIO     PORT_A, 2
#define BOARD_RMII_CRS_DV   PORT_A, 7
#define BOARD_RMII_MDC      PORT_C, 1
#define BOARD_RMII_RXD0     PORT_C, 4
#define BOARD_RMII_RXD1     PORT_C, 5
#define BOARD_RMII_TX_EN    PORT_G, 11
#define BOARD_RMII_TXD0     PORT_G, 13
#define BOARD_RMII_TXD1     PORT_G, 12

/* An EMW3080 on STMod+, in place of Ethernet: BOARD_NETWORK emw3080. */
#define BOARD_WIFI_SPI    SPI5_BASE
#define BOARD_WIFI_SCK    PORT_F, 7, 5
#define BOARD_WIFI_MISO   PORT_F, 8, 5
#define BOARD_WIFI_MOSI   PORT_F, 9, 5
#define BOARD_WIFI_SELECT PORT_F, 6
#define BOARD_WIFI_FLOW   PORT_F, 3
#define BOARD_WIFI_NOTIFY PORT_H, 4
#define BOARD_WIFI_RESET  PORT_H, 8
#define BOARD_WIFI_BOOT   PORT_B, 0 /* high */
