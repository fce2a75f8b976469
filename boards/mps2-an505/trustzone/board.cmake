include(${CMAKE_CURRENT_LIST_DIR}/../board.cmake)
set(BOARD_TRUSTZONE ON)           # the bootloader has the services of secure/, the firmware is non-secure
set(BOARD_BOOT_CRYPTO mbedtls)    # which signs there, too
set(BOARD_TLS_384 OFF)            # AWS IoT asks for none of it, and the partition has no SHA-384
set(BOARD_BOOT_STACK 0xf00)      # of the secure program: bytes
set(BOARD_GATES ${CMAKE_CURRENT_LIST_DIR}/gates.s)
