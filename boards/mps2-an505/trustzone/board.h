/* The emulated Cortex-M33 in two worlds. Device 0 is what the non-secure firmware sees: the slot it
 * runs from (but for its trailer), its settings and journal. Device 1 is the secure world's, and
 * reached by its gates: the slot that the secure program runs from, those that take the next images,
 * the scratch of the swap, keys and seed. Both lie in the same PSRAM, one after the other; the SAU
 * tells them apart. */
#define BOARD_UPDATE UPDATE_SWAP_SCRATCH

/*                      mapped at    write unit  count   x size of its sectors */
#define BOARD_DEVICE_0  0x80000000u, 4u,         0x092u, 0x1000u
#define BOARD_DEVICE_1  0x80092000u, 4u,         0xf6eu, 0x1000u

/*                      device  offset     size */
#define BOARD_BOOT      0, 0x000000u, 0x10000u
#define BOARD_PRIMARY   0, 0x010000u, 0x73000u
#define BOARD_STORE     0, 0x083000u, 0x05000u
#define BOARD_PROGRESS  0, 0x088000u, 0x02000u
#define BOARD_LOG       0, 0x08a000u, 0x08000u
#define BOARD_SECONDARY 1, 0x000000u, 0x73000u
#define BOARD_SCRATCH   1, 0x073000u, 0x02000u
#define BOARD_VAULT     1, 0x075000u, 0x04000u
#define BOARD_SEED      1, 0x080000u, 0x10000u
#define BOARD_SECURE_PRIMARY   1, 0x090000u, 0x10000u
#define BOARD_SECURE_SECONDARY 1, 0x0a0000u, 0x10000u

#define BOARD_HEADER_SIZE 0x1000u
#define BOARD_MAX_SECTORS 115u
#define BOARD_MAX_ALIGN   8u

#define BOARD_CONNECT_SPREAD_MS 250u
