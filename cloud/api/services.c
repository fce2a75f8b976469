/* From the service's name to its handlers; what the JSON services have in common. */
#define _GNU_SOURCE /* memmem */
#include "cloud/api/services_internal.h"

#include "cloud/api/rights.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX 250

const struct paging paging_by_token = {"maxResults", "nextToken", "nextToken"};
const struct paging paging_by_marker = {"pageSize", "marker", "nextMarker"};

static const struct route *const iot_tables[] = {iot_registry_routes,  iot_groups_routes,
                                                 iot_fleet_routes,     iot_jobs_routes,
                                                 iot_templates_routes, iot_ota_routes,
                                                 iot_defender_routes,  iot_rules_routes,
                                                 iot_search_routes,    NULL};
static const struct route *const iot_data_tables[] = {iot_data_routes, NULL};
static const struct route *const jobs_data_tables[] = {jobs_data_routes, NULL};
static const struct route *const signer_tables[] = {signer_routes, NULL};

struct service {
    const char *name;
    enum protocol protocol;
    const struct route *const *tables; /* of REST services with JSON */
    void (*answer)(struct call *call); /* of the others */
    bool payloads; /* bodies are no members, but what the handlers make of them */
};

static const struct service services[] = {
    {"iot", PROTOCOL_IOT, iot_tables, NULL, false},
    {"execute-api", PROTOCOL_IOT, iot_tables, NULL, false}, /* how older clients sign for iot */
    {"iotdata", PROTOCOL_IOT_DATA, iot_data_tables, NULL, true},
    {"iot-jobs-data", PROTOCOL_JOBS_DATA, jobs_data_tables, NULL, false},
    {"signer", PROTOCOL_SIGNER, signer_tables, NULL, false},
    {"acm", PROTOCOL_ACM, NULL, acm_answer, false},
    {"s3", PROTOCOL_S3, NULL, s3_answer, false},
    {"iam", PROTOCOL_QUERY, NULL, iam_answer, false},
    {"sts", PROTOCOL_QUERY, NULL, iam_answer, false},
};

#define SERVICES (sizeof services / sizeof *services)

static const struct service *service_find(const char *name)
{
    for (size_t i = 0; i < SERVICES; i++) {
        if (strcmp(services[i].name, name) == 0)
            return &services[i];
    }
    return NULL;
}

static const struct route *find_route(const struct route *const *tables, struct call *call)
{
    const struct route *route = NULL;
    for (; *tables && !route; tables++)
        route = router_find(*tables, call->method, call->target, call->parameters);
    return route;
}

/* ---- which protocol, when nobody says ---- */

static bool starts(const char *text, const char *prefix)
{
    return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

enum protocol services_protocol(const struct call *call, const char *service)
{
    static const char *const iot_paths[] = {"/things",
                                            "/certificate",
                                            "/policies",
                                            "/jobs",
                                            "/streams",
                                            "/otaUpdates",
                                            "/endpoint",
                                            "/keys-and-certificate",
                                            "/target-policies",
                                            "/attached-policies",
                                            "/principals",
                                            "/policy-targets",
                                            "/custom-metric",
                                            "/security-profile",
                                            "/active-violations",
                                            "/violation",
                                            "/metric-values",
                                            "/provisioning-templates",
                                            "/cacertificate",
                                            "/registrationcode",
                                            "/thing-groups",
                                            "/job-templates",
                                            "/managed-job-templates",
                                            "/tags",
                                            "/untag",
                                            "/event-configurations",
                                            "/rules",
                                            "/indices",
                                            "/indexing"};
    const struct service *known = service_find(service);
    if (known)
        return known->protocol;
    if (call_header(call, "X-Amz-Target"))
        return PROTOCOL_ACM;
    if (starts(call_header(call, "Content-Type"), "application/x-www-form-urlencoded"))
        return PROTOCOL_QUERY;
    if (starts(call->target, "/signing-"))
        return PROTOCOL_SIGNER;
    for (size_t i = 0; i < sizeof iot_paths / sizeof *iot_paths; i++) {
        if (starts(call->target, iot_paths[i]))
            return PROTOCOL_IOT;
    }
    return *service ? PROTOCOL_IOT : PROTOCOL_S3;
}

/* ---- REST with JSON ---- */

json_t *services_read_json(const struct call *call)
{
    if (call->body_size == 0)
        return json_object();
    json_t *body = json_loadb(call->body, call->body_size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(body))
        return body;
    json_decref(body);
    return NULL;
}

void services_reply_json(struct call *call, enum protocol protocol, enum core_error error,
                         const struct answer *answer)
{
    if (error != CORE_OK) {
        error_reply_core(call, protocol, error, answer);
        return;
    }
    char *text = answer->body ? json_dumps(answer->body, JSON_COMPACT) : NULL;
    text_add(&call->reply, text ? text : "{}");
    call->content_type =
        protocol == PROTOCOL_ACM ? "application/x-amz-json-1.1" : "application/json";
    free(text);
}

static bool asks_for_nothing(const json_t *value)
{
    const char *text = json_string_value(value);
    return json_is_null(value) || json_is_false(value) || (text && strcmp(text, "false") == 0) ||
           (json_is_object(value) && json_object_size(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

const char *services_foreign(const char *takes, const json_t *given)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)given, name, value)
    {
        if (!text_lists(takes ? takes : "", name) && !asks_for_nothing(value))
            return name;
    }
    return NULL;
}

enum core_error services_refuse_foreign(struct answer *answer, const char *name)
{
    return answer_refuse(answer, CORE_INVALID_REQUEST,
                         "This cloud does not offer %.60s in this operation for now: leave it out.",
                         name);
}

/* What a presigned URL carries is no argument. */
static const char *foreign_argument(const char *takes, const struct call *call, const json_t *body)
{
    const char *name = services_foreign(takes, body);
    if (!name && !call_query(call, "X-Amz-Signature"))
        name = services_foreign(takes, call->query);
    return name;
}

static bool is_number(const char *text, int64_t least, int64_t most)
{
    size_t length = strlen(text);
    return length > 0 && length < 19 && strspn(text, "0123456789") == length &&
           strtoll(text, NULL, 10) >= least && strtoll(text, NULL, 10) <= most;
}

/* Sizes of pages, and the tokens of the next one as services_page and the core give them out. */
static enum core_error check_paging(const struct call *call, struct answer *answer)
{
    static const char *const sizes[] = {"maxResults", "pageSize"};
    static const char *const tokens[] = {"nextToken", "marker"};
    for (size_t i = 0; i < 2; i++) {
        const char *size = call_query(call, sizes[i]), *token = call_query(call, tokens[i]);
        if (size && !is_number(size, 1, PAGE_MAX))
            return answer_refuse(answer, CORE_INVALID_REQUEST, "%s must be 1 to %d, not %.40s",
                                 sizes[i], PAGE_MAX, size);
        if (token && !is_number(token, 0, INT32_MAX))
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "%s is not one that was given out: %.40s", tokens[i], token);
    }
    return CORE_OK;
}

