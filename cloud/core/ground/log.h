/* The cloud's log: lines for the person who runs it. */
#ifndef OTTER_CLOUD_CORE_GROUND_LOG_H
#define OTTER_CLOUD_CORE_GROUND_LOG_H

/* One line: the area in a column of its own ("gateway", "jobs", "api"), and text, which may hold
 * what devices sent: control characters are shown as '?'. */
void cloud_log(const char *area, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Who writes the lines: `write` gets each, without a line end, and must not block. NULL: stdout,
 * as it comes (a loop has a better one, see cloud/loop/log.h). One for the process. */
void cloud_log_to(void (*write)(void *context, const char *area, const char *text), void *context);

#endif
