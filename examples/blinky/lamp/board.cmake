# Blinky's board: the emulated Cortex-M33 with a flash of its own layout (board.h).
set(BOARD_PORT mps2-an505)
set(BOARD_CPU cortex-m33)
set(BOARD_NETWORK lwip-ethernet)
set(BOARD_BOOT_CRYPTO small)
set(BOARD_BOOT_IMAGES 1)
set(BOARD_BOOT_ENCRYPTION OFF)
