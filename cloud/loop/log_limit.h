/* A line of the log that strangers can cause: so many in a few seconds, then their number alone. */
#ifndef OTTER_CLOUD_LOOP_LOG_LIMIT_H
#define OTTER_CLOUD_LOOP_LOG_LIMIT_H

#include <stdint.h>

/* One for each kind of line; all zero at first. */
struct log_limit {
    int64_t window; /* number of the current window */
    unsigned lines, left_out;
};

/* As cloud_log. What was left out is said before the next line that is not. */
void log_limited(struct log_limit *limit, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
