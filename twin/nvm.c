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

static bool fill(struct nvm *nvm, uint32_t size, const char *path)
{
    if (ftruncate(nvm->fd, (off_t)size) != 0)
        return fail("make", path);
    if (!map(nvm, size, path))
        return false;
    memset(nvm->bytes, 0xff, size);
    return true;
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
    if (nvm->fd < 0 || fstat(nvm->fd, &status) != 0)
        return fail("open", path);
    if (flock(nvm->fd, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr, "otter twin: another twin runs on %s\n", path);
        return false;
    }
    if (status.st_size == 0)
        return fill(nvm, size, path);
    if ((uint64_t)status.st_size != size) {
        fprintf(stderr,
                "otter twin: %s has %lld bytes, not the %u of this part; take another folder\n",
                path, (long long)status.st_size, size);
        return false;
    }
    return map(nvm, size, path);
}

bool nvm_open_nameless(struct nvm *nvm, uint32_t size)
{
    *nvm = (struct nvm){.fd = memfd_create("nvm", MFD_CLOEXEC)};
    return nvm->fd >= 0 ? fill(nvm, size, "a memory") : fail("make", "a memory");
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
