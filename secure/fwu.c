/* Firmware update over the slots of a board and the trailers that the bootloader reads; see
 * update.h. What an update has come to stands in the store as one record; that it is on trial, or
 * was taken back, the trailers tell. */
#include "secure/update.h"

#include <string.h>

#include "image/image.h"
#include "image/trailer.h"
#include "port/port.h"
#include "secure/secure.h"

#define RECORD "fwu/0"
#define PIECE  512u
_Static_assert(PIECE >= IMAGE_SIGNATURE_MAX, "a piece takes a signature too");

struct record {
    uint8_t state;
    uint8_t unused[3];
    psa_status_t error;
};

static struct record read_record(void)
{
    struct record record;
    uint32_t length;
    if (kv_get(secure->kv, RECORD, &record, sizeof record, &length) != OTTER_OK ||
        length != sizeof record)
        record = (struct record){.state = PSA_FWU_READY};
    return record;
}

static psa_status_t note(uint8_t state, psa_status_t error)
{
    const struct record record = {.state = state, .error = error};
    if (state == PSA_FWU_READY)
        return secure_result(kv_delete(secure->kv, RECORD));
    return secure_result(kv_set(secure->kv, RECORD, &record, sizeof record));
}

static bool on_trial(void)
{
    struct trailer trailer;
    trailer_read(secure->primary, secure->trailer_align, &trailer);
    return trailer_on_trial(&trailer);
}

static bool is_requested(void)
{
    struct trailer primary, secondary;
    trailer_read(secure->primary, secure->trailer_align, &primary);
    trailer_read(secure->secondary, secure->trailer_align, &secondary);
    return trailer_next_swap(&primary, &secondary) == SWAP_TEST;
}

/* The record in the light of the trailers. */
static struct record present(void)
{
    struct record record = read_record();
    if (on_trial())
        record.state = record.state == PSA_FWU_REJECTED ? PSA_FWU_REJECTED : PSA_FWU_TRIAL;
    else if (record.state == PSA_FWU_REJECTED ||
             (record.state == PSA_FWU_STAGED && !is_requested()))
        record.state = PSA_FWU_FAILED;
    return record;
}

static psa_status_t in_state(psa_fwu_component_t component, uint32_t state)
{
    if (component != FWU_COMPONENT_FIRMWARE)
        return PSA_ERROR_DOES_NOT_EXIST;
    return present().state == state ? PSA_SUCCESS : PSA_ERROR_BAD_STATE;
}

/* A power cut between the request and the note of it. */
void secure_start_update(void)
{
    if (read_record().state == PSA_FWU_CANDIDATE && (on_trial() || is_requested()))
        (void)note(PSA_FWU_STAGED, PSA_SUCCESS);
}

/* The file ends with its image. Left alone, there is none. */
static void digest_candidate(uint8_t digest[IMAGE_HASH_SIZE])
{
    struct image image;
    struct image_sha256 sha;
    uint8_t piece[PIECE];
    if (image_open(&image, secure->secondary, secure->image_size_max) != OTTER_OK)
        return;
    image_sha256_init(&sha);
    for (uint32_t at = 0; at < image.end; at += PIECE) {
        const uint32_t part = image.end - at < PIECE ? image.end - at : PIECE;
        port_watchdog_feed();
        if (flash_read(secure->secondary, at, piece, part) != OTTER_OK)
            return;
        image_sha256_update(&sha, piece, part);
    }
    image_sha256_finish(&sha, digest);
}

psa_status_t psa_fwu_query(psa_fwu_component_t component, psa_fwu_component_info_t *info)
{
    struct image_header header;
    if (component != FWU_COMPONENT_FIRMWARE)
        return PSA_ERROR_DOES_NOT_EXIST;
    const struct record record = present();
    memset(info, 0, sizeof *info); /* what lies between the fields leaves this world, too */
    info->state = record.state;
    info->error = record.error;
    info->max_size = secure->image_size_max;
    if (image_header_read(secure->primary, &header) == OTTER_OK) {
        info->version.major = header.version.major;
        info->version.minor = header.version.minor;
        info->version.patch = header.version.revision;
        info->version.build = header.version.build;
    }
    if (record.state == PSA_FWU_CANDIDATE)
        digest_candidate(info->impl.candidate_digest);
    return PSA_SUCCESS;
}

