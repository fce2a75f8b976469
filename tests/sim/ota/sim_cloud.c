/* The core on the world's clock: its files, commits, kills. */
#define _GNU_SOURCE /* pipe2 */
#include "tests/sim/ota/sim_cloud.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cloud/core/account/objects.h"
#include "tests/sim/ota/sim_cloud_internal.h"

#define COMMIT_MS 4 /* from the first change of a group to its commit */
#define TEND_MS   60000
#define FILE_MAX  ((size_t)4 << 20)

bool sim_cloud_verbose;

/* ---- files ----------------------------------------------------------------------------------- */

/* One folder for the process, in memory where there is such a place: nothing here measures disks.
 */
static char folder[SIM_DIR_SIZE];

static void remove_folder(void)
{
    static const char *const parts[] = {"/t/otter.db",
                                        "/t/otter.db-wal",
                                        "/t/otter.db-shm",
                                        "/t",
                                        "/0/otter.db",
                                        "/0/otter.db-wal",
                                        "/0/otter.db-shm",
                                        "/0",
                                        "/1/otter.db",
                                        "/1/otter.db-wal",
                                        "/1/otter.db-shm",
                                        "/1",
                                        ""};
    char path[SIM_DIR_SIZE + 32];
    if (!folder[0])
        return;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s%s", folder, parts[i]);
        (void)remove(path);
    }
}

void sim_must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "cloud: %s\n", what);
    abort();
}

static void make_subfolder(const char *name)
{
    char path[SIM_DIR_SIZE + 8];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    sim_must(mkdir(path, 0700) == 0 || errno == EEXIST, "cannot make a folder");
}

static int cleaner_waits; /* our end of its pipe */
static pid_t cleaner;

static void clean_up(void)
{
    close(cleaner_waits);
    (void)waitpid(cleaner, NULL, 0);
}

/* However the program ends, killed or by a sanitizer: its end of the pipe closes then, and a
 * process in a session of its own clears up. */
static void start_cleaner(void)
{
    int ends[2];
    char none;
    sim_must(pipe2(ends, O_CLOEXEC) == 0, "no pipe");
    cleaner = fork();
    sim_must(cleaner >= 0, "cannot fork");
    if (cleaner > 0) {
        close(ends[0]);
        cleaner_waits = ends[1];
        atexit(clean_up);
        return;
    }
    setsid();
    close(ends[1]);
    while (read(ends[0], &none, 1) < 0 && errno == EINTR)
        ;
    remove_folder();
    _exit(0);
}

static void make_folder(void)
{
    if (folder[0])
        return;
    strcpy(folder,
           access("/dev/shm", W_OK) == 0 ? "/dev/shm/otter-sim-XXXXXX" : "/tmp/otter-sim-XXXXXX");
    sim_must(mkdtemp(folder) != NULL, "cannot make a folder");
    start_cleaner();
    make_subfolder("t");
    make_subfolder("0");
    make_subfolder("1");
}

