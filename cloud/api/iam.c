/* IAM and STS: a form in, XML out. */
#include <stdlib.h>
#include <string.h>

#include "cloud/api/services_internal.h"
#include "cloud/api/xml.h"
#include "cloud/core/account/roles.h"
#include "cloud/core/ground/names.h"

typedef enum core_error form_handler(struct call *call, const json_t *form, struct answer *answer);

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

/* The local credentials are those of the account's owner. */
static enum core_error get_caller_identity(struct call *call, const json_t *form,
                                           struct answer *answer)
{
    char arn[64];
    (void)form;
    snprintf(arn, sizeof arn, "arn:aws:iam::%s:root", call->cloud->account);
    answer->body = json_pack("{s:s,s:s,s:s}", "UserId", call->cloud->account, "Account",
                             call->cloud->account, "Arn", arn);
    return CORE_OK;
}

#define IAM_SPACE "https://iam.amazonaws.com/doc/2010-05-08/"
#define STS_SPACE "https://sts.amazonaws.com/doc/2011-06-15/"

struct action {
    const char *name, *space;
    form_handler *handler;
    const char *takes;
};

static const struct action actions[] = {
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
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; name && i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    }
    return NULL;
}

static void write_response(struct call *call, const struct action *action, const json_t *result)
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

static void carry_out(struct call *call, const struct action *action, const json_t *form)
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
    const struct action *action = find_action(name);
    if (!form)
        error_reply(call, PROTOCOL_QUERY, "MalformedQueryString", 400,
                    "The body is not a form in UTF-8.", NULL);
    else if (!action)
        services_refuse_operation(call, PROTOCOL_QUERY, name ? name : "(no Action)");
    else
        carry_out(call, action, form);
    json_decref(form);
    free(text);
}
