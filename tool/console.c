/* otter console: this terminal on a device's serial console, of a board or of a demo's device. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/command.h"
#include "tool/console_port.h"
#include "tool/terminal.h"

#define LEAVE       0x1d /* Ctrl-] */
#define SHOWN_FIRST 2000 /* bytes of the log that are shown at the start */
#define QUIET_MS    1000 /* with a script on stdin: so long after the last word the end is near */

static const char help[] =
    "usage: otter console PORT [--baud N]\n"
    "       otter console FOLDER\n"
    "\n"
    "Puts this terminal on a device's console. Ctrl-] leaves it. Lines from a pipe or a file are\n"
    "typed as they come; the end is then a second after the device's last word.\n"
    "\n"
    "  PORT       /dev/ttyACM0, a pseudo-terminal, unix:PATH or tcp:HOST:PORT\n"
    "  FOLDER     of a demo that runs on (`otter demo --keep`)\n"
    "  --baud N   115200 when not given\n"
    "\n"
    "  otter console /dev/ttyACM0\n"
    "  otter console /tmp/otter-demo-1a2B3c\n"
    "  echo version | otter console /dev/ttyACM0\n";

/* Both kinds of far end: a port, or a demo's FIFO with the log that its device writes. */
struct far_end {
    struct console_port port;
    int log; /* -1 with a port */
};

static bool raw;                          /* a person types, and every key is the device's */
static volatile sig_atomic_t told_to_end; /* by this signal */

static void end(int number)
{
    told_to_end = number;
}

static void take_terminal(void)
{
    raw = terminal_lend(TERMINAL_ALL);
    if (!raw)
        return;
    /* A terminal that is not given back is of no use to anybody. */
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
    sigaction(SIGHUP, &(struct sigaction){.sa_handler = end}, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = end}, NULL);
}

static bool open_folder(struct far_end *far, const char *folder)
{
    char path[4096];
    struct stat info;
    snprintf(path, sizeof path, "%s/device.log", folder);
    far->log = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "%s/console", folder);
    /* Without a reader this fails: then no device runs there. */
    far->port.descriptor = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (far->log < 0 || far->port.descriptor < 0) {
        fprintf(stderr,
                "otter console: no device runs in %s (%s). `otter demo --keep` leaves one running "
                "and names its folder\n",
                folder, strerror(errno));
        return false;
    }
    /* A person wants to see where things stand, a script only what follows. */
    const off_t shown = isatty(STDIN_FILENO) ? SHOWN_FIRST : 0;
    if (fstat(far->log, &info) == 0 && info.st_size > shown)
        lseek(far->log, -shown, SEEK_END);
    return true;
}

static bool open_far_end(struct far_end *far, const char *name, unsigned baud)
{
    struct stat info;
    struct failure failure;
    far->log = -1;
    if (stat(name, &info) == 0 && S_ISDIR(info.st_mode))
        return open_folder(far, name);
    if (console_port_open(&far->port, name, baud, &failure) == OTTER_OK)
        return true;
    failure_print(&failure, "console");
    return false;
}

static bool print(const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t done = write(STDOUT_FILENO, text, length);
        if (done < 0 && errno != EINTR)
            return false;
        text += done > 0 ? done : 0;
        length -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

/* What the device has said since, to stdout: how many bytes, or one of these. */
enum { DEVICE_GONE = -1, CANNOT_PRINT = -2 };

static int show(struct far_end *far)
{
    char text[1024];
    const int length = far->log >= 0 ? (int)read(far->log, text, sizeof text)
                                     : console_port_receive(&far->port, text, sizeof text, 0);
    if (length > 0 && !print(text, (size_t)length))
        return CANNOT_PRINT;
    return length < 0 ? DEVICE_GONE : length;
}

enum typed { TYPED, TYPED_NOTHING, TYPED_END, TYPED_IN_VAIN };

/* One read of what a person or a script types; a script's lines end as the Enter key does. */
static enum typed type(struct far_end *far)
{
    char text[256];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, 20) <= 0)
        return TYPED_NOTHING;
    const ssize_t length = read(STDIN_FILENO, text, sizeof text);
    if (length <= 0)
        return TYPED_END;
    const char *leave = raw ? memchr(text, LEAVE, (size_t)length) : NULL;
    const size_t count = leave != NULL ? (size_t)(leave - text) : (size_t)length;
    for (size_t i = 0; !raw && i < count; i++)
        if (text[i] == '\n')
            text[i] = '\r';
    if (console_port_send(&far->port, text, count) != OTTER_OK)
        return TYPED_IN_VAIN;
    return leave != NULL ? TYPED_END : TYPED;
}

/* Why it ended early; the exit code. */
static int give_up(const char *reason, const char *detail)
{
    terminal_restore();
    fprintf(stderr, "\notter console: %s%s\n", reason, detail);
    return 1;
}

static const char silence[] =
    "it is off, still starting, or another port is the right one. What was "
    "typed may be lost";

static int talk(struct far_end *far)
{
    bool typing = true, typed_some = false, heard = false;
    uint64_t last = console_port_now(NULL);
    for (;;) {
        const int shown = show(far);
        if (shown == CANNOT_PRINT)
            return give_up("cannot write to stdout: ", strerror(errno));
        const enum typed typed = typing ? type(far) : TYPED_NOTHING;
        const uint64_t now = console_port_now(NULL);
        if (told_to_end)
            return 128 + told_to_end;
        if (shown == DEVICE_GONE)
            return give_up("the device's side was closed", "");
        if (typed == TYPED_IN_VAIN)
            return give_up("the device takes no more input; what was typed last is lost", "");
        heard = heard || shown > 0;
        typed_some = typed_some || typed == TYPED;
        if (shown > 0 || typed == TYPED)
            last = now;
        if (typed == TYPED_END && raw)
            return 0;
        typing = typing && typed != TYPED_END;
        if (!typing && now - last > QUIET_MS)
            return heard || !typed_some ? 0 : give_up("the device said nothing: ", silence);
        if (!typing)
            poll(NULL, 0, 20);
    }
}

int command_console(int argc, char **argv)
{
    static const struct option options[] = {{"baud", required_argument, NULL, 'b'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    unsigned long baud = 115200;
    char *end;
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return 0;
        }
        if (option != 'b')
            return fputs("try: otter console --help\n", stderr), 2;
        baud = strtoul(optarg, &end, 10);
        if (*end != '\0' || baud == 0 || baud > 4000000) {
            fprintf(stderr, "otter console: '%s' is no baud rate (1..4000000)\n", optarg);
            return 2;
        }
    }
    if (optind + 1 != argc) {
        fputs("otter console: a PORT or a FOLDER is needed\ntry: otter console --help\n", stderr);
        return 2;
    }
    struct far_end far;
    if (!open_far_end(&far, argv[optind], (unsigned)baud))
        return 1;
    signal(SIGPIPE, SIG_IGN); /* said in words, with the terminal given back */
    take_terminal();
    if (raw)
        fprintf(stderr, "(Ctrl-] leaves)\n");
    const int code = talk(&far);
    terminal_restore();
    console_port_close(&far.port);
    return code;
}
