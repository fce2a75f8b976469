/* How many there are of what, for who watches a cloud. */
#ifndef OTTER_CLOUD_CORE_OVERVIEW_COUNTS_H
#define OTTER_CLOUD_CORE_OVERVIEW_COUNTS_H

#include "cloud/core/ground/cloud.h"

/* Calls `each` with "things", and with "jobs" and "executions" for each status that one has; those
 * of one kind follow each other. False when the database does not answer. */
bool overview_counts(struct cloud *cloud,
                     void (*each)(void *context, const char *what, const char *status,
                                  int64_t number),
                     void *context);

#endif