static void run_route(struct call *call, const struct service *service, const struct route *route,
                      const json_t *body)
{
    struct answer answer = ANSWER_INIT;
    const char *foreign = foreign_argument(route->takes, call, body);
    enum core_error error =
        foreign ? services_refuse_foreign(&answer, foreign) : check_paging(call, &answer);
    if (error == CORE_OK)
        error = route->handler(call, body, &answer);
    if (!call->waits)
        services_reply_json(call, service->protocol, error, &answer);
    answer_free(&answer);
}

static void refuse_path(struct call *call, enum protocol protocol)
{
    char operation[200];
    snprintf(operation, sizeof operation, "%s %.*s", call_method(call),
             (int)strcspn(call->target, "?"), call->target);
    services_refuse_operation(call, protocol, operation);
}

static void answer_rest(struct call *call, const struct service *service)
{
    struct answer answer = ANSWER_INIT;
    const struct route *route = find_route(service->tables, call);
    json_t *body = !route ? NULL : service->payloads ? json_object() : services_read_json(call);
    if (!route)
        refuse_path(call, service->protocol);
    else if (!body)
        error_reply_core(call, service->protocol, CORE_INVALID_JSON, &answer);
    else if (rights_check_route(call, service->protocol,
                                service->protocol == PROTOCOL_SIGNER ? "signer" : "iot", route,
                                body))
        run_route(call, service, route, body);
    json_decref(body);
}

void services_refuse_operation(struct call *call, enum protocol protocol, const char *operation)
{
    char message[320];
    snprintf(message, sizeof message, "This cloud does not offer the operation %.200s for now.",
             operation);
    error_reply(call, protocol,
                protocol == PROTOCOL_QUERY ? "InvalidAction" : "UnknownOperationException",
                protocol == PROTOCOL_QUERY || protocol == PROTOCOL_ACM ? 400 : 404, message, NULL);
}

bool services_refuse_unsigned(struct call *call)
{
    static const char prefix[] = "Action=AssumeRoleWith";
    const char *action = call->body_size > sizeof prefix
                             ? memmem(call->body, call->body_size, prefix, sizeof prefix - 1)
                             : NULL;
    char name[64];
    if (!action)
        return false;
    size_t left = call->body_size - (size_t)(action - call->body) - 7;
    snprintf(name, sizeof name, "%.*s", (int)(left < 40 ? left : 40), action + 7);
    name[strcspn(name, "&")] = 0;
    services_refuse_operation(call, PROTOCOL_QUERY, name);
    return true;
}

/* In the protocol that the request speaks, so that a client can read it. */
static void refuse_service(struct call *call, const char *name)
{
    enum protocol protocol = services_protocol(call, name);
    char message[200];
    int used = snprintf(message, sizeof message,
                        "This cloud does not offer the service %.40s. It offers", name);
    for (size_t i = 0; i < SERVICES && used < (int)sizeof message; i++)
        used += snprintf(message + used, sizeof message - (size_t)used, "%s %s", i ? "," : "",
                         services[i].name);
    error_reply(call, protocol, "UnknownOperationException", 404, message, NULL);
}

void services_answer(struct call *call, const char *name)
{
    const struct service *service = service_find(name);
    if (!service)
        refuse_service(call, name);
    else if (service->answer)
        service->answer(call);
    else
        answer_rest(call, service);
}

/* ---- pages ---- */

void services_cut(struct answer *answer, const char *name, size_t begin, size_t most,
                  const char *next_name)
{
    json_t *list = json_object_get(answer->body, name), *page = json_array();
    size_t total = json_array_size(list), at = begin;
    char next[24];
    for (; at < total && at - begin < most; at++)
        json_array_append(page, json_array_get(list, at));
    snprintf(next, sizeof next, "%zu", at);
    json_object_set_new(answer->body, name, page);
    if (at < total)
        json_object_set_new(answer->body, next_name, json_string(next));
}

void services_page(struct call *call, struct answer *answer, const char *name,
                   const struct paging *paging)
{
    const char *token = call_query(call, paging->token);
    services_cut(answer, name, token ? strtoul(token, NULL, 10) : 0,
                 (size_t)call_number(call, paging->size, PAGE_MAX, PAGE_MAX), paging->next);
}
