/* A SchedulingConfig: when a job begins and ends, and in which windows it may roll out. Texts and
 * numbers; neither database nor clock.
 *
 * AWS leaves open which time zone is meant, and what a window does to things that have begun: here
 * it is UTC, and they go on. */
#ifndef OTTER_CLOUD_CORE_JOBS_SCHEDULE_H
#define OTTER_CLOUD_CORE_JOBS_SCHEDULE_H

#include "cloud/core/ground/cloud.h"

#define SCHEDULE_AHEAD_S   1800 /* from now to a start, from a start to the end: at least */
#define SCHEDULE_START_S   (366 * 86400LL)
#define SCHEDULE_END_S     (731 * 86400LL)
#define SCHEDULE_SHOWN     7    /* windows to come that describe-job shows */
#define SCHEDULE_MINUTES   1430 /* of a window, at most */
#define SCHEDULE_TIME_SIZE 17   /* "YYYY-MM-DD HH:MM" */

/* Checks a SchedulingConfig at time `now`, and reads its times: 0 where there is none. NULL is
 * fine. CORE_INVALID_REQUEST. */
enum core_error schedule_check(const json_t *config, int64_t now, int64_t *start, int64_t *end,
                               struct answer *answer);
/* The list of maintenance windows alone, as a job template has it. */
enum core_error schedule_check_windows(const json_t *windows, struct answer *answer);

/* Whether things may begin now: in one of the windows, or there are none. */
bool schedule_open(const json_t *config, int64_t now);
/* When the next window opens after `now`; 0: never. */
int64_t schedule_next(const json_t *config, int64_t now);

void schedule_time_text(int64_t time, char text[SCHEDULE_TIME_SIZE]);

#endif
