/* A folder for each cloud, with its lock, its credentials and where it can be found. */
#include "tool/cloud_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/core/ground/whole_file.h"

static bool fail(const char *what, const char *path)
{
    fprintf(stderr, "otter cloud: cannot %s %s: %s\n", what, path, strerror(errno));
    return false;
}

static void file_path(const struct cloud_dir *dir, const char *name, char path[CLOUD_DIR_MAX + 32])
{
    snprintf(path, CLOUD_DIR_MAX + 32, "%s/%s", dir->path, name);
}

static bool make_folder(struct cloud_dir *dir, const char *path, mode_t mode)
{
    bool made = mkdir(path, mode) == 0;
    dir->made += made;
    return made || errno == EEXIST;
}

/* Makes each missing folder of the path, counted in dir->made; only the last is closed to others.
 */
static bool make_path(struct cloud_dir *dir, const char *path)
{
    char part[CLOUD_DIR_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!make_folder(dir, part, 0755))
            return false;
        *slash = '/';
    }
    return make_folder(dir, part, 0700);
}

static bool find_path(struct cloud_dir *dir, const char *path)
{
    char *absolute = make_path(dir, path) ? realpath(path, NULL) : NULL;
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
    dir->lock = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    dir->made_lock = dir->lock >= 0;
    if (dir->lock < 0)
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
        dir->lock = -1;
        return false;
    }
    int length = snprintf(pid, sizeof pid, "%d", (int)getpid());
    return (ftruncate(dir->lock, 0) == 0 && pwrite(dir->lock, pid, (size_t)length, 0) == length) ||
           fail("write", path);
}

/* ---- files that others read ----------------------------------------------------------------- */

static bool write_whole(const struct cloud_dir *dir, const char *name, const char *text)
{
    char path[CLOUD_DIR_MAX + 32];
    file_path(dir, name, path);
    return whole_file_write(path, text) || fail("write", path);
}

static bool load_credentials(struct cloud_dir *dir)
{
    char reason[512];
    if (credentials_open(dir->path, &dir->credentials, reason, sizeof reason))
        return true;
    fprintf(stderr, "otter cloud: %s\n", reason);
    return false;
}

static void remove_announcement(const struct cloud_dir *dir)
{
    char path[CLOUD_DIR_MAX + 32];
    file_path(dir, "cloud.json", path);
    unlink(path);
}

bool cloud_dir_lock(struct cloud_dir *dir, const char *path)
{
    *dir = (struct cloud_dir){.lock = -1};
    if (find_path(dir, path) && take_lock(dir))
        return true;
    cloud_dir_undo(dir);
    return false;
}

void cloud_dir_undo(struct cloud_dir *dir)
{
    char path[CLOUD_DIR_MAX + 32];
    file_path(dir, "lock", path);
    if (dir->made_lock)
        unlink(path);
    if (dir->lock >= 0)
        close(dir->lock);
    dir->lock = -1;
    for (char *slash; dir->made > 0 && *dir->path && rmdir(dir->path) == 0; dir->made--)
        if ((slash = strrchr(dir->path, '/')) != NULL)
            *slash = '\0';
}

bool cloud_dir_open(struct cloud_dir *dir, const char *path)
{
    if (!cloud_dir_lock(dir, path))
        return false;
    remove_announcement(dir); /* of a cloud that was killed */
    if (load_credentials(dir))
        return true;
    cloud_dir_close(dir);
    return false;
}

bool cloud_dir_announce(const struct cloud_dir *dir, const struct cloud_doors *doors,
                        const char *api_url, const char *region, const char *account)
{
    char root_ca[CLOUD_DIR_MAX + 32];
    file_path(dir, "root_ca.pem", root_ca);
    json_t *json = json_pack("{s:i, s:s, s:i, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "pid",
                             (int)getpid(), "mqtt_host", doors->host, "mqtt_port", (int)doors->mqtt,
                             "wss_port", (int)doors->web, "publish_port", (int)doors->publish,
                             "page_port", (int)doors->page, "api_url", api_url, "access_key_id",
                             dir->credentials.key_id, "secret_access_key", dir->credentials.secret,
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
