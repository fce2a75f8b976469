/* Code signing: certificates with private keys (ACM), profiles and signing jobs (Signer).
 *
 * A signing job reads an object, signs its SHA-256 with the profile's ECDSA key and writes the
 * signed object next to it. ARN members of answers are complete; times are numbers of seconds.
 *
 * Where a function says nothing else, it answers CORE_NOT_FOUND for what is not there,
 * CORE_INVALID_REQUEST or CORE_INVALID_ARN for members that AWS refuses, CORE_INTERNAL when the
 * database fails; a refusal changes nothing. `members` and texts stay the caller's. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_SIGNING_H
#define OTTER_CLOUD_CORE_ACCOUNT_SIGNING_H

#include "cloud/core/ground/cloud.h"

#define SIGNING_JOB_ID_SIZE 37

/* ---- certificates with keys (ACM) ---- */

/* All in PEM; `arn` not NULL replaces that one. Key and certificate must belong together.
 * {"CertificateArn"} */
enum core_error acm_import(struct cloud *cloud, const char *certificate, const char *key,
                           const char *chain, const char *arn, struct answer *answer);
/* {"Certificate":{...}} */
enum core_error acm_describe(struct cloud *cloud, const char *arn, struct answer *answer);
/* {"CertificateSummaryList":[...]}; `key_types` is an array of names, NULL: AWS's default, which
 * shows RSA keys of 1024 and 2048 bits only. */
enum core_error acm_list(struct cloud *cloud, const json_t *key_types, struct answer *answer);
enum core_error acm_delete(struct cloud *cloud, const char *arn, struct answer *answer);

/* ---- profiles ---- */

/* Members: platformId, signingMaterial, signingParameters. A name is given once, as AWS does
 * it: profiles never change.
 * {"arn","profileVersion","profileVersionArn"} */
enum core_error profile_put(struct cloud *cloud, const char *name, const json_t *members,
                            struct answer *answer);
enum core_error profile_get(struct cloud *cloud, const char *name, struct answer *answer);
enum core_error profile_list(struct cloud *cloud, bool canceled, struct answer *answer);
enum core_error profile_cancel(struct cloud *cloud, const char *name, struct answer *answer);

/* ---- jobs ---- */

/* A job that is being signed, piece by piece: any size may be, and no device waits. */
struct signing;
/* Members of StartSigningJob: source, destination, profileName, clientRequestToken (the same token
 * gives the same job). `ready` is called once, in a turn and so after this has returned; then
 * signing_finish says what came of it. Until then there is no record. `*signing` is NULL when
 * refused, and when the token's job has ended before: then the answer is signing_finish's. */
enum core_error signing_start(struct cloud *cloud, const json_t *members,
                              void (*ready)(void *context), void *context, struct signing **signing,
                              struct answer *answer);
/* Records the job, which has now ended, one way or the other. {"jobId","jobOwner"} */
enum core_error signing_finish(struct signing *signing, struct answer *answer);
/* At any time; one that is not finished leaves nothing behind. NULL is fine. */
void signing_free(struct signing *signing);
/* Members of DescribeSigningJob's reply. */
enum core_error signing_describe(struct cloud *cloud, const char *job, struct answer *answer);

/* What an OTA update needs of a finished job. */
struct signing_result {
    char bucket[64], key[1025], version[64]; /* the object that was signed, not the signed object */
    char signature[700];                     /* base64 */
    char hash[16], algorithm[16];            /* "sha256", "ecdsa" */
    char certname[256];                      /* signing parameter certname, "" when not given */
};
/* CORE_NOT_FOUND, or CORE_INVALID_STATE with the job's own reason when it failed. */
enum core_error signing_result(struct cloud *cloud, const char *job, struct signing_result *result,
                               struct answer *answer);

#endif
