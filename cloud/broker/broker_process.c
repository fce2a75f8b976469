/* Mosquitto as a child process: configuration, start, restart, end.
 *
 * One at a time: a running Mosquitto holds a lock on DIR/broker/mosquitto.pid, and the next one is
 * not started before it has let go. So when a cloud is killed and started again at once, its old
 * Mosquitto, which SIGTERM tells to save its state and go, cannot take the new one's socket with
 * it. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cloud/broker/broker_internal.h"
#include "cloud/core/ground/log.h"

#define FOLDER        "broker"
#define SOCKET_NAME   "broker.sock"
#define PID_NAME      "mosquitto.pid"
#define STATE_NAME    "mosquitto.db"
#define RESTART_MS    500
#define STOP_MS       8000 /* to save a large state */
#define LOCK_MS       8000 /* for an old Mosquitto to save its state and go */
#define WATCH_MS      1000
#define FAILURES_MAX  5
#define QUICK_DEATH_S 2
#define BYTES_A_S     (4 << 20) /* of state, that may be written: a larger one less often */

struct broker_process {
    struct event_base *base;
    struct event *child_ended, *restart, *watch, *save;
    pid_t pid;      /* 0: not running */
    int dir_fd;     /* of DIR/broker; the socket is reached through it, however long the path is */
    time_t started; /* monotonic */
    time_t ending;  /* when it was told to end, 0: it was not */
    int failures;   /* quick deaths in a row */
    int64_t saved_ms; /* of the state that it began with, since 1970; 0: none */
    ino_t socket;     /* its socket's inode; 0: it has not been reached yet */
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

static bool write_config(int dir_fd, unsigned session_s)
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
            "# Saved when it ends and on SIGUSR1, which the cloud sends after changes.\n"
            "persistence true\n"
            "persistence_file " STATE_NAME "\n"
            "autosave_interval 0\n"
            "persistent_client_expiration %uh\n"
            "# For each client; the gateway holds no more than this for one that does not read.\n"
            "max_inflight_messages 100\n"
            "max_inflight_bytes 1048576\n"
            "max_queued_messages 1000\n"
            "max_queued_bytes 4194304\n"
            "message_size_limit 0\n"
            "sys_interval 0\n"
            "log_dest stderr\n"
            "# Notices, some for each connection, would fill the disk.\n"
            "log_type error\nlog_type warning\n",
            (session_s + 3599) / 3600);
    /* Started as root it would change to its own user, who may not enter the folder. */
    if (user)
        fprintf(file, "user %s\n", user->pw_name);
    return fclose(file) == 0;
}

/* ---- one at a time -------------------------------------------------------------------------- */

/* The lock's file, locked, or -1. Waits, for a Mosquitto that is still on its way out; one that
 * does not go is killed. */
