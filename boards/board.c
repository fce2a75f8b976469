/* `board`, filled from the map; and what a map must keep, each with the words for who wrote it, so
 * that a board that cannot work does not compile. */
#include "boards/board.h"

#include "boards/map.h"
#include "port/flash.h"

#define IS_POWER_OF_2(n) ((n) != 0 && ((n) & ((n)-1u)) == 0)

/* --- sectors of device `n` ------------------------------------------------------------------- */

#define END_1(n)    BOARD_OF_DEVICE(DEVICE_END_1, n)
#define END_2(n)    BOARD_OF_DEVICE(DEVICE_END_2, n)
#define SECTOR_1(n) BOARD_OF_DEVICE(DEVICE_SECTOR_1, n)
#define SECTOR_2(n) BOARD_OF_DEVICE(DEVICE_SECTOR_2, n)
#define SECTOR_3(n) BOARD_OF_DEVICE(DEVICE_SECTOR_3, n)

/* Of the sector that holds offset `at`. */
#define SECTOR_AT(n, at)                                                                           \
    ((at) < END_1(n) ? SECTOR_1(n) : (at) < END_2(n) ? SECTOR_2(n) : SECTOR_3(n))
/* How far `at` is from the border of a sector below; the sectors of the device below it. */
#define IN_SECTOR(n, at)                                                                           \
    ((at) <= END_1(n)   ? (at) % SECTOR_1(n)                                                       \
     : (at) <= END_2(n) ? ((at)-END_1(n)) % SECTOR_2(n)                                            \
                        : ((at)-END_2(n)) % SECTOR_3(n))
#define SECTORS_BELOW(n, at)                                                                       \
    ((at) <= END_1(n)   ? (at) / SECTOR_1(n)                                                       \
     : (at) <= END_2(n) ? END_1(n) / SECTOR_1(n) + ((at)-END_1(n)) / SECTOR_2(n)                   \
                        : END_1(n) / SECTOR_1(n) + (END_2(n) - END_1(n)) / SECTOR_2(n) +           \
                              ((at)-END_2(n)) / SECTOR_3(n))

#define FIRST_SECTOR(...) SECTOR_AT(AREA_DEVICE(__VA_ARGS__), AREA_OFFSET(__VA_ARGS__))
#define LAST_SECTOR(...)  SECTOR_AT(AREA_DEVICE(__VA_ARGS__), AREA_END(__VA_ARGS__) - 1u)
/* An area from the first run to the third has all of the second between them. */
#define MIDDLE_SECTOR(...)                                                                         \
    (AREA_OFFSET(__VA_ARGS__) < END_1(AREA_DEVICE(__VA_ARGS__)) &&                                 \
             AREA_END(__VA_ARGS__) > END_2(AREA_DEVICE(__VA_ARGS__)) &&                            \
             END_2(AREA_DEVICE(__VA_ARGS__)) > END_1(AREA_DEVICE(__VA_ARGS__))                     \
         ? SECTOR_2(AREA_DEVICE(__VA_ARGS__))                                                      \
         : FIRST_SECTOR(__VA_ARGS__))
#define LARGER(a, b) ((a) > (b) ? (a) : (b))
#define LARGEST_SECTOR(...)                                                                        \
    LARGER(MIDDLE_SECTOR(__VA_ARGS__), LARGER(FIRST_SECTOR(__VA_ARGS__), LAST_SECTOR(__VA_ARGS__)))
#define HAS_EQUAL_SECTORS(...)                                                                     \
    (FIRST_SECTOR(__VA_ARGS__) == LAST_SECTOR(__VA_ARGS__) &&                                      \
     FIRST_SECTOR(__VA_ARGS__) == MIDDLE_SECTOR(__VA_ARGS__))
#define SECTORS(...)                                                                               \
    (SECTORS_BELOW(AREA_DEVICE(__VA_ARGS__), AREA_END(__VA_ARGS__)) -                              \
     SECTORS_BELOW(AREA_DEVICE(__VA_ARGS__), AREA_OFFSET(__VA_ARGS__)))

