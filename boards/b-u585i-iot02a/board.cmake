# B-U585I-IOT02A: Cortex-M33, Wi-Fi by an EMW3080 at SPI2, two banks of flash that are exchanged.
set(BOARD_PORT stm32)
set(BOARD_CHIP u585)
set(BOARD_CPU cortex-m33)
set(BOARD_NETWORK emw3080)
set(BOARD_SENSORS sensors.c)      # of the port; for telemetry, where that is built
set(BOARD_BOOT_CRYPTO small)
set(BOARD_BOOT_IMAGES 1)
set(BOARD_BOOT_ENCRYPTION OFF)
set(BOARD_TLS_384 OFF)            # saves the 4 KB that its driver of the network takes
