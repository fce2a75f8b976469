/* Blinky's flash: slots of 256 KB, which its firmware fits, and more room for settings. */
#define BOARD_UPDATE UPDATE_SWAP_SCRATCH

/*                      mapped at    write unit  count    x size of its sectors */
#define BOARD_DEVICE_0 0x80000000u, 4u, 0x1000u, 0x1000u

/*                      device  offset     size */
#define BOARD_PRIMARY   0, 0x008000u, 0x40000u
#define BOARD_SECONDARY 0, 0x048000u, 0x40000u
#define BOARD_SCRATCH   0, 0x088000u, 0x02000u
#define BOARD_STORE     0, 0x08a000u, 0x08000u
#define BOARD_PROGRESS  0, 0x092000u, 0x02000u
#define BOARD_SEED      0, 0x0a0000u, 0x10000u /* this board has no source of entropy */

#define BOARD_HEADER_SIZE 0x1000u
#define BOARD_MAX_SECTORS 64u
#define BOARD_MAX_ALIGN   8u

#define BOARD_CONNECT_SPREAD_MS 250u /* one device on a desk, whose user waits */
