/* Reads a growing log file line by line, as `tail -f` does. */
#ifndef OTTER_TOOL_DEMO_FOLLOW_H
#define OTTER_TOOL_DEMO_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>

#define FOLLOW_LINE_MAX 1024

struct follow {
    int descriptor; /* -1 until the file exists */
    char path[512];
    char pending[4096];
    size_t pending_length;
};

void follow_open(struct follow *follow, const char *path);
/* The next whole line without its end, or false when there is none yet. Longer lines are cut. */
bool follow_line(struct follow *follow, char line[FOLLOW_LINE_MAX]);
void follow_close(struct follow *follow);

#endif
