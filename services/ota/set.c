/* The agent's side of several images in one update; why it is safe is said in set.h. */
#include <string.h>

#include "image/trailer.h"
#include "port/log.h"
#include "services/ota/agent.h"

/* The record may be of a firmware that had more partners. */
bool ota_set_known(const struct ota *ota)
{
    bool known = true;
    for (unsigned i = 0; i < ota_files(ota); i++)
        known &= ota_file_image(ota, i) < ota_images(ota);
    return known;
}

/* --- the file at work --- */

static void work_at(struct ota *ota, unsigned index)
{
    if (index != ota->record.job.set.current)
        ota->progress.stored = 0; /* until its journal is open */
    ota_set_select(&ota->record.job, &ota->record.version, index);
    ota->record.blocks_at_boot = 0;
    ota->source->wants_document |= ota->source->ops->rereads;
#if OTA_STAGING
    if (ota_is_patch(ota))
        (void)ota_choose_landing(ota); /* PREPARING says so if it is not possible */
#endif
}

/* All headers are looked at before the job is accepted. */
enum ota_event ota_set_probed(struct ota *ota, otter_ms now)
{
    const struct ota_set *set = &ota->record.job.set;
    ota_set_put(&ota->record.job, &ota->record.version);
    if (set->current + 1u == set->count) {
        work_at(ota, 0);
        return OTA_EV_HEADER;
    }
    work_at(ota, set->current + 1u);
    ota->retries = 0;
    ota->silent_ms = 0;
    ota_send_again(ota, now);
    return OTA_EV_NONE;
}

void ota_set_start_over(struct ota *ota)
{
    if (ota->record.job.set.count > 1)
        work_at(ota, 0);
}

/* --- do they need each other? --- */

static const struct ota_set_file *file_of(const struct ota *ota, unsigned image)
{
    const struct ota_set *set = &ota->record.job.set;
    for (unsigned i = 0; i < set->count; i++) {
        if (set->files[i].image == image)
            return &set->files[i];
    }
    return NULL;
}

/* Notes in `needs` the images of the set that this one needs and that are not good enough yet. */
static enum ota_event check_dependency(struct ota *ota, unsigned image,
                                       const struct image_dependency *dependency, uint8_t *needs)
{
    char wanted[IMAGE_VERSION_TEXT_SIZE];
    const struct ota_set_file *other = file_of(ota, dependency->image);
    struct image_version version = {0, 0, 0, 0};
    bool met = false;
    if (dependency->image < ota_images(ota)) {
        version = ota_version_in_place(ota, dependency->image);
        met = image_version_compare(&version, &dependency->version) >= 0;
    }
    if (!met && other != NULL && image_version_compare(&other->version, &dependency->version) >= 0)
        *needs |= (uint8_t)(1u << dependency->image);
    else if (!met) {
        image_version_format(&dependency->version, wanted);
        return ota_fail(ota, "image %u needs image %u to be at least %s, and it would not be",
                        image, dependency->image, wanted);
    }
    return OTA_EV_NONE;
}

static enum ota_event read_dependencies(struct ota *ota, unsigned image, uint8_t *needs)
{
    struct image opened;
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    enum ota_event event = OTA_EV_NONE;
    otter_status status = image_open(&opened, ota_secondary(ota, image), ota_size_max(ota, image));
    if (status == OTTER_E_UNSUPPORTED) /* not for this firmware to read */
        *needs = UINT8_MAX;
    if (status == OTTER_E_UNSUPPORTED)
        return OTA_EV_NONE;
    int found = status == OTTER_OK ? 1 : (int)status;
    while (event == OTA_EV_NONE && found > 0 &&
           (found = image_tlv_next(&opened, &walk, &tlv)) > 0) {
        struct image_dependency dependency;
        if (tlv.type != IMAGE_TLV_DEPENDENCY || !tlv.is_protected)
            continue;
        status = image_dependency_read(&opened, &tlv, &dependency);
        if (status != OTTER_OK)
            found = (int)status;
        else
            event = check_dependency(ota, image, &dependency, needs);
    }
    if (event == OTA_EV_NONE && found < 0)
        event = ota_fail(ota, "dependencies of image %u: %s", image,
                         otter_status_text((otter_status)found));
    return event;
}

/* From each image of the set every other one can be reached by what they need. */
static bool is_circle(const struct ota_set *set, uint8_t needs[OTA_IMAGES_MAX])
{
    uint8_t all = 0;
    for (unsigned i = 0; i < set->count; i++)
        all |= (uint8_t)(1u << set->files[i].image);
    for (unsigned round = 0; round < set->count; round++) {
        for (unsigned i = 0; i < set->count; i++) {
            for (unsigned j = 0; j < set->count; j++) {
                if ((needs[set->files[i].image] >> set->files[j].image & 1u) != 0)
                    needs[set->files[i].image] |= needs[set->files[j].image];
            }
        }
    }
    for (unsigned i = 0; i < set->count; i++) {
        if ((needs[set->files[i].image] & all) != all)
            return false;
    }
    return true;
}

