# The emulated Cortex-M33 with updates only, as the other boards have it: no service beside them.
include(${CMAKE_CURRENT_LIST_DIR}/../board.cmake)
set(BOARD_SERVICES "")
