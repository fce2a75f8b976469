# NuMaker-M2354 in two worlds, all of its slots inside the chip.
include(${CMAKE_CURRENT_LIST_DIR}/../board.cmake)
set(BOARD_FLASH_DRIVER "")        # no SD card
set(BOARD_TRUSTZONE ON)
set(BOARD_BOOT_IMAGES 2)
set(BOARD_SECURE_CRYPTO lent)
set(BOARD_SECURE_STACK 0x1800)
set(BOARD_TLS_384 OFF)            # AWS IoT asks for none of it
set(BOARD_NONSECURE_ALIAS 0x10000000) # where the firmware sees its flash, above the map's addresses
set(BOARD_GATES ${CMAKE_CURRENT_LIST_DIR}/gates.s)
