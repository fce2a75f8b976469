/* B-U585I-IOT02A (STM32U585AII6Q) in two worlds, TZEN 1: its 2 MiB of flash as TF-M divides it on
 * this board, as far as that goes (README.md). The devices are parts of it, one after the other:
 * what is secure and starts the chip; what the firmware runs from, with its settings and journal;
 * what takes the next images, which is secure again. Pages of 8 KiB, programmed by 16 bytes, once
 * each. The banks do not change places here: SWAP_BANK is 0. */
#define BOARD_UPDATE UPDATE_SWAP_SCRATCH

/*                      mapped at    write unit  count   x size of its sectors */
#define BOARD_DEVICE_0 0x0c000000u, 16u, 0x40u, 0x2000u
#define BOARD_DEVICE_1 0x08080000u, 16u, 0x50u, 0x2000u
#define BOARD_DEVICE_2 0x0c120000u, 16u, 0x70u, 0x2000u

/*                             device  offset     size */
#define BOARD_SCRATCH          0, 0x000000u, 0x10000u
#define BOARD_BOOT             0, 0x014000u, 0x18000u
#define BOARD_VAULT            0, 0x034000u, 0x0c000u
#define BOARD_SECURE_PRIMARY   0, 0x040000u, 0x40000u
#define BOARD_PRIMARY          1, 0x000000u, 0x90000u
#define BOARD_STORE            1, 0x090000u, 0x08000u
#define BOARD_PROGRESS         1, 0x098000u, 0x08000u
#define BOARD_SECONDARY        2, 0x000000u, 0x90000u
#define BOARD_SECURE_SECONDARY 2, 0x090000u, 0x40000u

#define BOARD_HEADER_SIZE 0x400u
#define BOARD_MAX_SECTORS 72u
#define BOARD_MAX_ALIGN   16u

#define BOARD_CONNECT_SPREAD_MS 250u /* one device on a desk, whose user waits */

/* As in the folder above. */
#define BOARD_CONSOLE_TX PORT_A, 9, 7
#define BOARD_CONSOLE_RX PORT_A, 10, 7

#define BOARD_WIFI_SPI    SPI2_BASE
#define BOARD_WIFI_SCK    PORT_D, 1, 5
#define BOARD_WIFI_MISO   PORT_D, 3, 5
#define BOARD_WIFI_MOSI   PORT_D, 4, 5
#define BOARD_WIFI_SELECT PORT_B, 12
#define BOARD_WIFI_FLOW   PORT_G, 15
#define BOARD_WIFI_NOTIFY PORT_D, 14
#define BOARD_WIFI_RESET  PORT_F, 15

#define BOARD_I2C_SCL PORT_H, 4, 4
#define BOARD_I2C_SDA PORT_H, 5, 4
