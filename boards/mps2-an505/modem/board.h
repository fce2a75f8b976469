/* The map is that of the board with Ethernet. */
#include "boards/mps2-an505/board.h"
