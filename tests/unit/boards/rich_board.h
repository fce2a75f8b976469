/* For test_boards_map.c: a flash of three runs of sectors, as the STM32F4 have it, and a second
 * one. */
#define BOARD_UPDATE UPDATE_SWAP_OFFSET

/*                     mapped at    write unit  count x size, of each run */
#define BOARD_DEVICE_0 0x08000000u, 8u, 4u, 0x4000u, 1u, 0x10000u, 7u, 0x20000u
#define BOARD_DEVICE_1 0u, 1u, 0x100u, 0x1000u

/*                      device  offset    size */
#define BOARD_BOOT      0, 0x00000u, 0x10000u
#define BOARD_PRIMARY   0, 0x20000u, 0x60000u
#define BOARD_SECONDARY 0, 0x80000u, 0x80000u
#define BOARD_STORE     1, 0x00000u, 0x04000u
#define BOARD_PROGRESS  1, 0x04000u, 0x02000u

#define BOARD_HEADER_SIZE 0x400u
#define BOARD_MAX_SECTORS 128u
#define BOARD_MAX_ALIGN   16u