/* --- update modes ---------------------------------------------------------------------------- */

_Static_assert((unsigned)BOARD_UPDATE <= UPDATE_BANK_SWAP,
               "BOARD_UPDATE: none of boards/layout.h's update modes");
#define IS_UNIFORM   (BOARD_UPDATE == UPDATE_SWAP_MOVE || BOARD_UPDATE == UPDATE_SWAP_OFFSET)
#define HAS_RECORDS  (LAYOUT_RECORDS(BOARD_UPDATE) != 0u)
#define USES_SCRATCH (BOARD_UPDATE == UPDATE_SWAP_SCRATCH)

/* Of the status records: the bootloader takes the larger one where they lie on two devices. */
#define RECORD_WRITE                                                                               \
    (USES_SCRATCH && AREA_WRITE(BOARD_SCRATCH) > AREA_WRITE(BOARD_PRIMARY)                         \
         ? AREA_WRITE(BOARD_SCRATCH)                                                               \
         : AREA_WRITE(BOARD_PRIMARY))

/* Of the smaller slot: in move and offset the other one may have a sector more, which is the one to
 * work with. */
#define SLOT_SIZE                                                                                  \
    (AREA_SIZE(BOARD_PRIMARY) < AREA_SIZE(BOARD_SECONDARY) ? AREA_SIZE(BOARD_PRIMARY)              \
                                                           : AREA_SIZE(BOARD_SECONDARY))
#define SLOT_EXCESS (AREA_SIZE(BOARD_PRIMARY) + AREA_SIZE(BOARD_SECONDARY) - SLOT_SIZE - SLOT_SIZE)

#define BOARD_IMAGE_SIZE_MAX                                                                       \
    LAYOUT_IMAGE_SIZE_MAX(BOARD_UPDATE, SLOT_SIZE, LAST_SECTOR(BOARD_PRIMARY), RECORD_WRITE,       \
                          BOARD_MAX_ALIGN, BOARD_MAX_SECTORS, 0u)

/* --- checks ---------------------------------------------------------------------------------- */

/* In 64 bits, so that what is too large is seen; and what stands behind a third run. */
#define DEVICE_SIZE_64_(base, write, c1, s1, c2, s2, c3, s3)                                       \
    ((c1) * (1ull * (s1)) + (c2) * (1ull * (s2)) + (c3) * (1ull * (s3)))
#define DEVICE_SIZE_64(...)                                              DEVICE_PARTS(DEVICE_SIZE_64_, __VA_ARGS__)
#define DEVICE_EXCESS_(base, write, c1, s1, c2, s2, c3, s3, excess, ...) (excess)
#define DEVICE_EXCESS(...)                                               DEVICE_EXCESS_(__VA_ARGS__, 0u, 1u, 0u, 1u, 0u, 0u)

#define ADDRESSES_END(n) (BOARD_OF_DEVICE(DEVICE_BASE, n) + BOARD_OF_DEVICE(DEVICE_SIZE_64, n))
/* 0 is an address of the first device on many parts. */
#define IS_MAPPED(n) ((n) == 0 || BOARD_OF_DEVICE(DEVICE_BASE, n) != 0u)

