/* When a job begins, ends, and may roll out; see schedule.h. */
#define _GNU_SOURCE /* strptime, timegm */
#include "cloud/core/jobs/schedule.h"

#include <string.h>
#include <time.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/cron.h"

#define REFUSE(...) answer_refuse(answer, CORE_INVALID_REQUEST, __VA_ARGS__)

/* "YYYY-MM-DD HH:MM", with a blank or a T between; 0: it is not. */
static int64_t read_time(const char *text)
{
    static const char *const forms[] = {"%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%SZ"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm date = {0};
        const char *end = strptime(text, forms[i], &date);
        if (end && !*end)
            return (int64_t)timegm(&date);
    }
    return 0;
}

void schedule_time_text(int64_t time, char text[SCHEDULE_TIME_SIZE])
{
    time_t seconds = (time_t)time;
    struct tm date = {0};
    gmtime_r(&seconds, &date);
    strftime(text, SCHEDULE_TIME_SIZE, "%Y-%m-%d %H:%M", &date);
}

/* ---- checking ------------------------------------------------------------------------------- */

static enum core_error check_time(const json_t *config, const char *name, int64_t *time,
                                  struct answer *answer)
{
    const char *text = json_text(config, name);
    *time = text ? read_time(text) : 0;
    if (text && !*time)
        return REFUSE("schedulingConfig.%s must be YYYY-MM-DD HH:MM, not '%.40s'", name, text);
    return CORE_OK;
}

static enum core_error check_times(int64_t now, int64_t start, int64_t end, struct answer *answer)
{
    int64_t begin = start > now ? start : now;
    if (start && (start < now + SCHEDULE_AHEAD_S || start > now + SCHEDULE_START_S))
        return REFUSE("schedulingConfig.startTime must be 30 minutes to a year from now");
    if (end && (end < begin + SCHEDULE_AHEAD_S || end > now + SCHEDULE_END_S))
        return REFUSE("schedulingConfig.endTime must be at least 30 minutes after the start, and "
                      "within two years");
    return CORE_OK;
}

static enum core_error check_window(const json_t *window, struct answer *answer)
{
    const json_t *minutes = json_object_get(window, "durationInMinutes");
    const char *start = json_text(window, "startTime");
    struct cron cron;
    char reason[200];
    if (!start || !cron_read(start, &cron, reason, sizeof reason))
        return REFUSE("maintenanceWindows: %s", start ? reason : "startTime is required");
    if (!json_is_integer(minutes) || json_integer_value(minutes) < 1 ||
        json_integer_value(minutes) > SCHEDULE_MINUTES)
        return REFUSE("maintenanceWindows: durationInMinutes must be 1..%d", SCHEDULE_MINUTES);
    return CORE_OK;
}

enum core_error schedule_check_windows(const json_t *windows, struct answer *answer)
{
    enum core_error error = CORE_OK;
    for (size_t i = 0; i < json_array_size(windows) && !error; i++)
        error = check_window(json_array_get(windows, i), answer);
    return error;
}

enum core_error schedule_check(const json_t *config, int64_t now, int64_t *start, int64_t *end,
                               struct answer *answer)
{
    const char *behavior = json_text(config, "endBehavior");
    enum core_error error = check_time(config, "startTime", start, answer);
    if (!error)
        error = check_time(config, "endTime", end, answer);
    if (!error)
        error = check_times(now, *start, *end, answer);
    if (!error)
        error = check_filter("schedulingConfig.endBehavior", behavior,
                             "STOP_ROLLOUT CANCEL FORCE_CANCEL", answer);
    if (!error && behavior && !*end)
        error = REFUSE("schedulingConfig.endBehavior needs an endTime");
    if (!error)
        error = schedule_check_windows(json_object_get(config, "maintenanceWindows"), answer);
    return error;
}

/* ---- windows -------------------------------------------------------------------------------- */

static bool read_window(const json_t *window, struct cron *cron, int64_t *seconds)
{
    char reason[200];
    const char *start = json_text(window, "startTime");
    *seconds = json_integer_value(json_object_get(window, "durationInMinutes")) * 60;
    return start && cron_read(start, cron, reason, sizeof reason);
}

bool schedule_open(const json_t *config, int64_t now)
{
    const json_t *windows = json_object_get(config, "maintenanceWindows");
    bool open = json_array_size(windows) == 0;
    for (size_t i = 0; i < json_array_size(windows) && !open; i++) {
        struct cron cron;
        int64_t seconds;
        open = read_window(json_array_get(windows, i), &cron, &seconds) &&
               cron_last(&cron, now, seconds - 1) > 0;
    }
    return open;
}

int64_t schedule_next(const json_t *config, int64_t now)
{
    const json_t *windows = json_object_get(config, "maintenanceWindows");
    int64_t next = 0;
    for (size_t i = 0; i < json_array_size(windows); i++) {
        struct cron cron;
        int64_t seconds, at = 0;
        if (read_window(json_array_get(windows, i), &cron, &seconds))
            at = cron_next(&cron, now + 1);
        if (at && (!next || at < next))
            next = at;
    }
    return next;
}
