/* The agent's configuration: defaults, and what cannot work, each with its words. */
#include <string.h>

#include "image/trailer.h"
#include "services/ota/agent.h"

#define BLOCK_SIZE_DEFAULT    4096u
#define STALL_TIMEOUT_DEFAULT 600000u
#define SELF_TEST_DEFAULT     120000u
#define PROGRESS_DEFAULT      30000u

static void set_default(uint32_t *value, uint32_t standard)
{
    if (*value == 0)
        *value = standard;
}

static void set_defaults(struct ota_config *config)
{
    set_default(&config->block_size, BLOCK_SIZE_DEFAULT);
    set_default(&config->stall_timeout_ms, STALL_TIMEOUT_DEFAULT);
    set_default(&config->self_test_timeout_ms, SELF_TEST_DEFAULT);
    set_default(&config->progress_period_ms, PROGRESS_DEFAULT);
    set_default(&config->trailer_align, trailer_max_align(config->secondary->flash->write_size));
}

/* Of one image's slot. */
static const char *fault_of_slot(const struct ota_config *config, const struct flash_area *slot,
                                 uint32_t size_max)
{
    const uint32_t size = config->block_size;
    const uint32_t blocks = size_max / size + (size_max % size != 0);
    if (size % slot->flash->write_size != 0)
        return "block_size: no multiple of the flash's write size";
    if (!ota_download_fits(slot, size))
        return "block_size: neither whole sectors of the secondary slot nor whole blocks in each";
    if (blocks > OTA_BLOCKS_MAX)
        return "block_size: too small, image_size_max would take more than OTA_BLOCKS_MAX blocks";
    if (ota_progress_capacity(config->progress) < 2u * blocks + 8u)
        return "progress: the area is too small for two entries for each block";
    return NULL;
}

#if OTA_IMAGES_MAX > 1
static const char *fault_of_partners(const struct ota_config *config)
{
    const char *fault = NULL;
    if (config->partner_count >= OTA_IMAGES_MAX)
        return "partners: more than OTA_IMAGES_MAX with this firmware";
    for (unsigned i = 0; i < config->partner_count && fault == NULL; i++) {
        const struct ota_partner *partner = &config->partners[i];
        if (partner->primary == NULL || partner->secondary == NULL)
            return "partners: a slot is missing";
        if (partner->image_size_max == 0 || partner->image_size_max > partner->secondary->size)
            return "partners: image_size_max: 0 or more than the secondary slot has";
        fault = fault_of_slot(config, partner->secondary, partner->image_size_max);
    }
    return fault;
}
#endif

static const char *fault_of_blocks(const struct ota_config *config)
{
    const uint32_t size = config->block_size;
    if (size < OTA_PROBE_SIZE || size > OTA_BLOCK_SIZE_MAX)
        return "block_size: 256 to 131072 bytes";
    const char *fault = fault_of_slot(config, config->secondary, config->image_size_max);
#if OTA_IMAGES_MAX > 1
    if (fault == NULL && !OTA_SLOTS_KEPT) /* else they come from the board's map */
        fault = fault_of_partners(config);
#endif
    for (unsigned i = 0; i < config->source_count && fault == NULL; i++)
        fault = config->sources[i]->ops->fault(config->sources[i], size);
    return fault;
}

static const char *missing_part(const struct ota_config *config)
{
    if (config->jobs == NULL)
        return "jobs: missing";
    if (config->kv == NULL)
        return "kv: missing";
    if (config->pki == NULL)
        return "pki: missing";
    if (config->primary == NULL || config->secondary == NULL)
        return "primary, secondary: a slot is missing";
    if (config->progress == NULL)
        return "progress: the area is missing";
    if (config->sources == NULL || config->source_count == 0 ||
        config->source_count > OTA_SOURCES_MAX)
        return "sources: none or too many";
    return NULL;
}

const char *ota_check_config(struct ota_config *config)
{
    const char *missing = missing_part(config);
    if (missing != NULL)
        return missing;
    set_defaults(config);
    if (config->image_size_max == 0 || config->image_size_max > config->secondary->size)
        return "image_size_max: 0 or more than the secondary slot has";
    return fault_of_blocks(config);
}
