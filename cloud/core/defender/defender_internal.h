/* What the files of Device Defender share: metrics by name, rules, values, profiles. */
#ifndef OTTER_CLOUD_CORE_DEFENDER_DEFENDER_INTERNAL_H
#define OTTER_CLOUD_CORE_DEFENDER_DEFENDER_INTERNAL_H

#include "cloud/core/defender/defender.h"
#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"

#define METRIC_NAME_MAX  128
#define PROFILE_NAME_MAX 128
#define NAME_OTHERS      ":_-"

/* The one member that a MetricValue of the metric has. */
enum value_kind {
    VALUE_COUNT,
    VALUE_PORTS,
    VALUE_CIDRS,
    VALUE_NUMBER,
    VALUE_NUMBERS,
    VALUE_STRINGS,
    VALUE_NONE /* no metric that devices report */
};
/* "count", "ports", ... */
const char *value_member(enum value_kind kind);

struct metric {
    enum value_kind kind;
    bool adds_up; /* over a duration: bytes and packets */
};
/* By its name: a standard one, or a custom one that is registered. */
struct metric metric_find(struct cloud *cloud, const char *name);
/* Of a custom metric's `metricType`. */
enum value_kind metric_kind_of_type(const char *type);
/* "number-list"; NULL: it is not registered. Freed by the caller. */
char *metric_type_new(struct cloud *cloud, const char *name);

/* ---- defender_rules.c ---- */

/* Adds what is wrong with the behaviour, in words, to `faults`. */
void behavior_check(struct cloud *cloud, const json_t *behavior, json_t *faults);
/* Whether a value is as the behaviour's criteria say that it normally is. */
bool criteria_hold(const json_t *criteria, const json_t *value, enum value_kind kind);

/* ---- defender_report.c, defender_values.c ---- */

/* The values of a report whose shape is good: {metric: MetricValue}. NULL with the fault. */
json_t *values_read(struct cloud *cloud, const json_t *report, struct answer *answer);
/* The member by its long or its short name. */
json_t *either(const json_t *object, const char *name, const char *brief);

/* ---- defender_targets.c ---- */

/* The profiles of a thing: {name: {"behaviors":[...],"retain":[metric...]}}; freed by the caller.
 */
json_t *profiles_of_thing(struct cloud *cloud, const char *thing);
enum core_error profile_need(struct cloud *cloud, const char *name, struct answer *answer);
json_t *profile_identifier(struct cloud *cloud, const char *name);

/* ---- defender_judge.c: all to be called in a transaction ---- */

/* Keeps what a profile wants kept, and judges what is reported by each behaviour. */
otter_status report_judge(struct cloud *cloud, const char *thing, const json_t *values,
                          int64_t now_ms);
/* Ends violations and forgets counts of a behaviour, of all of a profile (behavior NULL), or of all
 * of a thing (profile NULL); of all things: thing NULL. */
otter_status violations_invalidate(struct cloud *cloud, const char *thing, const char *profile,
                                   const char *behavior);
/* Those of things that their profile no longer concerns; NULL: all profiles, all things. */
otter_status violations_prune(struct cloud *cloud, const char *profile, const char *thing);

#endif
