/* Mosquitto as a child process: configuration, start, restart, end. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cloud/core/broker.h"
#include "cloud/core/cloud.h"

#define FOLDER        "broker"
#define SOCKET_NAME   "broker.sock"
#define RESTART_MS    500
#define STOP_MS       3000
#define FAILURES_MAX  5
#define QUICK_DEATH_S 2

struct broker_process {
    struct event_base *base;
    struct event *child_ended, *restart;
    pid_t pid;      /* 0: not running */
    int dir_fd;     /* of DIR/broker; the socket is reached through it, however long the path is */
    time_t started; /* monotonic */
    int failures;   /* quick deaths in a row */
    char program[256];
    char log[600];
};

static bool find_program(char *path, size_t size)
{
    static const char *const places[] = {"/usr/sbin", "/usr/bin", "/usr/local/sbin",
                                         "/usr/local/bin"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, size, "%s/mosquitto", places[i]);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

static time_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool write_config(int dir_fd)
{
    int fd = openat(dir_fd, "mosquitto.conf", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    const struct passwd *user = getpwuid(geteuid());
    if (!file)
        return false;
    fprintf(file,
            "# Written by `otter cloud` at each start. Only the gateway can reach this broker:\n"
            "# it listens on a Unix socket in a folder that is closed to other users.\n"
            "listener 0 " SOCKET_NAME "\n"
            "allow_anonymous true\n"
            "persistence false\n"
            "persistent_client_expiration 1h\n"
            "max_inflight_messages 100\n"
            "max_queued_messages 1000\n"
            "message_size_limit 0\n"
            "sys_interval 0\n"
            "log_dest stderr\n"
            "log_type error\nlog_type warning\nlog_type notice\n");
    /* Started as root it would change to its own user, who may not enter the folder. */
    if (user)
        fprintf(file, "user %s\n", user->pw_name);
    return fclose(file) == 0;
}

/* In the child: never returns. */
static _Noreturn void run_child(const struct broker_process *process, pid_t parent)
{
    sigset_t none;
    int log = openat(process->dir_fd, "mosquitto.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    int in = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* it must not outlive a cloud that is killed */
    if (getppid() != parent)
        _exit(1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (fchdir(process->dir_fd) == 0 && log >= 0 && dup2(in, 0) >= 0 && dup2(log, 1) >= 0 &&
        dup2(log, 2) >= 0) {
        umask(077);
        setpgid(0, 0); /* Ctrl-C at the terminal is ours to handle, in order */
        execl(process->program, "mosquitto", "-c", "mosquitto.conf", (char *)NULL);
    }
    _exit(127);
}

static bool spawn(struct broker_process *process)
{
    pid_t self = getpid();
    unlinkat(process->dir_fd, SOCKET_NAME, 0);
    pid_t pid = fork();
    if (pid == 0)
        run_child(process, self);
    if (pid < 0)
        return false;
    process->pid = pid;
    process->started = monotonic();
    return true;
}

static void on_restart(evutil_socket_t fd, short what, void *context)
{
    struct broker_process *process = context;
    (void)fd, (void)what;
    if (spawn(process))
        cloud_log("broker", "Mosquitto started again, process %d", (int)process->pid);
}

static void on_child_ended(evutil_socket_t signal_number, short what, void *context)
{
    struct broker_process *process = context;
    int status;
    (void)signal_number, (void)what;
    if (!process->pid || waitpid(process->pid, &status, WNOHANG) != process->pid)
        return;
    process->pid = 0;
    process->failures = monotonic() - process->started < QUICK_DEATH_S ? process->failures + 1 : 0;
    cloud_log("broker", "Mosquitto ended (%s %d); its log: %s",
              WIFSIGNALED(status) ? "signal" : "exit code",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), process->log);
    int delay_ms = RESTART_MS << (process->failures < 6 ? process->failures : 6);
    struct timeval delay = {delay_ms / 1000, delay_ms % 1000 * 1000};
    event_add(process->restart, &delay);
}

static struct broker_process *fail(struct broker_process *process, const char *what)
{
    fprintf(stderr, "otter cloud: %s\n", what);
    if (process->child_ended)
        event_free(process->child_ended);
    if (process->restart)
        event_free(process->restart);
    if (process->dir_fd >= 0)
        close(process->dir_fd);
    free(process);
    return NULL;
}

/* A folder of its own, closed to other users even if the cloud's folder is not: whoever reaches the
 * socket may say anything. */
static int open_folder(const char *dir)
{
    char path[600];
    snprintf(path, sizeof path, "%s/" FOLDER, dir);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && fchmod(fd, 0700) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

struct broker_process *broker_process_start(struct event_base *base, const char *dir)
{
    struct broker_process *process = calloc(1, sizeof *process);
    if (!process)
        return NULL;
    process->base = base;
    process->dir_fd = open_folder(dir);
    snprintf(process->log, sizeof process->log, "%s/" FOLDER "/mosquitto.log", dir);
    if (!find_program(process->program, sizeof process->program))
        return fail(process, "the MQTT broker Mosquitto is not installed. Install it with: "
                             "apt-get install mosquitto");
    if (process->dir_fd < 0 || !write_config(process->dir_fd))
        return fail(process, "cannot write " FOLDER "/mosquitto.conf into the cloud's folder");
    process->child_ended =
        event_new(base, SIGCHLD, EV_SIGNAL | EV_PERSIST, on_child_ended, process);
    process->restart = evtimer_new(base, on_restart, process);
    if (!process->child_ended || !process->restart || event_add(process->child_ended, NULL) < 0)
        return fail(process, "cannot watch child processes");
    unlinkat(process->dir_fd, "mosquitto.log", 0);
    if (!spawn(process))
        return fail(process, "cannot start a process for Mosquitto");
    return process;
}

/* Asks, waits a little, then insists. */
static void end_child(pid_t pid)
{
    kill(pid, SIGTERM);
    for (int waited_ms = 0; waited_ms < STOP_MS; waited_ms += 10) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return;
        usleep(10000);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

void broker_process_stop(struct broker_process *process)
{
    if (!process)
        return;
    event_free(process->child_ended);
    event_free(process->restart);
    if (process->pid)
        end_child(process->pid);
    unlinkat(process->dir_fd, SOCKET_NAME, 0);
    close(process->dir_fd);
    free(process);
}

void broker_process_address(const struct broker_process *process, struct sockaddr_un *address)
{
    /* sun_path holds 107 characters; a path through the open folder is short in any folder. */
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/" SOCKET_NAME,
             process->dir_fd);
}

bool broker_process_healthy(const struct broker_process *process)
{
    return process->failures < FAILURES_MAX;
}

const char *broker_process_log(const struct broker_process *process)
{
    return process->log;
}
