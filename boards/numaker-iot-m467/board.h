/* NuMaker-IoT-M467 (M467HJHAE): 1 MiB of internal flash in two banks of 512 KiB, pages of 4 KiB,
 * programmed by words. Bootloader and slots lie where the board's AWS example has them; the
 * firmware runs from the first bank and writes the second, so that it goes on meanwhile. */
#define BOARD_UPDATE UPDATE_SWAP_SCRATCH

/*                      mapped at  write unit  count x size of its sectors */
#define BOARD_DEVICE_0 0x00000000u, 4u, 0x100u, 0x1000u

/*                      device  offset     size */
#define BOARD_BOOT      0, 0x000000u, 0x10000u
#define BOARD_PRIMARY   0, 0x010000u, 0x73000u
#define BOARD_SECONDARY 0, 0x083000u, 0x73000u
#define BOARD_STORE     0, 0x0f6000u, 0x05000u
#define BOARD_PROGRESS  0, 0x0fb000u, 0x02000u
#define BOARD_SCRATCH   0, 0x0fd000u, 0x02000u

#define BOARD_HEADER_SIZE 0x1000u
#define BOARD_MAX_SECTORS 115u
#define BOARD_MAX_ALIGN   8u

#define BOARD_CONNECT_SPREAD_MS 250u /* one device on a desk, whose user waits */

/* Pins: port, number, function (ports/nuvoton). */
#define BOARD_CONSOLE_UART 0
#define BOARD_CONSOLE_RX   PORT_B, 12, 6
#define BOARD_CONSOLE_TX   PORT_B, 13, 6
#define BOARD_MODEM_UART   2
#define BOARD_MODEM_RX     PORT_C, 0, 8
#define BOARD_MODEM_TX     PORT_C, 1, 8
#define BOARD_MODEM_CTS    PORT_C, 2, 8
#define BOARD_MODEM_RTS    PORT_C, 3, 8
#define BOARD_MODEM_RESET  PORT_C, 4
