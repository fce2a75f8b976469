/* Large contents of objects, in pieces: written a piece at a time, so that nobody waits for the
 * whole; read at any place at the cost of a piece; joined without copying; taken away bit by bit.
 * A piece is stored once, however many contents have it: one that is written again is found by its
 * SHA-256, and it goes with the last that has it.
 *
 * A content is written (0), then kept by an object or part of an upload (1); when that goes, it is
 * garbage (2), as is what was being written when the cloud stopped. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_CONTENTS_H
#define OTTER_CLOUD_CORE_ACCOUNT_CONTENTS_H

#include "cloud/core/ground/cloud.h"

#define CONTENT_PIECE ((size_t)256 * 1024)
/* Contents up to this size stay in their object's row. */
#define CONTENT_INLINE 4096u

/* The id of a new one; 0 when the database failed. */
int64_t content_begin(struct cloud *cloud);
/* Adds at `start`, the size so far. */
otter_status content_add(struct cloud *cloud, int64_t content, int64_t start, const void *bytes,
                         size_t size);
/* The first and last piece at once: at most CONTENT_PIECE bytes, of which `sha256` is the digest in
 * hex. */
otter_status content_add_known(struct cloud *cloud, int64_t content, const void *bytes, size_t size,
                               const char *sha256);
/* Adds all of another one; both share the pieces. */
otter_status content_join(struct cloud *cloud, int64_t content, int64_t start, int64_t other);
otter_status content_keep(struct cloud *cloud, int64_t content);
/* Gives up one that is not kept. */
otter_status content_drop(struct cloud *cloud, int64_t content);
/* False beyond the end or when it is gone. */
bool content_read(struct cloud *cloud, int64_t content, int64_t offset, void *bytes, size_t size);

/* While held, a content's bytes stay there for who reads it, whatever becomes of its object. */
struct content_hold {
    int64_t content;
    struct content_hold *next, **link;
};

void content_hold(struct cloud *cloud, struct content_hold *hold, int64_t content);
/* Does nothing to one that is not held (all 0). */
void content_release(struct content_hold *hold);

/* Called at the start, before anything is written: what was not finished is garbage. */
void content_recover(struct cloud *cloud);
/* Takes a little garbage away; false when there is none left. */
bool content_sweep(struct cloud *cloud);

#endif