/* The trailer goes first: never is a half written slot a candidate for the bootloader. */
psa_status_t psa_fwu_start(psa_fwu_component_t component, const void *manifest,
                           size_t manifest_size)
{
    (void)manifest;
    if (manifest_size > 0)
        return PSA_ERROR_NOT_SUPPORTED;
    const psa_status_t result = in_state(component, PSA_FWU_READY);
    if (result != PSA_SUCCESS)
        return result;
    const otter_status status = trailer_prepare(secure->secondary);
    return status == OTTER_OK ? note(PSA_FWU_WRITING, PSA_SUCCESS) : secure_result(status);
}

static bool is_inside(size_t offset, size_t size)
{
    return offset <= secure->image_size_max && size <= secure->image_size_max - offset &&
           size <= PSA_FWU_MAX_WRITE_SIZE;
}

/* Whatever lies there is in the way: an earlier image, or this one, torn by a power cut. */
static otter_status make_way(const struct flash_area *slot, uint32_t offset)
{
    const struct flash_sector sector = flash_sector_at(slot, offset);
    return sector.offset == offset ? flash_erase(slot, offset, sector.size) : OTTER_OK;
}

/* Whole units from where they lie, the rest filled up. Bytes that change meanwhile do no harm: what
 * counts is what lies on flash when it is checked. */