#define CHECK_DEVICE(name, n)                                                                      \
    _Static_assert(BOARD_OF_DEVICE(DEVICE_EXCESS, n) == 0u,                                        \
                   name ": wants count and size of one to three runs of sectors");                 \
    _Static_assert(ADDRESSES_END(n) <= 0x100000000ull &&                                           \
                       BOARD_OF_DEVICE(DEVICE_SIZE_64, n) <= 0xffffffffull,                        \
                   name ": reaches beyond 4 GiB");                                                 \
    _Static_assert(IS_POWER_OF_2(BOARD_OF_DEVICE(DEVICE_WRITE, n)) &&                              \
                       BOARD_OF_DEVICE(DEVICE_WRITE, n) <= FLASH_WRITE_SIZE_MAX,                   \
                   name ": the write unit is 1, 2, 4, 8, 16 or 32 bytes");                         \
    _Static_assert(SECTOR_1(n) != 0u && SECTOR_2(n) != 0u && SECTOR_3(n) != 0u,                    \
                   name ": a sector of 0 bytes");                                                  \
    _Static_assert(                                                                                \
        SECTOR_1(n) % BOARD_OF_DEVICE(DEVICE_WRITE, n) == 0u &&                                    \
            (END_2(n) == END_1(n) || SECTOR_2(n) % BOARD_OF_DEVICE(DEVICE_WRITE, n) == 0u) &&      \
            (BOARD_OF_DEVICE(DEVICE_SIZE, n) == END_2(n) ||                                        \
             SECTOR_3(n) % BOARD_OF_DEVICE(DEVICE_WRITE, n) == 0u),                                \
        name ": the write unit does not divide the sectors")
CHECK_DEVICE("BOARD_DEVICE_0", 0);
#if BOARD_DEVICES > 1
CHECK_DEVICE("BOARD_DEVICE_1", 1);
#endif
#if BOARD_DEVICES > 2
CHECK_DEVICE("BOARD_DEVICE_2", 2);
#endif

