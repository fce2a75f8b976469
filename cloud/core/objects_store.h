/* Between the files of the objects module only: storing content whose tag is known. */
#ifndef OTTER_CLOUD_CORE_OBJECTS_STORE_H
#define OTTER_CLOUD_CORE_OBJECTS_STORE_H

#include "cloud/core/objects.h"

/* object_put with an entity tag of its own. */
enum core_error object_store(struct cloud *cloud, const struct object_upload *upload,
                             const char *etag, struct object *object, struct answer *answer);

/* Writes the tags of a version, within the transaction that its content is written in. */
otter_status objects_store_tags(struct cloud *cloud, int64_t id, const json_t *tags);

#endif
