/* The checkpoint in the store, under "ota/stage"; little-endian:
 *
 *   1   format, 1
 *   8   mark of file, job and image that runs
 *   4   bytes made, which are on flash: all, or those before a sector border
 *   n   state of the transformer
 *
 * It is read only by the firmware that wrote it: another one has another mark. */
#include "services/ota/staging.h"

#include <string.h>

#include "image/bytes.h"

#define CHECKPOINT_KEY    "ota/stage"
#define CHECKPOINT_FORMAT 1u
#define FAULTS_MAX        8u
#define PIECE             256u
#define STEP              4096u

enum { AT_FORMAT = 0, AT_MARK = 1, AT_MADE = 9, AT_STATE = 13 };
#define CHECKPOINT_SIZE (AT_STATE + OTA_TRANSFORM_STATE)

_Static_assert(PIECE % FLASH_WRITE_SIZE_MAX == 0, "pieces are whole write units");

/* --- places --- */

/* Start of the last sectors of [0, end) that take `size` bytes. */
static otter_status sectors_before(const struct flash_area *slot, uint32_t end, uint32_t size,
                                   uint32_t *start)
{
    if (size > end)
        return OTTER_E_NO_SPACE;
    *start = flash_sector_at(slot, end - size).offset;
    return OTTER_OK;
}

otter_status ota_stage_place(const struct ota_staging *staging, const struct flash_area *slot,
                             uint32_t limit, uint32_t file_size, uint32_t image_size,
                             struct flash_area *place)
{
    uint32_t start = 0;
    const uint32_t end = limit == slot->size ? limit : flash_sector_at(slot, limit).offset;
    if (file_size == 0 || image_size == 0 || image_size > limit)
        return OTTER_E_NO_SPACE;
    if (staging->area != NULL) {
        *place = *staging->area;
        return file_size <= place->size ? OTTER_OK : OTTER_E_NO_SPACE;
    }
    const otter_status status = sectors_before(slot, end, file_size, &start);
    const struct flash_sector last = flash_sector_at(slot, image_size - 1u);
    if (status != OTTER_OK || last.offset + last.size > start)
        return OTTER_E_NO_SPACE;
    *place = (struct flash_area){slot->flash, slot->offset + start, end - start};
    return OTTER_OK;
}

const struct ota_transform *ota_stage_find(const struct ota_staging *staging, uint8_t id)
{
    for (unsigned i = 0; i < staging->count; i++) {
        if (staging->transforms[i]->id == id)
            return staging->transforms[i];
    }
    return NULL;
}

/* --- checkpoint --- */

static bool load(struct kv *kv, const uint8_t mark[8], uint8_t checkpoint[CHECKPOINT_SIZE])
{
    uint32_t length = 0;
    return kv_get(kv, CHECKPOINT_KEY, checkpoint, CHECKPOINT_SIZE, &length) == OTTER_OK &&
           length == CHECKPOINT_SIZE && checkpoint[AT_FORMAT] == CHECKPOINT_FORMAT &&
           memcmp(checkpoint + AT_MARK, mark, 8) == 0;
}

static otter_status save(const struct ota_stage *stage)
{
    uint8_t checkpoint[CHECKPOINT_SIZE] = {CHECKPOINT_FORMAT};
    memcpy(checkpoint + AT_MARK, stage->mark, sizeof stage->mark);
    put_le32(checkpoint + AT_MADE, stage->view.made);
    memcpy(checkpoint + AT_STATE, stage->state, sizeof stage->state);
    return kv_set(stage->kv, CHECKPOINT_KEY, checkpoint, sizeof checkpoint);
}

uint32_t ota_stage_done(struct kv *kv, const uint8_t mark[8])
{
    uint8_t checkpoint[CHECKPOINT_SIZE];
    return load(kv, mark, checkpoint) ? get_le32(checkpoint + AT_MADE) : 0;
}

otter_status ota_stage_forget(struct kv *kv)
{
    const otter_status status = kv_delete(kv, CHECKPOINT_KEY);
    return status == OTTER_E_NOT_FOUND ? OTTER_OK : status;
}