#define CHECK_ADDRESSES_APART(a, b)                                                                \
    _Static_assert(!IS_MAPPED(a) || !IS_MAPPED(b) ||                                               \
                       ADDRESSES_END(a) <= BOARD_OF_DEVICE(DEVICE_BASE, b) ||                      \
                       ADDRESSES_END(b) <= BOARD_OF_DEVICE(DEVICE_BASE, a),                        \
                   "BOARD_DEVICE_" #a " and BOARD_DEVICE_" #b " are mapped over each other")
CHECK_ADDRESSES_APART(0, 1);
CHECK_ADDRESSES_APART(0, 2);
CHECK_ADDRESSES_APART(1, 2);
_Static_assert(BOARD_OF_DEVICE(DEVICE_SIZE_64, 0) + BOARD_OF_DEVICE(DEVICE_SIZE_64, 1) +
                       BOARD_OF_DEVICE(DEVICE_SIZE_64, 2) <=
                   0xffffffffull,
               "the devices together reach beyond 4 GiB");

/* An area of size 0 is not there. */
#define CHECK_AREA(area)                                                                           \
    _Static_assert(AREA_DEVICE(area) < BOARD_DEVICES, #area ": the board has no such device");     \
    _Static_assert(AREA_OFFSET(area) <= BOARD_OF_DEVICE(DEVICE_SIZE, AREA_DEVICE(area)) &&         \
                       AREA_SIZE(area) <=                                                          \
                           BOARD_OF_DEVICE(DEVICE_SIZE, AREA_DEVICE(area)) - AREA_OFFSET(area),    \
                   #area ": reaches beyond its device");                                           \
    _Static_assert(AREA_SIZE(area) == 0u || IN_SECTOR(AREA_DEVICE(area), AREA_OFFSET(area)) == 0u, \
                   #area ": does not begin where a sector begins");                                \
    _Static_assert(AREA_SIZE(area) == 0u || IN_SECTOR(AREA_DEVICE(area), AREA_END(area)) == 0u,    \
                   #area ": does not end where a sector ends")
CHECK_AREA(BOARD_BOOT);
CHECK_AREA(BOARD_PRIMARY);
CHECK_AREA(BOARD_SECONDARY);
CHECK_AREA(BOARD_SCRATCH);
CHECK_AREA(BOARD_STORE);
CHECK_AREA(BOARD_PROGRESS);
CHECK_AREA(BOARD_SEED);
CHECK_AREA(BOARD_LOG);
CHECK_AREA(BOARD_VAULT);
CHECK_AREA(BOARD_SECURE_PRIMARY);
CHECK_AREA(BOARD_SECURE_SECONDARY);

#define CHECK_APART(a, b)                                                                          \
    _Static_assert(AREA_SIZE(a) == 0u || AREA_SIZE(b) == 0u || AREA_DEVICE(a) != AREA_DEVICE(b) || \
                       AREA_END(a) <= AREA_OFFSET(b) || AREA_END(b) <= AREA_OFFSET(a),             \
                   #a " and " #b " overlap")
CHECK_APART(BOARD_BOOT, BOARD_PRIMARY);
CHECK_APART(BOARD_BOOT, BOARD_SECONDARY);
CHECK_APART(BOARD_BOOT, BOARD_SCRATCH);
CHECK_APART(BOARD_BOOT, BOARD_STORE);
CHECK_APART(BOARD_BOOT, BOARD_PROGRESS);
CHECK_APART(BOARD_BOOT, BOARD_SEED);
CHECK_APART(BOARD_BOOT, BOARD_LOG);
CHECK_APART(BOARD_PRIMARY, BOARD_SECONDARY);
CHECK_APART(BOARD_PRIMARY, BOARD_SCRATCH);
CHECK_APART(BOARD_PRIMARY, BOARD_STORE);
CHECK_APART(BOARD_PRIMARY, BOARD_PROGRESS);
CHECK_APART(BOARD_PRIMARY, BOARD_SEED);
CHECK_APART(BOARD_PRIMARY, BOARD_LOG);
CHECK_APART(BOARD_SECONDARY, BOARD_SCRATCH);
CHECK_APART(BOARD_SECONDARY, BOARD_STORE);
CHECK_APART(BOARD_SECONDARY, BOARD_PROGRESS);
CHECK_APART(BOARD_SECONDARY, BOARD_SEED);
CHECK_APART(BOARD_SECONDARY, BOARD_LOG);
CHECK_APART(BOARD_SCRATCH, BOARD_STORE);
CHECK_APART(BOARD_SCRATCH, BOARD_PROGRESS);
CHECK_APART(BOARD_SCRATCH, BOARD_SEED);
CHECK_APART(BOARD_SCRATCH, BOARD_LOG);
CHECK_APART(BOARD_STORE, BOARD_PROGRESS);
CHECK_APART(BOARD_STORE, BOARD_SEED);
CHECK_APART(BOARD_STORE, BOARD_LOG);
CHECK_APART(BOARD_PROGRESS, BOARD_SEED);
CHECK_APART(BOARD_PROGRESS, BOARD_LOG);
CHECK_APART(BOARD_SEED, BOARD_LOG);
CHECK_APART(BOARD_BOOT, BOARD_VAULT);
CHECK_APART(BOARD_PRIMARY, BOARD_VAULT);
CHECK_APART(BOARD_SECONDARY, BOARD_VAULT);
CHECK_APART(BOARD_SCRATCH, BOARD_VAULT);
CHECK_APART(BOARD_STORE, BOARD_VAULT);
CHECK_APART(BOARD_PROGRESS, BOARD_VAULT);
CHECK_APART(BOARD_SEED, BOARD_VAULT);
CHECK_APART(BOARD_LOG, BOARD_VAULT);
CHECK_APART(BOARD_BOOT, BOARD_SECURE_PRIMARY);
CHECK_APART(BOARD_PRIMARY, BOARD_SECURE_PRIMARY);
CHECK_APART(BOARD_SECONDARY, BOARD_SECURE_PRIMARY);
CHECK_APART(BOARD_SCRATCH, BOARD_SECURE_PRIMARY);
CHECK_APART(BOARD_STORE, BOARD_SECURE_PRIMARY);
CHECK_APART(BOARD_PROGRESS, BOARD_SECURE_PRIMARY);
CHECK_APART(BOARD_SEED, BOARD_SECURE_PRIMARY);
CHECK_APART(BOARD_LOG, BOARD_SECURE_PRIMARY);
CHECK_APART(BOARD_VAULT, BOARD_SECURE_PRIMARY);
CHECK_APART(BOARD_BOOT, BOARD_SECURE_SECONDARY);
CHECK_APART(BOARD_PRIMARY, BOARD_SECURE_SECONDARY);
CHECK_APART(BOARD_SECONDARY, BOARD_SECURE_SECONDARY);
CHECK_APART(BOARD_SCRATCH, BOARD_SECURE_SECONDARY);
CHECK_APART(BOARD_STORE, BOARD_SECURE_SECONDARY);
CHECK_APART(BOARD_PROGRESS, BOARD_SECURE_SECONDARY);
CHECK_APART(BOARD_SEED, BOARD_SECURE_SECONDARY);
CHECK_APART(BOARD_LOG, BOARD_SECURE_SECONDARY);
CHECK_APART(BOARD_VAULT, BOARD_SECURE_SECONDARY);
CHECK_APART(BOARD_SECURE_PRIMARY, BOARD_SECURE_SECONDARY);

/* The key-value store and the seed each move on from sector to sector. */
_Static_assert(SECTORS(BOARD_STORE) >= 2u, "BOARD_STORE: fewer than two sectors");
_Static_assert(HAS_EQUAL_SECTORS(BOARD_STORE) && FIRST_SECTOR(BOARD_STORE) >= 128u,
               "BOARD_STORE: wants sectors of one size, 128 bytes or larger");
_Static_assert(SECTORS(BOARD_PROGRESS) >= 1u, "BOARD_PROGRESS: no sector");
_Static_assert(AREA_SIZE(BOARD_SEED) == 0u || SECTORS(BOARD_SEED) >= 2u,
               "BOARD_SEED: fewer than two sectors");
_Static_assert(AREA_SIZE(BOARD_VAULT) == 0u ||
                   (SECTORS(BOARD_VAULT) >= 2u && HAS_EQUAL_SECTORS(BOARD_VAULT)),
               "BOARD_VAULT: wants two sectors or more, of one size");
_Static_assert(AREA_SIZE(BOARD_LOG) == 0u ||
                   (SECTORS(BOARD_LOG) >= 2u && HAS_EQUAL_SECTORS(BOARD_LOG)),
               "BOARD_LOG: wants two sectors or more, of one size");

_Static_assert(IS_MAPPED(AREA_DEVICE(BOARD_PRIMARY)),
               "BOARD_PRIMARY: programs run there, and its device is not mapped");
_Static_assert(AREA_SIZE(BOARD_BOOT) == 0u || IS_MAPPED(AREA_DEVICE(BOARD_BOOT)),
               "BOARD_BOOT: programs run there, and its device is not mapped");
_Static_assert(AREA_ADDRESS(BOARD_PRIMARY) % 0x200u == 0u,
               "BOARD_PRIMARY: the vector table behind the header must be aligned to 0x200");
_Static_assert(BOARD_UPDATE != UPDATE_DIRECT_XIP || AREA_ADDRESS(BOARD_SECONDARY) % 0x200u == 0u,
               "BOARD_SECONDARY: the vector table behind the header must be aligned to 0x200");
_Static_assert(BOARD_HEADER_SIZE <= 0xffffu, "BOARD_HEADER_SIZE: an image says it in 16 bits");
_Static_assert(BOARD_HEADER_SIZE >= 0x200u && BOARD_HEADER_SIZE % 0x200u == 0u,
               "BOARD_HEADER_SIZE: the vector table behind it must be aligned to 0x200");
_Static_assert(BOARD_HEADER_SIZE < AREA_SIZE(BOARD_PRIMARY),
               "BOARD_HEADER_SIZE: larger than the slot");
_Static_assert(BOARD_MAX_ALIGN == 8u || BOARD_MAX_ALIGN == 16u || BOARD_MAX_ALIGN == 32u,
               "BOARD_MAX_ALIGN: fields of the trailer are aligned to 8, 16 or 32");
_Static_assert(AREA_WRITE(BOARD_PRIMARY) <= BOARD_MAX_ALIGN &&
                   AREA_WRITE(BOARD_SECONDARY) <= BOARD_MAX_ALIGN &&
                   (!USES_SCRATCH || AREA_WRITE(BOARD_SCRATCH) <= BOARD_MAX_ALIGN),
               "BOARD_MAX_ALIGN: less than the write unit of a slot or of scratch");

_Static_assert(SECTORS(BOARD_PRIMARY) <= BOARD_MAX_SECTORS &&
                   SECTORS(BOARD_SECONDARY) <= BOARD_MAX_SECTORS,
               "BOARD_MAX_SECTORS: a slot has more");
_Static_assert(SLOT_EXCESS == 0u || (IS_UNIFORM && SLOT_EXCESS == FIRST_SECTOR(BOARD_PRIMARY)),
               "the slots are not equal in size (in move and offset one may have a sector more)");
#define HAS_SECURE (AREA_SIZE(BOARD_SECURE_PRIMARY) > 0u)
_Static_assert(!HAS_SECURE || IS_MAPPED(AREA_DEVICE(BOARD_SECURE_PRIMARY)),
               "BOARD_SECURE_PRIMARY: a program runs there, and its device is not mapped");
_Static_assert(!HAS_SECURE || AREA_ADDRESS(BOARD_SECURE_PRIMARY) % 0x200u == 0u,
               "BOARD_SECURE_PRIMARY: the vector table behind the header must be aligned to 0x200");
_Static_assert(AREA_SIZE(BOARD_SECURE_PRIMARY) == AREA_SIZE(BOARD_SECURE_SECONDARY),
               "BOARD_SECURE_PRIMARY, BOARD_SECURE_SECONDARY: not equal in size");
_Static_assert(!HAS_SECURE || (SECTORS(BOARD_SECURE_PRIMARY) <= BOARD_MAX_SECTORS &&
                               SECTORS(BOARD_SECURE_SECONDARY) <= BOARD_MAX_SECTORS),
               "BOARD_MAX_SECTORS: a slot of the secure program has more");
_Static_assert(!HAS_SECURE || BOARD_UPDATE == UPDATE_SWAP_SCRATCH,
               "BOARD_SECURE_PRIMARY: two images are swapped using scratch");
_Static_assert(!HAS_SECURE || (HAS_EQUAL_SECTORS(BOARD_SECURE_PRIMARY) &&
                               HAS_EQUAL_SECTORS(BOARD_SECURE_SECONDARY) &&
                               AREA_SIZE(BOARD_SCRATCH) >= FIRST_SECTOR(BOARD_SECURE_PRIMARY) &&
                               AREA_SIZE(BOARD_SCRATCH) >= FIRST_SECTOR(BOARD_SECURE_SECONDARY)),
               "BOARD_SECURE_PRIMARY: wants sectors of one size, not larger than BOARD_SCRATCH");
_Static_assert(!HAS_SECURE || (AREA_WRITE(BOARD_SECURE_PRIMARY) <= BOARD_MAX_ALIGN &&
                               AREA_WRITE(BOARD_SECURE_SECONDARY) <= BOARD_MAX_ALIGN),
               "BOARD_MAX_ALIGN: less than the write unit of a slot of the secure program");

/* Where images are encrypted, trailers keep two keys as well. */
#define KEYS_SIZE (2u * LARGER(16u, BOARD_MAX_ALIGN))
_Static_assert(LAYOUT_IMAGE_SIZE_MAX(BOARD_UPDATE, SLOT_SIZE, LAST_SECTOR(BOARD_PRIMARY),
                                     RECORD_WRITE, BOARD_MAX_ALIGN, BOARD_MAX_SECTORS,
                                     KEYS_SIZE) > BOARD_HEADER_SIZE,
               "the slots leave no room for an image in front of their trailer");

_Static_assert(!USES_SCRATCH || AREA_SIZE(BOARD_SCRATCH) >= LARGEST_SECTOR(BOARD_PRIMARY),
               "BOARD_SCRATCH: smaller than a sector of the primary slot");
_Static_assert(!USES_SCRATCH || AREA_SIZE(BOARD_SCRATCH) >= LARGEST_SECTOR(BOARD_SECONDARY),
               "BOARD_SCRATCH: smaller than a sector of the secondary slot");
/* What is swapped at a time ends where a sector of both ends. */
#define MEET_WITHIN(size, a, b, times)                                                             \
    ((times)*LARGER(a, b) <= (size) && (times) * (a) % (b) * ((times) * (b) % (a)) == 0u)
#define MEET(size, a, b)                                                                           \
    (MEET_WITHIN(size, a, b, 1u) || MEET_WITHIN(size, a, b, 2u) || MEET_WITHIN(size, a, b, 3u) ||  \
     MEET_WITHIN(size, a, b, 4u))
_Static_assert(!USES_SCRATCH || !HAS_EQUAL_SECTORS(BOARD_PRIMARY) ||
                   !HAS_EQUAL_SECTORS(BOARD_SECONDARY) ||
                   MEET(AREA_SIZE(BOARD_SCRATCH), FIRST_SECTOR(BOARD_PRIMARY),
                        FIRST_SECTOR(BOARD_SECONDARY)),
               "BOARD_SCRATCH: the sectors of the slots have no common end within it");
/* Where the sectors of a slot differ in size, it ends at each multiple of the largest one: there a
 * sector of each run must end. */
#define RUN_MEETS(size, sector, start, ...)                                                        \
    ((start) <= AREA_OFFSET(__VA_ARGS__) || (start) >= AREA_END(__VA_ARGS__) ||                    \
     ((size) % (sector) == 0u && ((start)-AREA_OFFSET(__VA_ARGS__)) % (sector) == 0u))
#define RUNS_MEET(size, ...)                                                                       \
    ((size) % FIRST_SECTOR(__VA_ARGS__) == 0u &&                                                   \
     RUN_MEETS(size, SECTOR_2(AREA_DEVICE(__VA_ARGS__)), END_1(AREA_DEVICE(__VA_ARGS__)),          \
               __VA_ARGS__) &&                                                                     \
     RUN_MEETS(size, SECTOR_3(AREA_DEVICE(__VA_ARGS__)), END_2(AREA_DEVICE(__VA_ARGS__)),          \
               __VA_ARGS__))
#define LARGEST_OF_SLOTS LARGER(LARGEST_SECTOR(BOARD_PRIMARY), LARGEST_SECTOR(BOARD_SECONDARY))
_Static_assert(!USES_SCRATCH ||
                   (HAS_EQUAL_SECTORS(BOARD_PRIMARY) && HAS_EQUAL_SECTORS(BOARD_SECONDARY)) ||
                   (RUNS_MEET(LARGEST_OF_SLOTS, BOARD_PRIMARY) &&
                    RUNS_MEET(LARGEST_OF_SLOTS, BOARD_SECONDARY)),
               "sectors of several sizes: those of both slots must end at each multiple of the "
               "largest, from the start of the slot");
_Static_assert(!USES_SCRATCH ||
                   AREA_SIZE(BOARD_SCRATCH) >=
                       LAYOUT_SCRATCH_TRAILER_SIZE(RECORD_WRITE, BOARD_MAX_ALIGN, KEYS_SIZE),
               "BOARD_SCRATCH: its own trailer does not fit");
_Static_assert(!IS_UNIFORM ||
                   (HAS_EQUAL_SECTORS(BOARD_PRIMARY) && HAS_EQUAL_SECTORS(BOARD_SECONDARY) &&
                    FIRST_SECTOR(BOARD_PRIMARY) == FIRST_SECTOR(BOARD_SECONDARY)),
               "move and offset need sectors of one size in both slots");
_Static_assert(!IS_UNIFORM || AREA_WRITE(BOARD_PRIMARY) == AREA_WRITE(BOARD_SECONDARY),
               "move and offset need the same write unit in both slots");

_Static_assert(BOARD_UPDATE != UPDATE_DIRECT_XIP ||
                   AREA_DEVICE(BOARD_PRIMARY) == AREA_DEVICE(BOARD_SECONDARY),
               "direct XIP: both slots lie on one mapped device");
#define HALF_DEVICE (BOARD_OF_DEVICE(DEVICE_SIZE, AREA_DEVICE(BOARD_PRIMARY)) / 2u)
_Static_assert(BOARD_UPDATE != UPDATE_BANK_SWAP ||
                   (AREA_DEVICE(BOARD_PRIMARY) == AREA_DEVICE(BOARD_SECONDARY) &&
                    AREA_END(BOARD_PRIMARY) <= HALF_DEVICE &&
                    AREA_OFFSET(BOARD_SECONDARY) == AREA_OFFSET(BOARD_PRIMARY) + HALF_DEVICE),
               "bank swap: the slots lie at the same place in the two halves of one device");
_Static_assert(BOARD_UPDATE != UPDATE_BANK_SWAP ||
                   AREA_DEVICE(BOARD_BOOT) != AREA_DEVICE(BOARD_PRIMARY) ||
                   AREA_END(BOARD_BOOT) <= HALF_DEVICE,
               "BOARD_BOOT: bank swap starts the bootloader in the first half of the device");
_Static_assert(BOARD_UPDATE != UPDATE_BANK_SWAP ||
                   (AREA_DEVICE(BOARD_STORE) != AREA_DEVICE(BOARD_PRIMARY) &&
                    AREA_DEVICE(BOARD_PROGRESS) != AREA_DEVICE(BOARD_PRIMARY) &&
                    (AREA_SIZE(BOARD_SEED) == 0u ||
                     AREA_DEVICE(BOARD_SEED) != AREA_DEVICE(BOARD_PRIMARY))),
               "bank swap: what must stay where it is lies on another device than the banks");

/* --- the board ------------------------------------------------------------------------------- */

/* Swap by offset wants the new image in the secondary slot from its second sector on. */
#define CANDIDATE_SKIPS (BOARD_UPDATE == UPDATE_SWAP_OFFSET ? FIRST_SECTOR(BOARD_SECONDARY) : 0u)

const struct board board = {
    .name = OTTER_BOARD_NAME,
    .update = BOARD_UPDATE,
    .max_sectors = BOARD_MAX_SECTORS,
    .max_align = BOARD_MAX_ALIGN,
    .connect_spread_ms = BOARD_CONNECT_SPREAD_MS,
    .image_size_max = BOARD_IMAGE_SIZE_MAX,
    .flash_base = BOARD_OF_DEVICE(DEVICE_BASE, AREA_DEVICE(BOARD_PRIMARY)),
    .primary = BOARD_AREA(BOARD_PRIMARY),
    .secondary = BOARD_AREA(BOARD_SECONDARY),
    .candidate = {&port_flash[AREA_DEVICE(BOARD_SECONDARY)],
                  AREA_OFFSET(BOARD_SECONDARY) + CANDIDATE_SKIPS,
                  AREA_SIZE(BOARD_SECONDARY) - CANDIDATE_SKIPS},
    .scratch = BOARD_AREA(BOARD_SCRATCH),
    .store = BOARD_AREA(BOARD_STORE),
    .progress = BOARD_AREA(BOARD_PROGRESS),
    .log = BOARD_AREA(BOARD_LOG),
};

const struct board_secure board_secure = {
    .primary = BOARD_AREA(BOARD_SECURE_PRIMARY),
    .secondary = BOARD_AREA(BOARD_SECURE_SECONDARY),
    .image_size_max = LAYOUT_IMAGE_SIZE_MAX(BOARD_UPDATE, AREA_SIZE(BOARD_SECURE_PRIMARY),
                                            LAST_SECTOR(BOARD_SECURE_PRIMARY), RECORD_WRITE,
                                            BOARD_MAX_ALIGN, BOARD_MAX_SECTORS, 0u),
};
