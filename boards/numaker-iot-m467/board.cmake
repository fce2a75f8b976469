# NuMaker-IoT-M467: Cortex-M4, ESP8266, MCUboot's swap using scratch with the candidate in internal flash.
set(BOARD_PORT nuvoton)
set(BOARD_CHIP m467)
set(BOARD_ENTROPY_DRIVER trng.c)
set(BOARD_CPU cortex-m4)
set(BOARD_NETWORK esp8266)
set(BOARD_BOOT_CRYPTO small)
set(BOARD_BOOT_IMAGES 1)
set(BOARD_BOOT_ENCRYPTION OFF)
