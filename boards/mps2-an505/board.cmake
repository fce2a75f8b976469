# What the build needs to know of the emulated Cortex-M33 beside its map (board.h).
set(BOARD_PORT mps2-an505)        # folder of ports/
set(BOARD_CPU cortex-m33)         # cross compiler's -mcpu; empty: a program of the host
set(BOARD_NETWORK lwip-ethernet)  # what of the port carries connections: this, or esp8266
set(BOARD_BOOT_CRYPTO small)      # what its bootloader verifies with: small or bearssl
set(BOARD_BOOT_IMAGES 1)          # of one product, each with its pair of slots
set(BOARD_BOOT_ENCRYPTION OFF)    # takes encrypted images
set(BOARD_SERVICES all)           # beside jobs and updates: all, or names of services/
