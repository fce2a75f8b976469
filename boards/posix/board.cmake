# The firmware as a host process: no cross compiler, no emulator.
set(BOARD_PORT posix)
set(BOARD_CPU "")
set(BOARD_NETWORK sockets)
set(BOARD_BOOT_CRYPTO bearssl)
set(BOARD_BOOT_IMAGES 2)
set(BOARD_BOOT_ENCRYPTION ON)
set(BOARD_RECOVERY ON) # its bootloader can be filled over the console
set(BOARD_KEYS p384 rsa2048) # of the device, besides P-256
set(BOARD_SERVICES all)           # beside jobs and updates: all, or names of services/
