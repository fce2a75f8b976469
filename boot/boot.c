/* The order of a boot: what is on flash is read, the mode is asked what to do, images are verified,
 * and the port hears which one to start. The modes themselves are the files behind boot/mode.h. */
#include "boot/boot.h"

#include <string.h>

#include "boot/mode.h"
#include "image/bytes.h"

static uint8_t buffer[BOOT_BUFFER_SIZE];
_Static_assert(BOOT_BUFFER_SIZE >= IMAGE_SIGNATURE_MAX, "the buffer takes a signature too");

void boot_feed(const struct boot_state *state)
{
    const struct boot_hooks *hooks = &state->config->hooks;
    if (hooks->feed != NULL)
        hooks->feed(hooks->ctx);
}

static void report(const struct boot_state *state, enum boot_event_type type, uint32_t value,
                   uint32_t total, const struct trailer *trailer)
{
    const struct boot_hooks *hooks = &state->config->hooks;
    const struct boot_event event = {type,  state->image, (int32_t)value,
                                     total, trailer,      &state->header};
    if (hooks->report != NULL)
        hooks->report(hooks->ctx, &event);
}

void boot_report(const struct boot_state *state, enum boot_event_type type, int32_t value)
{
    report(state, type, (uint32_t)value, 0, NULL);
}

void boot_report_trailer(const struct boot_state *state, enum boot_event_type type,
                         const struct trailer *trailer)
{
    report(state, type, 0, 0, trailer);
}

void boot_report_progress(const struct boot_state *state, uint32_t done, uint32_t total)
{
    report(state, BOOT_EVENT_PROGRESS, done, total, NULL);
}

/* The primary slot is in clear, whatever the header's flag says. */
static bool may_be_encrypted(const struct boot_state *state, const struct flash_area *area)
{
    return BOOT_ENCRYPTION && state->config->encryption != NULL && !state->is_mixed &&
           (area->flash != state->primary->flash || area->offset != state->primary->offset);
}

static otter_status set_cipher(const struct boot_state *state, struct image_check *check,
                               struct boot_cipher *cipher)
{
    const otter_status status = boot_cipher_open(state, &check->image, cipher);
    if (status == OTTER_OK && cipher->end != 0)
        image_check_set_cipher(check, &cipher->image);
    return status;
}

otter_status boot_verify(struct boot_state *state, const struct flash_area *area, uint32_t limit)
{
    struct image_check check;
    struct boot_cipher cipher;
    state->verdict = 0;
    otter_status status = image_check_init(&check, area, limit, &state->policy);
    if (status != OTTER_OK)
        return status;
    if ((check.image.header.flags & IMAGE_FLAG_NON_BOOTABLE) != 0)
        return OTTER_E_UNSUPPORTED;
    if (may_be_encrypted(state, area))
        status = set_cipher(state, &check, &cipher);
    if (status != OTTER_OK)
        return status;
    do {
        boot_feed(state);
        status = image_check_step(&check, buffer, sizeof buffer);
    } while (status == OTTER_E_AGAIN);
    if (status == OTTER_OK)
        status = image_check_again(&check, buffer);
    if (status == OTTER_OK && check.verdict != IMAGE_ACCEPTED_TWICE)
        status = OTTER_E_SIGNATURE;
    if (status == OTTER_OK) {
        state->header = check.image.header;
        state->counter = check.counter;
        state->hash = get_le32(check.hash);
    }
    state->verdict = check.verdict ^ (check.image.header.flags & IMAGE_FLAG_NON_BOOTABLE);
    return status;
}

/* Only an image that is valid can forbid an older one: the version of a primary that was being
 * replaced when power failed may be anything. */
static bool is_downgrade(struct boot_state *state, uint32_t limit)
{
    const struct image_version candidate = state->header.version;
    return state->config->refuse_downgrade && state->type != SWAP_REVERT &&
           boot_verify(state, state->primary, limit) == OTTER_OK &&
           image_version_compare(&candidate, &state->header.version) < 0;
}

otter_status boot_verify_candidate(struct boot_state *state, const struct flash_area *area,
                                   uint32_t limit)
{
    const otter_status status = boot_verify(state, area, limit);
    state->candidate = state->hash;
    return status == OTTER_OK && is_downgrade(state, limit) ? OTTER_E_VERSION : status;
}

