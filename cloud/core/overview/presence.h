/* Which clients are connected, and since when they are or are not: what the gateway saw last, kept
 * over restarts. A client id is a thing's name where devices keep to AWS's custom. */
#ifndef OTTER_CLOUD_CORE_OVERVIEW_PRESENCE_H
#define OTTER_CLOUD_CORE_OVERVIEW_PRESENCE_H

#include "cloud/core/ground/cloud.h"

#define PRESENCE_KEPT_DAYS 90 /* of clients that are no things */

struct presence {
    const char *client;
    bool connected;
    int64_t at_ms;      /* since then */
    const char *reason; /* why it left, in AWS's words; NULL: unknown, or it is connected */
};

/* Several are written in one transaction, between begin and end. False: the database failed. */
bool presence_begin(struct cloud *cloud);
bool presence_write(struct cloud *cloud, const struct presence *presence);
bool presence_end(struct cloud *cloud);

/* At the start: whoever was connected when the cloud ended is not. */
void presence_recover(struct cloud *cloud);
/* Now and then: clients that are no things, and left PRESENCE_KEPT_DAYS ago, are forgotten. */
void presence_sweep(struct cloud *cloud);

#endif