psa_status_t psa_fwu_write(psa_fwu_component_t component, size_t image_offset, const void *block,
                           size_t block_size)
{
    const struct flash_area *slot = secure->secondary;
    const uint32_t unit = slot->flash->write_size;
    const uint32_t offset = (uint32_t)image_offset, size = (uint32_t)block_size;
    uint8_t tail[FLASH_WRITE_SIZE_MAX];
    const psa_status_t result = in_state(component, PSA_FWU_WRITING);
    if (result != PSA_SUCCESS)
        return result;
    if (!is_inside(image_offset, block_size) || offset % unit != 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    const uint32_t whole = size - size % unit;
    otter_status status = make_way(slot, offset);
    if (status == OTTER_OK && whole > 0)
        status = flash_program(slot, offset, block, whole);
    if (status == OTTER_OK && whole < size) {
        memset(tail, slot->flash->erased_value, sizeof tail);
        memcpy(tail, (const uint8_t *)block + whole, size - whole);
        status = flash_program(slot, offset + whole, tail, unit);
    }
    if (status == OTTER_OK)
        status = flash_compare(slot, offset, block, size);
    return secure_result(status);
}

/* A key may be trusted on boards of several kinds: the class of what runs tells for which. */
static bool is_for_this_board(const struct image_check *check)
{
    struct image running;
    return image_open(&running, secure->primary, secure->primary->size) != OTTER_OK ||
           image_follows_class(&running, &check->image);
}

static otter_status check_image(void)
{
    struct image_check check;
    uint8_t piece[PIECE];
    otter_status status =
        image_check_init(&check, secure->secondary, secure->image_size_max, secure->policy);
    if (status != OTTER_OK)
        return status;
    if (!is_for_this_board(&check))
        return OTTER_E_SIGNATURE;
    do {
        port_watchdog_feed();
        status = image_check_step(&check, piece, sizeof piece);
    } while (status == OTTER_E_AGAIN);
    if (status == OTTER_OK)
        status = image_check_again(&check, piece);
    return status == OTTER_OK && check.verdict != IMAGE_ACCEPTED_TWICE ? OTTER_E_SIGNATURE : status;
}

psa_status_t psa_fwu_finish(psa_fwu_component_t component)
{
    const psa_status_t result = in_state(component, PSA_FWU_WRITING);
    if (result != PSA_SUCCESS)
        return result;
    const otter_status status = check_image();
    if (status == OTTER_OK)
        return note(PSA_FWU_CANDIDATE, PSA_SUCCESS);
    if (status == OTTER_E_FLASH || status == OTTER_E_IO || status == OTTER_E_MEMORY)
        return secure_result(status);
    (void)note(PSA_FWU_FAILED, PSA_ERROR_INVALID_SIGNATURE);
    return PSA_ERROR_INVALID_SIGNATURE;
}

psa_status_t psa_fwu_cancel(psa_fwu_component_t component)
{
    psa_status_t result = in_state(component, PSA_FWU_WRITING);
    if (result == PSA_ERROR_BAD_STATE)
        result = in_state(component, PSA_FWU_CANDIDATE);
    return result == PSA_SUCCESS ? note(PSA_FWU_FAILED, PSA_SUCCESS) : result;
}

psa_status_t psa_fwu_clean(psa_fwu_component_t component)
{
    psa_status_t result = in_state(component, PSA_FWU_FAILED);
    if (result == PSA_ERROR_BAD_STATE)
        result = in_state(component, PSA_FWU_UPDATED);
    return result == PSA_SUCCESS ? note(PSA_FWU_READY, PSA_SUCCESS) : result;
}

/* What a power cut tore of an earlier request is in the way; an image that shares its sector is
 * lost with it. */
static otter_status repair_request(void)
{
    struct image image;
    const struct flash_area *slot = secure->secondary;
    const struct flash_sector last = flash_sector_at(slot, slot->size - 1u);
    otter_status status = image_open(&image, slot, secure->image_size_max);
    if (status == OTTER_OK && image.end > last.offset)
        status = OTTER_E_STATE;
    if (status == OTTER_OK)
        status = trailer_prepare(slot);
    return status == OTTER_OK ? trailer_request(slot, secure->trailer_align, false) : status;
}

psa_status_t psa_fwu_install(void)
{
    const psa_status_t result = in_state(FWU_COMPONENT_FIRMWARE, PSA_FWU_CANDIDATE);
    if (result != PSA_SUCCESS)
        return result;
    otter_status status = trailer_request(secure->secondary, secure->trailer_align, false);
    if (status == OTTER_E_STATE || status == OTTER_E_FLASH)
        status = repair_request();
    if (status != OTTER_OK) {
        (void)note(PSA_FWU_FAILED, secure_result(status));
        return secure_result(status);
    }
    const psa_status_t noted = note(PSA_FWU_STAGED, PSA_SUCCESS);
    return noted == PSA_SUCCESS ? PSA_SUCCESS_REBOOT : noted;
}

psa_status_t psa_fwu_request_reboot(void)
{
    port_reset();
}

psa_status_t psa_fwu_reject(psa_status_t error)
{
    const uint32_t state = present().state;
    if (state == PSA_FWU_TRIAL) {
        const psa_status_t noted = note(PSA_FWU_REJECTED, error);
        return noted == PSA_SUCCESS ? PSA_SUCCESS_REBOOT : noted;
    }
    if (state != PSA_FWU_STAGED)
        return PSA_ERROR_BAD_STATE;
    const otter_status status = trailer_prepare(secure->secondary);
    return status == OTTER_OK ? note(PSA_FWU_FAILED, error) : secure_result(status);
}

psa_status_t psa_fwu_accept(void)
{
    psa_status_t result = in_state(FWU_COMPONENT_FIRMWARE, PSA_FWU_TRIAL);
    if (result == PSA_SUCCESS)
        result = note(PSA_FWU_UPDATED, PSA_SUCCESS);
    if (result == PSA_SUCCESS)
        result = secure_result(trailer_confirm(secure->primary, secure->trailer_align));
    return result;
}
