/* What the principal behind a connection is attached to, and what its policies allow. */
#ifndef OTTER_CLOUD_CORE_REGISTRY_IDENTITY_H
#define OTTER_CLOUD_CORE_REGISTRY_IDENTITY_H

#include "cloud/core/ground/cloud.h"
#include "cloud/core/registry/policy.h"
#include "cloud/core/registry/principal.h"

struct identity;

struct identity_request {
    const struct principal *principal; /* its names are kept, if it has any */
    const char *client_id;
    const char *source_ip;
    bool persistent_connect, last_will;
    const char *will_topic; /* NULL: none */
};

/* Reads things and policies as they are now. NULL: out of memory. */
struct identity *identity_load(struct cloud *cloud, const struct identity_request *request);
void identity_free(struct identity *identity);

/* May it do "iot:Publish" on ("topic", "a/b")? Makes the ARN. */
bool identity_allows(struct identity *identity, const char *action, const char *type,
                     const char *name);
/* NULL unless it is a certificate that is attached to the thing whose name is the client id. */
const char *identity_thing(const struct identity *identity);

#endif
