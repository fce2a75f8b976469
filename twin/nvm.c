/* Files as memories; see nvm.h. */
#define _GNU_SOURCE /* memfd_create */
#include "twin/nvm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const char *what, const char *path)
{
    fprintf(stderr, "otter twin: cannot %s %s: %s\n", what, path, strerror(errno));
    return false;
}

static bool map(struct nvm *nvm, uint32_t size, const char *path)
{
    nvm->size = size;
    nvm->bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, nvm->fd, 0);
    if (nvm->bytes != MAP_FAILED)
        return true;
    nvm->bytes = NULL;
    return fail("map", path);
}

/* From `from` on, by writing: a full disk is told of here and not by SIGBUS later, and of a file
 * whose making was cut off no byte is anything but erased. */
static bool fill(struct nvm *nvm, uint32_t from, uint32_t size, const char *path)
{
    uint8_t erased[4096];
    memset(erased, 0xff, sizeof erased);
    while (from < size) {
        const size_t part = size - from < sizeof erased ? size - from : sizeof erased;
        const ssize_t written = pwrite(nvm->fd, erased, part, (off_t)from);
        if (written < 0 && errno != EINTR)
            return fail("make", path);
        from += written > 0 ? (uint32_t)written : 0;
    }
    return true;
}

/* Shorter than it should be, and nothing in it yet. */
static bool is_half_made(const struct nvm *nvm, uint32_t length, uint32_t size)
{
    uint8_t bytes[4096];
    if (length >= size)
        return false;
    for (uint32_t at = 0; at < length;) {
        const ssize_t got = pread(nvm->fd, bytes, sizeof bytes, (off_t)at);
        if (got <= 0)
            return false;
        for (ssize_t i = 0; i < got; i++)
            if (bytes[i] != 0xff)
                return false;
        at += (uint32_t)got;
    }
    return true;
}

static bool take(struct nvm *nvm, uint64_t length, uint32_t size, const char *path)
{
    if (length < size && is_half_made(nvm, (uint32_t)length, size))
        return fill(nvm, (uint32_t)length, size, path);
    if (length != size) {
        fprintf(stderr,
                "otter twin: %s has %llu bytes, not the %u of this part; take another folder\n",
                path, (unsigned long long)length, size);
        return false;
    }
    errno = posix_fallocate(nvm->fd, 0, (off_t)size); /* a copy may have holes */
    return errno == 0 || fail("take room for", path);
}

bool nvm_open(struct nvm *nvm, const char *folder, const char *name, uint32_t size)
{
    char path[4096];
    struct stat status;
    *nvm = (struct nvm){.fd = -1};
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return fail("open", name);
    }
    nvm->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (nvm->fd < 0)
        return fail("open", path);
    if (flock(nvm->fd, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr, "otter twin: another twin runs on %s\n", path);
        return false;
    }
    if (fstat(nvm->fd, &status) != 0)
        return fail("open", path);
    return take(nvm, (uint64_t)status.st_size, size, path) && map(nvm, size, path);
}

bool nvm_open_nameless(struct nvm *nvm, uint32_t size)
{
    *nvm = (struct nvm){.fd = memfd_create("nvm", MFD_CLOEXEC)};
    if (nvm->fd < 0)
        return fail("make", "a memory");
    return fill(nvm, 0, size, "a memory") && map(nvm, size, "a memory");
}

void nvm_close(struct nvm *nvm)
{
    if (nvm->bytes)
        munmap(nvm->bytes, nvm->size);
    if (nvm->fd >= 0)
        close(nvm->fd);
    *nvm = (struct nvm){.fd = -1};
}

/* ---- torn operations ---- */

static uint8_t noise(uint32_t place)
{
    uint32_t x = place * 2654435761u + 0x9e3779b9u;
    x ^= x >> 15;
    x *= 2246822519u;
    return (uint8_t)(x >> 13);
}

void nvm_tear_erase(struct nvm *nvm, uint32_t offset, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        nvm->bytes[offset + i] |= noise(offset + i);
}

void nvm_tear_program(struct nvm *nvm, uint32_t offset, const uint8_t *data, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        nvm->bytes[offset + i] &= (uint8_t)(data[i] | noise(offset + i));
}