/* Without a header the slot is as good as empty, and has no version to stay above. */
bool boot_may_rescue(struct boot_state *state, const struct flash_area *area, uint32_t limit)
{
    struct image_header damaged;
    if (!state->config->rescue || boot_verify(state, area, limit) != OTTER_OK)
        return false;
    return !state->config->refuse_downgrade ||
           image_header_read(state->primary, &damaged) != OTTER_OK ||
           image_version_compare(&state->header.version, &damaged.version) >= 0;
}

uint32_t boot_image_end(const struct flash_area *area, uint32_t limit)
{
    struct image image;
    return image_open(&image, area, limit) == OTTER_OK ? image.end : 0;
}

otter_status boot_copy(const struct boot_state *state, const struct flash_area *from,
                       uint32_t from_offset, const struct flash_area *to, uint32_t to_offset,
                       uint32_t length)
{
    return boot_copy_image(state, from, from_offset, to, to_offset, length, NULL, 0);
}

/* Copies and reads back, or only compares. */
static otter_status transfer(const struct boot_state *state, const struct flash_area *from,
                             uint32_t from_offset, const struct flash_area *to, uint32_t to_offset,
                             uint32_t length, const struct boot_cipher *cipher,
                             uint32_t image_offset, bool is_copy)
{
    otter_status status = OTTER_OK;
    for (uint32_t at = 0; at < length && status == OTTER_OK; at += BOOT_BUFFER_SIZE) {
        const uint32_t size = length - at < BOOT_BUFFER_SIZE ? length - at : BOOT_BUFFER_SIZE;
        const uint32_t filled = round_up(size, to->flash->write_size);
        boot_feed(state);
        memset(buffer, to->flash->erased_value, sizeof buffer);
        status = flash_read(from, from_offset + at, buffer, size);
        if (BOOT_ENCRYPTION && cipher != NULL && cipher->end != 0)
            boot_cipher_apply(cipher, image_offset + at, buffer, size);
        if (status == OTTER_OK && is_copy)
            status = flash_program(to, to_offset + at, buffer, filled);
        if (status == OTTER_OK)
            status = flash_compare(to, to_offset + at, buffer, filled);
    }
    return status;
}

otter_status boot_copy_image(const struct boot_state *state, const struct flash_area *from,
                             uint32_t from_offset, const struct flash_area *to, uint32_t to_offset,
                             uint32_t length, const struct boot_cipher *cipher,
                             uint32_t image_offset)
{
    return transfer(state, from, from_offset, to, to_offset, length, cipher, image_offset, true);
}

otter_status boot_put_back(const struct boot_state *state, const struct flash_area *from,
                           uint32_t from_offset, uint32_t to_offset, uint32_t length,
                           const struct boot_cipher *cipher, uint32_t image_offset)
{
    otter_status status = OTTER_OK;
    for (uint32_t end = to_offset + length; end > to_offset && status == OTTER_OK;) {
        const struct flash_sector sector = flash_sector_at(state->primary, end - 1);
        const uint32_t at = sector.offset - to_offset;
        const uint32_t size = end - sector.offset;
        status = transfer(state, from, from_offset + at, state->primary, sector.offset, size,
                          cipher, image_offset + at, false);
        if (status != OTTER_OK) {
            status = flash_erase(state->primary, sector.offset, sector.size);
            if (status == OTTER_OK)
                status = transfer(state, from, from_offset + at, state->primary, sector.offset,
                                  size, cipher, image_offset + at, true);
        }
        end = sector.offset;
    }
    return status;
}

otter_status boot_erase(const struct boot_state *state, const struct flash_area *area,
                        uint32_t start, uint32_t end)
{
    otter_status status = OTTER_OK;
    while (end > start && status == OTTER_OK) {
        const struct flash_sector sector = flash_sector_at(area, end - 1);
        boot_feed(state);
        status = flash_erase(area, sector.offset, sector.size);
        end = sector.offset;
    }
    return status;
}

