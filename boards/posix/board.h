/* The host process that stands for the emulated board has the same flash, in a file. */
#include "boards/mps2-an505/board.h"
