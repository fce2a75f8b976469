/* The progress of an upload: a moving bar on a terminal, elsewhere a line for each tenth. */
#ifndef OTTER_TOOL_RECOVER_PROGRESS_H
#define OTTER_TOOL_RECOVER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct recover_progress {
    uint32_t total;
    bool moves; /* stdout is a terminal */
    uint32_t tenths;
    double started; /* seconds of the monotonic clock */
};

void recover_progress_start(struct recover_progress *progress, uint32_t total);
/* As struct smp_upload's callback. */
void recover_progress_show(void *progress, uint32_t done);
/* Ends the line that moved. */
void recover_progress_end(const struct recover_progress *progress);

/* Seconds since the start. */
double recover_progress_seconds(const struct recover_progress *progress);

#endif
