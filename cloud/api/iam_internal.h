/* The actions of IAM and STS, in tables. */
#ifndef OTTER_CLOUD_API_IAM_INTERNAL_H
#define OTTER_CLOUD_API_IAM_INTERNAL_H

#include "cloud/api/services_internal.h"

#define IAM_SPACE "https://iam.amazonaws.com/doc/2010-05-08/"
#define STS_SPACE "https://sts.amazonaws.com/doc/2011-06-15/"

typedef enum core_error form_handler(struct call *call, const json_t *form, struct answer *answer);

struct iam_action {
    const char *name, *space;
    form_handler *handler;
    const char *takes;
};

extern const struct iam_action iam_user_actions[]; /* ended by a NULL name */

#endif
