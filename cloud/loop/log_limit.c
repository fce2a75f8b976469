/* Lines that strangers can cause. */
#include "cloud/loop/log_limit.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "cloud/core/ground/log.h"

#define WINDOW_S  5
#define LINES_MAX 20

void log_limited(struct log_limit *limit, const char *area, const char *format, ...)
{
    struct timespec now;
    char text[512];
    va_list args;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (limit->window != now.tv_sec / WINDOW_S) {
        if (limit->left_out)
            cloud_log(area, "(%u more lines like the next were left out)", limit->left_out);
        *limit = (struct log_limit){.window = now.tv_sec / WINDOW_S};
    }
    if (limit->lines >= LINES_MAX) {
        limit->left_out++;
        return;
    }
    limit->lines++;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cloud_log(area, "%s", text);
}
