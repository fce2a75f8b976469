/* The emulated board with swap by offset: no scratch area; a new image goes to the secondary slot
 * from its second sector on. */
#include "boards/mps2-an505/board.h"
#include "boards/mps2-an505/slow_flash.h"

#undef BOARD_UPDATE
#define BOARD_UPDATE UPDATE_SWAP_OFFSET

#undef BOARD_SCRATCH
