/* Between the files of the cloud's shared ground only. */
#ifndef OTTER_CLOUD_CORE_GROUND_CLOUD_INTERNAL_H
#define OTTER_CLOUD_CORE_GROUND_CLOUD_INTERNAL_H

#include "cloud/core/ground/cloud.h"

/* Groups the commits of each turn of the loop. */
bool outbox_start(struct cloud *cloud);
/* Commits what is open, and tells. */
void outbox_stop(struct cloud *cloud);

#endif
