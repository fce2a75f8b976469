/* The log of a running cloud: on stdout, each line with the time of day. */
#ifndef OTTER_CLOUD_LOOP_LOG_H
#define OTTER_CLOUD_LOOP_LOG_H

struct event_base;

/* Writes the log from here on. Lines that stdout does not take at once wait in a buffer of bounded
 * size and leave as soon as it does; what finds no room is counted and said. NULL: they leave with
 * the next line only; to be called before `base` goes. */
void loop_log(struct event_base *base);

#endif
