/* iot: Device Defender. */
#define _GNU_SOURCE /* strptime */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/api/services_internal.h"
#include "cloud/core/defender/defender.h"
#include "cloud/core/ground/names.h"

/* ---- arguments ---- */

/* A time as SDKs write it into a query: 2026-01-31T10:00:00Z, perhaps with a fraction, or a number
 * of seconds. */
static bool time_read(const char *text, int64_t *ms)
{
    struct tm parts = {0};
    char *end;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest) {
        double fraction = *rest == '.' ? strtod(rest, &end) : 0;
        rest = *rest == '.' ? end : rest;
        *ms = (int64_t)timegm(&parts) * 1000 + (int64_t)(fraction * 1000);
        return *rest == '\0' || strcmp(rest, "Z") == 0 || strcmp(rest, "+00:00") == 0;
    }
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds >= 0 && seconds < 1e11))
        return false;
    *ms = (int64_t)(seconds * 1000);
    return true;
}

static enum core_error need_time(const struct call *call, const char *name, int64_t *ms,
                                 struct answer *answer)
{
    const char *text = call_query(call, name);
    if (text && time_read(text, ms))
        return CORE_OK;
    return answer_refuse(answer, CORE_INVALID_REQUEST,
                         "%s must be a time such as 2026-01-31T10:00:00Z, not %.40s", name,
                         text ? text : "nothing");
}

static enum core_error need_span(const struct call *call, struct defender_filter *filter,
                                 struct answer *answer)
{
    enum core_error error = need_time(call, "startTime", &filter->from_ms, answer);
    if (!error)
        error = need_time(call, "endTime", &filter->to_ms, answer);
    if (!error && filter->to_ms < filter->from_ms)
        error = answer_refuse(answer, CORE_INVALID_REQUEST, "endTime is before startTime");
    return error;
}

static struct defender_filter filter_of(const struct call *call)
{
    return (struct defender_filter){.thing = call_query(call, "thingName"),
                                    .profile = call_query(call, "securityProfileName"),
                                    .criteria = call_query(call, "behaviorCriteriaType"),
                                    .verification = call_query(call, "verificationState"),
                                    .suppressed = call_query(call, "listSuppressedAlerts")};
}

static int64_t expected_version(const struct call *call)
{
    const char *text = call_query(call, "expectedVersion");
    return text ? strtoll(text, NULL, 10) : -1;
}

/* ---- custom metrics ---- */

static enum core_error create_metric(struct call *call, const json_t *body, struct answer *answer)
{
    return defender_metric_create(call->cloud, call->parameters[0], body, answer);
}

static enum core_error describe_metric(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return defender_metric_describe(call->cloud, call->parameters[0], answer);
}

static enum core_error update_metric(struct call *call, const json_t *body, struct answer *answer)
{
    return defender_metric_update(call->cloud, call->parameters[0], body, answer);
}

static enum core_error delete_metric(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return defender_metric_delete(call->cloud, call->parameters[0], answer);
}

static enum core_error list_metrics(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    enum core_error error = defender_metric_list(call->cloud, answer);
    services_page(call, answer, "metricNames", &paging_by_token);
    return error;
}

/* ---- security profiles ---- */

static enum core_error create_profile(struct call *call, const json_t *body, struct answer *answer)
{
    return defender_profile_create(call->cloud, call->parameters[0], body, answer);
}

static enum core_error describe_profile(struct call *call, const json_t *body,
                                        struct answer *answer)
{
    (void)body;
    return defender_profile_describe(call->cloud, call->parameters[0], answer);
}

static enum core_error update_profile(struct call *call, const json_t *body, struct answer *answer)
{
    return defender_profile_update(call->cloud, call->parameters[0], body, expected_version(call),
                                   answer);
}

static enum core_error delete_profile(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return defender_profile_delete(call->cloud, call->parameters[0], expected_version(call),
                                   answer);
}

static enum core_error list_profiles(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    enum core_error error =
        defender_profile_list(call->cloud, call_query(call, "metricName"), answer);
    services_page(call, answer, "securityProfileIdentifiers", &paging_by_token);
    return error;
}

static enum core_error validate(struct call *call, const json_t *body, struct answer *answer)
{
    return defender_behaviors_validate(call->cloud, json_object_get(body, "behaviors"), answer);
}

#define TARGET "securityProfileTargetArn"

static enum core_error attach(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return defender_attach(call->cloud, call->parameters[0], call_query(call, TARGET), answer);
}

static enum core_error detach(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return defender_detach(call->cloud, call->parameters[0], call_query(call, TARGET), answer);
}

static enum core_error list_targets(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    enum core_error error = defender_targets(call->cloud, call->parameters[0], answer);
    if (!error)
        services_page(call, answer, "securityProfileTargets", &paging_by_token);
    return error;
}

