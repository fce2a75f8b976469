/* What roles and users of IAM have in common. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_IAM_INTERNAL_H
#define OTTER_CLOUD_CORE_ACCOUNT_IAM_INTERNAL_H

#include "cloud/core/ground/names.h"

/* IAM is global: its ARNs name no region. `path` begins and ends with a slash. */
struct arn iam_arn(struct cloud *cloud, const char *kind, const char *path, const char *name);
/* An id, its kind in four letters: "AROA", "AIDA", "ANPA". */
void iam_id(char id[32], const char *kind);
enum core_error iam_check_document(const char *document, struct answer *answer);
enum core_error iam_check_names(const char *name, size_t longest, const char *path,
                                struct answer *answer);

#endif
