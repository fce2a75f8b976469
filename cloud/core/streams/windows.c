/* A few windows, the least used of which makes room; see windows.h. */
#include "cloud/core/streams/windows.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"

struct window {
    int64_t object; /* 0: empty */
    size_t start, length;
    uint64_t used; /* when, by the count of reads */
    uint8_t *bytes;
};

struct windows {
    uint64_t reads;
    struct window items[WINDOW_COUNT];
};

struct windows *windows_new(void)
{
    return calloc(1, sizeof(struct windows));
}

void windows_free(struct windows *windows)
{
    if (!windows)
        return;
    for (size_t i = 0; i < WINDOW_COUNT; i++)
        free(windows->items[i].bytes);
    free(windows);
}

/* The window that holds `offset`, or the one to be filled: unused for the longest time. */
static struct window *choose(struct windows *windows, int64_t object, size_t offset)
{
    struct window *oldest = &windows->items[0];
    for (size_t i = 0; i < WINDOW_COUNT; i++) {
        struct window *window = &windows->items[i];
        if (window->object == object && offset >= window->start &&
            offset < window->start + window->length)
            return window;
        if (window->used < oldest->used)
            oldest = window;
    }
    oldest->object = 0;
    return oldest;
}

static bool load(struct cloud *cloud, struct window *window, int64_t object, int64_t size,
                 size_t offset)
{
    size_t start = offset - offset % WINDOW_SIZE;
    size_t left = (size_t)size - start;
    if (!window->bytes)
        window->bytes = malloc(WINDOW_SIZE);
    window->start = start;
    window->length = left < WINDOW_SIZE ? left : WINDOW_SIZE;
    if (!window->bytes || !object_read(cloud, object, start, window->bytes, window->length))
        return false;
    window->object = object;
    return true;
}

bool windows_read(struct cloud *cloud, int64_t object, int64_t size, size_t offset, void *data,
                  size_t length)
{
    if (offset > (size_t)size || length > (size_t)size - offset)
        return false;
    while (length > 0) {
        struct window *window = choose(cloud->windows, object, offset);
        if (!window->object && !load(cloud, window, object, size, offset))
            return false;
        window->used = ++cloud->windows->reads;
        size_t from = offset - window->start;
        size_t part = window->length - from < length ? window->length - from : length;
        memcpy(data, window->bytes + from, part);
        data = (uint8_t *)data + part;
        offset += part;
        length -= part;
    }
    return true;
}
