/* Reads of an image whose parts lie in two slots and the scratch area, as a flash area of its own.
 */
#include "boot/swap_mix.h"

#include <string.h>

struct mixed {
    const struct boot_state *state;
    const struct boot_cipher *cipher;
    struct swap_mix mix;
};

static bool is_encrypted(const struct mixed *mixed, const struct flash_area *part)
{
    const struct flash_area *primary = mixed->state->primary;
    return BOOT_ENCRYPTION && mixed->cipher->end != 0 &&
           (part->flash != primary->flash || part->offset < primary->offset ||
            part->offset - primary->offset >= primary->size);
}

/* Reads from one part only; returns how much of `length` that was, or an error. */
static int read_part(const struct mixed *mixed, uint32_t offset, uint8_t *data, uint32_t length)
{
    const struct swap_mix *mix = &mixed->mix;
    const struct flash_area *part = &mix->parts[2];
    uint32_t skipped = 0;
    if (offset < mix->high) {
        const bool is_first = offset < mix->low;
        const uint32_t end = is_first ? mix->low : mix->high;
        part = &mix->parts[is_first ? 0 : 1];
        skipped = is_first ? 0 : mix->low;
        length = length < end - offset ? length : end - offset;
    }
    const otter_status status = flash_read(part, offset - skipped, data, length);
    if (status != OTTER_OK)
        return status;
    if (is_encrypted(mixed, part))
        boot_cipher_apply(mixed->cipher, offset, data, length);
    return (int)length;
}

static otter_status mixed_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    uint8_t *bytes = data;
    while (length > 0) {
        const int done = read_part(ctx, offset, bytes, length);
        if (done < 0)
            return (otter_status)done;
        offset += (uint32_t)done;
        bytes += done;
        length -= (uint32_t)done;
    }
    return OTTER_OK;
}

/* The wrapped key lies behind the signature, which does not cover it; without it the image could
 * not be encrypted again when it goes. */
static otter_status verify_key(const struct boot_state *state, const struct flash_area *area,
                               const struct boot_cipher *cipher)
{
    struct image image;
    struct boot_cipher found;
    otter_status status = image_open(&image, area, state->limit);
    if (status == OTTER_OK)
        status = boot_cipher_open(state, &image, &found);
    if (status == OTTER_OK && cipher->end != 0 &&
        (found.end == 0 || memcmp(found.key, cipher->key, sizeof found.key) != 0))
        status = OTTER_E_KEY;
    return status;
}

otter_status swap_verify_mix(struct boot_state *state, enum swap_side side)
{
    static const struct flash_ops ops = {.read = mixed_read};
    struct mixed mixed = {.state = state,
                          .cipher = side == SWAP_INCOMING ? &state->incoming : &state->outgoing};
    const struct flash flash = {.ops = &ops, .ctx = &mixed, .size = state->primary->size};
    const struct flash_area area = {&flash, 0, state->primary->size};
    swap_find_mix(state, &mixed.mix, side);
    if (state->position == 0) { /* both headers are in place; the trailers may be torn */
        const struct flash_area candidate = swap_candidate(state);
        (void)swap_ciphers_open(state, &candidate);
    }
    state->is_mixed = true;
    otter_status status = boot_verify(state, &area, state->limit);
    if (BOOT_ENCRYPTION && status == OTTER_OK)
        status = verify_key(state, &area, mixed.cipher);
    state->is_mixed = false;
    return status;
}
