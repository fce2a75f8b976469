/* Between the files of the signing module only: the long part of a signing job, a piece of the
 * object in each turn of the cloud. There the database is read and written; hashes, the signature
 * and the signed object's text are made where the host likes (cloud_run). */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_SIGNING_WORK_H
#define OTTER_CLOUD_CORE_ACCOUNT_SIGNING_WORK_H

#include "cloud/core/account/signing_internal.h"

struct signing_work;

struct signing_order {
    struct cloud *cloud;
    int64_t object, size;
    const struct signing_platform *platform;
    EVP_PKEY *key;                /* stays the caller's */
    const char *failure;          /* not NULL: there is nothing to do but to say so */
    void (*ended)(void *context); /* once, in a turn, after signing_work_begin has returned */
    void *context;
};

/* What came of it. All belongs to the work. */
struct signing_outcome {
    const char *failure;   /* NULL: all below is there */
    const char *signature; /* base64 */
    const char *md5;       /* of the signed object, in hex */
    int64_t staged;        /* the signed object as a content, see contents.h */
    size_t size;           /* of that */
};

struct signing_work *signing_work_begin(const struct signing_order *order);
struct signing_outcome signing_work_outcome(const struct signing_work *work);
/* At any time; `ended` is not called afterwards. Gives up the signed object if nobody keeps it.
 * NULL is fine. */
void signing_work_free(struct signing_work *work);

#endif
