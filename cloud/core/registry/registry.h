/* The registry: things, certificates and policies, and what is attached to what.
 *
 * A certificate's id is the lower-case hex SHA-256 of its DER form, so that a gateway which sees a
 * certificate in a TLS handshake knows its row.
 *
 * Answers carry the members of AWS IoT's replies, under AWS's names; times are numbers of seconds.
 * Where a function says nothing else, it answers CORE_EXISTS, with {"resourceId","resourceArn"},
 * for a name that is taken, CORE_NOT_FOUND for a name that is not there, CORE_INVALID_REQUEST for
 * members outside AWS's shapes and limits, and CORE_INTERNAL when the database fails; a refusal
 * changes nothing. `members` and texts stay the caller's. Whoever changes what a connection may do
 * tells the listeners of cloud->watch. */
#ifndef OTTER_CLOUD_CORE_REGISTRY_REGISTRY_H
#define OTTER_CLOUD_CORE_REGISTRY_REGISTRY_H

#include <openssl/types.h>

#include "cloud/core/ground/cloud.h"

#define CERTIFICATE_ID_LENGTH 64
#define THING_NAME_MAX        128
#define POLICY_NAME_MAX       128

/* ---- what the gateway and the data services ask ---- */

enum certificate_state { CERTIFICATE_UNKNOWN, CERTIFICATE_NOT_ACTIVE, CERTIFICATE_ACTIVE };
enum certificate_state certificate_state_of(struct cloud *cloud, const char *id);

/* PENDING_ACTIVATION */
bool certificate_is_pending(struct cloud *cloud, const char *id);

/* True when it was registered without a CA, so that only the name in TLS tells whose it is. */
bool certificate_needs_name(struct cloud *cloud, const char *id);

bool thing_exists(struct cloud *cloud, const char *name);
bool thing_has_certificate(struct cloud *cloud, const char *thing, const char *certificate_id);

/* An array of strings: the default version's document of every policy attached to the certificate,
 * and a provisioning claim's own. Freed by the caller. */
json_t *certificate_policy_documents(struct cloud *cloud, const char *certificate_id);

/* ---- things ---- */

/* `members`: attributePayload{attributes}, 3 of them at most, or 50 with a thing type; and
 * thingTypeName. The same name with the same content is no error.
 * {"thingName","thingArn","thingId"} */
enum core_error thing_create(struct cloud *cloud, const char *name, const json_t *members,
                             struct answer *answer);
/* {"defaultClientId","thingName","thingId","thingArn","thingTypeName"?,"attributes","version"} */
enum core_error thing_describe(struct cloud *cloud, const char *name, struct answer *answer);
/* {"things":[{"thingName","thingArn","attributes","version"}...],"nextToken"?} by name. */
struct things_page {
    const char *attribute, *value, *type; /* NULL: any */
    size_t begin, most;                   /* things before the page, and on it */
};
enum core_error thing_list(struct cloud *cloud, const struct things_page *page,
                           struct answer *answer);
/* `members`: attributePayload{attributes, merge}, expectedVersion, thingTypeName or
 * removeThingType. With merge the attributes are
 * added to those that are there, and "" takes one away; without, they take the place of all. */
enum core_error thing_update(struct cloud *cloud, const char *name, const json_t *members,
                             struct answer *answer);
/* `version` < 0: whatever the version. CORE_INVALID_REQUEST while a principal is attached; no error
 * when there is no such thing. */
enum core_error thing_delete(struct cloud *cloud, const char *name, int64_t version,
                             struct answer *answer);

/* `principal` is a certificate's ARN. Attaching twice is no error. */
enum core_error thing_attach(struct cloud *cloud, const char *thing, const char *principal,
                             struct answer *answer);
enum core_error thing_detach(struct cloud *cloud, const char *thing, const char *principal,
                             struct answer *answer);
/* {"principals":[ARN...]} and {"things":[name...]} */
enum core_error thing_principals(struct cloud *cloud, const char *thing, struct answer *answer);
enum core_error thing_list_of_principal(struct cloud *cloud, const char *principal,
                                        struct answer *answer);

/* ---- thing types ---- */

/* `members`: thingTypeProperties{thingTypeDescription, searchableAttributes}. The same name with the
 * same content is no error. {"thingTypeName","thingTypeArn","thingTypeId"} */
enum core_error type_create(struct cloud *cloud, const char *name, const json_t *members,
                            struct answer *answer);
/* {"thingTypeName","thingTypeId","thingTypeArn","thingTypeProperties","thingTypeMetadata"} */
enum core_error type_describe(struct cloud *cloud, const char *name, struct answer *answer);
/* {"thingTypes":[...]} by name; `name` NULL: all */
enum core_error type_list(struct cloud *cloud, const char *name, struct answer *answer);
/* No thing can get a deprecated type. */
enum core_error type_deprecate(struct cloud *cloud, const char *name, bool undo,
                               struct answer *answer);
/* CORE_INVALID_REQUEST unless it has been deprecated for TYPE_REST_S, or while things have it. */
#define TYPE_REST_S 300
enum core_error type_delete(struct cloud *cloud, const char *name, struct answer *answer);
/* Whether a thing may get it now. */
enum core_error type_check(struct cloud *cloud, const char *name, struct answer *answer);

