/* What a board's bootloader will do at its next start, from the trailers of its slots. */
#ifndef OTTER_TOOL_NEXT_BOOT_H
#define OTTER_TOOL_NEXT_BOOT_H

#include <stdbool.h>

#include "boards/layout.h"
#include "image/image.h"
#include "image/trailer.h"

struct slot_state {
    struct trailer trailer;
    bool has_image;
    struct image_version version;
};

struct next_boot {
    enum swap_type type;
    bool goes_on;        /* with a swap that was interrupted */
    bool from_secondary; /* direct XIP: the slot that starts */
};

/* `scratch`: its trailer, all unset where the board has none. (docs/formats.md 3 and 4) */
struct next_boot next_boot_of(enum update_mode update, const struct slot_state *primary,
                              const struct slot_state *secondary, const struct trailer *scratch);

#endif
