/* The agent's side of staging: a file that is no image is recognised, put beside the image that it
 * becomes, and turned into it. */
#include <string.h>

#include "port/log.h"
#include "services/ota/agent.h"

/* Offers the file to each transformer, by its first bytes. */
static otter_status recognise(const struct ota *ota, const uint8_t *head, uint32_t length,
                              struct ota_transform_plan *plan, uint8_t *id)
{
    const struct ota_staging *staging = ota->config.staging;
    otter_status status = OTTER_E_NOT_FOUND;
    for (unsigned i = 0; i < staging->count && status == OTTER_E_NOT_FOUND; i++) {
        status =
            staging->transforms[i]->recognise(ota_primary(ota, ota_image(ota)), head, length, plan);
        *id = staging->transforms[i]->id;
    }
    return status;
}

static otter_status place(struct ota *ota, uint32_t image_size)
{
    const otter_status status =
        ota_stage_place(ota->config.staging, ota_candidate(ota), ota_size_max(ota, ota_image(ota)),
                        ota->record.job.file_size, image_size, &ota->landing);
    if (status != OTTER_OK)
        return status;
    return ota_download_fits(&ota->landing, ota->config.block_size) ? OTTER_OK : OTTER_E_NO_SPACE;
}

enum ota_event ota_read_patch(struct ota *ota, const struct ota_block *block)
{
    struct ota_transform_plan plan = {0};
    uint8_t id = 0;
    const otter_status status = recognise(ota, block->data, block->length, &plan, &id);
    if (status == OTTER_E_NOT_FOUND)
        return ota_fail(ota, "the file is no signed image, and nothing that this device can turn "
                             "into one");
    if (status != OTTER_OK)
        return ota_fail(ota, "the file cannot be turned into an image here: %s",
                        otter_status_text(status));
    if (place(ota, plan.size) != OTTER_OK)
        return ota_fail(ota, "the file of %lu bytes and its image of %lu do not fit together",
                        (unsigned long)ota->record.job.file_size, (unsigned long)plan.size);
    ota->record.job.transform = id;
    ota->record.version = plan.version;
    return ota_check_version(ota);
}

/* At boot; whether the image fits too is looked at again before it is made. */
otter_status ota_choose_landing(struct ota *ota)
{
    if (ota->config.staging == NULL)
        return OTTER_E_UNSUPPORTED;
    return place(ota, 1);
}

/* Both halves of the plan may have been forged while the file was probed; now its signature has
 * been checked. */
enum ota_event ota_begin_patch(struct ota *ota, otter_ms now)
{
    uint8_t key[OTA_PROGRESS_KEY_SIZE];
    uint8_t head[OTA_PROBE_SIZE];
    struct ota_transform_plan plan = {0};
    uint8_t id = 0;
    const struct ota_transform_view view = {.base = ota_primary(ota, ota_image(ota)),
                                            .file = &ota->landing,
                                            .file_size = ota->record.job.file_size,
                                            .slot = ota_candidate(ota)};
    const uint32_t length = view.file_size < sizeof head ? view.file_size : (uint32_t)sizeof head;
    (void)now;
    otter_status status = flash_read(view.file, 0, head, length);
    if (status == OTTER_OK)
        status = recognise(ota, head, length, &plan, &id);
    if (status == OTTER_OK && id != ota->record.job.transform)
        status = OTTER_E_MALFORMED;
    if (status == OTTER_OK)
        status = place(ota, plan.size);
    if (status != OTTER_OK)
        return ota_fail(ota, "the file cannot be turned into an image: %s",
                        otter_status_text(status));
    ota_journal_key(ota, key);
    ota_stage_init(&ota->work.stage, ota_stage_find(ota->config.staging, id), &view, plan.size,
                   ota->config.kv, key);
    LOG_INF(OTA_TAG, "code signature verified; making the image, %lu of %lu bytes are there",
            (unsigned long)ota->work.stage.view.made, (unsigned long)plan.size);
    return OTA_EV_NONE;
}

enum ota_event ota_work_patch(struct ota *ota, otter_ms now)
{
    (void)now;
    const otter_status status = ota_stage_step(&ota->work.stage);
    ota->busy = true;
    if (status == OTTER_E_AGAIN)
        return OTA_EV_NONE;
    return status == OTTER_OK
               ? OTA_EV_PATCHED
               : ota_fail(ota, "making the image from the file: %s", otter_status_text(status));
}

enum ota_event ota_verify_patched(struct ota *ota, otter_ms now)
{
    const uint32_t size = ota->work.stage.size;
    (void)now;
    ota_verify_init(&ota->work.verify, ota_candidate(ota), ota->config.pki, &ota->record.job,
                    ota_size_max(ota, ota_image(ota)), ota->config.policy);
    const otter_status status = ota_verify_image_only(&ota->work.verify, size);
    return status == OTTER_E_AGAIN
               ? OTA_EV_NONE
               : ota_fail(ota, "image check failed: %s", otter_status_text(status));
}

/* Of the image, by the checkpoint in the store. */
uint32_t ota_bytes_patched(const struct ota *ota)
{
    uint8_t key[OTA_PROGRESS_KEY_SIZE];
    if (!ota_is_patch(ota))
        return 0;
    ota_journal_key(ota, key);
    return ota_stage_done(ota->config.kv, key);
}