static enum core_error list_for_target(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    enum core_error error = defender_profiles_of(call->cloud, call_query(call, TARGET), answer);
    if (!error)
        services_page(call, answer, "securityProfileTargetMappings", &paging_by_token);
    return error;
}

/* ---- what was found ---- */

static enum core_error active_violations(struct call *call, const json_t *body,
                                         struct answer *answer)
{
    struct defender_filter filter = filter_of(call);
    (void)body;
    enum core_error error = defender_active_violations(call->cloud, &filter, answer);
    if (!error)
        services_page(call, answer, "activeViolations", &paging_by_token);
    return error;
}

static enum core_error violation_events(struct call *call, const json_t *body,
                                        struct answer *answer)
{
    struct defender_filter filter = filter_of(call);
    (void)body;
    enum core_error error = need_span(call, &filter, answer);
    if (!error)
        error = defender_violation_events(call->cloud, &filter, answer);
    if (!error)
        services_page(call, answer, "violationEvents", &paging_by_token);
    return error;
}

static enum core_error metric_values(struct call *call, const json_t *body, struct answer *answer)
{
    struct defender_filter filter = filter_of(call);
    const char *metric = call_query(call, "metricName");
    (void)body;
    enum core_error error = need_span(call, &filter, answer);
    if (!error && (!metric || !filter.thing))
        error =
            answer_refuse(answer, CORE_INVALID_REQUEST, "thingName and metricName are required");
    if (!error)
        error = defender_metric_values(call->cloud, metric, &filter, answer);
    if (!error)
        services_page(call, answer, "metricDatumList", &paging_by_token);
    return error;
}

static enum core_error verify(struct call *call, const json_t *body, struct answer *answer)
{
    return defender_verify_violation(call->cloud, call->parameters[0], body, answer);
}

#define PROFILE                                                                                    \
    "securityProfileDescription behaviors additionalMetricsToRetain additionalMetricsToRetainV2"
#define FILTER                                                                                     \
    "thingName securityProfileName behaviorCriteriaType listSuppressedAlerts verificationState "   \
    "nextToken maxResults"

const struct route iot_defender_routes[] = {
    {"CreateCustomMetric", EVHTTP_REQ_POST, "/custom-metric/{}", create_metric,
     "metricType displayName clientRequestToken"},
    {"DescribeCustomMetric", EVHTTP_REQ_GET, "/custom-metric/{}", describe_metric, NULL},
    {"UpdateCustomMetric", EVHTTP_REQ_PATCH, "/custom-metric/{}", update_metric, "displayName"},
    {"DeleteCustomMetric", EVHTTP_REQ_DELETE, "/custom-metric/{}", delete_metric, NULL},
    {"ListCustomMetrics", EVHTTP_REQ_GET, "/custom-metrics", list_metrics, "nextToken maxResults"},
    {"CreateSecurityProfile", EVHTTP_REQ_POST, "/security-profiles/{}", create_profile, PROFILE},
    {"DescribeSecurityProfile", EVHTTP_REQ_GET, "/security-profiles/{}", describe_profile, NULL},
    {"UpdateSecurityProfile", EVHTTP_REQ_PATCH, "/security-profiles/{}", update_profile,
     PROFILE " deleteBehaviors deleteAdditionalMetricsToRetain expectedVersion"},
    {"DeleteSecurityProfile", EVHTTP_REQ_DELETE, "/security-profiles/{}", delete_profile,
     "expectedVersion"},
    {"ListSecurityProfiles", EVHTTP_REQ_GET, "/security-profiles", list_profiles,
     "nextToken maxResults metricName"},
    {"ValidateSecurityProfileBehaviors", EVHTTP_REQ_POST, "/security-profile-behaviors/validate",
     validate, "behaviors"},
    {"AttachSecurityProfile", EVHTTP_REQ_PUT, "/security-profiles/{}/targets", attach, TARGET},
    {"DetachSecurityProfile", EVHTTP_REQ_DELETE, "/security-profiles/{}/targets", detach, TARGET},
    {"ListTargetsForSecurityProfile", EVHTTP_REQ_GET, "/security-profiles/{}/targets", list_targets,
     "nextToken maxResults"},
    {"ListSecurityProfilesForTarget", EVHTTP_REQ_GET, "/security-profiles-for-target",
     list_for_target, TARGET " recursive nextToken maxResults"},
    {"ListActiveViolations", EVHTTP_REQ_GET, "/active-violations", active_violations, FILTER},
    {"ListViolationEvents", EVHTTP_REQ_GET, "/violation-events", violation_events,
     FILTER " startTime endTime"},
    {"ListMetricValues", EVHTTP_REQ_GET, "/metric-values", metric_values,
     "thingName metricName startTime endTime nextToken maxResults"},
    {"PutVerificationStateOnViolation", EVHTTP_REQ_POST, "/violations/verification-state/{}",
     verify, "verificationState verificationStateDescription"},
    {NULL, 0, NULL, NULL, NULL},
};