/* From now on no image with a lower counter is accepted, so not before the trial is over. */
static void raise_counter(const struct boot_state *state)
{
    const struct boot_hooks *hooks = &state->config->hooks;
    struct trailer trailer;
    if (hooks->raise_counter == NULL || state->counter <= state->policy.security_counter)
        return;
    trailer_read(state->slot, state->config->max_align, &trailer);
    if (!trailer_on_trial(&trailer))
        hooks->raise_counter(hooks->ctx, state->image, state->counter);
}

/* Verifies the image to start; where that fails, once more after a rescue. */
static otter_status settle(struct boot_state *state, bool may_rescue)
{
    otter_status status = boot_verify(state, state->slot, boot_mode_limit(state));
    if (status != OTTER_OK) {
        boot_report(state, BOOT_EVENT_INVALID, status);
        if (may_rescue && boot_mode_rescue(state))
            status = boot_verify(state, state->slot, boot_mode_limit(state));
    }
    if (status == OTTER_OK)
        status = boot_mode_start(state);
    if (status == OTTER_OK)
        raise_counter(state);
    return status;
}

/* With one image at most there is nothing to count. */
static uint8_t image_count(const struct boot_config *config)
{
    return BOOT_IMAGES_MAX > 1 ? config->image_count : 1;
}

static bool config_is_sound(const struct boot_config *config)
{
    return config->image_count >= 1 && config->image_count <= BOOT_IMAGES_MAX &&
           config->max_sectors > 0 &&
           (config->max_align == 8 || config->max_align == 16 || config->max_align == 32);
}

static void state_init(struct boot_state *state, const struct boot_config *config, uint8_t image)
{
    memset(state, 0, sizeof *state);
    state->config = config;
    state->primary = config->images[image].primary;
    state->secondary = config->images[image].secondary;
    state->slot = state->primary;
    state->image = image;
    state->type = SWAP_NONE;
    state->policy = config->policy;
    state->policy.security_counter = config->images[image].security_counter;
}

/* The first error counts. */
static void note_failure(struct boot_state *state, otter_status status, otter_status *first)
{
    if (status == OTTER_OK)
        return;
    boot_report(state, BOOT_EVENT_GIVEN_UP, status);
    state->type = SWAP_FAIL;
    if (*first == OTTER_OK)
        *first = status;
}

/* Once an image's update has failed, no other one begins. */
static otter_status update_all(struct boot_state *states, uint8_t count)
{
    otter_status status = OTTER_OK;
    for (uint8_t i = 0; i < count; i++)
        note_failure(&states[i], boot_mode_prepare(&states[i]), &status);
    if (BOOT_IMAGES_MAX > 1 && count > 1)
        boot_agree(states, count);
    for (uint8_t i = 0; i < count && status == OTTER_OK; i++) {
        if (states[i].pending)
            note_failure(&states[i], boot_mode_perform(&states[i]), &status);
    }
    return status;
}

/* A place to find for a debugger, and for the tests that break its checks, however it is optimised.
 */
__attribute__((noinline)) otter_status boot_go(const struct boot_config *config,
                                               struct boot_result *result)
{
    struct boot_state states[BOOT_IMAGES_MAX];
    const uint8_t count = image_count(config);
    result->proof = 0; /* RAM may hold that of the boot before */
    if (!config_is_sound(config))
        return OTTER_E_ARGUMENT;
    uint8_t next = 0;
    do /* there is one at least */
        state_init(&states[next], config, next);
    while (++next < count);
    boot_report(&states[0], BOOT_EVENT_START, 0);
    /* An update that failed is no reason not to start what is valid; but then nothing is written
     * that is not needed for that. */
    const otter_status updated = update_all(states, count);
    otter_status status = OTTER_OK;
    for (uint8_t i = count; i > 0 && status == OTTER_OK; i--)
        status = settle(&states[i - 1], updated == OTTER_OK);
    if (status != OTTER_OK)
        return updated != OTTER_OK ? updated : status;
    boot_report(&states[0], BOOT_EVENT_BOOT, 0);
    for (uint8_t i = 0; i < count; i++)
        result->proof += states[i].verdict;
    result->slot = states[0].slot;
    result->header = states[0].header;
    result->swap_type = states[0].type;
    for (uint8_t i = 1; i < count && result->swap_type == SWAP_NONE; i++)
        result->swap_type = states[i].type;
    result->source = states[0].source;
    return OTTER_OK;
}
