/* NuMaker-M2354 in two worlds: its 1 MiB of flash has one border, NSCBA. Below it all is secure:
 * bootloader, keys, scratch, the slot that the secure program runs from, and those that take the
 * next images; above it the slot that the firmware runs from and what it writes itself. Both
 * primary slots and the border are where TF-M has them on this chip; the secondary ones, which TF-M
 * has on an SD card, are inside. */
#define BOARD_UPDATE UPDATE_SWAP_SCRATCH

#define BOARD_NSCBA 0x70000u

/* SYS_IPRST0.CHIPRST: unlike the core's reset it takes anew what the chip starts from, whatever the
 * flash controller was told by the firmware (vectors, LDROM). */
#define BOARD_WHOLE_RESET 0x40000008u

/*                      mapped at     write unit  count x size of its sectors */
#define BOARD_DEVICE_0 0x00000000u, 4u, 0x060u, 0x0800u
#define BOARD_DEVICE_1 0x00030000u, 4u, 0x080u, 0x0800u /* reached by gates */
#define BOARD_DEVICE_2                                                                             \
    BOARD_NSCBA, 4u, 0x120u, 0x0800u /* the firmware reads it 0x10000000 higher */

/*                      device  offset     size */
#define BOARD_BOOT             0, 0x000000u, 0x10000u
#define BOARD_VAULT            0, 0x01a000u, 0x05000u
#define BOARD_SCRATCH          0, 0x01f000u, 0x01000u
#define BOARD_SECURE_PRIMARY   0, 0x020000u, 0x10000u
#define BOARD_SECONDARY        1, 0x000000u, 0x30000u
#define BOARD_SECURE_SECONDARY 1, 0x030000u, 0x10000u
#define BOARD_PRIMARY          2, 0x000000u, 0x30000u
#define BOARD_STORE            2, 0x030000u, 0x05000u
#define BOARD_PROGRESS         2, 0x035000u, 0x02000u
#define BOARD_LOG              2, 0x037000u, 0x08000u

#define BOARD_HEADER_SIZE 0x1000u
#define BOARD_MAX_SECTORS 96u
#define BOARD_MAX_ALIGN   8u

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
