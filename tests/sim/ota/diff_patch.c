/* Makes such patches, and applies them piece by piece. */
#include "tests/sim/ota/diff_patch.h"

#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"

#define HEAD    10u
#define RUN     3u
#define VERSION 20u /* of the major version in an image header */

/* What goes into the checkpoint. */
struct progress {
    uint32_t at;   /* in the file; 0: at the start */
    uint16_t left; /* of the run */
    uint8_t difference;
    bool is_new;
};
_Static_assert(sizeof(struct progress) <= OTA_TRANSFORM_STATE, "the state is the progress");

static otter_status recognise(const struct flash_area *base, const uint8_t *head, uint32_t length,
                              struct ota_transform_plan *plan)
{
    struct image image;
    if (length < HEAD || memcmp(head, "DIF1", 4) != 0)
        return OTTER_E_NOT_FOUND;
    if (image_open(&image, base, base->size) != OTTER_OK || image.header.version.major != head[9])
        return OTTER_E_VERSION;
    plan->size = get_le32(head + 4);
    plan->version = (struct image_version){.major = head[8]};
    return OTTER_OK;
}

static uint8_t old_byte(const struct ota_transform_view *view)
{
    struct image image;
    uint8_t byte = 0;
    static uint32_t end; /* of the image that runs; opening it anew each time takes too long */
    static const struct flash_area *of;
    static uint32_t made;
    if (of != view->base || view->made < made || end == 0) {
        end = image_open(&image, view->base, view->base->size) == OTTER_OK ? image.end : 0;
        of = view->base;
    }
    made = view->made;
    if (view->made < end)
        (void)flash_read(view->base, view->made, &byte, 1);
    return byte;
}

static otter_status next_run(const struct ota_transform_view *view, struct progress *progress)
{
    uint8_t run[RUN];
    if (progress->at == 0)
        progress->at = HEAD;
    if (progress->at + RUN > view->file_size)
        return OTTER_E_NOT_FOUND;
    const otter_status status = flash_read(view->file, progress->at, run, sizeof run);
    progress->at += RUN;
    progress->left = (uint16_t)(run[0] | (run[1] & 0x7f) << 8);
    progress->is_new = (run[1] & 0x80) != 0;
    progress->difference = run[2];
    return status;
}

/* One byte at a time would do; some more show that a piece may end anywhere. */
static int make(const struct ota_transform_view *view, uint8_t state[OTA_TRANSFORM_STATE],
                uint8_t *out, uint32_t size)
{
    struct progress progress;
    struct ota_transform_view at = *view;
    int made = 0;
    memcpy(&progress, state, sizeof progress);
    while (progress.left == 0) {
        const otter_status status = next_run(view, &progress);
        if (status != OTTER_OK)
            return status == OTTER_E_NOT_FOUND ? 0 : (int)status;
    }
    for (; (uint32_t)made < size && made < 37 && progress.left > 0; made++, at.made++) {
        if (progress.is_new && progress.at >= view->file_size)
            return 0;
        if (!progress.is_new)
            out[made] = (uint8_t)(old_byte(&at) + progress.difference);
        else if (flash_read(view->file, progress.at++, &out[made], 1) != OTTER_OK)
            return OTTER_E_FLASH;
        progress.left--;
    }
    memcpy(state, &progress, sizeof progress);
    return made;
}

const struct ota_transform diff_patch = {.id = 7, .recognise = recognise, .make = make};

static uint8_t difference_at(const uint8_t *old, uint32_t old_size, const uint8_t *new, uint32_t i)
{
    return (uint8_t)(new[i] - (i < old_size ? old[i] : 0));
}

static void put_run(uint8_t *out, uint32_t length, bool is_new, uint8_t difference)
{
    out[0] = (uint8_t)length;
    out[1] = (uint8_t)((is_new ? 0x80 : 0) | length >> 8);
    out[2] = difference;
}

uint32_t diff_patch_make(uint8_t *out, uint32_t room, const uint8_t *old, uint32_t old_size,
                         const uint8_t *new, uint32_t new_size)
{
    uint32_t size = HEAD;
    uint32_t open = 0; /* where a run of new bytes begins in `out`; 0: none */
    memcpy(out, "DIF1", 4);
    put_le32(out + 4, new_size);
    out[8] = new[VERSION];
    out[9] = old[VERSION];
    for (uint32_t i = 0; i < new_size;) {
        const uint8_t difference = difference_at(old, old_size, new, i);
        uint32_t run = 1;
        while (i + run < new_size && run < 0x7fff &&
               difference_at(old, old_size, new, i + run) == difference)
            run++;
        if (size + RUN + 1 > room)
            abort();
        if (run > RUN) {
            put_run(out + size, run, false, difference);
            size += RUN;
            i += run;
            open = 0;
            continue;
        }
        if (open == 0) {
            open = size;
            size += RUN;
        }
        out[size++] = new[i++];
        put_run(out + open, size - open - RUN, true, 0);
    }
    return size;
}
