/* Why something failed, in a sentence for the user of a host program.
 *
 * Functions of this room that can fail return an otter_status and put the sentence (what failed, on
 * what, what to do next; no final full stop) into the caller's `struct failure`. */
#ifndef OTTER_TOOL_FAILURE_H
#define OTTER_TOOL_FAILURE_H

#include "port/status.h"

struct failure {
    char text[512];
};

/* Writes the sentence and returns `status`, so that a caller can `return failed(...)`. */
otter_status failed(struct failure *failure, otter_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the reason OpenSSL gives last, which is taken off its list. */
otter_status failed_openssl(struct failure *failure, const char *what);

/* Prints "otter COMMAND: sentence" to stderr; returns the exit code 1. */
int failure_print(const struct failure *failure, const char *command);

#endif