static size_t read_file(const char *dir, const char *name, uint8_t *bytes)
{
    char path[SIM_DIR_SIZE + 32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    const size_t size = file ? fread(bytes, 1, FILE_MAX, file) : 0;
    if (file)
        fclose(file);
    sim_must(size < FILE_MAX, "the database is too large");
    return size;
}

static void write_file(const char *dir, const char *name, const uint8_t *bytes, size_t size)
{
    char path[SIM_DIR_SIZE + 32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    (void)remove(path);
    if (size == 0)
        return;
    FILE *file = fopen(path, "wb");
    sim_must(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0,
             "cannot write a file");
}

void sim_accepted(enum core_error error, struct answer *answer)
{
    if (error != CORE_OK)
        fprintf(stderr, "cloud: %s: %s\n", core_error_text(error), answer->message);
    sim_must(error == CORE_OK, "what an operator asks for is refused");
    answer_free(answer);
}

/* ---- start and stop -------------------------------------------------------------------------- */

int64_t sim_clock_ms(void *context)
{
    return SIM_EPOCH_MS + (int64_t) * ((struct sim_cloud *)context)->now;
}

static void publish(void *context, const char *topic, const void *payload, size_t length)
{
    struct sim_cloud *cloud = context;
    if (!cloud->core->dying)
        cloud->send(cloud->ctx, 0, topic, payload, length);
}

static void on_group(void *context)
{
    struct sim_cloud *cloud = context;
    cloud->core->flush_at = *cloud->now + COMMIT_MS;
}

static void write_log(void *context, const char *area, const char *text)
{
    static int wanted = -1;
    (void)context;
    if (wanted < 0)
        wanted = getenv("OTTER_TEST_LOG") != NULL;
    if (wanted || sim_cloud_verbose)
        printf("             %-8s %s\n", area, text);
}

static void on_identity_changed(void *context, const char *certificate)
{
    (void)certificate;
    sim_forget_identity(context);
}

static void open_core(struct sim_cloud *cloud)
{
    struct sim_core *core = cloud->core;
    const struct cloud_config config = {
        .dir = core->dir, .now_ms = sim_clock_ms, .now_context = cloud};
    sim_must(core_start(&core->cloud, &config) == OTTER_OK, "the core does not start");
    core->publisher = (struct reserved_publisher){publish, cloud};
    core->cloud.notify = (struct notify){reserved_notify, &core->publisher};
    core->cloud.watch.identity_changed = on_identity_changed;
    core->cloud.watch.identity_context = cloud;
    sim_forget_identity(cloud);
    db_group(core->cloud.db, on_group, cloud);
    core->flush_at = OTTER_NEVER;
    core->tend_at = 0;
    cloud->stale = true;
}

/* A database with the device and a bucket, made once and copied for each world. */
static size_t template(struct sim_cloud *cloud, uint8_t **bytes)
{
    static uint8_t made[FILE_MAX];
    static size_t size;
    struct answer answer = ANSWER_INIT;
    *bytes = made;
    if (size > 0)
        return size;
    cloud_log_to(write_log, NULL);
    snprintf(cloud->core->dir, sizeof cloud->core->dir, "%s/t", folder);
    open_core(cloud);
    sim_make_device(cloud);
    sim_accepted(bucket_create(&cloud->core->cloud, SIM_BUCKET, &answer), &answer);
    core_stop(&cloud->core->cloud);
    return size = read_file(cloud->core->dir, "otter.db", made);
}

static void next_dir(struct sim_core *core)
{
    snprintf(core->dir, sizeof core->dir, "%s/%u", folder, core->generation++ % 2);
}

void sim_cloud_start(struct sim_cloud *cloud)
{
    uint8_t *bytes;
    make_folder();
    cloud->core = calloc(1, sizeof *cloud->core);
    sim_must(cloud->core != NULL, "out of memory");
    const size_t size = template(cloud, &bytes);
    next_dir(cloud->core);
    write_file(cloud->core->dir, "otter.db", bytes, size);
    write_file(cloud->core->dir, "otter.db-wal", NULL, 0);
    if (cloud->tend_every == 0)
        cloud->tend_every = TEND_MS;
    cloud->rights_back_at = OTTER_NEVER;
    open_core(cloud);
}

void sim_cloud_stop(struct sim_cloud *cloud)
{
    cloud->core->dying = true; /* nobody hears it any more */
    sim_forget_identity(cloud);
    core_stop(&cloud->core->cloud);
    free(cloud->core);
    cloud->core = NULL;
}

void sim_cloud_kill(struct sim_cloud *cloud)
{
    static const char *const files[] = {"otter.db", "otter.db-wal"};
    static uint8_t bytes[2][FILE_MAX];
    size_t sizes[2];
    struct sim_core *core = cloud->core;
    for (size_t i = 0; i < 2; i++)
        sizes[i] = read_file(core->dir, files[i], bytes[i]);
    core->dying = true;
    core_stop(&core->cloud);
    core->dying = false;
    next_dir(core);
    for (size_t i = 0; i < 2; i++)
        write_file(core->dir, files[i], bytes[i], sizes[i]);
    memset(&core->cloud, 0, sizeof core->cloud);
    open_core(cloud);
    cloud->restarts++;
}

void sim_cloud_commit(struct sim_cloud *cloud)
{
    cloud->core->flush_at = OTTER_NEVER;
    sim_must(db_flush(cloud->core->cloud.db) == OTTER_OK, "a commit failed");
}

void sim_cloud_tick(struct sim_cloud *cloud)
{
    struct sim_core *core = cloud->core;
    if (cloud->rights_back_at <= *cloud->now)
        sim_give_rights(cloud);
    while (cloud_turn(&core->cloud))
        ;
    if (core->tend_at <= *cloud->now) {
        const otter_ms wait = core_tend(&core->cloud);
        core->tend_at = *cloud->now + (wait > cloud->tend_every ? wait : cloud->tend_every);
        cloud->stale = true;
    }
    if (core->flush_at <= *cloud->now)
        sim_cloud_commit(cloud);
}

otter_ms sim_cloud_deadline(const struct sim_cloud *cloud)
{
    const struct sim_core *core = cloud->core;
    if (cloud_waits(&core->cloud))
        return *cloud->now;
    const otter_ms at = core->flush_at < core->tend_at ? core->flush_at : core->tend_at;
    return at < cloud->rights_back_at ? at : cloud->rights_back_at;
}
