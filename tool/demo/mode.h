/* What an update looks like in each update mode, as the demo's story needs it. */
#ifndef OTTER_TOOL_DEMO_MODE_H
#define OTTER_TOOL_DEMO_MODE_H

#include <stdbool.h>

#include "boards/layout.h"

struct demo_mode {
    /* When the power is cut for the second time: at this line of the device, or at a third of the
     * bytes of the first line that counts them; and what the story calls it. */
    const char *cut_line;
    const char *cut_where;
    /* By which line of the bootloader it can be told that it went on. */
    const char *goes_on_line;
    bool has_way_back; /* a firmware that fails its self-test makes way for the old one */
};

const struct demo_mode *demo_mode_of(enum update_mode update);

#endif
