/* IAM and STS: a form in, XML out. */
#include <stdlib.h>
#include <string.h>

#include "cloud/api/iam_internal.h"
#include "cloud/api/rights.h"
#include "cloud/api/xml.h"
#include "cloud/core/account/roles.h"
#include "cloud/core/account/users.h"
#include "cloud/core/ground/names.h"

/* IAM shows policy documents percent-encoded. */
static void encode_trust(json_t *role)
{
    struct text encoded = {0};
    const char *document = json_text(role, "AssumeRolePolicyDocument");
    if (!document)
        return;
    text_add_encoded(&encoded, document, "");
    json_object_set_new(role, "AssumeRolePolicyDocument", json_string(text_get(&encoded)));
    text_free(&encoded);
}

static enum core_error create_role(struct call *call, const json_t *form, struct answer *answer)
{
    struct role_request request = {.name = json_text(form, "RoleName"),
                                   .trust = json_text(form, "AssumeRolePolicyDocument"),
                                   .path = json_text(form, "Path"),
                                   .description = json_text(form, "Description"),
                                   .session = json_text(form, "MaxSessionDuration")};
    enum core_error error = role_create(call->cloud, &request, answer);
    encode_trust(json_object_get(answer->body, "Role"));
    return error;
}

static enum core_error get_role(struct call *call, const json_t *form, struct answer *answer)
{
    enum core_error error = role_get(call->cloud, json_text(form, "RoleName"), answer);
    encode_trust(json_object_get(answer->body, "Role"));
    return error;
}

static enum core_error delete_role(struct call *call, const json_t *form, struct answer *answer)
{
    return role_delete(call->cloud, json_text(form, "RoleName"), answer);
}

static enum core_error attach_role_policy(struct call *call, const json_t *form,
                                          struct answer *answer)
{
    return role_attach(call->cloud, json_text(form, "RoleName"), json_text(form, "PolicyArn"),
                       answer);
}

static enum core_error detach_role_policy(struct call *call, const json_t *form,
                                          struct answer *answer)
{
    return role_detach(call->cloud, json_text(form, "RoleName"), json_text(form, "PolicyArn"),
                       answer);
}

static enum core_error put_policy(struct call *call, const json_t *form, struct answer *answer)
{
    return role_put_policy(call->cloud, json_text(form, "RoleName"), json_text(form, "PolicyName"),
                           json_text(form, "PolicyDocument"), answer);
}

static enum core_error create_policy(struct call *call, const json_t *form, struct answer *answer)
{
    return managed_policy_create(call->cloud, json_text(form, "PolicyName"),
                                 json_text(form, "Path"), json_text(form, "PolicyDocument"),
                                 json_text(form, "Description"), answer);
}

static enum core_error get_caller_identity(struct call *call, const json_t *form,
                                           struct answer *answer)
{
    char arn[200];
    (void)form;
    enum core_error error = user_get(call->cloud, call->user, answer);
    if (error)
        return error;
    user_arn(call->cloud, call->user, arn);
    json_t *who = json_pack("{s:O,s:s,s:s}", "UserId",
                            json_object_get(json_object_get(answer->body, "User"), "UserId"),
                            "Account", call->cloud->account, "Arn", arn);
    answer_free(answer);
    answer->body = who;
    return CORE_OK;
}

static const struct iam_action actions[] = {
    {"CreateRole", IAM_SPACE, create_role,
     "Action Version RoleName AssumeRolePolicyDocument Path Description MaxSessionDuration"},
    {"GetRole", IAM_SPACE, get_role, "Action Version RoleName"},
    {"DeleteRole", IAM_SPACE, delete_role, "Action Version RoleName"},
    {"AttachRolePolicy", IAM_SPACE, attach_role_policy, "Action Version RoleName PolicyArn"},
    {"DetachRolePolicy", IAM_SPACE, detach_role_policy, "Action Version RoleName PolicyArn"},
    {"PutRolePolicy", IAM_SPACE, put_policy, "Action Version RoleName PolicyName PolicyDocument"},
    {"CreatePolicy", IAM_SPACE, create_policy,
     "Action Version PolicyName Path PolicyDocument Description"},
    {"GetCallerIdentity", STS_SPACE, get_caller_identity, "Action Version"},
    {NULL, NULL, NULL, NULL},
};

static const struct iam_action *find_in(const struct iam_action *table, const char *name)
{
    while (table->name && strcmp(table->name, name) != 0)
        table++;
    return table->name ? table : NULL;
}

static const struct iam_action *find_action(const char *name)
{
    const struct iam_action *action = name ? find_in(actions, name) : NULL;
    return action || !name ? action : find_in(iam_user_actions, name);
}

/* Everybody may ask who it is. */
static bool may_run(struct call *call, const struct iam_action *action, const json_t *form)
{
    char name[96], resource[256] = "*";
    const char *user = json_text(form, "UserName"), *role = json_text(form, "RoleName");
    if (action->handler == get_caller_identity)
        return true;
    if (user || role)
        snprintf(resource, sizeof resource, "arn:aws:iam::%s:%s/%.64s", call->cloud->account,
                 user ? "user" : "role", user ? user : role);
    snprintf(name, sizeof name, "iam:%s", action->name);
    return rights_check(call, PROTOCOL_QUERY, name, resource);
}

static void write_response(struct call *call, const struct iam_action *action, const json_t *result)
{
    struct text *out = &call->reply;
    text_format(out, "<%sResponse xmlns=\"%s\">", action->name, action->space);
    if (result) {
        text_format(out, "<%sResult>", action->name);
        xml_add_json(out, result);
        text_format(out, "</%sResult>", action->name);
    }
    xml_begin(out, "ResponseMetadata");
    xml_add(out, "RequestId", call->request_id);
    xml_end(out, "ResponseMetadata");
    text_format(out, "</%sResponse>", action->name);
    call->content_type = "text/xml";
}

static void carry_out(struct call *call, const struct iam_action *action, const json_t *form)
{
    struct answer answer = ANSWER_INIT;
    const char *foreign = services_foreign(action->takes, form);
    enum core_error error =
        foreign ? services_refuse_foreign(&answer, foreign) : action->handler(call, form, &answer);
    if (error)
        error_reply_core(call, PROTOCOL_QUERY, error, &answer);
    else
        write_response(call, action, answer.body);
    answer_free(&answer);
}

void iam_answer(struct call *call)
{
    char *text = strndup(call->body, call->body_size);
    json_t *form = text ? router_parse_query(text) : NULL;
    const char *name = json_text(form, "Action");
    const struct iam_action *action = find_action(name);
    if (!form)
        error_reply(call, PROTOCOL_QUERY, "MalformedQueryString", 400,
                    "The body is not a form in UTF-8.", NULL);
    else if (!action)
        services_refuse_operation(call, PROTOCOL_QUERY, name ? name : "(no Action)");
    else if (may_run(call, action, form))
        carry_out(call, action, form);
    json_decref(form);
    free(text);
}
