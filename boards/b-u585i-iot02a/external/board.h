/* B-U585I-IOT02A with settings and journal in the first MiB of the MX25LM51245G at OCTOSPI2, where
 * firmware that has them in a file system keeps such things. The ends of the banks are left alone.
 */
#include "boards/b-u585i-iot02a/board.h"

#define BOARD_DEVICE_2 0u, 16u, 0x100u, 0x1000u

#undef BOARD_STORE
#undef BOARD_PROGRESS
#define BOARD_STORE    2, 0x00000u, 0x08000u
#define BOARD_PROGRESS 2, 0x08000u, 0x02000u

/* NCS, CLK, DQS, IO0 to IO7. */
#define BOARD_NOR_PINS                                                                             \
    {PORT_I, 5, 5}, {PORT_F, 4, 5}, {PORT_F, 12, 5}, {PORT_F, 0, 5}, {PORT_F, 1, 5},               \
        {PORT_F, 2, 5}, {PORT_F, 3, 5}, {PORT_H, 9, 5}, {PORT_H, 10, 5}, {PORT_H, 11, 5},          \
    {                                                                                              \
        PORT_H, 12, 5                                                                              \
    }
