/* STM32H573I-DK with settings and journal in the first MiB of the MX25LM51245G at OCTOSPI1, where
 * firmware that has them in a file system keeps such things. The ends of the banks are left alone.
 */
#include "boards/stm32h573i-dk/board.h"

#define BOARD_DEVICE_2 0u, 16u, 0x100u, 0x1000u

#undef BOARD_STORE
#undef BOARD_PROGRESS
#define BOARD_STORE    2, 0x00000u, 0x08000u
#define BOARD_PROGRESS 2, 0x08000u, 0x02000u

/* NCS, CLK, DQS, IO0 to IO7. */
#define BOARD_NOR_PINS                                                                             \
    {PORT_G, 6, 10}, {PORT_F, 10, 9}, {PORT_B, 2, 10}, {PORT_B, 1, 6}, {PORT_D, 12, 9},            \
        {PORT_C, 2, 9}, {PORT_D, 13, 9}, {PORT_H, 2, 9}, {PORT_H, 3, 9}, {PORT_G, 9, 9},           \
    {                                                                                              \
        PORT_C, 0, 10                                                                              \
    }