static int take_lock(const struct broker_process *process)
{
    int fd = openat(process->dir_fd, PID_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (int waited_ms = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; waited_ms += 10) {
        char text[16] = "";
        if (waited_ms == LOCK_MS && pread(fd, text, sizeof text - 1, 0) > 0 &&
            strtol(text, NULL, 10) > 1)
            kill((pid_t)strtol(text, NULL, 10), SIGKILL);
        if (waited_ms > LOCK_MS + STOP_MS) {
            close(fd);
            return -1;
        }
        usleep(10000);
    }
    return fd;
}

/* ---- start and restart ---------------------------------------------------------------------- */

/* In the child: never returns. It keeps `lock` as long as it lives. */
static _Noreturn void run_child(const struct broker_process *process, pid_t parent, int lock)
{
    sigset_t none;
    int log = openat(process->dir_fd, "mosquitto.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    int in = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* it must not outlive a cloud that is killed, but save */
    if (getppid() != parent || fcntl(lock, F_SETFD, 0) != 0 || ftruncate(lock, 0) != 0 ||
        dprintf(lock, "%d\n", (int)getpid()) < 0)
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

static int64_t saved_ms(const struct broker_process *process)
{
    struct stat state;
    if (fstatat(process->dir_fd, STATE_NAME, &state, 0) != 0)
        return 0;
    return (int64_t)state.st_mtim.tv_sec * 1000 + state.st_mtim.tv_nsec / 1000000;
}

static bool spawn(struct broker_process *process)
{
    pid_t self = getpid();
    int lock = take_lock(process);
    if (lock < 0)
        return false;
    unlinkat(process->dir_fd, SOCKET_NAME, 0);
    process->saved_ms = saved_ms(process);
    pid_t pid = fork();
    if (pid == 0)
        run_child(process, self, lock);
    close(lock);
    if (pid < 0)
        return false;
    process->pid = pid;
    process->socket = 0;
    process->ending = 0;
    process->started = monotonic();
    return true;
}

static void restart_later(struct broker_process *process)
{
    long delay_ms = RESTART_MS << (process->failures < 6 ? process->failures : 6);
    struct timeval delay = {delay_ms / 1000, delay_ms % 1000 * 1000L};
    event_add(process->restart, &delay);
}

static void on_restart(evutil_socket_t fd, short what, void *context)
{
    struct broker_process *process = context;
    (void)fd, (void)what;
    if (spawn(process)) {
        cloud_log("broker", "Mosquitto started again, process %d", (int)process->pid);
        return;
    }
    cloud_log("broker", "Mosquitto cannot be started again: %s; trying on", strerror(errno));
    process->failures++;
    restart_later(process);
}

/* It ended by itself before anybody could reach it, twice: what it saved may be what it stumbles
 * over, and a cloud without its sessions is better than none. */
static void put_state_aside(const struct broker_process *process)
{
    if (renameat(process->dir_fd, STATE_NAME, process->dir_fd, STATE_NAME ".damaged") == 0)
        cloud_log("broker",
                  "the saved sessions and retained messages were put aside, as "
                  "%.*s" STATE_NAME ".damaged",
                  (int)(strlen(process->log) - strlen("mosquitto.log")), process->log);
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
    if (WIFEXITED(status) && !process->socket && process->failures == 2)
        put_state_aside(process);
    restart_later(process);
}

/* ---- while it runs -------------------------------------------------------------------------- */

static ino_t socket_inode(const struct broker_process *process)
{
    struct stat at;
    return fstatat(process->dir_fd, SOCKET_NAME, &at, AT_SYMLINK_NOFOLLOW) == 0 ? at.st_ino : 0;
}

void broker_process_reached(struct broker_process *process)
{
    process->socket = socket_inode(process);
}

void broker_process_replace(struct broker_process *process, const char *why)
{
    if (!process->pid || process->ending)
        return;
    cloud_log("broker", "%s; it is started again", why);
    process->ending = monotonic();
    kill(process->pid, SIGTERM);
}

static void on_watch(evutil_socket_t fd, short what, void *context)
{
    struct broker_process *process = context;
    (void)fd, (void)what;
    if (process->pid && process->ending && monotonic() - process->ending > STOP_MS / 1000)
        kill(process->pid, SIGKILL);
    else if (process->socket && socket_inode(process) != process->socket)
        broker_process_replace(process, "Mosquitto's socket is gone");
}

/* ---- saving --------------------------------------------------------------------------------- */

static void on_save(evutil_socket_t fd, short what, void *context)
{
    const struct broker_process *process = context;
    (void)fd, (void)what;
    if (process->pid && process->socket)
        kill(process->pid, SIGUSR1);
}

void broker_process_save(struct broker_process *process)
{
    struct stat state;
    struct timeval delay = {1, 0};
    if (evtimer_pending(process->save, NULL))
        return;
    if (fstatat(process->dir_fd, STATE_NAME, &state, 0) == 0)
        delay.tv_sec += state.st_size / BYTES_A_S;
    event_add(process->save, &delay);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static void free_events(struct broker_process *process)
{
    struct event *events[4] = {process->child_ended, process->restart, process->watch,
                               process->save};
    for (size_t i = 0; i < 4; i++)
        if (events[i])
            event_free(events[i]);
}

static struct broker_process *fail(struct broker_process *process, const char *what)
{
    fprintf(stderr, "otter cloud: %s\n", what);
    free_events(process);
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

static bool watch_child(struct broker_process *process)
{
    const struct timeval period = {WATCH_MS / 1000, 0};
    process->child_ended =
        event_new(process->base, SIGCHLD, EV_SIGNAL | EV_PERSIST, on_child_ended, process);
    process->restart = evtimer_new(process->base, on_restart, process);
    process->watch = event_new(process->base, -1, EV_PERSIST, on_watch, process);
    process->save = evtimer_new(process->base, on_save, process);
    return process->child_ended && process->restart && process->watch && process->save &&
           event_add(process->child_ended, NULL) == 0 && event_add(process->watch, &period) == 0;
}

struct broker_process *broker_process_start(struct event_base *base, const char *dir,
                                            unsigned session_s)
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
    if (process->dir_fd < 0 || !write_config(process->dir_fd, session_s))
        return fail(process, "cannot write " FOLDER "/mosquitto.conf into the cloud's folder");
    if (!watch_child(process))
        return fail(process, "cannot watch child processes");
    unlinkat(process->dir_fd, "mosquitto.log", 0);
    if (!spawn(process))
        return fail(process,
                    "cannot start a process for Mosquitto, or another one is still running "
                    "in the cloud's folder, see " FOLDER "/" PID_NAME);
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
    free_events(process);
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

int64_t broker_process_saved_ms(const struct broker_process *process)
{
    return process->saved_ms;
}
