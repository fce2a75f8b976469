/* The arithmetic of roll-outs: how many things may begin in a minute, and when a job gives up.
 * Numbers in, numbers out; neither database nor clock.
 *
 * AWS documents what a rate is and when it grows, not how a minute is spent: here all that may
 * begin in a minute begins at its start, in the order of the targets. For abort criteria AWS speaks
 * of "the minimum percentage of job execution failures" and of "things which must receive job
 * execution notifications": here the percentage is of the things notified, and a failure counts
 * when it is the last word of its thing, with no retry to follow. */
#ifndef OTTER_CLOUD_CORE_JOBS_ROLLOUT_H
#define OTTER_CLOUD_CORE_JOBS_ROLLOUT_H

#include "cloud/core/ground/cloud.h"

#define ROLLOUT_RATE_MAX                                                                           \
    1000 /* things a minute: the most, and what is taken when nothing is said */

struct rollout {
    int64_t base, most;                  /* things a minute, 1..ROLLOUT_RATE_MAX */
    double factor;                       /* 1.1..5; 1 when the rate is constant */
    int64_t per_notified, per_succeeded; /* the rate grows each time so many more have; 0: never */
};

/* Reads a JobExecutionsRolloutConfig; NULL or {}: ROLLOUT_RATE_MAX a minute. `name` is what the
 * request calls it. CORE_INVALID_REQUEST outside AWS's limits. */
enum core_error rollout_read(const json_t *config, const char *name, struct rollout *rollout,
                             struct answer *answer);
/* How many things may begin in a minute that begins now. */
int64_t rollout_rate(const struct rollout *rollout, int64_t notified, int64_t succeeded);

/* What became of a job's things, by the latest execution of each. */
struct job_counts {
    int64_t notified, failed, rejected, timed_out;
};

/* An AbortConfig, whose list is called `list` (criteriaList, or abortCriteriaList in OTA updates).
 * NULL is fine. */
enum core_error abort_check(const json_t *config, const char *list, struct answer *answer);
/* Whether one of its criteria is met; then `why` says so in words. */
bool abort_reached(const json_t *config, const char *list, const struct job_counts *counts,
                   char *why, size_t size);

#endif
