/* What a person wants to see of a whole fleet at a glance: things with what is known of each, jobs
 * with how far they are, a job's things with why each failed. AWS's operations give the same piece
 * by piece; here each list is one question to the database.
 *
 * Times are in milliseconds since 1970 where the name ends in Ms, else in seconds. */
#ifndef OTTER_CLOUD_CORE_OVERVIEW_OVERVIEW_H
#define OTTER_CLOUD_CORE_OVERVIEW_OVERVIEW_H

#include "cloud/core/ground/cloud.h"

#define OVERVIEW_PAGE_MAX 250

struct overview_page {
    const char *search; /* part of the thing's name, whose whole name comes first, or of the job's
                         * id; NULL: any */
    const char *state;  /* things: "connected" or "offline"; executions: a status; NULL: any */
    const char *group;  /* things that are in it or below it; NULL: any */
    int64_t begin, most;
};

/* {"things":[{"thingName","thingTypeName"?,"connected","sinceMs"?,"reason"?,"version"?,"board"?,
 * "versionFrom"?: "shadow" or "job","job"?:{"jobId","status","details"}}...],"matching","total",
 * "connected"} by name. */
void overview_things(struct cloud *cloud, const struct overview_page *page, struct answer *answer);

/* {"jobs":[{"jobId","status","description"?,"createdAt","completedAt"?,"version"?,"targets",
 * "counts":{STATUS:number...,"WAITING"}}...],"total"}, the newest first. WAITING are things whose
 * turn in the roll-out has not come. */
void overview_jobs(struct cloud *cloud, const struct overview_page *page, struct answer *answer);

/* {"executions":[{"thingName","number","status","queuedAt","startedAt"?,"updatedAt",
 * "details"}...],"matching"} of a job, the latest of each thing: those in progress first, then
 * those that did not succeed, those to come, and the rest; things that wait for their turn are
 * WAITING. */
void overview_executions(struct cloud *cloud, const char *job, const struct overview_page *page,
                         struct answer *answer);

/* {"metrics":[name...]}: those of which Device Defender keeps values of this thing. */
void overview_metrics(struct cloud *cloud, const char *thing, struct answer *answer);

#endif