/* From the checkpoint, or the start. */
static void go_back(struct ota_stage *stage)
{
    uint8_t checkpoint[CHECKPOINT_SIZE];
    stage->view.made = 0;
    memset(stage->state, 0, sizeof stage->state);
    if (load(stage->kv, stage->mark, checkpoint)) {
        stage->view.made = get_le32(checkpoint + AT_MADE);
        memcpy(stage->state, checkpoint + AT_STATE, sizeof stage->state);
    }
    stage->ready = stage->view.made;
}

/* --- what has been made --- */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

otter_status ota_transform_made(const struct ota_transform_view *view, uint32_t offset,
                                uint8_t *out, uint32_t size)
{
    const uint32_t on_flash = view->made - view->pending_length;
    if (offset > view->made || size > view->made - offset)
        return OTTER_E_BOUNDS;
    const uint32_t first = offset < on_flash ? least(size, on_flash - offset) : 0;
    if (first < size)
        memcpy(out + first, view->pending + (offset + first - on_flash), size - first);
    return first == 0 ? OTTER_OK : flash_read(view->slot, offset, out, first);
}

/* --- steps --- */

void ota_stage_init(struct ota_stage *stage, const struct ota_transform *transform,
                    const struct ota_transform_view *view, uint32_t size, struct kv *kv,
                    const uint8_t mark[8])
{
    stage->transform = transform;
    stage->view = *view;
    stage->kv = kv;
    stage->size = size;
    stage->faults = 0;
    memcpy(stage->mark, mark, sizeof stage->mark);
    go_back(stage);
}

/* All before the sector is on flash and vouched for before this one is touched. */
static otter_status next_sector(struct ota_stage *stage)
{
    const struct flash_sector sector = flash_sector_at(stage->view.slot, stage->view.made);
    otter_status status = OTTER_OK;
    if (sector.size == 0 || sector.offset != stage->view.made)
        return OTTER_E_CORRUPT; /* no checkpoint of ours */
    if (stage->view.made > 0 && ota_stage_done(stage->kv, stage->mark) != stage->view.made) {
        status = save(stage);
        stage->faults = 0;
    }
    if (status == OTTER_OK)
        status = flash_erase(stage->view.slot, sector.offset, sector.size);
    stage->ready = sector.offset + sector.size;
    return status;
}

/* As many bytes as are asked for, unless the transformer has no more. */
static int make_piece(struct ota_stage *stage, uint8_t *piece, uint32_t size)
{
    struct ota_transform_view view = stage->view;
    int made = 1;
    view.pending = piece;
    while (view.pending_length < size && made > 0) {
        made = stage->transform->make(&view, stage->state, piece + view.pending_length,
                                      size - view.pending_length);
        if (made < 0)
            return made;
        view.pending_length += (uint32_t)made;
        view.made += (uint32_t)made;
    }
    return view.pending_length == size ? (int)size : OTTER_E_MALFORMED;
}

static otter_status flash_fault(struct ota_stage *stage)
{
    if (++stage->faults > FAULTS_MAX)
        return OTTER_E_FLASH;
    go_back(stage);
    return OTTER_E_AGAIN;
}

/* A piece that ends at the end of the sector or of all, or is whole units long. */
static otter_status write_piece(struct ota_stage *stage)
{
    const struct flash_area *slot = stage->view.slot;
    const uint32_t end = least(stage->ready, stage->size);
    uint8_t piece[PIECE];
    memset(piece, slot->flash->erased_value, sizeof piece);
    const int length = make_piece(stage, piece, least(end - stage->view.made, PIECE));
    if (length < 0)
        return (otter_status)length;
    const uint32_t filled = round_up((uint32_t)length, slot->flash->write_size);
    if (flash_program(slot, stage->view.made, piece, filled) != OTTER_OK ||
        flash_compare(slot, stage->view.made, piece, filled) != OTTER_OK)
        return flash_fault(stage);
    stage->view.made += (uint32_t)length;
    return OTTER_OK;
}

otter_status ota_stage_step(struct ota_stage *stage)
{
    otter_status status = OTTER_OK;
    if (stage->view.made == stage->size)
        return ota_stage_done(stage->kv, stage->mark) == stage->size ? OTTER_OK : save(stage);
    if (stage->view.made == stage->ready)
        status = next_sector(stage);
    else
        for (uint32_t done = 0; done < STEP && status == OTTER_OK &&
                                stage->view.made < stage->size && stage->view.made < stage->ready;
             done += PIECE)
            status = write_piece(stage);
    return status == OTTER_OK ? OTTER_E_AGAIN : status;
}
