/* What the tool knows of a board: the description that the build makes of the board's folder
 * (boards/README.md; cmake/board.cmake writes it). */
#ifndef OTTER_TOOL_BOARD_MAP_H
#define OTTER_TOOL_BOARD_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boards/layout.h"
#include "port/flash.h"
#include "tool/failure.h"

#define BOARD_NAME_MAX    63u
#define BOARD_DEVICES_MAX 3u
#define BOARD_RUNS_MAX    3u

struct board_device {
    uint32_t base;  /* where it is mapped */
    bool is_mapped; /* false: it is read by calls */
    uint32_t start; /* in a file that holds the board's flash, one device after the other */
    uint32_t size;
    uint32_t write_size;
    unsigned run_count; /* of sectors of one size */
    struct {
        uint32_t count, size;
    } runs[BOARD_RUNS_MAX];
};

/* Size 0: the board has none. */
struct board_area {
    unsigned device;
    uint32_t offset; /* in the device */
    uint32_t start;  /* in the file */
    uint32_t size;
};

struct board_map {
    char name[BOARD_NAME_MAX + 1];
    char port[32];    /* folder of ports/ */
    char network[32]; /* "ethernet", "esp8266", ...; "" where the board does not say */
    char build[512];  /* folder that its programs are built in */
    enum update_mode update;
    uint32_t header_size;
    uint32_t max_sectors;
    uint32_t max_align;
    uint32_t flash_size; /* of the file */
    unsigned device_count;
    struct board_device devices[BOARD_DEVICES_MAX];
    struct board_area boot, primary, secondary, scratch, store, progress, seed, vault;
    struct board_area secure_primary, secure_secondary; /* of the secure program: two worlds */
    struct board_area candidate; /* what of the secondary slot takes a new image */
    uint32_t image_size_max;
};

/* `board`: a name as in `otter demo --board`, or the path of a folder outside of the tree whose
 * board has been built. OTTER_E_NOT_FOUND with the names there are. */
otter_status board_map_read(const char *board, struct board_map *map, struct failure *failure);

/* An image for a board names it as `otter sign --vid` this `--cid NAME`; the update agent takes
 * none for another (image_follows_class). */
#define BOARD_CLASS_VENDOR "otter"

/* The names of the boards in the tree, sorted, with ", " between. */
void board_map_names(char *text, size_t size);

/* "swap-scratch", as the tool and its users write it; as `otter sign --mode` takes it, or NULL. */
const char *board_map_update_name(enum update_mode mode);
const char *board_map_sign_mode(enum update_mode mode);

/* A secure program starts the firmware, and is image 0 of the bootloader; the firmware is 1. */
bool board_map_has_two_worlds(const struct board_map *map);
/* Where it is mapped. */
uint32_t board_map_address(const struct board_map *map, const struct board_area *area);

/* The sector of a device that holds `offset`. */
struct flash_sector board_map_sector_at(const struct board_device *device, uint32_t offset);

#endif
