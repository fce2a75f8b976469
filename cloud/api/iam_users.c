/* IAM's users, their keys and policies: forms in; see iam.c. */
#include <stdlib.h>

#include "cloud/api/iam_internal.h"
#include "cloud/core/account/users.h"
#include "cloud/core/ground/names.h"

/* Without a name it is about who signed. */
static const char *name_of(const struct call *call, const json_t *form)
{
    const char *name = json_text(form, "UserName");
    return name ? name : call->user;
}

static enum core_error create_user(struct call *call, const json_t *form, struct answer *answer)
{
    return user_create(call->cloud, json_text(form, "UserName"), json_text(form, "Path"), answer);
}

static enum core_error get_user(struct call *call, const json_t *form, struct answer *answer)
{
    return user_get(call->cloud, name_of(call, form), answer);
}

static enum core_error list_users(struct call *call, const json_t *form, struct answer *answer)
{
    (void)form;
    return user_list(call->cloud, answer);
}

static enum core_error delete_user(struct call *call, const json_t *form, struct answer *answer)
{
    return user_delete(call->cloud, json_text(form, "UserName"), answer);
}

static enum core_error create_access_key(struct call *call, const json_t *form,
                                         struct answer *answer)
{
    return access_key_create(call->cloud, name_of(call, form), answer);
}

static enum core_error list_access_keys(struct call *call, const json_t *form,
                                        struct answer *answer)
{
    return access_key_list(call->cloud, name_of(call, form), answer);
}

static enum core_error update_access_key(struct call *call, const json_t *form,
                                         struct answer *answer)
{
    return access_key_update(call->cloud, name_of(call, form), json_text(form, "AccessKeyId"),
                             json_text(form, "Status"), answer);
}

static enum core_error delete_access_key(struct call *call, const json_t *form,
                                         struct answer *answer)
{
    return access_key_delete(call->cloud, name_of(call, form), json_text(form, "AccessKeyId"),
                             answer);
}

static enum core_error attach_user_policy(struct call *call, const json_t *form,
                                          struct answer *answer)
{
    return user_attach(call->cloud, json_text(form, "UserName"), json_text(form, "PolicyArn"),
                       answer);
}

static enum core_error detach_user_policy(struct call *call, const json_t *form,
                                          struct answer *answer)
{
    return user_detach(call->cloud, json_text(form, "UserName"), json_text(form, "PolicyArn"),
                       answer);
}

static enum core_error list_attached_user_policies(struct call *call, const json_t *form,
                                                   struct answer *answer)
{
    return user_list_attached(call->cloud, json_text(form, "UserName"), answer);
}

static enum core_error put_user_policy(struct call *call, const json_t *form, struct answer *answer)
{
    return user_put_policy(call->cloud, json_text(form, "UserName"), json_text(form, "PolicyName"),
                           json_text(form, "PolicyDocument"), answer);
}

static enum core_error get_user_policy(struct call *call, const json_t *form, struct answer *answer)
{
    enum core_error error = user_get_policy(call->cloud, json_text(form, "UserName"),
                                            json_text(form, "PolicyName"), answer);
    struct text encoded = {0};
    const char *document = json_text(answer->body, "PolicyDocument");
    if (error || !document)
        return error;
    text_add_encoded(&encoded, document, ""); /* as IAM shows documents */
    json_object_set_new(answer->body, "PolicyDocument", json_string(text_get(&encoded)));
    text_free(&encoded);
    return CORE_OK;
}

static enum core_error delete_user_policy(struct call *call, const json_t *form,
                                          struct answer *answer)
{
    return user_delete_policy(call->cloud, json_text(form, "UserName"),
                              json_text(form, "PolicyName"), answer);
}

static enum core_error list_user_policies(struct call *call, const json_t *form,
                                          struct answer *answer)
{
    return user_list_policies(call->cloud, json_text(form, "UserName"), answer);
}

const struct iam_action iam_user_actions[] = {
    {"CreateUser", IAM_SPACE, create_user, "Action Version UserName Path"},
    {"GetUser", IAM_SPACE, get_user, "Action Version UserName"},
    {"ListUsers", IAM_SPACE, list_users, "Action Version MaxItems"},
    {"DeleteUser", IAM_SPACE, delete_user, "Action Version UserName"},
    {"CreateAccessKey", IAM_SPACE, create_access_key, "Action Version UserName"},
    {"ListAccessKeys", IAM_SPACE, list_access_keys, "Action Version UserName MaxItems"},
    {"UpdateAccessKey", IAM_SPACE, update_access_key, "Action Version UserName AccessKeyId Status"},
    {"DeleteAccessKey", IAM_SPACE, delete_access_key, "Action Version UserName AccessKeyId"},
    {"AttachUserPolicy", IAM_SPACE, attach_user_policy, "Action Version UserName PolicyArn"},
    {"DetachUserPolicy", IAM_SPACE, detach_user_policy, "Action Version UserName PolicyArn"},
    {"ListAttachedUserPolicies", IAM_SPACE, list_attached_user_policies,
     "Action Version UserName MaxItems"},
    {"PutUserPolicy", IAM_SPACE, put_user_policy,
     "Action Version UserName PolicyName PolicyDocument"},
    {"GetUserPolicy", IAM_SPACE, get_user_policy, "Action Version UserName PolicyName"},
    {"DeleteUserPolicy", IAM_SPACE, delete_user_policy, "Action Version UserName PolicyName"},
    {"ListUserPolicies", IAM_SPACE, list_user_policies, "Action Version UserName MaxItems"},
    {NULL, NULL, NULL, NULL},
};
