/* The board's console on the host: a pseudo-terminal, or two file descriptors. */
#ifndef OTTER_TWIN_CONSOLE_H
#define OTTER_TWIN_CONSOLE_H

#include "twin/serial.h"
#include "twin/twin.h"

struct console {
    struct serial serial;
    struct twin *twin;
    int in, out;
    int slave; /* kept open: a terminal that nobody has open would hang up */
    int pipe;  /* the other end of `in`, where that is a pipe; else -1 */
    char path[128];
    /* What the line has not taken yet: input may come faster than its rate. */
    uint8_t held[512];
    uint32_t held_count;
    struct twin_timer retry;
};

/* Opens a pseudo-terminal, raw, and makes PATH a symbolic link to it (NULL: none). False with a
 * message on stderr. */
bool console_open_terminal(struct console *console, struct twin *twin, const char *link);
/* The console reads `in` (-1: nothing) and writes `out`. */
void console_open_files(struct console *console, struct twin *twin, int in, int out);
void console_close(struct console *console);

#endif