static enum ota_event check_set(struct ota *ota)
{
    const struct ota_set *set = &ota->record.job.set;
    uint8_t needs[OTA_IMAGES_MAX] = {0};
    enum ota_event event = OTA_EV_NONE;
    for (unsigned i = 0; i < set->count && event == OTA_EV_NONE; i++)
        event = read_dependencies(ota, set->files[i].image, &needs[set->files[i].image]);
    if (event != OTA_EV_NONE)
        return event;
    if (set->count > 1 && !is_circle(set, needs))
        return ota_fail(ota, "the images do not need each other, so one could be tried without the "
                             "others: sign each with --dependencies");
    return OTA_EV_VERIFIED;
}

enum ota_event ota_set_verified(struct ota *ota)
{
    const struct ota_set *set = &ota->record.job.set;
    if (set->current + 1u >= set->count)
        return OTA_SLOTS_KEPT ? OTA_EV_VERIFIED : check_set(ota);
    work_at(ota, set->current + 1u);
    LOG_INF(OTA_TAG, "file %u of %u comes next", set->current + 1u, set->count);
    return ota_save(ota) ? OTA_EV_FETCH : ota_fail(ota, "the device's store is full or broken");
}

/* --- the step --- */

/* A request that power was cut amid. What of the image lies in its sector has to be fetched anew.
 */
enum ota_event ota_set_repair(struct ota *ota, unsigned index)
{
    const struct ota_set *set = &ota->record.job.set;
    const struct flash_area *slot = ota_secondary(ota, ota_file_image(ota, index));
    const struct flash_sector last = flash_sector_at(slot, slot->size - 1u);
    const bool was_at_work = index == set->current;
    if (set->count == 0)
        return OTA_EV_REPAIR;
    if (set->files[index].transform == 0 && set->files[index].size <= last.offset) {
        LOG_WRN(OTA_TAG, "the request to the bootloader was torn by a power cut; writing it anew");
        const otter_status status = trailer_prepare(slot);
        return status == OTTER_OK
                   ? OTA_EV_NONE
                   : ota_fail(ota, "erasing the trailer: %s", otter_status_text(status));
    }
    if (!was_at_work)
        ota->record.epoch++; /* its journal is gone, and no key is used twice */
    work_at(ota, index);
    return OTA_EV_REPAIR;
}

/* The cloud and the console hear of the first file's version from now on. */
void ota_set_requested(struct ota *ota)
{
    if (ota->record.job.set.count == 0)
        return;
    work_at(ota, 0);
    const struct ota_file file = ota_job_file(ota);
    ota->progress.stored = ota_file_blocks(&file); /* as of all */
}

/* New images of which some are confirmed and some are not: the trial was passed, and power was cut
 * amid the confirmations. */
bool ota_set_half_confirmed(const struct ota *ota)
{
    unsigned on_trial = 0;
    for (unsigned i = 0; i < ota_files(ota); i++) {
        struct trailer trailer;
        trailer_read(ota_primary(ota, ota_file_image(ota, i)), ota_trailer_align(ota), &trailer);
        on_trial += trailer_on_trial(&trailer);
    }
    return on_trial < ota_files(ota) && ota_ours_is_new(ota);
}

/* The old image is there that a trial may go back to. Who keeps slots that this firmware may not
 * read speaks of a trial only then. */
bool ota_way_back(const struct ota *ota, unsigned image)
{
    struct image_header header;
    const otter_status status = image_header_read(ota_secondary(ota, image), &header);
    return status == OTTER_OK || status == OTTER_E_UNSUPPORTED;
}

/* Some are confirmed, and flash refuses to confirm the rest (write-once flash does so after a cut
 * amid that write): what they could go back to goes instead. */
otter_status ota_set_keep(const struct ota *ota)
{
    otter_status status = OTTER_OK;
    for (unsigned i = 0; i < ota_files(ota) && status == OTTER_OK; i++) {
        const unsigned image = ota_file_image(ota, i);
        const struct flash_area *slot = ota_secondary(ota, image);
        struct trailer trailer;
        trailer_read(ota_primary(ota, image), ota_trailer_align(ota), &trailer);
        if (!trailer_on_trial(&trailer))
            continue;
        LOG_WRN(OTA_TAG, "image %u is kept by erasing what it could go back to", image);
        status = flash_erase(slot, 0, flash_sector_at(slot, 0).size);
    }
    return status;
}
