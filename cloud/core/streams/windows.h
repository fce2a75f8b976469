/* Windows onto objects: what was just read of an object is likely to be wanted next to again.
 *
 * To reach the middle of a large BLOB the database walks over all that lies before it. A device
 * that asks for a few blocks at a time would pay that walk for each block; here it is paid once for
 * each window. Object ids are never used again, so a window cannot show another object's bytes. */
#ifndef OTTER_CLOUD_CORE_STREAMS_WINDOWS_H
#define OTTER_CLOUD_CORE_STREAMS_WINDOWS_H

#include "cloud/core/ground/cloud.h"

/* As many downloads can go on side by side without disturbing each other. */
#define WINDOW_COUNT 8u
#define WINDOW_SIZE  ((size_t)256 * 1024)

struct windows;

struct windows *windows_new(void); /* NULL: out of memory */
void windows_free(struct windows *windows);

/* Reads `length` bytes at `offset` of an object of `size` bytes. False when it is gone. */
bool windows_read(struct cloud *cloud, int64_t object, int64_t size, size_t offset, void *data,
                  size_t length);

#endif
