/* The map is that of the board with all services. */
#include "boards/mps2-an505/board.h"