/* ---- certificates ---- */

/* Registers a certificate as it is, self-signed or not. `status` NULL is INACTIVE.
 * {"certificateArn","certificateId"}; CORE_CERTIFICATE_INVALID when it does not parse or its key is
 * none that AWS IoT takes. */
enum core_error certificate_register(struct cloud *cloud, const char *pem, const char *status,
                                     struct answer *answer);
/* A certificate that the registered authority with the id `ca` has signed: the caller has checked
 * that. `status` is any that a certificate may have. */
enum core_error certificate_register_with_ca(struct cloud *cloud, const char *pem, const char *ca,
                                             const char *status, struct answer *answer);
/* Signs a certificate for `key` with the cloud's own CA for devices, which the database keeps.
 * `key` (x509_make_rsa: slow, and so not made here) stays the caller's; NULL is refused.
 * {"certificateArn","certificateId","certificatePem","keyPair":{"PublicKey","PrivateKey"}} */
enum core_error certificate_create(struct cloud *cloud, EVP_PKEY *key, bool active,
                                   struct answer *answer);
/* The same for the key of a signing request, without keyPair. */
enum core_error certificate_create_from_csr(struct cloud *cloud, const char *csr_pem, bool active,
                                            struct answer *answer);
/* The same two for a device that asks by MQTT: PENDING_ACTIVATION until it has registered. */
enum core_error certificate_issue_pending(struct cloud *cloud, EVP_PKEY *key,
                                          struct answer *answer);
enum core_error certificate_issue_pending_csr(struct cloud *cloud, const char *csr_pem,
                                              struct answer *answer);
/* Becomes what a provisioning template says; `status` is ACTIVE or INACTIVE. */
enum core_error certificate_settle(struct cloud *cloud, const char *id, const char *status,
                                   struct answer *answer);
/* The members of CertificateDescription. */
enum core_error certificate_describe(struct cloud *cloud, const char *id, struct answer *answer);
/* {"certificates":[...]} by time of creation */
enum core_error certificate_list(struct cloud *cloud, bool ascending, struct answer *answer);
/* `status`: ACTIVE, INACTIVE or REVOKED. */
enum core_error certificate_update(struct cloud *cloud, const char *id, const char *status,
                                   struct answer *answer);
/* CORE_CERTIFICATE_STATE while ACTIVE, CORE_DELETE_CONFLICT while attached; `force` detaches. */
enum core_error certificate_delete(struct cloud *cloud, const char *id, bool force,
                                   struct answer *answer);

/* ---- policies ---- */

/* {"policyName","policyArn","policyDocument","policyVersionId":"1"}; CORE_POLICY_MALFORMED. */
enum core_error policy_create(struct cloud *cloud, const char *name, const char *document,
                              struct answer *answer);
/* {"policyName","policyArn","policyDocument","defaultVersionId","creationDate",
 * "lastModifiedDate","generationId"} */
enum core_error policy_get(struct cloud *cloud, const char *name, struct answer *answer);
/* {"policies":[{"policyName","policyArn"}...]} by time of creation */
enum core_error policy_list(struct cloud *cloud, bool ascending, struct answer *answer);
/* CORE_DELETE_CONFLICT while attached, or while it has versions besides the default one. */
enum core_error policy_delete(struct cloud *cloud, const char *name, struct answer *answer);
/* `target` is a certificate's ARN. Both may be repeated. */
enum core_error policy_attach(struct cloud *cloud, const char *name, const char *target,
                              struct answer *answer);
enum core_error policy_detach(struct cloud *cloud, const char *name, const char *target,
                              struct answer *answer);
/* {"policies":[{"policyName","policyArn"}]} */
enum core_error policy_list_attached(struct cloud *cloud, const char *target,
                                     struct answer *answer);
/* {"targets":[ARN...]} */
enum core_error policy_targets(struct cloud *cloud, const char *name, struct answer *answer);

/* Versions "1", "2", ... of which the default one counts; a number is never given twice. */
#define POLICY_VERSIONS_MAX 5
/* CORE_VERSIONS_LIMIT for a sixth. */
enum core_error policy_version_create(struct cloud *cloud, const char *name, const char *document,
                                      bool as_default, struct answer *answer);
/* {"policyVersions":[{"versionId","isDefaultVersion","createDate"}]}, the newest first */
enum core_error policy_version_list(struct cloud *cloud, const char *name, struct answer *answer);
enum core_error policy_version_get(struct cloud *cloud, const char *name, const char *version,
                                   struct answer *answer);
enum core_error policy_version_set_default(struct cloud *cloud, const char *name,
                                           const char *version, struct answer *answer);
/* CORE_DELETE_CONFLICT for the default one. */
enum core_error policy_version_delete(struct cloud *cloud, const char *name, const char *version,
                                      struct answer *answer);

/* CORE_NOT_FOUND unless there is a policy of that name. */
enum core_error policy_need(struct cloud *cloud, const char *name, struct answer *answer);

/* Checks the shape of an IoT policy document: size, Version, Statement, Effect, Action, Resource.
 * CORE_POLICY_MALFORMED with the place and the reason. */
enum core_error policy_check(const char *document, struct answer *answer);

#endif
