/* Between the files of the objects module only: storing content whose tag is known, and where it
 * lies. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_OBJECTS_INTERNAL_H
#define OTTER_CLOUD_CORE_ACCOUNT_OBJECTS_INTERNAL_H

#include "cloud/core/account/objects.h"

/* object_put with an entity tag of its own. */
enum core_error object_store(struct cloud *cloud, const struct object_upload *upload,
                             const char *etag, struct object *object, struct answer *answer);

/* Writes the tags of a version, within the transaction that its content is written in. */
otter_status object_store_tags(struct cloud *cloud, int64_t id, const json_t *tags);
/* Where a content goes: into the row, or (content not 0) into pieces, which are written here and
 * kept. To be called in the transaction of the row. */
struct placed_content {
    const void *bytes;
    size_t size;
    int64_t content;
};
otter_status object_place_content(struct cloud *cloud, const struct object_upload *upload,
                                  struct placed_content *placed);
/* The MD5 of a content, in hex. */
void object_md5(const struct object_upload *upload, char text[33]);

#endif
