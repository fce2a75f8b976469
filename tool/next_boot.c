/* The bootloader's decision, from what the trailers say, without doing it. */
#include "tool/next_boot.h"

/* An image that is started where it lies (docs/formats.md 4.5): the better a slot's, the higher. */
enum standing { NO_IMAGE, FAILED, UNASKED, CONFIRMED, ASKED };

static enum standing standing_of(const struct slot_state *slot)
{
    const struct trailer *trailer = &slot->trailer;
    if (!slot->has_image)
        return NO_IMAGE;
    if (trailer->magic != TRAILER_GOOD)
        return UNASKED;
    if (trailer->copy_done == TRAILER_UNSET)
        return ASKED;
    return trailer->image_ok == TRAILER_UNSET ? FAILED : CONFIRMED;
}

static enum swap_type asked_for(const struct slot_state *slot)
{
    return slot->trailer.image_ok == TRAILER_UNSET ? SWAP_TEST : SWAP_PERM;
}

/* A request does not make an image better than one that is confirmed. */
static struct next_boot of_direct_xip(const struct slot_state *primary,
                                      const struct slot_state *secondary)
{
    const enum standing here = standing_of(primary), there = standing_of(secondary);
    const int a = here == ASKED ? CONFIRMED : (int)here;
    const int b = there == ASKED ? CONFIRMED : (int)there;
    const bool newer = image_version_compare(&secondary->version, &primary->version) > 0;
    struct next_boot next = {.type = SWAP_NONE, .from_secondary = b > a || (b == a && newer)};
    const struct slot_state *slot = next.from_secondary ? secondary : primary;
    if (standing_of(slot) == ASKED)
        next.type = asked_for(slot);
    return next;
}

static struct next_boot of_bank_swap(const struct slot_state *primary,
                                     const struct slot_state *secondary)
{
    const enum standing here = standing_of(primary), there = standing_of(secondary);
    struct next_boot next = {.type = SWAP_NONE};
    if (there == ASKED)
        next.type = asked_for(secondary);
    else if (here == FAILED && there != FAILED)
        next.type = SWAP_REVERT;
    else if (here == ASKED)
        next.type = asked_for(primary);
    return next;
}

static struct next_boot of_swap(const struct trailer *primary, const struct trailer *secondary,
                                const struct trailer *scratch)
{
    return (struct next_boot){
        .type = trailer_next_swap(primary, secondary),
        .goes_on = scratch->magic == TRAILER_GOOD ||
                   (primary->magic == TRAILER_GOOD && primary->copy_done == TRAILER_UNSET &&
                    primary->swap_type != SWAP_NONE),
    };
}

struct next_boot next_boot_of(enum update_mode update, const struct slot_state *primary,
                              const struct slot_state *secondary, const struct trailer *scratch)
{
    switch (update) {
    case UPDATE_DIRECT_XIP:
        return of_direct_xip(primary, secondary);
    case UPDATE_BANK_SWAP:
        return of_bank_swap(primary, secondary);
    case UPDATE_OVERWRITE:
        return (struct next_boot){.type = secondary->trailer.magic == TRAILER_GOOD ? SWAP_PERM
                                                                                   : SWAP_NONE};
    default:
        return of_swap(&primary->trailer, &secondary->trailer, scratch);
    }
}
