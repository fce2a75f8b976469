/* The emulated board with swap by move: no scratch area; a sector of each slot is kept free. */
#include "boards/mps2-an505/board.h"
#include "boards/mps2-an505/slow_flash.h"

#undef BOARD_UPDATE
#define BOARD_UPDATE UPDATE_SWAP_MOVE

#undef BOARD_SCRATCH
