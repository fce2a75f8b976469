/* Backups of a cloud's folder; see cloud_backup.h. Both ways go through a folder beside the result,
 * which takes its place at the end, whole. */
#define _GNU_SOURCE /* renameat2 */
#include "tool/cloud_backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cloud/store/db.h"
#include "cloud/store/db_copy.h"
#include "tool/child.h"
#include "tool/cloud_dir.h"

#define MANIFEST      "MANIFEST"
#define BROKER        "broker"
#define BROKER_STATE  BROKER "/mosquitto.db"
#define PATH_SIZE     1100
#define NAME_MAX_HERE 200
#define PARTIAL       ".partial-" /* and six letters: what is on its way */
#define TAR_MS        3600000u

struct work {
    const char *file, *dir;
    char folder[PATH_SIZE]; /* beside the result; removed at the end */
    int lock;               /* on that folder, as long as somebody works in it */
    char reason[600];
};

static bool fail(struct work *work, const char *what, const char *path)
{
    snprintf(work->reason, sizeof work->reason, "cannot %s %.400s: %s", what, path,
             strerror(errno));
    return false;
}

static void join(char path[PATH_SIZE], const char *folder, const char *name)
{
    snprintf(path, PATH_SIZE, "%.800s/%.250s", folder, name);
}

/* ---- folders -------------------------------------------------------------------------------- */

static void remove_files(const char *folder)
{
    DIR *files = opendir(folder);
    struct dirent *file;
    while (files && (file = readdir(files)) != NULL)
        unlinkat(dirfd(files), file->d_name, 0);
    if (files)
        closedir(files);
    rmdir(folder);
}

static void remove_all(const char *folder)
{
    char broker[PATH_SIZE];
    join(broker, folder, BROKER);
    remove_files(broker);
    remove_files(folder);
}

static void remove_folder(struct work *work)
{
    if (work->folder[0])
        remove_all(work->folder);
}

static int lock_folder(const char *folder)
{
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0)
        return lock;
    close(lock);
    return -1;
}

/* It has private keys in it, so it does not stay when its maker was killed. */
static void remove_orphan(const char *folder)
{
    char archive[PATH_SIZE];
    int lock = lock_folder(folder);
    if (lock < 0)
        return;
    snprintf(archive, sizeof archive, "%.1000s.tar", folder);
    unlink(archive);
    remove_all(folder);
    close(lock);
}

static void remove_orphans(const char *beside)
{
    char folder[PATH_SIZE], path[PATH_SIZE];
    const char *slash = strrchr(beside, '/'), *name = slash ? slash + 1 : beside;
    const size_t length = strlen(name), whole = length + strlen(PARTIAL) + 6;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - beside) + 1 : 2,
             slash ? beside : "./");
    DIR *files = opendir(folder);
    struct dirent *file;
    while (files && (file = readdir(files)) != NULL)
        if (strlen(file->d_name) == whole && strncmp(file->d_name, name, length) == 0 &&
            strncmp(file->d_name + length, PARTIAL, strlen(PARTIAL)) == 0) {
            join(path, folder, file->d_name);
            remove_orphan(path);
        }
    if (files)
        closedir(files);
}

static bool make_folder(struct work *work, const char *beside)
{
    remove_orphans(beside);
    snprintf(work->folder, sizeof work->folder, "%.800s" PARTIAL "XXXXXX", beside);
    if (mkdtemp(work->folder)) {
        work->lock = lock_folder(work->folder);
        return true;
    }
    bool failed = fail(work, "make the folder", work->folder);
    work->folder[0] = '\0';
    return failed;
}

static bool run_tar(struct work *work, char *const argv[])
{
    struct child tar = {0};
    const struct child_io io = {0};
    if (child_start(&tar, "tar", argv, &io) && child_wait(&tar, TAR_MS) && tar.exit_code == 0)
        return true;
    snprintf(work->reason, sizeof work->reason, "tar failed on %.400s", work->file);
    return false;
}

/* What a power cut must not undo. */
static bool sync_path(const char *path, int flags)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

