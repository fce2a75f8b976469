/* Firmware update over the slots of a board and the trailers that the bootloader reads; see
 * update.h. What updates have come to stands in the store as one record of all components, so that
 * it changes for those that are updated together at once; what is on trial, or was taken back, the
 * trailers tell.
 *
 * Two images are requested, and confirmed, by two trailers, which no one flash operation writes.
 * That they come and go together is the bootloader's doing (boot/images.c): it changes none whose
 * dependencies would not be met, and two candidates are installed only if each needs the other's
 * version (is_circle). What a power cut left half done, the next start completes. */
#include "secure/update.h"

#include <string.h>

#include "image/image.h"
#include "image/trailer.h"
#include "port/port.h"
#include "secure/secure.h"

#define RECORD "fwu"
#define PIECE  512u
_Static_assert(PIECE >= IMAGE_SIGNATURE_MAX, "a piece takes a signature too");

/* In the record alone: accepted, but not known to be confirmed in all trailers. */
#define ACCEPTING 8u

struct record {
    uint8_t state[FWU_COMPONENTS];
    uint8_t unused[2];
    psa_status_t error[FWU_COMPONENTS];
};

/* A set of components: bit n is component n. */
typedef uint32_t set_of;
#define ALONE(component) ((set_of)1u << (component))

static const struct secure_component *component_of(unsigned component)
{
    return &secure->components[component];
}

static bool is_there(unsigned component)
{
    return component < FWU_COMPONENTS && component_of(component)->primary != NULL;
}

static struct record read_record(void)
{
    struct record record;
    uint32_t length;
    if (kv_get(secure->kv, RECORD, &record, sizeof record, &length) != OTTER_OK ||
        length != sizeof record)
        memset(&record, 0, sizeof record); /* PSA_FWU_READY */
    return record;
}

/* These components are in this state from now on. */
static psa_status_t note(set_of which, uint8_t state, psa_status_t error)
{
    struct record record = read_record();
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        if ((which & ALONE(i)) != 0) {
            record.state[i] = state;
            record.error[i] = error;
        }
    }
    return secure_result(kv_set(secure->kv, RECORD, &record, sizeof record));
}

static set_of recorded(uint8_t state)
{
    const struct record record = read_record();
    set_of found = 0;
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        if (is_there(i) && record.state[i] == state)
            found |= ALONE(i);
    }
    return found;
}

static bool has_image(const struct flash_area *slot)
{
    struct image_header header;
    return image_header_read(slot, &header) == OTTER_OK;
}

/* The bootloader will take it back, if it has what to go back to. */
static bool on_trial(unsigned component)
{
    struct trailer trailer;
    trailer_read(component_of(component)->primary, secure->trailer_align, &trailer);
    return trailer_on_trial(&trailer) && has_image(component_of(component)->secondary);
}

static bool is_requested(unsigned component)
{
    struct trailer primary, secondary;
    trailer_read(component_of(component)->primary, secure->trailer_align, &primary);
    trailer_read(component_of(component)->secondary, secure->trailer_align, &secondary);
    return trailer_next_swap(&primary, &secondary) == SWAP_TEST;
}

static bool was_reverted(unsigned component)
{
    struct trailer trailer;
    trailer_read(component_of(component)->primary, secure->trailer_align, &trailer);
    return trailer.swap_type == SWAP_REVERT;
}

static set_of those(bool (*are)(unsigned component))
{
    set_of found = 0;
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        if (is_there(i) && are(i))
            found |= ALONE(i);
    }
    return found;
}

static bool may_come(set_of candidates);

/* Of several on trial one may have lost its trailer to power cuts, and cannot go back, so none can.
 * That it runs the others tell, which need it. */
static set_of trial_of(set_of trial)
{
    return trial != 0 && may_come(0) ? trial | recorded(PSA_FWU_STAGED) : trial;
}

