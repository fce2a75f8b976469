/* iot: topic rules. */
#include "cloud/api/services_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/rules/topic_rules.h"

static enum core_error create(struct call *call, const json_t *body, struct answer *answer)
{
    if (call_header(call, "x-amz-tagging"))
        return services_refuse_foreign(answer, "tags");
    return rule_create(call->cloud, call->parameters[0], body, answer);
}

static enum core_error replace(struct call *call, const json_t *body, struct answer *answer)
{
    return rule_replace(call->cloud, call->parameters[0], body, answer);
}

static enum core_error get(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return rule_get(call->cloud, call->parameters[0], answer);
}

static enum core_error delete_rule(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return rule_delete(call->cloud, call->parameters[0], answer);
}

static enum core_error enable(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return rule_enable(call->cloud, call->parameters[0], true, answer);
}

static enum core_error disable(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return rule_enable(call->cloud, call->parameters[0], false, answer);
}

static enum core_error list(struct call *call, const json_t *body, struct answer *answer)
{
    const char *disabled = call_query(call, "ruleDisabled");
    enum core_error error = check_filter("ruleDisabled", disabled, "true false", answer);
    (void)body;
    if (!error)
        error = rule_list(call->cloud, call_query(call, "topic"), disabled, answer);
    if (!error)
        services_page(call, answer, "rules", &paging_by_token);
    return error;
}

#define RULE "sql description actions ruleDisabled awsIotSqlVersion errorAction"

const struct route iot_rules_routes[] = {
    {"CreateTopicRule", EVHTTP_REQ_POST, "/rules/{}", create, RULE},
    {"ReplaceTopicRule", EVHTTP_REQ_PATCH, "/rules/{}", replace, RULE},
    {"GetTopicRule", EVHTTP_REQ_GET, "/rules/{}", get, NULL},
    {"DeleteTopicRule", EVHTTP_REQ_DELETE, "/rules/{}", delete_rule, NULL},
    {"EnableTopicRule", EVHTTP_REQ_POST, "/rules/{}/enable", enable, NULL},
    {"DisableTopicRule", EVHTTP_REQ_POST, "/rules/{}/disable", disable, NULL},
    {"ListTopicRules", EVHTTP_REQ_GET, "/rules", list, "topic ruleDisabled maxResults nextToken"},
    {NULL, 0, NULL, NULL, NULL},
};