static bool sync_folder_of(const char *path)
{
    char folder[PATH_SIZE];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder)
        *slash = '\0';
    return sync_path(slash ? folder : ".", O_DIRECTORY);
}

/* ---- digests -------------------------------------------------------------------------------- */

static bool digest_file(const char *path, char hex[65])
{
    unsigned char bytes[65536], digest[32];
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ssize_t length = -1;
    bool done = fd >= 0 && context && fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) &&
                EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    while (done && (length = read(fd, bytes, sizeof bytes)) > 0)
        done = EVP_DigestUpdate(context, bytes, (size_t)length) == 1;
    done = done && length == 0 && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    for (size_t i = 0; i < sizeof digest && done; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(context);
    if (fd >= 0)
        close(fd);
    return done;
}

/* ---- backup --------------------------------------------------------------------------------- */

/* The copy is as old as the file: what the broker has not saved is told to it again by that. */
static bool copy_file(const char *from, const char *to)
{
    char bytes[65536];
    struct stat facts;
    ssize_t length = -1;
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int out = in >= 0 ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    bool done = out >= 0 && fstat(in, &facts) == 0;
    while (done && (length = read(in, bytes, sizeof bytes)) > 0)
        done = write(out, bytes, (size_t)length) == length;
    const struct timespec times[] = {facts.st_atim, facts.st_mtim};
    done = done && length == 0 && futimens(out, times) == 0;
    if (in >= 0)
        close(in);
    if (out >= 0)
        done = close(out) == 0 && done;
    return done;
}

static bool belongs(const char *name)
{
    return name[0] != '.' && strncmp(name, DB_COPY_NAME, strlen(DB_COPY_NAME)) != 0 &&
           strcmp(name, "lock") != 0 && strcmp(name, "cloud.json") != 0 &&
           strcmp(name, MANIFEST) != 0 && strlen(name) <= NAME_MAX_HERE &&
           strpbrk(name, "\n\\") == NULL;
}

static bool note(FILE *manifest, const char *folder, const char *name)
{
    char path[PATH_SIZE], hex[65];
    join(path, folder, name);
    return digest_file(path, hex) && fprintf(manifest, "%s  %s\n", hex, name) > 0;
}

static bool copy_one(struct work *work, FILE *manifest, const char *name)
{
    char from[PATH_SIZE], to[PATH_SIZE];
    join(from, work->dir, name);
    join(to, work->folder, name);
    return (copy_file(from, to) && note(manifest, work->folder, name)) || fail(work, "copy", from);
}

