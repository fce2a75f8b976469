/* Roles and managed policies (IAM): kept and shown, and looked up by services that are handed a
 * role's ARN. The local cloud acts as the account's owner, so a role's policies are not evaluated.
 *
 * CORE_EXISTS for a name that is taken, CORE_NOT_FOUND for one that is not there,
 * CORE_INVALID_REQUEST for names outside IAM's, CORE_POLICY_MALFORMED for documents that are none,
 * CORE_DELETE_CONFLICT for a role that has policies. Texts stay the caller's; a refusal changes
 * nothing. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_ROLES_H
#define OTTER_CLOUD_CORE_ACCOUNT_ROLES_H

#include "cloud/core/ground/cloud.h"

struct role_request {
    const char *name, *trust;                 /* trust: the AssumeRolePolicyDocument */
    const char *path, *description, *session; /* NULL when not given */
};
/* {"Role":{...}}, members as in IAM; CreateDate is a number of seconds. */
enum core_error role_create(struct cloud *cloud, const struct role_request *request,
                            struct answer *answer);
enum core_error role_get(struct cloud *cloud, const char *name, struct answer *answer);
enum core_error role_delete(struct cloud *cloud, const char *name, struct answer *answer);
/* `arn` of a managed policy of this account, or of AWS ("arn:aws:iam::aws:policy/..."). */
enum core_error role_attach(struct cloud *cloud, const char *name, const char *arn,
                            struct answer *answer);
enum core_error role_detach(struct cloud *cloud, const char *name, const char *arn,
                            struct answer *answer);
enum core_error role_put_policy(struct cloud *cloud, const char *name, const char *policy,
                                const char *document, struct answer *answer);
/* {"Policy":{...}} */
enum core_error managed_policy_create(struct cloud *cloud, const char *name, const char *path,
                                      const char *document, const char *description,
                                      struct answer *answer);

/* Whether this role exists and iot.amazonaws.com may assume it: CORE_NOT_FOUND or
 * CORE_INVALID_REQUEST with what to change. */
enum core_error role_check_trust(struct cloud *cloud, const char *arn, const char *service,
                                 struct answer *answer);

#endif
