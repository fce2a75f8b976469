/* NuMaker-M2354 (M2354KJFAE): 1 MiB of internal flash in two banks of 512 KiB, pages of 2 KiB,
 * programmed by words; the new image comes to an SD card and is copied over the old one. */
#define BOARD_UPDATE UPDATE_OVERWRITE

/*                      mapped at  write unit  count x size of its sectors */
#define BOARD_DEVICE_0 0x00000000u, 4u, 0x200u, 0x0800u
#define BOARD_DEVICE_1 0u, 16u, 0x400u, 0x0800u

/*                      device  offset     size */
#define BOARD_BOOT      0, 0x000000u, 0x10000u
#define BOARD_PRIMARY   0, 0x010000u, 0x70000u
#define BOARD_SECONDARY 1, 0x000000u, 0x70000u
#define BOARD_STORE     0, 0x080000u, 0x05000u
#define BOARD_PROGRESS  0, 0x085000u, 0x02000u

#define BOARD_HEADER_SIZE 0x1000u
#define BOARD_MAX_SECTORS 224u
#define BOARD_MAX_ALIGN   16u

#define BOARD_CONNECT_SPREAD_MS 250u /* one device on a desk, whose user waits */

/* Pins: port, number, function (ports/nuvoton). */
#define BOARD_CONSOLE_UART 0
#define BOARD_CONSOLE_RX   PORT_A, 6, 7
#define BOARD_CONSOLE_TX   PORT_A, 7, 7
#define BOARD_MODEM_UART   4
#define BOARD_MODEM_RX     PORT_C, 6, 5
#define BOARD_MODEM_TX     PORT_C, 7, 5
#define BOARD_MODEM_CTS    PORT_C, 8, 5
#define BOARD_MODEM_RTS    PORT_E, 13, 5
#define BOARD_MODEM_RESET  PORT_C, 13
#define BOARD_MODEM_STRAP  PORT_D, 12
/* CMD, CLK, DAT0 to 3, card detect. */
#define BOARD_SD_PINS                                                                              \
    {PORT_B, 0, 3}, {PORT_B, 1, 3}, {PORT_B, 2, 3}, {PORT_B, 3, 3}, {PORT_B, 4, 3},                \
        {PORT_B, 5, 3}, {PORT_B, 12, 9}
