include(${CMAKE_CURRENT_LIST_DIR}/../board.cmake)
set(BOARD_FLASH_DRIVER octospi.c)
