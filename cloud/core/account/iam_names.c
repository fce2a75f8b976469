/* Names, ids and documents as IAM has them, for roles and users. */
#include <stdio.h>
#include <string.h>

#include "cloud/core/account/iam_internal.h"

#define NAME_OTHERS "_+=,.@-"
#define ID_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define ID_LENGTH   17 /* after the four letters that tell the kind */

/* IAM is global: its ARNs name no region. `path` begins and ends with a slash. */
struct arn iam_arn(struct cloud *cloud, const char *kind, const char *path, const char *name)
{
    struct arn arn;
    snprintf(arn.text, sizeof arn.text, "arn:aws:iam::%s:%s%s%s", cloud->account, kind, path, name);
    return arn;
}

void iam_id(char id[32], const char *kind)
{
    strcpy(id, kind);
    random_text(id + 4, ID_LENGTH, ID_ALPHABET);
}

static bool path_valid(const char *path)
{
    size_t length = strlen(path);
    return length >= 1 && length <= 128 && path[0] == '/' && path[length - 1] == '/' &&
           name_valid(path, 128, "/_+=,.@-");
}

enum core_error iam_check_document(const char *document, struct answer *answer)
{
    json_error_t where;
    json_t *value = document ? json_loads(document, 0, &where) : NULL;
    bool parsed = value != NULL, shaped = json_object_get(value, "Statement") != NULL;
    json_decref(value);
    if (!document)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "The policy document is missing.");
    if (!parsed)
        return answer_refuse(answer, CORE_POLICY_MALFORMED,
                             "The policy is not JSON: %s in line %d, column %d", where.text,
                             where.line, where.column);
    if (!shaped)
        return answer_refuse(answer, CORE_POLICY_MALFORMED, "The policy has no Statement.");
    return CORE_OK;
}

enum core_error iam_check_names(const char *name, size_t longest, const char *path,
                                struct answer *answer)
{
    if (!name_valid(name, longest, NAME_OTHERS))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "The name must be 1 to %zu of a-z A-Z 0-9 _ + = , . @ -", longest);
    if (!path_valid(path))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "The path must begin and end with a slash.");
    return CORE_OK;
}
