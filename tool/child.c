/* Starts, waits for and ends processes. */
#include "tool/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void redirect(const char *path, int flags, int target)
{
    const int descriptor = open(path, flags, 0600);
    if (descriptor < 0) {
        fprintf(stderr, "otter: cannot open %s: %s\n", path, strerror(errno));
        _exit(127);
    }
    dup2(descriptor, target);
    if (descriptor != target)
        close(descriptor);
}

static void become(char *const argv[], const struct child_io *io, pid_t parent)
{
    setsid();
    if (!io->outlives_us) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(127);
    }
    if (io->directory != NULL && chdir(io->directory) != 0)
        _exit(127);
    /* A FIFO opened for both ends never shows end of file while its writers come and go. */
    redirect(io->input != NULL ? io->input : "/dev/null", O_RDWR, STDIN_FILENO);
    if (io->output != NULL) {
        redirect(io->output, O_WRONLY | O_CREAT | O_APPEND, STDOUT_FILENO);
        dup2(STDOUT_FILENO, STDERR_FILENO);
    }
    if (io->errors != NULL)
        redirect(io->errors, O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO);
    execvp(argv[0], argv);
    fprintf(stderr, "otter: cannot start %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

bool child_start(struct child *child, const char *name, char *const argv[],
                 const struct child_io *io)
{
    const pid_t parent = getpid();
    *child = (struct child){.name = name};
    fflush(NULL);
    const pid_t pid = fork();
    if (pid < 0) {
        fprintf(stderr, "otter: cannot start %s: %s\n", name, strerror(errno));
        return false;
    }
    if (pid == 0)
        become(argv, io, parent);
    child->pid = pid;
    return true;
}

static void note_exit(struct child *child, int status)
{
    child->pid = 0;
    child->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool child_running(struct child *child)
{
    int status;
    if (child->pid == 0)
        return false;
    if (waitpid(child->pid, &status, WNOHANG) != child->pid)
        return true;
    note_exit(child, status);
    return false;
}

bool child_wait(struct child *child, unsigned timeout_ms)
{
    const struct timespec pause = {0, 5000000};
    for (unsigned waited = 0; child_running(child); waited += 5) {
        if (waited >= timeout_ms)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

void child_stop(struct child *child, unsigned patience_ms)
{
    if (!child_running(child))
        return;
    kill(child->pid, SIGTERM);
    if (!child_wait(child, patience_ms))
        child_kill(child);
}

void child_kill(struct child *child)
{
    int status;
    if (!child_running(child))
        return;
    kill(child->pid, SIGKILL);
    waitpid(child->pid, &status, 0);
    note_exit(child, status);
}

const char *program_directory(void)
{
    static char directory[PATH_MAX];
    if (directory[0] == '\0') {
        const ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 1);
        directory[length > 0 ? length : 0] = '\0';
        char *slash = strrchr(directory, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    return directory;
}
