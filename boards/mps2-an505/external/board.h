/* The emulated board with its candidate in a second flash, as a NuMaker-IoT-M487 has it: a serial
 * NOR that is organised in another way, is not mapped, and is read by calls. Swap using scratch. */
#define BOARD_UPDATE UPDATE_SWAP_SCRATCH

/*                      mapped at    write unit  count   x size of its sectors */
#define BOARD_DEVICE_0  0x80000000u, 4u,         0x800u, 0x1000u
#define BOARD_DEVICE_1  0u,          1u,         0x400u, 0x2000u

/*                      device  offset     size */
#define BOARD_BOOT      0,      0x000000u, 0x10000u
#define BOARD_PRIMARY   0,      0x010000u, 0x72000u
#define BOARD_SECONDARY 1,      0x000000u, 0x72000u
#define BOARD_STORE     0,      0x0f6000u, 0x05000u
#define BOARD_PROGRESS  0,      0x0fb000u, 0x02000u
#define BOARD_SCRATCH   0,      0x0fd000u, 0x02000u
#define BOARD_SEED      0,      0x0ff000u, 0x10000u

#define BOARD_HEADER_SIZE 0x1000u
#define BOARD_MAX_SECTORS 114u
#define BOARD_MAX_ALIGN   8u

#define BOARD_CONNECT_SPREAD_MS 250u

/* As slow_flash.h has it, but that a unit here is a byte. */
#define BOARD_ERASE_US        2000u
#define BOARD_PROGRAM_UNIT_US 1u
