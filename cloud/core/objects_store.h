/* Between the files of the objects module only: storing content whose tag is known. */
#ifndef OTTER_CLOUD_CORE_OBJECTS_STORE_H
#define OTTER_CLOUD_CORE_OBJECTS_STORE_H

#include "cloud/core/objects.h"

/* object_put with an entity tag of its own. */
enum core_error object_store(struct cloud *cloud, const struct object_upload *upload,
                             const char *etag, struct object *object, struct answer *answer);

#endif
