/* The emulated board with two banks that the hardware exchanges at a reset, as STM32U5 and H5 have
 * them; QEMU has none, so the port does it (ports/mps2-an505/banks.c). What must stay where it is
 * lies on a second flash, since all of the first one changes places. */
#define BOARD_UPDATE UPDATE_BANK_SWAP

/*                      mapped at    write unit  count   x size of its sectors */
#define BOARD_DEVICE_0  0x80000000u, 4u,         0x100u, 0x1000u
#define BOARD_DEVICE_1  0u,          4u,         0xefeu, 0x1000u
#define BOARD_DEVICE_2  0u,          4u,         0x002u, 0x1000u /* what stands for option bytes */

/*                      device  offset     size */
#define BOARD_BOOT      0,      0x000000u, 0x10000u
#define BOARD_PRIMARY   0,      0x010000u, 0x70000u
#define BOARD_SECONDARY 0,      0x090000u, 0x70000u
#define BOARD_STORE     1,      0x000000u, 0x05000u
#define BOARD_PROGRESS  1,      0x005000u, 0x02000u
#define BOARD_SEED      1,      0x007000u, 0x10000u

#define BOARD_HEADER_SIZE 0x1000u
#define BOARD_MAX_SECTORS 112u
#define BOARD_MAX_ALIGN   8u

#define BOARD_CONNECT_SPREAD_MS 250u

#include "boards/mps2-an505/slow_flash.h"
