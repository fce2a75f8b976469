/* What an update costs the flash: boots the mode that is linked in over the NOR simulator, on the
 * layout of a NuMaker-IoT-M467, and prints what each boot erased and programmed.
 *
 *   NAME IMAGE_BYTES ERASES LEAST PROGRAMMED LEAST     one line for each boot
 *
 * The download itself is not counted. Least possible: where images change places, each sector that
 * holds any of them is erased once and each byte of them programmed once, in both slots; where one
 * is copied, in one slot; where nothing moves, nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/port.h"
#include "tests/sim/boot/board.h"
#include "tests/sim/boot/sim_image.h"

#define SECTOR  4096u
#define SECTORS 115u

static const struct geometry m467 = {
    "M467", {{{SECTORS, SECTOR}}, {{SECTORS, SECTOR}}, {{2, SECTOR}}}, {4, 4, 4}, 0xff, 8, SECTORS,
    true,
};

static struct board board;
static uint8_t old_image[BOARD_SLOT_MAX];
static uint8_t new_image[BOARD_SLOT_MAX];

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

struct wear {
    uint32_t erases;
    uint64_t programmed;
};

static struct wear wear_so_far(void)
{
    struct wear wear = {0, 0};
    for (unsigned i = 0; i < BOARD_DEVICES; i++) {
        wear.erases += board.device[i].erase_count;
        wear.programmed += board.device[i].bytes_programmed;
    }
    return wear;
}

/* How many slots the mode has to write in order to bring in an image, or to take it back. */
static unsigned slots_written(void)
{
    if (strcmp(boot_mode_name, "overwrite") == 0)
        return 1;
    const bool stays =
        strcmp(boot_mode_name, "direct-xip") == 0 || strcmp(boot_mode_name, "bank swap") == 0;
    return stays ? 0 : 2;
}

static void boot(const char *name, uint32_t size, unsigned version, enum swap_type type)
{
    const struct wear before = wear_so_far();
    nor_power_plan(&board.power, 0, NOR_CUT_BEFORE);
    board_boot(&board);
    const struct wear after = wear_so_far();
    const unsigned slots = type == SWAP_NONE ? 0 : slots_written();
    if (board.status != OTTER_OK || board.result.header.version.major != version ||
        board_rule_breaks(&board) != 0) {
        fprintf(stderr, "boot_wear: %s, %u bytes: version %u did not boot (%s)\n", name, size,
                version, otter_status_text(board.status));
        exit(1);
    }
    printf("%s %u %u %u %llu %u\n", name, size, after.erases - before.erases,
           slots * ((size + SECTOR - 1) / SECTOR),
           (unsigned long long)(after.programmed - before.programmed), slots * size);
}

static void update(uint32_t size)
{
    board_wipe(&board);
    sim_image_make(old_image, size, 1, SIM_KEY);
    sim_image_make(new_image, size, 2, SIM_KEY);
    board_load(&board, BOARD_PRIMARY, old_image, size);
    boot("no-update", size, 1, SWAP_NONE);
    board_download(&board, new_image, size);
    board_request(&board, false);
    boot("update", size, 2, SWAP_TEST);
    if (strcmp(boot_mode_name, "overwrite") != 0)
        boot("revert", size, 1, SWAP_REVERT);
}

int main(void)
{
    board_create(&board, &m467);
    update(160u * 1024);
    update(board_image_limit(&board) & ~3u);
    board_destroy(&board);
    return 0;
}
