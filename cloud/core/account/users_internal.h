/* Between the files of users. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_USERS_INTERNAL_H
#define OTTER_CLOUD_CORE_ACCOUNT_USERS_INTERNAL_H

#include "cloud/core/account/users.h"

/* CORE_NOT_FOUND for a user who is not there; the owner is none. */
enum core_error users_need(struct cloud *cloud, const char *name, struct answer *answer);

#endif
