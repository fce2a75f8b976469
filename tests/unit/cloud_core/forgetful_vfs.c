/* The disk as a VFS of SQLite: each file with what is synced and what is not yet. */
#include "forgetful_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 16
#define SHM_MAX   16

struct write {
    struct write *next;
    sqlite3_int64 offset; /* < 0: a truncation to `size` */
    size_t size;
    unsigned char bytes[];
};

struct image {
    unsigned char *bytes;
    size_t size;
};

struct stored {
    char *name;
    struct image now, synced;
    struct write *first, **last;
    int pending;
    bool gone; /* deleted when there was no power any more */
};

struct opened {
    sqlite3_file base;
    struct stored *stored;
    bool temporary;
    void *shm[SHM_MAX];
};

static struct stored disk[FILES_MAX];
static int syncs, cut_at;
static bool dead;

/* ---- images ---- */

static void image_resize(struct image *image, size_t size)
{
    if (size > image->size) {
        image->bytes = realloc(image->bytes, size);
        if (!image->bytes)
            abort();
        memset(image->bytes + image->size, 0, size - image->size);
    }
    image->size = size;
}

static void image_apply(struct image *image, const struct write *write)
{
    if (write->offset < 0) {
        image_resize(image, write->size);
        return;
    }
    size_t end = (size_t)write->offset + write->size;
    if (end > image->size)
        image_resize(image, end);
    memcpy(image->bytes + write->offset, write->bytes, write->size);
}

static void forget(struct stored *stored)
{
    while (stored->first) {
        struct write *write = stored->first;
        stored->first = write->next;
        free(write);
    }
    stored->last = &stored->first;
    stored->pending = 0;
}

static void keep(struct stored *stored, const void *bytes, size_t size, sqlite3_int64 offset)
{
    struct write *write = malloc(sizeof *write + (bytes ? size : 0));
    if (!write)
        abort();
    write->next = NULL;
    write->offset = bytes ? offset : -1;
    write->size = size;
    if (bytes)
        memcpy(write->bytes, bytes, size);
    image_apply(&stored->now, write);
    if (dead) { /* never reaches the disk, not even in part */
        free(write);
        return;
    }
    *stored->last = write;
    stored->last = &write->next;
    stored->pending++;
}

/* ---- a file ---- */

static int file_close(sqlite3_file *file)
{
    struct opened *opened = (struct opened *)file;
    for (int i = 0; i < SHM_MAX; i++)
        free(opened->shm[i]);
    if (opened->temporary) {
        forget(opened->stored);
        free(opened->stored->now.bytes);
        free(opened->stored);
    }
    return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    const struct image *now = &((struct opened *)file)->stored->now;
    size_t at = (size_t)offset, there = at < now->size ? now->size - at : 0;
    size_t part = there < (size_t)size ? there : (size_t)size;
    memcpy(bytes, part ? now->bytes + at : (unsigned char *)"", part);
    memset((char *)bytes + part, 0, (size_t)size - part);
    return part == (size_t)size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    keep(((struct opened *)file)->stored, bytes, (size_t)size, offset);
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    keep(((struct opened *)file)->stored, NULL, (size_t)size, 0);
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags)
{
    struct stored *stored = ((struct opened *)file)->stored;
    (void)flags;
    if (++syncs == cut_at)
        dead = true;
    if (dead)
        return SQLITE_OK;
    for (const struct write *write = stored->first; write; write = write->next)
        image_apply(&stored->synced, write);
    forget(stored);
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)((struct opened *)file)->stored->now.size;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
    (void)file, (void)level;
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *file, int *reserved)
{
    (void)file;
    *reserved = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
    (void)file, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *file)
{
    (void)file;
    return 4096;
}

static int file_traits(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static int shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
    struct opened *opened = (struct opened *)file;
    if (page >= SHM_MAX)
        return SQLITE_NOMEM;
    if (!opened->shm[page] && extend)
        opened->shm[page] = calloc(1, (size_t)size);
    *memory = opened->shm[page];
    return SQLITE_OK;
}

static int shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    (void)file, (void)offset, (void)count, (void)flags;
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *file)
{
    (void)file;
}

static int shm_unmap(sqlite3_file *file, int remove)
{
    (void)file, (void)remove;
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* ---- the disk ---- */

static struct stored *find(const char *name, bool make)
{
    for (int i = 0; i < FILES_MAX; i++)
        if (disk[i].name && !disk[i].gone && strcmp(disk[i].name, name) == 0)
            return &disk[i];
    for (int i = 0; make && i < FILES_MAX; i++)
        if (!disk[i].name) {
            disk[i] = (struct stored){.name = strdup(name)};
            disk[i].last = &disk[i].first;
            return &disk[i];
        }
    return NULL;
}

static void erase(struct stored *stored)
{
    forget(stored);
    free(stored->name);
    free(stored->now.bytes);
    free(stored->synced.bytes);
    *stored = (struct stored){0};
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct opened *opened = (struct opened *)file;
    (void)vfs;
    memset(opened, 0, sizeof *opened);
    opened->temporary = !name;
    opened->stored =
        name ? find(name, flags & SQLITE_OPEN_CREATE) : calloc(1, sizeof(struct stored));
    if (!opened->stored)
        return SQLITE_CANTOPEN;
    if (!name)
        opened->stored->last = &opened->stored->first;
    opened->base.pMethods = &methods;
    if (out)
        *out = flags;
    return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    struct stored *stored = find(name, false);
    (void)vfs, (void)sync;
    if (stored && dead)
        stored->gone = true;
    else if (stored)
        erase(stored);
    return SQLITE_OK;
}

static int disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    (void)vfs, (void)flags;
    *result = find(name, false) != NULL;
    return SQLITE_OK;
}

static int disk_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

static sqlite3_vfs forgetful, *own;

void forgetful_use(int cut)
{
    if (!own)
        own = sqlite3_vfs_find(NULL);
    forgetful = *own; /* time, random numbers and sleep are the machine's */
    forgetful.szOsFile = sizeof(struct opened);
    forgetful.zName = "forgetful";
    forgetful.pNext = NULL;
    forgetful.xOpen = disk_open;
    forgetful.xDelete = disk_delete;
    forgetful.xAccess = disk_access;
    forgetful.xFullPathname = disk_path;
    syncs = 0;
    cut_at = cut;
    dead = false;
    sqlite3_vfs_register(&forgetful, 1);
}

bool forgetful_is_dead(void)
{
    return dead;
}

void forgetful_cut(void)
{
    dead = true;
}

void forgetful_restart(void)
{
    for (int i = 0; i < FILES_MAX; i++) {
        struct stored *stored = &disk[i];
        int part = stored->pending ? cut_at % (stored->pending + 1) : 0;
        const struct write *write = stored->first;
        for (int done = 0; done < part; done++, write = write->next)
            image_apply(&stored->synced, write);
        forget(stored);
        stored->gone = false;
        stored->now.size = 0;
        image_resize(&stored->now, stored->synced.size);
        if (stored->synced.size)
            memcpy(stored->now.bytes, stored->synced.bytes, stored->synced.size);
    }
    cut_at = 0;
    dead = false;
}

void forgetful_end(void)
{
    for (int i = 0; i < FILES_MAX; i++)
        if (disk[i].name)
            erase(&disk[i]);
    sqlite3_vfs_unregister(&forgetful);
    sqlite3_vfs_register(own, 1);
}
