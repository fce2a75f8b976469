/* STM32H573I-DK with an EMW3080 on STMod+ in place of Ethernet; its pins are among the board's. */
#include "boards/stm32h573i-dk/board.h"
