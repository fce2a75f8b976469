/* The emulated Cortex-M33, QEMU's mps2-an505: 16 MiB of NOR in its PSRAM. The first MiB is laid out
 * like the internal flash of a NuMaker-IoT-M467 (MCUboot swap using scratch, 4 KiB sectors, write
 * unit 4); the bootloader itself lies in code SSRAM on this board, its place here is unused. The
 * seed of the random generator, since this board has no entropy source, reaches beyond the first
 * MiB: parts with such a flash have one. */
#define BOARD_UPDATE UPDATE_SWAP_SCRATCH

/*                      mapped at    write unit  count    x size of its sectors */
#define BOARD_DEVICE_0 0x80000000u, 4u, 0x1000u, 0x1000u

/*                      device  offset     size */
#define BOARD_BOOT      0, 0x000000u, 0x10000u
#define BOARD_PRIMARY   0, 0x010000u, 0x73000u
#define BOARD_SECONDARY 0, 0x083000u, 0x73000u
#define BOARD_STORE     0, 0x0f6000u, 0x05000u
#define BOARD_PROGRESS  0, 0x0fb000u, 0x02000u
#define BOARD_SCRATCH   0, 0x0fd000u, 0x02000u
#define BOARD_SEED      0, 0x0ff000u, 0x10000u
#define BOARD_LOG       0, 0x10f000u, 0x08000u

#define BOARD_HEADER_SIZE 0x1000u
#define BOARD_MAX_SECTORS 115u
#define BOARD_MAX_ALIGN   8u

#define BOARD_CONNECT_SPREAD_MS 250u /* one device on a desk, whose user waits */
