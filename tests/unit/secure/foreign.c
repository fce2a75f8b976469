/* The plain implementation; see foreign.h. */
#include "tests/unit/secure/foreign.h"

#include <string.h>

#include "secure/slot.h"

struct foreign foreign;

static struct flash_sector sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    (void)offset;
    return (struct flash_sector){0, FOREIGN_SIZE};
}

static otter_status read_slot(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    memcpy(data, foreign.slot + offset, length);
    return OTTER_OK;
}

/* What its own check sees; no one else reads it. */
static const struct flash_ops ops = {.read = read_slot, .sector_at = sector_at};
static const struct flash flash = {
    .ops = &ops, .size = FOREIGN_SIZE, .write_size = 1, .erased_value = 0xff};
static const struct flash_area area = {&flash, 0, FOREIGN_SIZE};

static struct flash_sector sector_of_size(void *ctx, uint32_t offset)
{
    const uint32_t size = *(const uint32_t *)ctx;
    return (struct flash_sector){offset - offset % size, size};
}

const struct flash_ops foreign_slot_ops = {
    .read = secure_slot_read,
    .program = secure_slot_program,
    .erase = secure_slot_erase,
    .sector_at = sector_of_size,
};

static void forget(void)
{
    memset(foreign.slot, 0xff, sizeof foreign.slot);
    memset(foreign.written, 0, sizeof foreign.written);
    foreign.size = 0;
}

void foreign_init(void)
{
    memset(&foreign, 0, sizeof foreign);
    forget();
}

static void swap(uint8_t *running)
{
    static uint8_t before[FOREIGN_SIZE];
    memcpy(before, running, sizeof before);
    memcpy(running, foreign.slot, sizeof before);
    memcpy(foreign.slot, before, sizeof before);
}

void foreign_reset(uint8_t *running)
{
    switch (foreign.state) {
    case PSA_FWU_WRITING:
    case PSA_FWU_CANDIDATE:
        if (foreign.keeps_writing)
            break;
        forget();
        foreign.state = PSA_FWU_READY;
        break;
    case PSA_FWU_STAGED:
        swap(running);
        foreign.state = PSA_FWU_TRIAL;
        break;
    case PSA_FWU_TRIAL:
    case PSA_FWU_REJECTED:
        swap(running);
        foreign.state = PSA_FWU_FAILED;
        break;
    default:
        break;
    }
}

static psa_status_t step(uint32_t from, uint32_t to, psa_status_t result)
{
    if (foreign.state != from)
        return PSA_ERROR_BAD_STATE;
    foreign.state = to;
    return result;
}

static void tell_digest(uint8_t digest[IMAGE_HASH_SIZE])
{
    struct image_sha256 sha;
    image_sha256_init(&sha);
    image_sha256_update(&sha, foreign.slot, foreign.size);
    image_sha256_finish(&sha, digest);
}

psa_status_t psa_fwu_query(psa_fwu_component_t component, psa_fwu_component_info_t *info)
{
    memset(info, 0, sizeof *info);
    info->state = (uint8_t)foreign.state;
    if (foreign.state == PSA_FWU_CANDIDATE && !foreign.no_digest)
        tell_digest(info->impl.candidate_digest);
    return component == FWU_COMPONENT_FIRMWARE ? PSA_SUCCESS : PSA_ERROR_DOES_NOT_EXIST;
}

psa_status_t psa_fwu_start(psa_fwu_component_t component, const void *manifest,
                           size_t manifest_size)
{
    foreign.component = component;
    (void)manifest;
    const psa_status_t result = step(PSA_FWU_READY, PSA_FWU_WRITING, PSA_SUCCESS);
    if (result != PSA_SUCCESS || manifest_size != 0)
        return result;
    forget();
    foreign.starts++;
    return PSA_SUCCESS;
}

psa_status_t psa_fwu_write(psa_fwu_component_t component, size_t image_offset, const void *block,
                           size_t block_size)
{
    foreign.component = component;
    foreign.offset = image_offset;
    if (foreign.state != PSA_FWU_WRITING)
        return PSA_ERROR_BAD_STATE;
    foreign.longest = block_size > foreign.longest ? block_size : foreign.longest;
    if (block_size > PSA_FWU_MAX_WRITE_SIZE || image_offset > FOREIGN_SIZE ||
        block_size > FOREIGN_SIZE - image_offset)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (foreign.refuses > 0 && --foreign.refuses == 0)
        return PSA_ERROR_STORAGE_FAILURE;
    for (size_t at = image_offset; at < image_offset + block_size; at++) {
        if (foreign.written[at])
            return PSA_ERROR_STORAGE_FAILURE;
        foreign.written[at] = true;
    }
    memcpy(foreign.slot + image_offset, block, block_size);
    if (foreign.size < image_offset + block_size)
        foreign.size = (uint32_t)(image_offset + block_size);
    return PSA_SUCCESS;
}

static bool is_good(void)
{
    struct image_check check;
    uint8_t piece[512];
    if (foreign.policy == NULL)
        return !foreign.bad_image;
    otter_status status = image_check_init(&check, &area, FOREIGN_SIZE, foreign.policy);
    if (status == OTTER_OK)
        do
            status = image_check_step(&check, piece, sizeof piece);
        while (status == OTTER_E_AGAIN);
    return status == OTTER_OK;
}

psa_status_t psa_fwu_finish(psa_fwu_component_t component)
{
    (void)component;
    return is_good() ? step(PSA_FWU_WRITING, PSA_FWU_CANDIDATE, PSA_SUCCESS)
                     : step(PSA_FWU_WRITING, PSA_FWU_FAILED, PSA_ERROR_INVALID_SIGNATURE);
}

psa_status_t psa_fwu_cancel(psa_fwu_component_t component)
{
    (void)component;
    return step(foreign.state == PSA_FWU_CANDIDATE ? PSA_FWU_CANDIDATE : PSA_FWU_WRITING,
                PSA_FWU_FAILED, PSA_SUCCESS);
}

psa_status_t psa_fwu_clean(psa_fwu_component_t component)
{
    (void)component;
    return step(foreign.state == PSA_FWU_UPDATED ? PSA_FWU_UPDATED : PSA_FWU_FAILED, PSA_FWU_READY,
                PSA_SUCCESS);
}

psa_status_t psa_fwu_install(void)
{
    return step(PSA_FWU_CANDIDATE, PSA_FWU_STAGED, PSA_SUCCESS_REBOOT);
}

psa_status_t psa_fwu_reject(psa_status_t error)
{
    (void)error;
    return foreign.state == PSA_FWU_TRIAL
               ? step(PSA_FWU_TRIAL, PSA_FWU_REJECTED, PSA_SUCCESS_REBOOT)
               : step(PSA_FWU_STAGED, PSA_FWU_FAILED, PSA_SUCCESS);
}

psa_status_t psa_fwu_accept(void)
{
    const psa_status_t result = step(PSA_FWU_TRIAL, PSA_FWU_UPDATED, PSA_SUCCESS);
    foreign.accepts += result == PSA_SUCCESS;
    return result;
}
