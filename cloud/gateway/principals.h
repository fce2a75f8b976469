/* Which connections belong to which principal. */
#ifndef OTTER_CLOUD_GATEWAY_PRINCIPALS_H
#define OTTER_CLOUD_GATEWAY_PRINCIPALS_H

#include <stdbool.h>

#include "cloud/core/registry/principal.h"

struct client;
struct principals;

struct principals *principals_new(void);             /* NULL: out of memory */
void principals_free(struct principals *principals); /* must be empty */

/* False: out of memory. */
bool principals_add(struct principals *principals, struct client *client);
void principals_remove(struct principals *principals, struct client *client);
/* Calls client_check_identity for each connection of that principal. */
void principals_check(struct principals *principals, enum principal_kind kind, const char *id);

#endif
