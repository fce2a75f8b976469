/* The log of a running cloud: on stdout, each line with the time of day. */
#ifndef OTTER_CLOUD_LOOP_LOG_H
#define OTTER_CLOUD_LOOP_LOG_H

struct event_base;

/* Writes the log from here on. Lines that stdout does not take at once wait in a buffer of bounded
 * size and leave as soon as it does; what finds no room is counted and said. NULL: they leave with
 * the next line only; to be called before `base` goes. */
void loop_log(struct event_base *base);

/* How lines are written: as text for a person, the default, or each as a JSON object,
 * {"time":"2024-05-01T12:00:00.000Z","area":"gateway","message":"..."}. */
enum loop_log_format { LOOP_LOG_TEXT, LOOP_LOG_JSON };
void loop_log_format(enum loop_log_format format);

#endif
