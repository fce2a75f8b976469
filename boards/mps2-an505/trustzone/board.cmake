include(${CMAKE_CURRENT_LIST_DIR}/../board.cmake)
set(BOARD_TRUSTZONE ON)          # a secure program with the services of secure/, the firmware is non-secure
set(BOARD_BOOT_IMAGES 2)         # both are images of the bootloader, each with its pair of slots
set(BOARD_SECURE_CRYPTO lent)    # what the secure program verifies candidates with: what the bootloader lends it
set(BOARD_SECURE_STACK 0x1800)   # of the secure program: bytes
set(BOARD_GATES ${CMAKE_CURRENT_LIST_DIR}/gates.s)
