# NuMaker-PFM-M487: Cortex-M4, Ethernet, MCUboot's swap using scratch with the candidate in SPI flash.
set(BOARD_PORT nuvoton)
set(BOARD_CHIP m487)
set(BOARD_ENTROPY_DRIVER entropy_adc.c)
set(BOARD_FLASH_DRIVER spi_nor.c)
set(BOARD_CPU cortex-m4)
set(BOARD_NETWORK lwip-ethernet)
set(BOARD_BOOT_CRYPTO small)
set(BOARD_BOOT_IMAGES 1)
set(BOARD_BOOT_ENCRYPTION OFF)
set(BOARD_TLS_384 OFF)            # saves the 4 KB that its driver of the network takes
