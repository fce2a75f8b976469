/* What the bootloader and the application of the simulated board do. */
#include "tests/sim/boot/board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"
#include "tests/sim/boot/sim_image.h"

static uint32_t expand_runs(const struct sector_run *runs, struct flash_sector *sectors)
{
    uint32_t count = 0;
    uint32_t offset = 0;
    for (unsigned r = 0; r < 4; r++) {
        for (unsigned i = 0; i < runs[r].count; i++) {
            sectors[count++] = (struct flash_sector){offset, runs[r].size};
            offset += runs[r].size;
        }
    }
    return count;
}

/* What the other bank holds comes to the place of this one. */
static void exchange_banks(void *context)
{
    struct board *board = context;
    const struct nor_device primary = board->device[BOARD_PRIMARY];
    board->device[BOARD_PRIMARY] = board->device[BOARD_SECONDARY];
    board->device[BOARD_SECONDARY] = primary;
    for (unsigned i = BOARD_PRIMARY; i <= BOARD_SECONDARY; i++)
        board->device[i].flash.ctx = &board->device[i];
}

static otter_status swap_banks(void *ctx)
{
    struct board *board = ctx;
    nor_power_act(&board->power, exchange_banks, board);
    return OTTER_OK;
}

void board_create(struct board *board, const struct geometry *geometry)
{
    memset(board, 0, sizeof *board);
    board->geometry = geometry;
    nor_power_init(&board->power, 1);
    for (unsigned i = 0; i < BOARD_DEVICES; i++) {
        const uint32_t count = expand_runs(geometry->runs[i], board->sectors[i]);
        if (count == 0)
            continue;
        nor_create(&board->device[i], &board->power, board->sectors[i], count,
                   geometry->write_size[i], geometry->erased_value);
        const struct flash *flash = &board->device[i].flash;
        board->area[i] = (struct flash_area){flash, 0, flash->size};
    }
    board->slots = (struct boot_slots){.primary = &board->area[BOARD_PRIMARY],
                                       .secondary = &board->area[BOARD_SECONDARY]};
    board->config = (struct boot_config){
        .images = &board->slots,
        .image_count = 1,
        .scratch = board->area[BOARD_SCRATCH].size != 0 ? &board->area[BOARD_SCRATCH] : NULL,
        .max_sectors = geometry->max_sectors,
        .max_align = geometry->max_align,
        .policy = sim_policy,
        .rescue = true,
        .hooks = {.swap_banks = swap_banks, .ctx = board},
    };
}

void board_destroy(struct board *board)
{
    for (unsigned i = 0; i < BOARD_DEVICES; i++)
        nor_destroy(&board->device[i]);
}

void board_wipe(struct board *board)
{
    for (unsigned i = 0; i < BOARD_DEVICES; i++) {
        if (board->area[i].size != 0)
            nor_wipe(&board->device[i]);
    }
    board->running = BOARD_PRIMARY;
}

void board_save(const struct board *board, struct board_snapshot *snapshot)
{
    for (unsigned i = 0; i < BOARD_DEVICES; i++) {
        if (board->area[i].size != 0)
            nor_snapshot_take(&board->device[i], &snapshot->device[i]);
    }
    snapshot->running = board->running;
}

void board_restore(struct board *board, const struct board_snapshot *snapshot)
{
    for (unsigned i = 0; i < BOARD_DEVICES; i++) {
        if (board->area[i].size != 0)
            nor_snapshot_restore(&board->device[i], &snapshot->device[i]);
    }
    board->running = snapshot->running;
}

void board_snapshot_free(struct board_snapshot *snapshot)
{
    for (unsigned i = 0; i < BOARD_DEVICES; i++)
        nor_snapshot_free(&snapshot->device[i]);
}

static void boot_once(void *context)
{
    struct board *board = context;
    board->status = boot_go(&board->config, &board->result);
}

bool board_boot(struct board *board)
{
    board->status = OTTER_E_INTERNAL;
    memset(&board->result, 0, sizeof board->result);
    const bool done = nor_power_run(&board->power, boot_once, board) == NOR_RUN_DONE;
    if (done && board->status == OTTER_OK)
        board->running =
            board->result.slot == &board->area[BOARD_PRIMARY] ? BOARD_PRIMARY : BOARD_SECONDARY;
    return done;
}

void board_load(struct board *board, unsigned device, const uint8_t *image, uint32_t length)
{
    nor_load(&board->device[device], 0, image, length);
}

uint32_t board_candidate_offset(const struct board *board)
{
    return strcmp(boot_mode_name, "offset") == 0 ? board->sectors[BOARD_SECONDARY][0].size : 0;
}

static void must(otter_status status, const char *what)
{
    if (status == OTTER_OK)
        return;
    fprintf(stderr, "board: %s: %s\n", what, otter_status_text(status));
    abort();
}

void board_download(struct board *board, const uint8_t *image, uint32_t length)
{
    static uint8_t padded[BOARD_SLOT_MAX + FLASH_WRITE_SIZE_MAX];
    const struct flash_area *slot = &board->area[board_other_slot(board)];
    const uint32_t size = round_up(length, slot->flash->write_size);
    memset(padded, slot->flash->erased_value, size);
    memcpy(padded, image, length);
    must(trailer_prepare(slot), "trailer_prepare");
    must(flash_erase(slot, 0, slot->size), "erase the secondary slot");
    must(flash_program(slot, board_candidate_offset(board), padded, size), "write the candidate");
}

unsigned board_other_slot(const struct board *board)
{
    return board->running == BOARD_PRIMARY ? BOARD_SECONDARY : BOARD_PRIMARY;
}

otter_status board_request(struct board *board, bool permanent)
{
    return trailer_request(&board->area[board_other_slot(board)], board->config.max_align,
                           permanent);
}

otter_status board_confirm(struct board *board)
{
    return trailer_confirm(&board->area[board->running], board->config.max_align);
}

struct trailer board_trailer(const struct board *board, unsigned device)
{
    struct trailer trailer;
    trailer_read(&board->area[device], board->config.max_align, &trailer);
    return trailer;
}

void board_pad(struct board *board, unsigned device, bool confirmed)
{
    const struct flash_area *slot = &board->area[device];
    if (confirmed)
        must(trailer_write_flag(slot, board->config.max_align, TRAILER_IMAGE_OK, 1), "pad");
    must(trailer_write_magic(slot, board->config.max_align), "pad");
}

bool board_holds(const struct board *board, unsigned device, uint32_t offset, const uint8_t *image,
                 uint32_t length)
{
    const struct nor_device *nor = &board->device[device];
    if (memcmp(nor->data + offset, image, length) != 0)
        return false;
    for (uint32_t i = 0; nor->unstable_bytes > 0 && i < length; i++) {
        if (nor->unstable[offset + i] != 0)
            return false;
    }
    return true;
}

uint32_t board_rule_breaks(const struct board *board)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < BOARD_DEVICES; i++)
        count += board->device[i].rule_breaks;
    return count;
}

/* Found by trying: the largest image that boots from the primary slot. */
uint32_t board_image_limit(struct board *board)
{
    static uint8_t image[BOARD_SLOT_MAX];
    uint32_t low = SIM_IMAGE_MIN;
    uint32_t high = board->area[BOARD_PRIMARY].size;
    while (low < high) {
        const uint32_t middle = (low + high + 1) / 2;
        board_wipe(board);
        sim_image_make(image, middle, 1, SIM_KEY);
        board_load(board, BOARD_PRIMARY, image, middle);
        board_boot(board);
        if (board->status == OTTER_OK)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}
