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
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written;

    if (fd < 0)
        return fail_errno(failure, "write to", path);
    written = write_all(fd, data, size);
    if (close(fd) != 0 || !written)
        return fail_errno(failure, "write to", path);
    return OTTER_OK;
}

static otter_status write_and_rename(const char *path, const void *data, size_t size, mode_t mode,
                                     struct failure *failure)
{
    char temporary[PATH_MAX + 32];
    bool written;
    int fd;

    snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return fail_errno(failure, "create", temporary);
    written = write_all(fd, data, size) && fsync(fd) == 0;
    written = close(fd) == 0 && written;
    if (!written || rename(temporary, path) != 0) {
        fail_errno(failure, "write", path);
        unlink(temporary);
        return OTTER_E_IO;
    }
    return OTTER_OK;
}

otter_status file_write(const char *path, const void *data, size_t size, mode_t mode,
                        struct failure *failure)
{
    char resolved[PATH_MAX]; /* of a link, what it points to is replaced */
    struct stat info;

    if (stat(path, &info) != 0)
        return write_and_rename(path, data, size, mode, failure);
    if (S_ISDIR(info.st_mode))
        return failed(failure, OTTER_E_IO, "cannot write '%s': it is a folder", path);
    if (!S_ISREG(info.st_mode))
        return write_directly(path, data, size, failure);
    if (!realpath(path, resolved))
        return fail_errno(failure, "write", path);
    return write_and_rename(resolved, data, size, mode, failure);
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
