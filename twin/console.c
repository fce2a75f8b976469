/* The console's host side; see console.h. */
#define _GNU_SOURCE /* posix_openpt and its kin */
#include "twin/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define BAUD        115200u
#define RETRY_AFTER (5u * TWIN_MS)

static void take(void *ctx, uint8_t byte)
{
    const struct console *console = ctx;
    ssize_t written;
    do
        written = write(console->out, &byte, 1);
    while (written < 0 && errno == EINTR);
    /* Nobody reads, or too slowly: what a terminal does not take is lost, as on a board. */
}

static void on_input(void *ctx);

/* What does not fit waits, and what comes behind it waits where it is. */
static void give_held(void *ctx)
{
    struct console *console = ctx;
    const bool taken = serial_give(&console->serial, console->held, console->held_count);
    if (taken)
        console->held_count = 0;
    twin_watch(console->twin, taken ? console->in : -1, on_input, console);
    twin_timer_set(console->twin, &console->retry,
                   taken ? TWIN_NEVER : twin_now(console->twin) + RETRY_AFTER);
}

static void on_input(void *ctx)
{
    struct console *console = ctx;
    const ssize_t count = read(console->in, console->held, sizeof console->held);
    if (count > 0) {
        console->held_count = (uint32_t)count;
        give_held(console);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR && errno != EIO)) {
        twin_watch(console->twin, -1, on_input, console); /* the end of a file */
    }
}

/* A FIFO has not come to its end when one who typed into it closes it (`echo version >keys`): the
 * next may come. With an end of our own for writing it never does. -1 for what is no pipe. */
static int hold_pipe(int in)
{
    struct stat info;
    char path[32];
    if (fstat(in, &info) != 0 || !S_ISFIFO(info.st_mode))
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", in);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

void console_open_files(struct console *console, struct twin *twin, int in, int out)
{
    *console = (struct console){.twin = twin, .in = in, .out = out, .slave = -1};
    console->serial = (struct serial){
        .name = "the console", .baud = BAUD, .take = take, .ctx = console, .clear_to_send = true};
    console->retry = (struct twin_timer){.run = give_held, .ctx = console};
    console->pipe = in >= 0 ? hold_pipe(in) : -1;
    if (in >= 0)
        twin_watch(twin, in, on_input, console);
}

static bool fail(const char *what)
{
    fprintf(stderr, "otter twin: cannot %s: %s\n", what, strerror(errno));
    return false;
}

bool console_open_terminal(struct console *console, struct twin *twin, const char *link)
{
    struct termios raw;
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        return fail("open a pseudo-terminal");
    const char *path = ptsname(master);
    const int slave = path ? open(path, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (slave < 0 || tcgetattr(slave, &raw) != 0)
        return fail("open the pseudo-terminal's other end");
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    console_open_files(console, twin, master, master);
    console->slave = slave;
    snprintf(console->path, sizeof console->path, "%s", path);
    if (!link)
        return true;
    (void)unlink(link);
    return symlink(path, link) == 0 || fail("make the link to the console");
}

void console_close(struct console *console)
{
    if (console->pipe >= 0)
        close(console->pipe);
    console->pipe = -1;
    if (console->slave < 0)
        return;
    close(console->slave);
    close(console->in);
    console->slave = -1;
}
