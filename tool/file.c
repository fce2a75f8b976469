/* Whole files in and out, written so that no half of one can ever be seen. */
#include "tool/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static otter_status fail_errno(struct failure *failure, const char *what, const char *path)
{
    return failed(failure, OTTER_E_IO, "cannot %s '%s': %s", what, path, strerror(errno));
}

static otter_status read_all(int fd, const char *path, struct bytes *content,
                             struct failure *failure)
{
    uint8_t chunk[16384];
    ssize_t got;

    while ((got = read(fd, chunk, sizeof chunk)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(failure, "read", path);
        if (content->size + (size_t)got > FILE_SIZE_MAX)
            return failed(failure, OTTER_E_TOO_LONG, "'%s' is larger than %u MiB; is it firmware?",
                          path, FILE_SIZE_MAX >> 20);
        bytes_append(content, chunk, (size_t)got);
    }
    return OTTER_OK;
}

otter_status file_read(const char *path, struct bytes *content, struct failure *failure)
{
    otter_status status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    bytes_free(content);
    if (fd < 0)
        return fail_errno(failure, "open", path);
    status = read_all(fd, path, content, failure);
    close(fd);
    if (status != OTTER_OK)
        bytes_free(content);
    return status;
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        data += done;
        size -= (size_t)done;
    }
    return true;
}

static otter_status write_directly(const char *path, const void *data, size_t size,
                                   struct failure *failure)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    bool written;

    if (fd < 0)
        return fail_errno(failure, "write to", path);
    written = write_all(fd, data, size);
    if (close(fd) != 0 || !written)
        return fail_errno(failure, "write to", path);
    return OTTER_OK;
}

/* The new file gets what the old one had: its mode, less what a private file must not have, and
 * its owner where that is allowed. */
static bool keep_mode(int fd, const struct stat *old, mode_t mode)
{
    mode_t most = (mode & 077) == 0 ? 0700 : 07777;

    if (fchown(fd, old->st_uid, old->st_gid) != 0 && errno != EPERM)
        return false;
    return fchmod(fd, old->st_mode & most) == 0;
}

/* In the folder of the file; its name is short, so that any name leaves room for it. */
static void name_temporary(const char *path, char temporary[PATH_MAX + 32])
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;

    snprintf(temporary, PATH_MAX + 32, "%.*s.otter-%ld.tmp", folder, path, (long)getpid());
}

/* May what is private go into a file as it stands? */
static bool is_as_private(const struct stat *old, mode_t mode)
{
    return (mode & 077) != 0 || (old->st_mode & 077) == 0;
}

/* `old` is what is there, or NULL. Where a folder takes no new file, the old one is written. */
static otter_status write_and_rename(const char *path, const void *data, size_t size, mode_t mode,
                                     const struct stat *old, struct failure *failure)
{
    char temporary[PATH_MAX + 32];
    bool written;
    int fd;

    name_temporary(path, temporary);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, old ? 0600 : mode);
    if (fd < 0 && errno == EACCES && old && is_as_private(old, mode))
        return write_directly(path, data, size, failure);
    if (fd < 0)
        return fail_errno(failure, "write", path);
    written = write_all(fd, data, size) && (!old || keep_mode(fd, old, mode)) && fsync(fd) == 0;
    written = close(fd) == 0 && written;
    if (!written || rename(temporary, path) != 0) {
        fail_errno(failure, "write", path);
        unlink(temporary);
        return OTTER_E_IO;
    }
    return OTTER_OK;
}

/* Where a link leads to that points to nothing yet; of anything else the path itself. */
static bool resolve(const char *path, char resolved[PATH_MAX])
{
    char target[PATH_MAX];
    struct stat info;

    snprintf(resolved, PATH_MAX, "%s", path);
    for (int links = 0; lstat(resolved, &info) == 0 && S_ISLNK(info.st_mode); links++) {
        const char *slash = strrchr(resolved, '/');
        ssize_t length = readlink(resolved, target, sizeof target);
        size_t folder;

        if (length < 0)
            return false;
        folder = slash && target[0] != '/' ? (size_t)(slash - resolved) + 1 : 0;
        if (links == 40 || folder + (size_t)length >= PATH_MAX) {
            errno = ELOOP;
            return false;
        }
        memcpy(resolved + folder, target, (size_t)length);
        resolved[folder + (size_t)length] = '\0';
    }
    return true;
}

otter_status file_write(const char *path, const void *data, size_t size, mode_t mode,
                        struct failure *failure)
{
    char resolved[PATH_MAX];
    struct stat info;

    if (stat(path, &info) != 0) {
        if (!resolve(path, resolved))
            return fail_errno(failure, "write", path);
        return write_and_rename(resolved, data, size, mode, NULL, failure);
    }
    if (S_ISDIR(info.st_mode))
        return failed(failure, OTTER_E_IO, "cannot write '%s': it is a folder", path);
    if (!S_ISREG(info.st_mode))
        return write_directly(path, data, size, failure);
    /* Root may write to anything; a file is read-only for a reason all the same. */
    if ((info.st_mode & 0222) == 0 || faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
        return failed(
            failure, OTTER_E_IO,
            "cannot write '%s': it is read-only; make it writable, or choose another name", path);
    if (info.st_nlink > 1) /* so that its other names see the new content too */
        return write_directly(path, data, size, failure);
    if (!realpath(path, resolved))
        return fail_errno(failure, "write", path);
    return write_and_rename(resolved, data, size, mode, &info, failure);
}

otter_status file_write_or_print(const char *path, const struct bytes *content,
                                 struct failure *failure)
{
    if (path)
        return file_write(path, content->data, content->size, 0666, failure);
    if (fwrite(content->data, 1, content->size, stdout) != content->size || fflush(stdout) != 0)
        return fail_errno(failure, "write to", "stdout");
    return OTTER_OK;
}

bool file_exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

bool file_is_hex(const char *path)
{
    size_t length = strlen(path);
    return length >= 4 && strcasecmp(path + length - 4, ".hex") == 0;
}
