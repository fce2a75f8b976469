include(${CMAKE_CURRENT_LIST_DIR}/../board.cmake)
set(BOARD_NETWORK emw3080)