/* The record in the light of the trailers. */
static uint8_t present(unsigned component)
{
    const uint8_t state = read_record().state[component];
    if ((trial_of(those(on_trial)) & ALONE(component)) != 0)
        return state == PSA_FWU_REJECTED ? PSA_FWU_REJECTED : PSA_FWU_TRIAL;
    if (state == PSA_FWU_REJECTED || state == ACCEPTING ||
        (state == PSA_FWU_STAGED && !is_requested(component)))
        return PSA_FWU_FAILED;
    return state;
}

static psa_status_t in_state(psa_fwu_component_t component, uint32_t state)
{
    if (!is_there(component))
        return PSA_ERROR_DOES_NOT_EXIST;
    return present(component) == state ? PSA_SUCCESS : PSA_ERROR_BAD_STATE;
}

/* ---- Requests and confirmations of several images ---------------------------------------------
 */

/* Takes a trailer away; an image that shares its sector would be lost with it. */
static otter_status drop_trailer(const struct flash_area *slot, uint32_t image_size_max)
{
    struct image image;
    const struct flash_sector last = flash_sector_at(slot, slot->size - 1u);
    const otter_status status = image_open(&image, slot, image_size_max);
    if (status == OTTER_OK && image.end > last.offset)
        return OTTER_E_STATE;
    return status == OTTER_OK ? trailer_prepare(slot) : status;
}

/* What a power cut tore of an earlier request is in the way. */
static otter_status repair_request(const struct secure_component *component)
{
    const otter_status status = drop_trailer(component->secondary, component->image_size_max);
    return status == OTTER_OK ? trailer_request(component->secondary, secure->trailer_align, false)
                              : status;
}

/* All of them, or none. */
static psa_status_t request(set_of which)
{
    otter_status status = OTTER_OK;
    for (unsigned i = 0; i < FWU_COMPONENTS && status == OTTER_OK; i++) {
        if ((which & ALONE(i)) == 0)
            continue;
        status = trailer_request(component_of(i)->secondary, secure->trailer_align, false);
        if (status == OTTER_E_STATE || status == OTTER_E_FLASH)
            status = repair_request(component_of(i));
    }
    for (unsigned i = 0; i < FWU_COMPONENTS && status != OTTER_OK; i++) {
        if ((which & ALONE(i)) != 0)
            (void)trailer_prepare(component_of(i)->secondary);
    }
    if (status == OTTER_OK)
        return note(which, PSA_FWU_STAGED, PSA_SUCCESS);
    (void)note(which, PSA_FWU_FAILED, secure_result(status));
    return secure_result(status);
}

/* Ends a trial for good where the word for it is torn, or refused: what it could go back to goes,
 * then what says that it is on trial, which would be true again of the next image that comes. */
static otter_status end_trial(const struct secure_component *component)
{
    const struct flash_area *way_back = component->secondary;
    const otter_status status = flash_erase(way_back, 0, flash_sector_at(way_back, 0).size);
    if (status == OTTER_OK)
        (void)drop_trailer(component->primary, component->primary->size);
    return status;
}

/* Once one is confirmed there is no way back for the others, whether flash takes the word for it or
 * not (write-once flash does not, after a cut amid that write). `was_cut`: after such a cut, when
 * what is confirmed may read otherwise at the next start. */
static psa_status_t confirm(set_of which, bool was_cut)
{
    otter_status status = OTTER_OK;
    bool is_decided = was_cut;
    for (unsigned i = 0; i < FWU_COMPONENTS && status == OTTER_OK; i++) {
        if ((which & ALONE(i)) == 0)
            continue;
        status = was_cut ? OTTER_E_STATE
                         : trailer_confirm(component_of(i)->primary, secure->trailer_align);
        if (status != OTTER_OK && is_decided)
            status = end_trial(component_of(i));
        is_decided = true;
    }
    return status == OTTER_OK ? note(which, PSA_FWU_UPDATED, PSA_SUCCESS) : secure_result(status);
}

