/* A simulated board: three flash devices, a bootloader, and an application that does what the
 * update agent does to the slots. */
#ifndef OTTER_TESTS_SIM_BOOT_BOARD_H
#define OTTER_TESTS_SIM_BOOT_BOARD_H

#include "boot/boot.h"
#include "tests/sim/nor_sim.h"

#define BOARD_SECTORS_MAX 256u
#define BOARD_SLOT_MAX    0x80000u

/* Sectors of one device as runs: `count` sectors of `size` bytes. */
struct sector_run {
    uint16_t count;
    uint32_t size;
};

enum { BOARD_PRIMARY, BOARD_SECONDARY, BOARD_SCRATCH, BOARD_DEVICES };

struct geometry {
    const char *name;
    struct sector_run runs[BOARD_DEVICES][4];
    uint8_t write_size[BOARD_DEVICES];
    uint8_t erased_value;
    uint8_t max_align;
    uint16_t max_sectors;
    bool is_large; /* sampled, not exhausted */
};

struct board {
    const struct geometry *geometry;
    struct nor_power power;
    struct nor_device device[BOARD_DEVICES];
    struct flash_area area[BOARD_DEVICES];
    struct flash_sector sectors[BOARD_DEVICES][BOARD_SECTORS_MAX];
    struct boot_slots slots;
    struct boot_config config;
    struct boot_result result; /* of the last boot */
    otter_status status;
    unsigned running; /* device that holds the image started last */
};

struct board_snapshot {
    struct nor_snapshot device[BOARD_DEVICES];
    unsigned running;
};

void board_create(struct board *board, const struct geometry *geometry);
void board_destroy(struct board *board);
void board_wipe(struct board *board);
void board_save(const struct board *board, struct board_snapshot *snapshot);
void board_restore(struct board *board, const struct board_snapshot *snapshot);
void board_snapshot_free(struct board_snapshot *snapshot);

/* One boot; false if power was cut in it (see board->power). */
bool board_boot(struct board *board);
/* Largest image the bootloader of this board accepts. */
uint32_t board_image_limit(struct board *board);

/* As a programmer or a download does. */
void board_load(struct board *board, unsigned device, const uint8_t *image, uint32_t length);
/* To the slot that does not run: erases it, trailer first, and writes the candidate where the mode
 * wants it. */
void board_download(struct board *board, const uint8_t *image, uint32_t length);
unsigned board_other_slot(const struct board *board);
otter_status board_request(struct board *board, bool permanent);
otter_status board_confirm(struct board *board);
struct trailer board_trailer(const struct board *board, unsigned device);
/* Programs a flag in the trailer of a slot that has none, as `imgtool sign --pad` does. */
void board_pad(struct board *board, unsigned device, bool confirmed);
/* True if exactly this image lies at `offset` of the device, and reads so without fail. */
bool board_holds(const struct board *board, unsigned device, uint32_t offset, const uint8_t *image,
                 uint32_t length);
/* Where a candidate goes in the secondary slot: not 0 in offset mode. */
uint32_t board_candidate_offset(const struct board *board);
uint32_t board_rule_breaks(const struct board *board);

#endif
