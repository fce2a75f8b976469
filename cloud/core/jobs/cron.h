/* Schedules as AWS writes them: cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR), in UTC.
 *
 * Fields take numbers, names (JAN, MON), `*`, lists, ranges and steps; `?` in one of the two fields
 * of days; `L` as day of month (the last) and `5L`, `FRI#2` as day of week, which counts 1 = SUN to
 * 7 = SAT. `W` is not taken. */
#ifndef OTTER_CLOUD_CORE_JOBS_CRON_H
#define OTTER_CLOUD_CORE_JOBS_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cron {
    uint64_t minutes;             /* bit 0..59 */
    uint32_t hours, days;         /* bit 0..23, 1..31 */
    uint16_t months;              /* bit 1..12 */
    uint8_t weekdays;             /* bit 1..7 */
    uint8_t week;                 /* 1..5: of the month, 6: the last one, 0: each */
    bool last_day;                /* of the month */
    uint8_t years[(230 + 7) / 8]; /* from 1970 on */
};

/* False with the reason, when it is no such text. */
bool cron_read(const char *text, struct cron *cron, char *reason, size_t size);
/* The first start at or after `from`, seconds since 1970, within two years; 0: there is none. */
int64_t cron_next(const struct cron *cron, int64_t from);
/* The last start at or before `until`, at most `seconds` back; 0: there is none. */
int64_t cron_last(const struct cron *cron, int64_t until, int64_t seconds);

#endif
