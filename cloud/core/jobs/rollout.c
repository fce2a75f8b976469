/* The arithmetic of roll-outs; see rollout.h. */
#include "cloud/core/jobs/rollout.h"

#include <stdio.h>
#include <string.h>

#include "cloud/core/ground/names.h"

#define REFUSE(...) answer_refuse(answer, CORE_INVALID_REQUEST, __VA_ARGS__)

#define FACTOR_MIN 1.1
#define FACTOR_MAX 5.0
#define ROUNDING   1e-9 /* what the product of factors may be off */

/* ---- the rate ------------------------------------------------------------------------------- */

static bool in_range(const json_t *value, int64_t most)
{
    return json_is_integer(value) && json_integer_value(value) >= 1 &&
           json_integer_value(value) <= most;
}

static bool optional_count(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return !value || in_range(value, INT32_MAX);
}

/* 1.1 to 5, in tenths. */
static bool factor_sound(const json_t *value)
{
    double factor = json_number_value(value);
    if (!json_is_number(value) || factor < FACTOR_MIN - ROUNDING || factor > FACTOR_MAX + ROUNDING)
        return false;
    double off = factor * 10 - (double)(int)(factor * 10 + 0.5);
    return off > -1e-6 && off < 1e-6;
}

static enum core_error read_exponential(const json_t *rate, const char *name,
                                        struct rollout *rollout, struct answer *answer)
{
    const json_t *base = json_object_get(rate, "baseRatePerMinute");
    const json_t *factor = json_object_get(rate, "incrementFactor");
    const json_t *criteria = json_object_get(rate, "rateIncreaseCriteria");
    if (!in_range(base, ROLLOUT_RATE_MAX))
        return REFUSE("%s: baseRatePerMinute must be 1..%d", name, ROLLOUT_RATE_MAX);
    if (!factor_sound(factor))
        return REFUSE("%s: incrementFactor must be 1.1 to 5, with one digit after the point", name);
    rollout->base = json_integer_value(base);
    rollout->factor = json_number_value(factor);
    rollout->per_notified = json_integer_value(json_object_get(criteria, "numberOfNotifiedThings"));
    rollout->per_succeeded =
        json_integer_value(json_object_get(criteria, "numberOfSucceededThings"));
    if (!optional_count(criteria, "numberOfNotifiedThings") ||
        !optional_count(criteria, "numberOfSucceededThings") ||
        (!rollout->per_notified && !rollout->per_succeeded))
        return REFUSE("%s: rateIncreaseCriteria needs numberOfNotifiedThings or "
                      "numberOfSucceededThings, from 1 on",
                      name);
    return CORE_OK;
}

enum core_error rollout_read(const json_t *config, const char *name, struct rollout *rollout,
                             struct answer *answer)
{
    const json_t *rate = json_object_get(config, "exponentialRate");
    const json_t *most = json_object_get(config, "maximumPerMinute");
    *rollout = (struct rollout){ROLLOUT_RATE_MAX, ROLLOUT_RATE_MAX, 1, 0, 0};
    if (most && !in_range(most, ROLLOUT_RATE_MAX))
        return REFUSE("%s: maximumPerMinute must be 1..%d", name, ROLLOUT_RATE_MAX);
    if (most)
        rollout->base = rollout->most = json_integer_value(most);
    return rate ? read_exponential(rate, name, rollout, answer) : CORE_OK;
}

int64_t rollout_rate(const struct rollout *rollout, int64_t notified, int64_t succeeded)
{
    int64_t by_notified = rollout->per_notified ? notified / rollout->per_notified : 0;
    int64_t by_succeeded = rollout->per_succeeded ? succeeded / rollout->per_succeeded : 0;
    int64_t steps = by_notified > by_succeeded ? by_notified : by_succeeded;
    double rate = (double)rollout->base, most = (double)rollout->most;
    for (int64_t i = 0; i < steps && rate < most && rollout->factor > 1; i++)
        rate *= rollout->factor;
    return rate < most ? (int64_t)(rate + ROUNDING) : rollout->most;
}

/* ---- giving up ------------------------------------------------------------------------------ */

static int64_t failures(const char *type, const struct job_counts *counts)
{
    if (strcmp(type, "FAILED") == 0)
        return counts->failed;
    if (strcmp(type, "REJECTED") == 0)
        return counts->rejected;
    if (strcmp(type, "TIMED_OUT") == 0)
        return counts->timed_out;
    return counts->failed + counts->rejected + counts->timed_out; /* ALL */
}

static enum core_error check_criterion(const json_t *criterion, struct answer *answer)
{
    const char *type = json_text(criterion, "failureType");
    const char *action = json_text(criterion, "action");
    const json_t *threshold = json_object_get(criterion, "thresholdPercentage");
    if (!type || check_filter("failureType", type, "FAILED REJECTED TIMED_OUT ALL", answer))
        return REFUSE("failureType of an abort criterion must be FAILED, REJECTED, TIMED_OUT or "
                      "ALL");
    if (!action || strcmp(action, "CANCEL") != 0)
        return REFUSE("action of an abort criterion must be CANCEL");
    if (!json_is_number(threshold) || json_number_value(threshold) <= 0 ||
        json_number_value(threshold) > 100)
        return REFUSE("thresholdPercentage of an abort criterion must be above 0, up to 100");
    if (!in_range(json_object_get(criterion, "minNumberOfExecutedThings"), INT32_MAX))
        return REFUSE("minNumberOfExecutedThings of an abort criterion must be 1 or more");
    return CORE_OK;
}

enum core_error abort_check(const json_t *config, const char *list, struct answer *answer)
{
    const json_t *criteria = json_object_get(config, list);
    enum core_error error = CORE_OK;
    if (config && json_array_size(criteria) == 0)
        return REFUSE("the abort configuration needs a %s", list);
    for (size_t i = 0; i < json_array_size(criteria) && !error; i++)
        error = check_criterion(json_array_get(criteria, i), answer);
    return error;
}

bool abort_reached(const json_t *config, const char *list, const struct job_counts *counts,
                   char *why, size_t size)
{
    size_t i;
    json_t *criterion;
    json_array_foreach(json_object_get(config, list), i, criterion)
    {
        const char *type = json_text(criterion, "failureType");
        double threshold = json_number_value(json_object_get(criterion, "thresholdPercentage"));
        int64_t least = json_integer_value(json_object_get(criterion, "minNumberOfExecutedThings"));
        int64_t failed = type ? failures(type, counts) : 0;
        if (failed == 0 || counts->notified < least ||
            100.0 * (double)failed < threshold * (double)counts->notified - ROUNDING)
            continue;
        snprintf(why, size, "%lld of %lld notified things ended as %s, the threshold is %g %%",
                 (long long)failed, (long long)counts->notified,
                 strcmp(type, "ALL") == 0 ? "FAILED, REJECTED or TIMED_OUT" : type, threshold);
        return true;
    }
    return false;
}
