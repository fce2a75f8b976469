/* The emulated board with direct XIP: an image runs from the slot that it was written to, and is
 * linked for it. The slot that runs changes with each update. */
#include "boards/mps2-an505/board.h"
#include "boards/mps2-an505/slow_flash.h"

#undef BOARD_UPDATE
#define BOARD_UPDATE UPDATE_DIRECT_XIP

#undef BOARD_SCRATCH
