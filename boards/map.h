/* The map of the board that is being built, from its board.h (boards/README.md says what stands
 * there): takes lines of it apart, and fills in what a board may leave out. */
#ifndef OTTER_BOARDS_MAP_H
#define OTTER_BOARDS_MAP_H

#include "boards/layout.h"
#include OTTER_BOARD_HEADER

/* --- flash devices: address or 0, write unit, then count and size of one to three runs of sectors
 */

#ifdef BOARD_DEVICE_2
#define BOARD_DEVICES 3
#elif defined BOARD_DEVICE_1
#define BOARD_DEVICES 2
#else
#define BOARD_DEVICES 1
#endif
#ifndef BOARD_DEVICE_1
#define BOARD_DEVICE_1 0u, 1u, 0u, 1u
#endif
#ifndef BOARD_DEVICE_2
#define BOARD_DEVICE_2 0u, 1u, 0u, 1u
#endif

/* F(base, write, count 1, size 1, count 2, size 2, count 3, size 3) of a line of one to three runs
 */
#define DEVICE_PARTS(F, ...) DEVICE_PARTS_(F, __VA_ARGS__, 0u, 1u, 0u, 1u, 0u)
#define DEVICE_PARTS_(F, base, write, c1, s1, c2, s2, c3, s3, ...)                                 \
    F(base, write, c1, s1, c2, s2, c3, s3)

#define DEVICE_BASE_(base, write, c1, s1, c2, s2, c3, s3)     (base)
#define DEVICE_WRITE_(base, write, c1, s1, c2, s2, c3, s3)    (write)
#define DEVICE_SIZE_(base, write, c1, s1, c2, s2, c3, s3)     ((c1) * (s1) + (c2) * (s2) + (c3) * (s3))
#define DEVICE_SECTOR_1_(base, write, c1, s1, c2, s2, c3, s3) (s1)
#define DEVICE_SECTOR_2_(base, write, c1, s1, c2, s2, c3, s3) (s2)
#define DEVICE_SECTOR_3_(base, write, c1, s1, c2, s2, c3, s3) (s3)
#define DEVICE_END_1_(base, write, c1, s1, c2, s2, c3, s3)    ((c1) * (s1))
#define DEVICE_END_2_(base, write, c1, s1, c2, s2, c3, s3)    ((c1) * (s1) + (c2) * (s2))
#define DEVICE_BASE(...)                                      DEVICE_PARTS(DEVICE_BASE_, __VA_ARGS__)
#define DEVICE_WRITE(...)                                     DEVICE_PARTS(DEVICE_WRITE_, __VA_ARGS__)
#define DEVICE_SIZE(...)                                      DEVICE_PARTS(DEVICE_SIZE_, __VA_ARGS__)
/* Size of the sectors of run 1, 2 and 3; where run 2 and 3 begin. */
#define DEVICE_SECTOR_1(...) DEVICE_PARTS(DEVICE_SECTOR_1_, __VA_ARGS__)
#define DEVICE_SECTOR_2(...) DEVICE_PARTS(DEVICE_SECTOR_2_, __VA_ARGS__)
#define DEVICE_SECTOR_3(...) DEVICE_PARTS(DEVICE_SECTOR_3_, __VA_ARGS__)
#define DEVICE_END_1(...)    DEVICE_PARTS(DEVICE_END_1_, __VA_ARGS__)
#define DEVICE_END_2(...)    DEVICE_PARTS(DEVICE_END_2_, __VA_ARGS__)

/* Of device `n`, which may be an expression. */
#define BOARD_OF_DEVICE(what, n)                                                                   \
    ((n) == 0 ? what(BOARD_DEVICE_0) : (n) == 1 ? what(BOARD_DEVICE_1) : what(BOARD_DEVICE_2))

/* Where the device begins in a file that holds the board's flash: one after the other. */
#define BOARD_FILE_OFFSET(n)                                                                       \
    ((n) == 0   ? 0u                                                                               \
     : (n) == 1 ? DEVICE_SIZE(BOARD_DEVICE_0)                                                      \
                : DEVICE_SIZE(BOARD_DEVICE_0) + DEVICE_SIZE(BOARD_DEVICE_1))
#define BOARD_FILE_SIZE                                                                            \
    (DEVICE_SIZE(BOARD_DEVICE_0) + DEVICE_SIZE(BOARD_DEVICE_1) + DEVICE_SIZE(BOARD_DEVICE_2))

/* --- areas: device, offset, size; a size of 0 where the board has none ----------------------- */

#ifndef BOARD_BOOT
#define BOARD_BOOT 0, 0u, 0u
#endif
#ifndef BOARD_SCRATCH
#define BOARD_SCRATCH 0, 0u, 0u
#endif
#ifndef BOARD_SEED
#define BOARD_SEED 0, 0u, 0u
#endif
#ifndef BOARD_VAULT
#define BOARD_VAULT 0, 0u, 0u
#endif
#ifndef BOARD_LOG
#define BOARD_LOG 0, 0u, 0u
#endif
/* The secure program's, where there is one; the slots without a word more are the firmware's. */
#ifndef BOARD_SECURE_PRIMARY
#define BOARD_SECURE_PRIMARY   0, 0u, 0u
#define BOARD_SECURE_SECONDARY 0, 0u, 0u
#endif

#define AREA_DEVICE_(device, offset, size) (device)
#define AREA_OFFSET_(device, offset, size) (offset)
#define AREA_SIZE_(device, offset, size)   (size)
#define AREA_DEVICE(...)                   AREA_DEVICE_(__VA_ARGS__)
#define AREA_OFFSET(...)                   AREA_OFFSET_(__VA_ARGS__)
#define AREA_SIZE(...)                     AREA_SIZE_(__VA_ARGS__)
#define AREA_END(...)                      (AREA_OFFSET(__VA_ARGS__) + AREA_SIZE(__VA_ARGS__))
/* Where it is mapped; of no use on a device without an address. */
#define AREA_ADDRESS(...)                                                                          \
    (BOARD_OF_DEVICE(DEVICE_BASE, AREA_DEVICE(__VA_ARGS__)) + AREA_OFFSET(__VA_ARGS__))
#define AREA_WRITE(...) BOARD_OF_DEVICE(DEVICE_WRITE, AREA_DEVICE(__VA_ARGS__))
#define AREA_FILE_OFFSET(...)                                                                      \
    (BOARD_FILE_OFFSET(AREA_DEVICE(__VA_ARGS__)) + AREA_OFFSET(__VA_ARGS__))

/* As a constant `struct flash_area` (port/flash.h). */
#define BOARD_AREA(...)                                                                            \
    {                                                                                              \
        &port_flash[AREA_DEVICE(__VA_ARGS__)], AREA_OFFSET(__VA_ARGS__), AREA_SIZE(__VA_ARGS__)    \
    }

/* --- the rest -------------------------------------------------------------------------------- */

/* How long emulated flash takes for a sector and for a write unit. */
#ifndef BOARD_ERASE_US
#define BOARD_ERASE_US 0u
#endif
#ifndef BOARD_PROGRAM_UNIT_US
#define BOARD_PROGRAM_UNIT_US 0u
#endif

#ifndef BOARD_CONNECT_SPREAD_MS
#define BOARD_CONNECT_SPREAD_MS 60000u
#endif

#endif
