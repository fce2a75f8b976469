/* A serial cable for a device that is a process: recovery_console LINK LOG PROGRAM [ARGUMENT]...
 *
 * Runs PROGRAM with its console on a pseudo-terminal; LINK becomes a symbolic link to the end that a
 * user opens, and stays usable while users come and go. All that the device says is also in LOG.
 * Ends with the program; SIGTERM ends both. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void end(int signal_number)
{
    (void)signal_number;
    ended = 1;
}

/* Keeps the user's end open, so that the other one never reads an error. */
static int open_terminal(const char *link)
{
    struct termios mode;
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0)
        return -1;
    const int user = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (user < 0 || tcgetattr(user, &mode) != 0)
        return -1;
    cfmakeraw(&mode);
    if (tcsetattr(user, TCSANOW, &mode) != 0 || symlink(ptsname(terminal), link) != 0)
        return -1;
    return terminal;
}

static pid_t start(char **argv, int console)
{
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(console, STDIN_FILENO);
        dup2(console, STDOUT_FILENO);
        execv(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    return pid;
}

/* What nobody reads from the terminal is lost, as on a cable. */
static int relay(int from, int to, int log)
{
    char bytes[512];
    const ssize_t length = read(from, bytes, sizeof bytes);
    if (length <= 0)
        return -1;
    if (log >= 0 && write(log, bytes, (size_t)length) != length)
        return -1;
    return write(to, bytes, (size_t)length) < 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    int ends[2];
    if (argc < 4)
        return 2;
    const int terminal = open_terminal(argv[1]);
    const int log = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (terminal < 0 || log < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        perror("recovery_console");
        return 1;
    }
    const struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    const pid_t device = start(argv + 3, ends[1]);
    close(ends[1]);
    struct pollfd wait[2] = {{terminal, POLLIN, 0}, {ends[0], POLLIN, 0}};
    while (!ended && device > 0 && poll(wait, 2, -1) >= 0) {
        if ((wait[0].revents & POLLIN) != 0)
            relay(terminal, ends[0], -1);
        if (wait[1].revents != 0 && relay(ends[0], terminal, log) < 0)
            break;
    }
    kill(device, SIGKILL);
    waitpid(device, NULL, 0);
    unlink(argv[1]);
    return 0;
}
