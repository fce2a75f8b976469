/* What is shown of a device's lines: what fills screens and tells little is folded into one line.
 * The device's log has them all. */
#ifndef OTTER_TOOL_DEMO_LINES_H
#define OTTER_TOOL_DEMO_LINES_H

#include "tool/demo/follow.h"

struct lines {
    char begin[FOLLOW_LINE_MAX]; /* BEGIN line of a PEM object that is coming, or "" */
    unsigned pem_lines;
    char states[256]; /* of the trailers that the bootloader has named so far */
};

enum lines_verdict {
    LINES_SHOW,    /* `shown` is to be shown */
    LINES_PASSING, /* the same, and the next of its kind takes its place */
    LINES_HIDE
};

/* `line`: from the device. `shown` is written unless the line is hidden. */
enum lines_verdict lines_fold(struct lines *lines, const char *line, char shown[FOLLOW_LINE_MAX]);

#endif
