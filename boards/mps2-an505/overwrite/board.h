/* The emulated board with overwrite-only: the new image is copied over the old one. There is no way
 * back and no trial; a firmware whose self-test fails stays, and its job ends as FAILED. */
#include "boards/mps2-an505/board.h"
#include "boards/mps2-an505/slow_flash.h"

#undef BOARD_UPDATE
#define BOARD_UPDATE UPDATE_OVERWRITE

#undef BOARD_SCRATCH