static bool copy_files(struct work *work, FILE *manifest)
{
    DIR *files = opendir(work->dir);
    struct dirent *file;
    struct stat facts;
    bool done = files != NULL || fail(work, "read the folder", work->dir);
    while (done && (file = readdir(files)) != NULL) {
        if (belongs(file->d_name) &&
            fstatat(dirfd(files), file->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(facts.st_mode))
            done = copy_one(work, manifest, file->d_name);
    }
    if (files)
        closedir(files);
    return done;
}

/* Mosquitto puts a new file in place of the old one, so that one that is there is whole. */
static bool copy_broker(struct work *work, FILE *manifest)
{
    char path[PATH_SIZE];
    join(path, work->folder, BROKER);
    if (mkdir(path, 0700) != 0)
        return fail(work, "make the folder", path);
    join(path, work->dir, BROKER_STATE);
    return access(path, F_OK) != 0 || copy_one(work, manifest, BROKER_STATE);
}

static bool gather(struct work *work)
{
    char path[PATH_SIZE];
    join(path, work->folder, DB_COPY_NAME);
    if (!db_copy(work->dir, path, work->reason, sizeof work->reason))
        return false;
    join(path, work->folder, MANIFEST);
    FILE *manifest = fopen(path, "w");
    if (!manifest)
        return fail(work, "write", path);
    bool done = note(manifest, work->folder, DB_COPY_NAME) && copy_files(work, manifest) &&
                copy_broker(work, manifest);
    return (fclose(manifest) == 0 && done) || (work->reason[0] ? false : fail(work, "write", path));
}

static bool pack(struct work *work)
{
    char archive[PATH_SIZE];
    snprintf(archive, sizeof archive, "%.800s.tar", work->folder);
    char *const argv[] = {"tar", "-C", work->folder, "-cf", archive, ".", NULL};
    bool done = run_tar(work, argv) && chmod(archive, 0600) == 0 && sync_path(archive, 0) &&
                rename(archive, work->file) == 0 && sync_folder_of(work->file);
    if (!done && !work->reason[0])
        fail(work, "write", work->file);
    unlink(archive);
    return done;
}

static bool back_up(struct work *work)
{
    return make_folder(work, work->file) && gather(work) && pack(work);
}

/* ---- restore -------------------------------------------------------------------------------- */

static bool refuse(struct work *work, const char *why)
{
    snprintf(work->reason, sizeof work->reason, "%.300s is no whole backup: %.200s", work->file,
             why);
    return false;
}

static bool unpack(struct work *work)
{
    char *const argv[] = {"tar",
                          "-C",
                          work->folder,
                          "--no-same-owner",
                          "--no-same-permissions",
                          "-xf",
                          (char *)work->file,
                          NULL};
    return run_tar(work, argv);
}

/* One line of the manifest: the file is there, plain, and as it was. */
static bool check_line(struct work *work, char *line)
{
    char path[PATH_SIZE], hex[65], why[300];
    line[strcspn(line, "\n")] = '\0';
    if (strlen(line) < 67 || strncmp(line + 64, "  ", 2) != 0)
        return refuse(work, "its " MANIFEST " cannot be read");
    const char *name = line + 66;
    line[64] = '\0';
    if (strcmp(name, BROKER_STATE) != 0 && strcmp(name, DB_COPY_NAME) != 0 &&
        (!belongs(name) || strchr(name, '/') != NULL))
        return refuse(work, "its " MANIFEST " names what belongs to no cloud");
    join(path, work->folder, name);
    if (digest_file(path, hex) && strcmp(hex, line) == 0)
        return true;
    snprintf(why, sizeof why, "%.200s is missing, or not what it was", name);
    return refuse(work, why);
}

static size_t count_files(const char *folder)
{
    DIR *files = opendir(folder);
    struct dirent *file;
    size_t count = 0;
    while (files && (file = readdir(files)) != NULL)
        count += strcmp(file->d_name, ".") != 0 && strcmp(file->d_name, "..") != 0;
    if (files)
        closedir(files);
    return count;
}

/* Besides the files of the manifest there are the manifest and the broker's folder. */
static bool check_manifest(struct work *work)
{
    char path[PATH_SIZE], broker[PATH_SIZE], line[400];
    size_t lines = 0;
    bool good = true, has_database = false;
    join(path, work->folder, MANIFEST);
    join(broker, work->folder, BROKER);
    FILE *manifest = fopen(path, "r");
    if (!manifest)
        return refuse(work, "it has no " MANIFEST);
    for (; good && fgets(line, sizeof line, manifest) != NULL; lines++) {
        good = check_line(work, line);
        has_database |= good && strcmp(line + 66, DB_COPY_NAME) == 0;
    }
    fclose(manifest);
    if (good && !has_database)
        return refuse(work, "it has no database");
    if (good && count_files(work->folder) + count_files(broker) != lines + 2)
        return refuse(work, "it has files that its " MANIFEST " does not name");
    return good;
}

/* Opening it brings an older one up to date, and refuses a newer one. */
static bool check_database(struct work *work)
{
    char path[PATH_SIZE], why[400];
    join(path, work->folder, DB_COPY_NAME);
    if (!db_copy_check(path, why, sizeof why))
        return refuse(work, why);
    struct db *db = db_open(work->folder, work->reason, sizeof work->reason);
    if (!db)
        return false;
    db_close(db);
    return true;
}

/* What was there will have this name the moment it gives way. */
static bool name_for_old(struct work *work)
{
    char before[PATH_SIZE], when[32];
    const time_t now = time(NULL);
    struct tm local;
    strftime(when, sizeof when, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
    for (unsigned i = 1; i <= 100; i++) {
        snprintf(before, sizeof before, "%.800s.before-restore-%s", work->dir, when);
        if (i > 1)
            snprintf(before + strlen(before), 8, "-%u", i);
        if (renameat2(AT_FDCWD, work->folder, AT_FDCWD, before, RENAME_NOREPLACE) == 0) {
            strcpy(work->folder, before);
            return true;
        }
        if (errno != EEXIST)
            break;
    }
    return fail(work, "name", before);
}

/* The folder changes places with what was verified; what it had is then beside it. */
static bool take_place(struct work *work)
{
    char path[PATH_SIZE];
    join(path, work->folder, MANIFEST);
    unlink(path);
    if (!sync_path(work->folder, O_DIRECTORY))
        return fail(work, "write", work->folder);
    if (!name_for_old(work))
        return false;
    if (renameat2(AT_FDCWD, work->folder, AT_FDCWD, work->dir, RENAME_EXCHANGE) != 0)
        return fail(work, "put the backup in place of", work->dir);
    printf("otter cloud: %s is restored from %s; what was there is in %s\n", work->dir, work->file,
           work->folder);
    work->folder[0] = '\0';
    return sync_folder_of(work->dir) || fail(work, "write", work->dir);
}

/* Holds the folder's lock from beginning to end. */
static bool restore(struct work *work)
{
    struct cloud_dir dir;
    if (access(work->file, R_OK) != 0)
        return fail(work, "read", work->file);
    if (!cloud_dir_lock(&dir, work->dir))
        return false; /* it has said why */
    work->dir = dir.path;
    bool done = make_folder(work, dir.path) && unpack(work) && check_manifest(work) &&
                check_database(work) && take_place(work);
    remove_folder(work);
    work->folder[0] = '\0';
    if (done)
        close(dir.lock); /* not cloud_dir_close: the folder of that name is another one now */
    else
        cloud_dir_undo(&dir);
    return done;
}

/* ---- command line --------------------------------------------------------------------------- */

static void print_help(void)
{
    printf("usage: otter cloud backup FILE [--dir DIR]\n"
           "       otter cloud restore FILE [--dir DIR]\n"
           "\n"
           "`backup` writes all that a cloud knows to FILE, while it runs: the database as it is\n"
           "between two commits, objects, keys, certificates, sessions. FILE is a tar archive and\n"
           "holds private keys. `restore` checks FILE (SHA-256 of each file, SQLite's own check)\n"
           "and puts it in place of DIR, whole or not at all; what was there is kept beside it. A\n"
           "running cloud must be stopped before.\n"
           "\n"
           "  --dir DIR   the cloud's folder (default: otter-cloud)\n"
           "\n"
           "examples:\n"
           "  otter cloud backup /backups/cloud-$(date +%%F).tar --dir /srv/cloud\n"
           "  otter cloud restore /backups/cloud-2024-05-01.tar --dir /srv/cloud\n");
}

static int read_words(int argc, char **argv, struct work *work)
{
    static const struct option known[] = {{"dir", required_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    *work = (struct work){.dir = "otter-cloud"};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        if (option == 'h') {
            print_help();
            return 1;
        }
        if (option != 'd')
            return 3;
        work->dir = optarg;
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "otter cloud: %s needs one file; see `otter cloud %s --help`\n", argv[0],
                argv[0]);
        return 3;
    }
    work->file = argv[optind];
    return 0;
}

static int run(int argc, char **argv, bool (*what)(struct work *work))
{
    struct work work;
    int code = read_words(argc, argv, &work);
    if (code)
        return code - 1;
    umask(077);
    bool done = what(&work);
    remove_folder(&work);
    if (!done && work.reason[0])
        fprintf(stderr, "otter cloud: %s\n", work.reason);
    return done ? 0 : 1;
}

int cloud_backup(int argc, char **argv)
{
    return run(argc, argv, back_up);
}

int cloud_restore(int argc, char **argv)
{
    return run(argc, argv, restore);
}
