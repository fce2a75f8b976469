/* The whole core: its parts put together over one database. See ground/cloud.h for what whoever
 * runs it may bring.
 *
 *     struct cloud cloud;
 *     core_start(&cloud, &(struct cloud_config){.dir = dir, .now_ms = my_clock});
 *     cloud.notify = (struct notify){to_my_devices, me};
 *     ... jobs_create(&cloud, ...), reserved_publish(&cloud, ...) ...
 *     while (cloud_turn(&cloud)) {} core_tend(&cloud);       now and then, or with the clock
 *     core_stop(&cloud); */
#ifndef OTTER_CLOUD_CORE_CORE_H
#define OTTER_CLOUD_CORE_CORE_H

#include "cloud/core/ground/cloud.h"

/* Opens the database and clears up what was being written when it was last closed. Nothing else
 * happens, and nobody is told anything, before the first turn, which takes up updates that were
 * being signed, and the first tending, which ends executions that ran out meanwhile: so listeners
 * are to be set in between. OTTER_OK, or the reason on stderr; then there is nothing to stop. */
otter_status core_start(struct cloud *cloud, const struct cloud_config *config);
/* Nobody may call the core any more, and nothing may run at the host (cloud_host.run). */
void core_stop(struct cloud *cloud);

/* What is due by the clock: job executions whose time ran out end, roll-outs go on;
 * a little of what was deleted is
 * cleared away. Returns in how many milliseconds it is to be called again: soon while there is
 * more to clear away, else after a few seconds (the service itself may be up to 60 s late). */
unsigned core_tend(struct cloud *cloud);

#endif
