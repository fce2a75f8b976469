/* The filters of persistent MQTT sessions, kept in the database: the sessions themselves are the
 * broker's, which does not tell what they hold. */
#ifndef OTTER_CLOUD_CORE_REGISTRY_SESSION_STORE_H
#define OTTER_CLOUD_CORE_REGISTRY_SESSION_STORE_H

#include <stddef.h>

#include "cloud/core/ground/cloud.h"

/* Many are written between these two, on the disk at once. False: nothing can be written. */
bool session_store_begin(struct cloud *cloud);
bool session_store_end(struct cloud *cloud);

/* None is kept of a client whose count is 0. */
bool session_store_write(struct cloud *cloud, const char *client, char *const *filters,
                         size_t count);

/* Calls `take` for each filter of each client. */
void session_store_read(struct cloud *cloud,
                        void (*take)(void *context, const char *client, const char *filter),
                        void *context);

#endif