/* Power was cut between a request, or a confirmation, and the note of it. */
void secure_start_update(void)
{
    const set_of candidates = recorded(PSA_FWU_CANDIDATE), accepting = recorded(ACCEPTING);
    const set_of trial = those(on_trial), requested = those(is_requested);
    const set_of staged = recorded(PSA_FWU_STAGED), rejected = recorded(PSA_FWU_REJECTED);
    if ((candidates & trial) != 0)
        (void)note(candidates, PSA_FWU_STAGED, PSA_SUCCESS);
    else if ((candidates & requested) != 0)
        (void)request(candidates);
    if (accepting != 0 && (accepting & ~trial & ~those(was_reverted)) != 0)
        (void)confirm(accepting, true);
    else if (accepting != 0)
        (void)note(accepting, trial != 0 ? PSA_FWU_STAGED : PSA_FWU_FAILED, PSA_SUCCESS);
    if (staged != 0 && (staged & (trial | requested)) == 0)
        (void)note(staged, PSA_FWU_FAILED, PSA_SUCCESS);
    if (rejected != 0 && (rejected & trial) == 0)
        (void)note(rejected, PSA_FWU_FAILED, read_record().error[(rejected & 1u) != 0 ? 0 : 1]);
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

/* The file ends with its image. Left alone, there is none. */
static void digest_candidate(const struct secure_component *component,
                             uint8_t digest[IMAGE_HASH_SIZE])
{
    struct image image;
    struct image_sha256 sha;
    uint8_t piece[PIECE];
    if (image_open(&image, component->secondary, component->image_size_max) != OTTER_OK)
        return;
    image_sha256_init(&sha);
    for (uint32_t at = 0; at < image.end; at += PIECE) {
        const uint32_t part = image.end - at < PIECE ? image.end - at : PIECE;
        port_watchdog_feed();
        if (flash_read(component->secondary, at, piece, part) != OTTER_OK)
            return;
        image_sha256_update(&sha, piece, part);
    }
    image_sha256_finish(&sha, digest);
}

psa_status_t psa_fwu_query(psa_fwu_component_t number, psa_fwu_component_info_t *info)
{
    struct image_header header;
    if (!is_there(number))
        return PSA_ERROR_DOES_NOT_EXIST;
    const struct secure_component *component = component_of(number);
    memset(info, 0, sizeof *info); /* what lies between the fields leaves this world, too */
    info->state = present(number);
    info->error = read_record().error[number];
    info->max_size = component->image_size_max;
    if (image_header_read(component->primary, &header) == OTTER_OK) {
        info->version.major = header.version.major;
        info->version.minor = header.version.minor;
        info->version.patch = header.version.revision;
        info->version.build = header.version.build;
    }
    if (info->state == PSA_FWU_CANDIDATE)
        digest_candidate(component, info->impl.candidate_digest);
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
    const otter_status status = trailer_prepare(component_of(component)->secondary);
    return status == OTTER_OK ? note(ALONE(component), PSA_FWU_WRITING, PSA_SUCCESS)
                              : secure_result(status);
}

static bool is_inside(uint32_t size_max, size_t offset, size_t size)
{
    return offset <= size_max && size <= size_max - offset && size <= PSA_FWU_MAX_WRITE_SIZE;
}

/* Whatever lies there is in the way: an earlier image, or this one, torn by a power cut. */
static otter_status make_way(const struct flash_area *slot, uint32_t offset, uint32_t size)
{
    otter_status status = OTTER_OK;
    for (uint32_t at = offset; at < offset + size && status == OTTER_OK;) {
        const struct flash_sector sector = flash_sector_at(slot, at);
        if (sector.offset == at)
            status = flash_erase(slot, at, sector.size);
        at = sector.offset + sector.size;
    }
    return status;
}

/* Whole units from where they lie, the rest filled up. Bytes that change meanwhile do no harm: what
 * counts is what lies on flash when it is checked. */
psa_status_t psa_fwu_write(psa_fwu_component_t component, size_t image_offset, const void *block,
                           size_t block_size)
{
    uint8_t tail[FLASH_WRITE_SIZE_MAX];
    const psa_status_t result = in_state(component, PSA_FWU_WRITING);
    if (result != PSA_SUCCESS)
        return result;
    const struct flash_area *slot = component_of(component)->secondary;
    const uint32_t unit = slot->flash->write_size;
    const uint32_t offset = (uint32_t)image_offset, size = (uint32_t)block_size;
    if (!is_inside(component_of(component)->image_size_max, image_offset, block_size) ||
        offset % unit != 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    const uint32_t whole = size - size % unit;
    otter_status status = make_way(slot, offset, size);
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

/* A key may be trusted on boards of several kinds, and for both programs of one: the class of what
 * runs tells for which. And what is older than that the bootloader would refuse. */
static otter_status compare_with_running(const struct secure_component *component,
                                         const struct image *candidate)
{
    struct image running;
    if (image_open(&running, component->primary, component->primary->size) != OTTER_OK)
        return OTTER_OK;
    if (!image_follows_class(&running, candidate))
        return OTTER_E_SIGNATURE;
    return image_version_compare(&candidate->header.version, &running.header.version) < 0
               ? OTTER_E_VERSION
               : OTTER_OK;
}

otter_status secure_check_image(const struct secure_component *component,
                                const struct flash_area *slot)
{
    struct image image;
    otter_status status = image_open(&image, slot, component->image_size_max);
    if (status == OTTER_OK)
        status = compare_with_running(component, &image);
    return status == OTTER_OK ? image_check_whole(slot, component->image_size_max, secure->policy,
                                                  port_watchdog_feed)
                              : status;
}

psa_status_t psa_fwu_finish(psa_fwu_component_t component)
{
    const psa_status_t result = in_state(component, PSA_FWU_WRITING);
    if (result != PSA_SUCCESS)
        return result;
    const otter_status status =
        secure_check_image(component_of(component), component_of(component)->secondary);
    if (status == OTTER_OK)
        return note(ALONE(component), PSA_FWU_CANDIDATE, PSA_SUCCESS);
    if (status == OTTER_E_FLASH || status == OTTER_E_IO || status == OTTER_E_MEMORY)
        return secure_result(status);
    const psa_status_t why =
        status == OTTER_E_VERSION ? PSA_ERROR_NOT_PERMITTED : PSA_ERROR_INVALID_SIGNATURE;
    (void)note(ALONE(component), PSA_FWU_FAILED, why);
    return why;
}

psa_status_t psa_fwu_cancel(psa_fwu_component_t component)
{
    psa_status_t result = in_state(component, PSA_FWU_WRITING);
    if (result == PSA_ERROR_BAD_STATE)
        result = in_state(component, PSA_FWU_CANDIDATE);
    return result == PSA_SUCCESS ? note(ALONE(component), PSA_FWU_FAILED, PSA_SUCCESS) : result;
}

psa_status_t psa_fwu_clean(psa_fwu_component_t component)
{
    psa_status_t result = in_state(component, PSA_FWU_FAILED);
    if (result == PSA_ERROR_BAD_STATE)
        result = in_state(component, PSA_FWU_UPDATED);
    return result == PSA_SUCCESS ? note(ALONE(component), PSA_FWU_READY, PSA_SUCCESS) : result;
}

/* Which components `component` needs in a version that they do not have, if `candidates` come. */
static otter_status unmet(unsigned component, set_of candidates, set_of *needs)
{
    const struct flash_area *slot = (candidates & ALONE(component)) != 0
                                        ? component_of(component)->secondary
                                        : component_of(component)->primary;
    struct image image;
    struct image_header header;
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    struct image_dependency dependency;
    int found = image_open(&image, slot, slot->size);
    *needs = 0;
    if (found != OTTER_OK)
        return found == OTTER_E_NOT_FOUND ? OTTER_OK : (otter_status)found; /* nothing, no wishes */
    while ((found = image_tlv_next(&image, &walk, &tlv)) > 0) {
        if (tlv.type != IMAGE_TLV_DEPENDENCY || !tlv.is_protected)
            continue;
        if (image_dependency_read(&image, &tlv, &dependency) != OTTER_OK ||
            !is_there(dependency.image))
            return OTTER_E_VERSION;
        slot = (candidates & ALONE(dependency.image)) != 0
                   ? component_of(dependency.image)->secondary
                   : component_of(dependency.image)->primary;
        if (image_header_read(slot, &header) != OTTER_OK ||
            image_version_compare(&header.version, &dependency.version) < 0)
            *needs |= ALONE(dependency.image);
    }
    return (otter_status)found;
}

/* Whether the bootloader would bring these in; and, where they are several, never one without the
 * others: each needs another of them, beyond what runs. */
static bool may_come(set_of candidates)
{
    set_of needs;
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        if (is_there(i) && (unmet(i, candidates, &needs) != OTTER_OK || needs != 0))
            return false;
        if ((candidates & ALONE(i)) != 0 && candidates != ALONE(i) &&
            (unmet(i, ALONE(i), &needs) != OTTER_OK || needs == 0))
            return false;
    }
    return true;
}

psa_status_t psa_fwu_install(void)
{
    set_of candidates = 0;
    for (unsigned i = 0; i < FWU_COMPONENTS; i++) {
        const uint32_t state = is_there(i) ? present(i) : PSA_FWU_READY;
        if (state == PSA_FWU_CANDIDATE)
            candidates |= ALONE(i);
        else if (state == PSA_FWU_STAGED || state == PSA_FWU_TRIAL || state == PSA_FWU_REJECTED)
            return PSA_ERROR_BAD_STATE;
    }
    if (candidates == 0)
        return PSA_ERROR_BAD_STATE;
    if (!may_come(candidates))
        return PSA_ERROR_DEPENDENCY_NEEDED;
    const psa_status_t result = request(candidates);
    return result == PSA_SUCCESS ? PSA_SUCCESS_REBOOT : result;
}

psa_status_t psa_fwu_request_reboot(void)
{
    port_reset();
}

psa_status_t psa_fwu_reject(psa_status_t error)
{
    const set_of trial = those(on_trial) & ~recorded(PSA_FWU_REJECTED);
    const set_of staged = recorded(PSA_FWU_STAGED) & those(is_requested);
    otter_status status = OTTER_OK;
    if (trial != 0) {
        const psa_status_t noted = note(trial, PSA_FWU_REJECTED, error);
        return noted == PSA_SUCCESS ? PSA_SUCCESS_REBOOT : noted;
    }
    if (staged == 0)
        return PSA_ERROR_BAD_STATE;
    for (unsigned i = 0; i < FWU_COMPONENTS && status == OTTER_OK; i++) {
        if ((staged & ALONE(i)) != 0)
            status = trailer_prepare(component_of(i)->secondary);
    }
    return status == OTTER_OK ? note(staged, PSA_FWU_FAILED, error) : secure_result(status);
}

/* All that came together is on trial, or none is kept. */
psa_status_t psa_fwu_accept(void)
{
    const set_of trial = those(on_trial), all = trial_of(trial);
    if (trial == 0 || recorded(PSA_FWU_REJECTED) != 0 || (recorded(PSA_FWU_STAGED) & ~all) != 0)
        return PSA_ERROR_BAD_STATE;
    const psa_status_t noted = note(all, ACCEPTING, PSA_SUCCESS);
    return noted == PSA_SUCCESS ? confirm(all, all != trial) : noted;
}
