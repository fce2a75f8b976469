/* Users of the account (IAM): who they are, the access keys that they sign with, the policies that
 * say what they may do. The account's owner, whose key is in the cloud's folder, is no user: may do
 * everything, and cannot be changed here.
 *
 * A user's policies are identity policies with Action, Resource and Condition, evaluated as those
 * of devices are (registry/policy.h): own ones (user_put_policy), those made with create-policy,
 * and these of AWS: AdministratorAccess, ReadOnlyAccess, AWSIoTFullAccess, AWSIoTReadOnlyAccess,
 * AWSIoTConfigAccess, AWSIoTConfigReadOnlyAccess, AWSIoTDataAccess, AmazonS3FullAccess,
 * AmazonS3ReadOnlyAccess, IAMFullAccess, IAMReadOnlyAccess.
 *
 * CORE_EXISTS, CORE_NOT_FOUND, CORE_INVALID_REQUEST, CORE_POLICY_MALFORMED, CORE_LIMIT (two keys),
 * CORE_DELETE_CONFLICT (a user who has keys or policies). A refusal changes nothing. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_USERS_H
#define OTTER_CLOUD_CORE_ACCOUNT_USERS_H

#include "cloud/core/account/credentials.h"
#include "cloud/core/ground/cloud.h"
#include "cloud/core/registry/principal.h"

#define USER_NAME_MAX 64

/* {"User":{...}}; CreateDate is a number of seconds. */
enum core_error user_create(struct cloud *cloud, const char *name, const char *path,
                            struct answer *answer);
/* `name` "": the account's owner. */
enum core_error user_get(struct cloud *cloud, const char *name, struct answer *answer);
enum core_error user_delete(struct cloud *cloud, const char *name, struct answer *answer);
/* {"Users":[...],"IsTruncated":false} */
enum core_error user_list(struct cloud *cloud, struct answer *answer);

/* ---- keys ---- */

/* {"AccessKey":{"UserName","AccessKeyId","Status","SecretAccessKey","CreateDate"}}: the secret is
 * told this once. */
enum core_error access_key_create(struct cloud *cloud, const char *user, struct answer *answer);
/* {"AccessKeyMetadata":[...],"IsTruncated":false} */
enum core_error access_key_list(struct cloud *cloud, const char *user, struct answer *answer);
/* `status` "Active" or "Inactive". */
enum core_error access_key_update(struct cloud *cloud, const char *user, const char *id,
                                  const char *status, struct answer *answer);
enum core_error access_key_delete(struct cloud *cloud, const char *user, const char *id,
                                  struct answer *answer);

struct access_key {
    struct credentials pair;
    char user[USER_NAME_MAX + 1]; /* "": the account's owner */
};

/* Whose signature it is that names this key id; false: nobody's, or one that is not active. */
bool access_key_find(struct cloud *cloud, const char *key_id, struct access_key *found);

/* ---- policies ---- */

/* `arn` of a managed policy of this account, or one of those of AWS above. */
enum core_error user_attach(struct cloud *cloud, const char *name, const char *arn,
                            struct answer *answer);
enum core_error user_detach(struct cloud *cloud, const char *name, const char *arn,
                            struct answer *answer);
/* {"AttachedPolicies":[{"PolicyName","PolicyArn"}...],"IsTruncated":false} */
enum core_error user_list_attached(struct cloud *cloud, const char *name, struct answer *answer);
enum core_error user_put_policy(struct cloud *cloud, const char *name, const char *policy,
                                const char *document, struct answer *answer);
/* {"UserName","PolicyName","PolicyDocument"} */
enum core_error user_get_policy(struct cloud *cloud, const char *name, const char *policy,
                                struct answer *answer);
enum core_error user_delete_policy(struct cloud *cloud, const char *name, const char *policy,
                                   struct answer *answer);
/* {"PolicyNames":[...],"IsTruncated":false} */
enum core_error user_list_policies(struct cloud *cloud, const char *name, struct answer *answer);

/* Whether the user may: "iot:CreateThing" on an ARN, or on "*" when it is on none. The owner, "",
 * always may. */
bool user_may(struct cloud *cloud, const char *user, const char *action, const char *resource);

/* Who connects: a principal with the user's policies as they are now. `principal` was nobody, and
 * is ended with principal_free. */
void user_principal(struct cloud *cloud, const char *user, struct principal *principal);

/* Reads the policies of such a principal again. */
void user_principal_again(struct cloud *cloud, struct principal *principal);

/* The ARN of a user; of the owner, arn:aws:iam::ACCOUNT:root. */
void user_arn(struct cloud *cloud, const char *user, char arn[200]);

#endif
