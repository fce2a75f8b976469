/* Processes that a subcommand starts: each in its own session, its output in a file, and ended by
 * its id. Used by the demo, the bench and `otter device`. */
#ifndef OTTER_TOOL_CHILD_H
#define OTTER_TOOL_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
    const char *name; /* for messages */
    pid_t pid;        /* 0 when not running */
    int exit_code;    /* after child_wait; 128 + signal when it was killed */
};

struct child_io {
    const char *input;     /* file or FIFO for stdin; NULL: /dev/null */
    const char *output;    /* file that stdout and stderr are appended to; NULL: inherited */
    const char *errors;    /* a file for stderr alone; NULL: together with stdout */
    const char *directory; /* working directory; NULL: unchanged */
    bool outlives_us;      /* false: the child gets SIGTERM when this process dies */
};

/* Starts argv[0], looked up on the PATH. Returns false with a message on stderr. */
bool child_start(struct child *child, const char *name, char *const argv[],
                 const struct child_io *io);
/* False once it has ended (exit_code is then set). */
bool child_running(struct child *child);
/* Waits for the end; false when `timeout_ms` passed first. */
bool child_wait(struct child *child, unsigned timeout_ms);
/* SIGTERM, and SIGKILL if it is still there after `patience_ms`. */
void child_stop(struct child *child, unsigned patience_ms);
/* SIGKILL at once: what a power cut is to an emulated device. */
void child_kill(struct child *child);

/* Directory of this program, for finding its neighbours; with a trailing NUL, no trailing slash. */
const char *program_directory(void);

#endif
