/* Between the files of the registry only. */
#ifndef OTTER_CLOUD_CORE_REGISTRY_REGISTRY_INTERNAL_H
#define OTTER_CLOUD_CORE_REGISTRY_REGISTRY_INTERNAL_H

#include "cloud/core/registry/registry.h"

/* CORE_NOT_FOUND unless there is a thing of that name. */
enum core_error need_thing(struct cloud *cloud, const char *name, struct answer *answer);

/* Whether an attribute of a thing or group has AWS's form; "" is a value, too. */
bool attribute_valid(const char *name, const json_t *value);
/* Applies an attributePayload to `attributes`, and returns them: they are replaced, or with `merge`
 * added to, where "" takes one away. */
json_t *attributes_updated(json_t *attributes, const json_t *payload);

#endif
