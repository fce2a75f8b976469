/* From a downloaded file to what belongs into the update slot.
 *
 * A file that begins with an image's magic is the slot's content: it is written there block by
 * block, and nothing of this room is linked or spends a byte (OTTER_OTA_STAGING, off by default).
 *
 * Any other file is offered to the transformers that the product brings: a patch against the image
 * that runs, a compressed image. Such a file lies at the end of the update slot, or in an area of
 * its own; there its blocks are journaled and its code signature is checked, over the file as it
 * was shipped. Then, in state PATCHING, the transformer makes the slot's content from the slot's
 * front on: a sector is erased, filled and read back, and a checkpoint written to the store. After
 * a power cut it goes on at the last checkpoint, with that sector erased anew: what a cut may have
 * torn is never built upon. Last, the image is checked as any other.
 *
 * A transformer is a pure function of the file, the image that runs, what it has made so far and
 * OTA_TRANSFORM_STATE bytes of state: so the checkpoint is that state, and going on is making the
 * same bytes again. */
#ifndef OTTER_SERVICES_OTA_STAGING_H
#define OTTER_SERVICES_OTA_STAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"
#include "port/flash.h"
#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef OTA_STAGING
#define OTA_STAGING 0
#endif

#define OTA_TRANSFORM_STATE 48u

/* What a transformer may read. */
struct ota_transform_view {
    const struct flash_area *base; /* the image that runs */
    const struct flash_area *file;
    uint32_t file_size;
    const struct flash_area *slot;
    uint32_t made; /* bytes so far; read them by ota_transform_made */
    /* private: the last of them, which are not on flash yet */
    const uint8_t *pending;
    uint32_t pending_length;
};

/* Reads bytes [offset, offset + size) of what has been made so far, such as a decompressor's
 * window; OTTER_E_BOUNDS past its end. */
otter_status ota_transform_made(const struct ota_transform_view *view, uint32_t offset,
                                uint8_t *out, uint32_t size);

/* The image that will come out. */
struct ota_transform_plan {
    struct image_version version;
    uint32_t size; /* of all that comes out */
};

struct ota_transform {
    uint8_t id; /* 1..255: in the record, never given to another kind of file */
    /* Is the file one of this kind, by its first bytes (OTA_PROBE_SIZE, or all of a shorter file)?
     * OTTER_OK and the plan; OTTER_E_NOT_FOUND: another kind; else why it cannot be used here, such
     * as OTTER_E_VERSION: a patch against another image than `base`. */
    otter_status (*recognise)(const struct flash_area *base, const uint8_t *head, uint32_t length,
                              struct ota_transform_plan *plan);
    /* Makes the next bytes, at most `size` > 0: how many, 0 when there are no more, or an error.
     * `state` is all zero at the start. Never asked for more than the plan's size. */
    int (*make)(const struct ota_transform_view *view, uint8_t state[OTA_TRANSFORM_STATE],
                uint8_t *out, uint32_t size);
};

/* The product's part of the configuration; must outlive the agent. */
struct ota_staging {
    const struct ota_transform *const *transforms;
    uint8_t count;
    const struct flash_area *area; /* where their files lie; NULL: at the end of the update slot */
};

/* One transformation. */
struct ota_stage {
    const struct ota_transform *transform;
    struct ota_transform_view view;
    struct kv *kv;
    uint32_t size;  /* of all that comes out */
    uint32_t ready; /* the slot is erased up to here */
    uint8_t faults; /* since the last checkpoint: flash that did not take what was made */
    uint8_t mark[8];
    uint8_t state[OTA_TRANSFORM_STATE];
};

/* Where a file of `file_size` bytes lies beside an image of `image_size` in `slot`, whose images
 * must end at `limit`: OTTER_E_NO_SPACE if both do not fit, sectors of each being its own. */
otter_status ota_stage_place(const struct ota_staging *staging, const struct flash_area *slot,
                             uint32_t limit, uint32_t file_size, uint32_t image_size,
                             struct flash_area *place);

const struct ota_transform *ota_stage_find(const struct ota_staging *staging, uint8_t id);

/* Starts, or goes on at the checkpoint in the store if that has the same `mark`, which must tell
 * this file, on this image, from all others. `view` with all but `made`. */
void ota_stage_init(struct ota_stage *stage, const struct ota_transform *transform,
                    const struct ota_transform_view *view, uint32_t size, struct kv *kv,
                    const uint8_t mark[8]);
/* One sector erased, or some bytes made and written. OTTER_E_AGAIN until all is done; OTTER_OK with
 * view.made the size; OTTER_E_MALFORMED when the transformer ends before that; OTTER_E_FLASH when
 * flash keeps refusing; or the error of transformer or store. */
otter_status ota_stage_step(struct ota_stage *stage);
/* Bytes that the checkpoint with this mark vouches for. */
uint32_t ota_stage_done(struct kv *kv, const uint8_t mark[8]);
/* What was made is not whole any more, or of no use. */
otter_status ota_stage_forget(struct kv *kv);

#ifdef __cplusplus
}
#endif

#endif
