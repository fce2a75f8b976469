/* Device Defender, the detecting half: what devices report of themselves, what is normal, and what
 * was not.
 *
 * A report's metrics become values under Device Defender's names (`aws:all-bytes-out`, or that of a
 * custom metric). The security profiles attached to `all/things`, to `all/registered-things`, to
 * `all/unregistered-things`, or to a group that the thing is in or below, say which behaviour is
 * normal, by static thresholds. Each report is judged as it comes: so many in a row against a
 * behaviour begin a violation, so many in a row within it end it. As on AWS, values are kept of
 * those metrics that a profile of the thing uses or asks to keep.
 *
 * Not offered, and refused by name: statistical and machine-learning detection, dimensions, metrics
 * that the cloud itself measures, alerts by SNS, exports.
 *
 * Answers as in registry/registry.h: members of AWS IoT's replies under AWS's names, times as
 * numbers of seconds. */
#ifndef OTTER_CLOUD_CORE_DEFENDER_DEFENDER_H
#define OTTER_CLOUD_CORE_DEFENDER_DEFENDER_H

#include "cloud/core/ground/cloud.h"

#define DEFENDER_KEEP_VALUES_DAYS 14 /* unless configured */
#define DEFENDER_KEEP_EVENTS_DAYS 30

/* ---- devices ---- */

/* A report, as read from JSON or CBOR (NULL: it was neither, and is malformed), with long or short
 * names. CORE_INVALID_REQUEST with the first fault in words: a header without a `report_id` above
 * the last one or a `version` 1.x, a metric of another shape than AWS documents, a custom metric of
 * another type than it is registered with. Custom metrics that are not registered, and members that
 * are not known, are passed over. The thing need not be registered.
 * {"thingName","reportId","status","timestamp" in milliseconds}; refused: {"reportId"} if there is
 * one. */
enum core_error defender_report(struct cloud *cloud, const char *thing, const json_t *report,
                                struct answer *answer);

/* ---- custom metrics ---- */

/* `members`: metricType, clientRequestToken, displayName. Again with the same token: no error. */
enum core_error defender_metric_create(struct cloud *cloud, const char *name, const json_t *members,
                                       struct answer *answer);
enum core_error defender_metric_describe(struct cloud *cloud, const char *name,
                                         struct answer *answer);
enum core_error defender_metric_update(struct cloud *cloud, const char *name, const json_t *members,
                                       struct answer *answer);
/* CORE_INVALID_REQUEST while a profile uses it; no error when there is none. */
enum core_error defender_metric_delete(struct cloud *cloud, const char *name,
                                       struct answer *answer);
/* {"metricNames":[...]} */
enum core_error defender_metric_list(struct cloud *cloud, struct answer *answer);

/* ---- security profiles ---- */

/* `members`: securityProfileDescription, behaviors, additionalMetricsToRetain and ...V2 */
enum core_error defender_profile_create(struct cloud *cloud, const char *name,
                                        const json_t *members, struct answer *answer);
enum core_error defender_profile_describe(struct cloud *cloud, const char *name,
                                          struct answer *answer);
/* Also deleteBehaviors and deleteAdditionalMetricsToRetain; `version` < 0: whatever it is, else
 * CORE_VERSION_CONFLICT when it is another. Violations of behaviours that are no longer the same
 * end as invalidated. */
enum core_error defender_profile_update(struct cloud *cloud, const char *name,
                                        const json_t *members, int64_t version,
                                        struct answer *answer);
enum core_error defender_profile_delete(struct cloud *cloud, const char *name, int64_t version,
                                        struct answer *answer);
/* {"securityProfileIdentifiers":[{"name","arn"}]}; `metric` NULL: all, else those that use it. */
enum core_error defender_profile_list(struct cloud *cloud, const char *metric,
                                      struct answer *answer);
/* {"valid","validationErrors":[{"errorMessage"}]} */
enum core_error defender_behaviors_validate(struct cloud *cloud, const json_t *behaviors,
                                            struct answer *answer);

#define DEFENDER_PROFILES_OF_TARGET 5

/* CORE_LIMIT for a sixth profile of one target. Attaching and detaching again is no error. */
enum core_error defender_attach(struct cloud *cloud, const char *profile, const char *target,
                                struct answer *answer);
enum core_error defender_detach(struct cloud *cloud, const char *profile, const char *target,
                                struct answer *answer);
/* {"securityProfileTargets":[{"arn"}]} */
enum core_error defender_targets(struct cloud *cloud, const char *profile, struct answer *answer);
/* {"securityProfileTargetMappings":[{"securityProfileIdentifier","target"}]} */
enum core_error defender_profiles_of(struct cloud *cloud, const char *target,
                                     struct answer *answer);

/* ---- what was found ---- */

/* Texts that are NULL: any. Times in milliseconds since 1970, both included. */
struct defender_filter {
    const char *thing, *profile;
    const char *criteria;     /* STATIC, STATISTICAL, MACHINE_LEARNING */
    const char *verification; /* FALSE_POSITIVE, BENIGN_POSITIVE, TRUE_POSITIVE, UNKNOWN */
    const char *suppressed;   /* "true": only those whose alerts are suppressed; "false": others */
    int64_t from_ms, to_ms;   /* of events and values only */
};

/* {"activeViolations":[...]}, the last that began first */
enum core_error defender_active_violations(struct cloud *cloud,
                                           const struct defender_filter *filter,
                                           struct answer *answer);
/* {"violationEvents":[...]}, the last first */
enum core_error defender_violation_events(struct cloud *cloud, const struct defender_filter *filter,
                                          struct answer *answer);
/* {"metricDatumList":[{"timestamp","value"}]}, in the order of time, of filter->thing */
enum core_error defender_metric_values(struct cloud *cloud, const char *metric,
                                       const struct defender_filter *filter, struct answer *answer);
/* `members`: verificationState, verificationStateDescription */
enum core_error defender_verify_violation(struct cloud *cloud, const char *violation,
                                          const json_t *members, struct answer *answer);

/* ---- for the core ---- */

/* Violations of the thing end as invalidated; its values go. */
void defender_thing_removed(struct cloud *cloud, const char *thing);
/* To be called in the transaction in which the thing leaves a group, after it has. */
otter_status defender_thing_left(struct cloud *cloud, const char *thing);
/* Values and events that are older than what is kept go. To be called now and then. */
void defender_sweep(struct cloud *cloud);

#endif
