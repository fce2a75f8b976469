/* Several images that are updated together (docs/formats.md 4.8 and 5.3). */
#include "boot/mode.h"

static bool is_upgrade(const struct boot_state *state)
{
    return state->type == SWAP_TEST || state->type == SWAP_PERM;
}

static void drop(struct boot_state *state)
{
    state->pending = false;
    state->type = SWAP_NONE;
}

/* While one image is upgraded, another that seems to have failed its trial was upgraded with it
 * before power was cut, and has not run yet. */
static void drop_false_reverts(struct boot_state *states, uint8_t count)
{
    bool upgrade = false;
    for (uint8_t i = 0; i < count; i++)
        upgrade = upgrade || is_upgrade(&states[i]);
    for (uint8_t i = 0; i < count; i++) {
        if (upgrade && states[i].pending && states[i].type == SWAP_REVERT)
            drop(&states[i]);
    }
}

static bool is_met(const struct boot_state *states, uint8_t count,
                   const struct image_dependency *dependency)
{
    struct image_header header;
    if (dependency->image >= count)
        return false;
    const struct flash_area other = boot_mode_incoming(&states[dependency->image]);
    return image_header_read(&other, &header) == OTTER_OK &&
           image_version_compare(&header.version, &dependency->version) >= 0;
}

/* True if the image that will run finds all that it needs. */
static bool is_content(const struct boot_state *states, uint8_t count, uint8_t which)
{
    const struct flash_area area = boot_mode_incoming(&states[which]);
    struct image image;
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    int found = image_open(&image, &area, area.size);
    if (found != OTTER_OK)
        return found == OTTER_E_NOT_FOUND; /* no image, no wishes */
    while ((found = image_tlv_next(&image, &walk, &tlv)) > 0) {
        struct image_dependency dependency;
        if (tlv.type == IMAGE_TLV_DEPENDENCY && tlv.is_protected &&
            (image_dependency_read(&image, &tlv, &dependency) != OTTER_OK ||
             !is_met(states, count, &dependency)))
            return false;
    }
    return found == 0;
}

static bool all_content(const struct boot_state *states, uint8_t count)
{
    for (uint8_t i = 0; i < count; i++) {
        if (!is_content(states, count, i))
            return false;
    }
    return true;
}

void boot_agree(struct boot_state *states, uint8_t count)
{
    bool pending = false;
    drop_false_reverts(states, count);
    for (uint8_t i = 0; i < count; i++)
        pending = pending || states[i].pending;
    if (!pending || all_content(states, count))
        return;
    for (uint8_t i = 0; i < count; i++) {
        if (states[i].pending) {
            boot_report(&states[i], BOOT_EVENT_HELD, 0);
            drop(&states[i]);
        }
    }
}
