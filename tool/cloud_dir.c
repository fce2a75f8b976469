#include "tool/cloud_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_ID_LENGTH 20
#define SECRET_LENGTH 40

static bool fail(const char *what, const char *path)
{
    fprintf(stderr, "otter cloud: cannot %s %s: %s\n", what, path, strerror(errno));
    return false;
}

static void file_path(const struct cloud_dir *dir, const char *name, char path[CLOUD_DIR_MAX + 32])
{
    snprintf(path, CLOUD_DIR_MAX + 32, "%s/%s", dir->path, name);
}

/* Makes each missing folder of the path; only the last is closed to others. */
static bool make_path(const char *path)
{
    char part[CLOUD_DIR_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST;
}

static bool find_path(struct cloud_dir *dir, const char *path)
{
    char *absolute = make_path(path) ? realpath(path, NULL) : NULL;
    if (!absolute)
        return fail("make the folder", path);
    if (strlen(absolute) >= sizeof dir->path) {
        errno = ENAMETOOLONG;
        free(absolute);
        return fail("use the folder", path);
    }
    strcpy(dir->path, absolute);
    free(absolute);
    return true;
}

static bool take_lock(struct cloud_dir *dir)
{
    char path[CLOUD_DIR_MAX + 32], pid[16] = "";
    file_path(dir, "lock", path);
    dir->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (dir->lock < 0)
        return fail("write", path);
    if (flock(dir->lock, LOCK_EX | LOCK_NB) != 0) {
        ssize_t length = pread(dir->lock, pid, sizeof pid - 1, 0);
        pid[length > 0 ? length : 0] = '\0';
        fprintf(stderr,
                "otter cloud: a cloud is running on %s already (process %s). Stop it first "
                "(kill %s), or give another folder with --dir\n",
                dir->path, pid, pid);
        close(dir->lock);
        return false;
    }
    int length = snprintf(pid, sizeof pid, "%d", (int)getpid());
    return (ftruncate(dir->lock, 0) == 0 && pwrite(dir->lock, pid, (size_t)length, 0) == length) ||
           fail("write", path);
}

/* ---- files that others read ----------------------------------------------------------------- */

/* Writes under another name first, so that a reader sees all of it or nothing. */
static bool write_whole(const struct cloud_dir *dir, const char *name, const char *text)
{
    char path[CLOUD_DIR_MAX + 32], draft[CLOUD_DIR_MAX + 40];
    file_path(dir, name, path);
    snprintf(draft, sizeof draft, "%s.new", path);
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t length = (ssize_t)strlen(text);
    bool done = fd >= 0 && write(fd, text, (size_t)length) == length && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return (done && rename(draft, path) == 0) || fail("write", path);
}

static bool random_letters(char *out, size_t count, const char *letters)
{
    unsigned char bytes[SECRET_LENGTH];
    size_t range = strlen(letters);
    if (RAND_bytes(bytes, (int)count) != 1)
        return false;
    for (size_t i = 0; i < count; i++)
        out[i] = letters[bytes[i] % range]; /* 32 and 64 letters: no remainder is favoured */
    out[count] = '\0';
    return true;
}

static bool make_credentials(struct cloud_dir *dir)
{
    char text[256];
    memcpy(dir->access_key_id, "OTTR", 4);
    if (!random_letters(dir->access_key_id + 4, KEY_ID_LENGTH - 4,
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") ||
        !random_letters(dir->secret_access_key, SECRET_LENGTH,
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")) {
        fprintf(stderr, "otter cloud: no random numbers to be had for the access key\n");
        return false;
    }
    snprintf(text, sizeof text, "[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n",
             dir->access_key_id, dir->secret_access_key);
    return write_whole(dir, "credentials", text);
}

static bool read_credentials(struct cloud_dir *dir, FILE *file)
{
    char line[128];
    while (fgets(line, sizeof line, file)) {
        sscanf(line, "aws_access_key_id = %20s", dir->access_key_id);
        sscanf(line, "aws_secret_access_key = %40s", dir->secret_access_key);
    }
    if (strlen(dir->access_key_id) == KEY_ID_LENGTH &&
        strlen(dir->secret_access_key) == SECRET_LENGTH)
        return true;
    fprintf(stderr, "otter cloud: %s/credentials is damaged; remove it to have new ones\n",
            dir->path);
    return false;
}

static bool load_credentials(struct cloud_dir *dir)
{
    char path[CLOUD_DIR_MAX + 32];
    file_path(dir, "credentials", path);
    FILE *file = fopen(path, "r");
    if (!file)
        return errno == ENOENT ? make_credentials(dir) : fail("read", path);
    bool done = read_credentials(dir, file);
    fclose(file);
    return done;
}

static void remove_announcement(const struct cloud_dir *dir)
{
    char path[CLOUD_DIR_MAX + 32];
    file_path(dir, "cloud.json", path);
    unlink(path);
}

bool cloud_dir_open(struct cloud_dir *dir, const char *path)
{
    *dir = (struct cloud_dir){.lock = -1};
    if (!find_path(dir, path) || !take_lock(dir))
        return false;
    remove_announcement(dir); /* of a cloud that was killed */
    if (load_credentials(dir))
        return true;
    cloud_dir_close(dir);
    return false;
}

bool cloud_dir_announce(const struct cloud_dir *dir, const char *mqtt_host, uint16_t mqtt_port,
                        const char *api_url, const char *region, const char *account)
{
    char root_ca[CLOUD_DIR_MAX + 32];
    file_path(dir, "root_ca.pem", root_ca);
    json_t *json =
        json_pack("{s:i, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "pid", (int)getpid(),
                  "mqtt_host", mqtt_host, "mqtt_port", (int)mqtt_port, "api_url", api_url,
                  "access_key_id", dir->access_key_id, "secret_access_key", dir->secret_access_key,
                  "region", region, "account", account, "root_ca", root_ca);
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    bool done = text && write_whole(dir, "cloud.json", text);
    free(text);
    json_decref(json);
    return done;
}

void cloud_dir_close(struct cloud_dir *dir)
{
    remove_announcement(dir);
    if (dir->lock >= 0)
        close(dir->lock);
    dir->lock = -1;
}
