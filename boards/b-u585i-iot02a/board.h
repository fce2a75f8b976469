/* B-U585I-IOT02A (STM32U585AII6Q): 2 MiB of internal flash in two banks of 1 MiB, pages of 8 KiB,
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

/* EMW3080: SPI2, and lines that no peripheral drives. */
#define BOARD_WIFI_SPI    SPI2_BASE
#define BOARD_WIFI_SCK    PORT_D, 1, 5
#define BOARD_WIFI_MISO   PORT_D, 3, 5
#define BOARD_WIFI_MOSI   PORT_D, 4, 5
#define BOARD_WIFI_SELECT PORT_B, 12
#define BOARD_WIFI_FLOW   PORT_G, 15
#define BOARD_WIFI_NOTIFY PORT_D, 14
#define BOARD_WIFI_RESET  PORT_F, 15

/* The sensors: I2C2, with pull-ups on the board. */
#define BOARD_I2C_SCL PORT_H, 4, 4
#define BOARD_I2C_SDA PORT_H, 5, 4
