/* Fleet provisioning: templates that say what a new device gets, the requests by which a device
 * with a claim certificate becomes itself, and devices whose certificate comes from an authority
 * that the user has registered.
 *
 * Answers and refusals as in registry.h, and AWS's own limits; SQL and names of tables stay here. A
 * device's answer tells of what is in the database: whoever sends it waits for the commit. */
#ifndef OTTER_CLOUD_CORE_FLEET_FLEET_H
#define OTTER_CLOUD_CORE_FLEET_FLEET_H

#include <openssl/types.h>

#include "cloud/core/ground/cloud.h"

#define TEMPLATE_NAME_MAX     36
#define TEMPLATE_BODY_MAX     10240
#define TEMPLATE_VERSIONS_MAX 5
#define FLEET_TOKEN_S         3600 /* how long a device may take from certificate to registration */
#define FLEET_CLAIM_S         300  /* how long a claim of create-provisioning-claim lasts */

/* ---- templates ---- */

/* `members`: templateName, templateBody, provisioningRoleArn; description, enabled, type.
 * {"templateArn","templateName","defaultVersionId"} */
enum core_error template_create(struct cloud *cloud, const json_t *members, struct answer *answer);
enum core_error template_describe(struct cloud *cloud, const char *name, struct answer *answer);
/* {"templates":[...]} by name */
enum core_error template_list(struct cloud *cloud, struct answer *answer);
/* `members`: description, enabled, defaultVersionId, provisioningRoleArn */
enum core_error template_update(struct cloud *cloud, const char *name, const json_t *members,
                                struct answer *answer);
/* CORE_DELETE_CONFLICT while it has versions besides the default one, or authorities use it. */
enum core_error template_delete(struct cloud *cloud, const char *name, struct answer *answer);

/* Numbers are never given twice. CORE_VERSIONS_LIMIT for a sixth. */
enum core_error template_version_create(struct cloud *cloud, const char *name, const char *body,
                                        bool as_default, struct answer *answer);
/* {"versions":[{"versionId","creationDate","isDefaultVersion"}]}, the newest first */
enum core_error template_version_list(struct cloud *cloud, const char *name, struct answer *answer);
enum core_error template_version_describe(struct cloud *cloud, const char *name,
                                          const char *version, struct answer *answer);
/* CORE_DELETE_CONFLICT for the default one. */
enum core_error template_version_delete(struct cloud *cloud, const char *name, const char *version,
                                        struct answer *answer);

/* A certificate that may provision by the template, and nothing else, for FLEET_CLAIM_S. `key`
 * (x509_make_rsa) stays the caller's.
 * {"certificateId","certificatePem","keyPair","expiration"} */
enum core_error claim_create(struct cloud *cloud, const char *name, EVP_PKEY *key,
                             struct answer *answer);

/* Checks a registrationConfig: templateName of a template for JITP, or templateBody and roleArn. */
enum core_error fleet_check_registration(struct cloud *cloud, const json_t *config,
                                         struct answer *answer);

/* ---- what devices ask ---- */

/* {"certificateId","certificatePem","privateKey","certificateOwnershipToken"}: a pair made here.
 * Where keys are made beside the loop it is to be called when one is ready; else it takes long. */
enum core_error fleet_create_keys(struct cloud *cloud, struct answer *answer);
/* A key is ready, or will be made at once in any case. */
bool fleet_key_is_ready(const struct cloud *cloud);
/* Calls `ready` when the next key has been made for it (`come`), to be taken in the call by
 * fleet_create_keys; or none will come. Exactly once. False, without a call: too many wait. */
bool fleet_await_key(struct cloud *cloud, void (*ready)(void *of, bool come), void *of);
/* Whoever waits is told that none will come: before what they need ends. */
void fleet_forget_waiting(struct cloud *cloud);
/* `body`: certificateSigningRequest. The same without privateKey. */
enum core_error fleet_create_from_csr(struct cloud *cloud, const json_t *body,
                                      struct answer *answer);
/* `body`: certificateOwnershipToken, parameters. {"thingName","deviceConfiguration"}. All of the
 * template's resources come, or none; the token is then used up. CORE_OWNERSHIP_TOKEN. */
enum core_error fleet_register(struct cloud *cloud, const char *name, const json_t *body,
                               struct answer *answer);
/* The operation RegisterThing of the HTTP API: `body` has templateBody and parameters.
 * {"certificatePem","resourceArns"} */
enum core_error fleet_register_thing(struct cloud *cloud, const json_t *body,
                                     struct answer *answer);

/* A certificate that is not ACTIVE has come by a connection. True when an authority that the user
 * has registered with auto-registration has signed it, and nobody has settled its state yet: it is
 * then registered, PENDING_ACTIVATION or as the authority's template says, users hear of it
 * (NOTICE_CERTIFICATE_REGISTERED), and it may come again. */
bool fleet_first_connect(struct cloud *cloud, X509 *certificate);

/* ---- for core.c ---- */

/* Certificates whose token has run out, and claims whose time is over, are deleted. */
void fleet_expire(struct cloud *cloud);
/* Ends with the cloud. */
void fleet_stop(struct cloud *cloud);

#endif
