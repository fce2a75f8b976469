/* What follows from trailers, wherever they were read; see trailer.h. */
#include "image/trailer.h"

uint32_t trailer_max_align(uint32_t write_size)
{
    return write_size > 8 ? write_size : 8;
}

enum swap_type trailer_next_swap(const struct trailer *primary, const struct trailer *secondary)
{
    if (secondary->magic == TRAILER_GOOD && secondary->image_ok == TRAILER_UNSET)
        return SWAP_TEST;
    if (secondary->magic == TRAILER_GOOD && secondary->image_ok == TRAILER_SET)
        return SWAP_PERM;
    return trailer_on_trial(primary) ? SWAP_REVERT : SWAP_NONE;
}
