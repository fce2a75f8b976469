# STM32H573I-DK: Cortex-M33, Ethernet, two banks of flash that are exchanged.
set(BOARD_PORT stm32)
set(BOARD_CHIP h573)
set(BOARD_CPU cortex-m33)
set(BOARD_NETWORK ethernet)
set(BOARD_BOOT_CRYPTO small)
set(BOARD_BOOT_IMAGES 1)
set(BOARD_BOOT_ENCRYPTION OFF)
set(BOARD_TLS_384 OFF) # saves the 4 KB that its driver of the network takes
