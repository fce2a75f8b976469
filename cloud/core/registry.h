/* The registry: things, certificates and policies, and what is attached to what.
 *
 * A certificate's id is the lower-case hex SHA-256 of its DER form, so that a gateway which sees a
 * certificate in a TLS handshake knows its row. See account.h for how operations report. */
#ifndef OTTER_CLOUD_CORE_REGISTRY_H
#define OTTER_CLOUD_CORE_REGISTRY_H

#include "cloud/core/account.h"

#define CERTIFICATE_ID_LENGTH 64
#define THING_NAME_MAX 128
#define POLICY_NAME_MAX 128

/* ---- what the gateway and the data services ask ---- */

enum certificate_state { CERTIFICATE_UNKNOWN, CERTIFICATE_NOT_ACTIVE, CERTIFICATE_ACTIVE };
enum certificate_state registry_certificate_state(const struct account *account, const char *id);

bool registry_thing_exists(const struct account *account, const char *name);
bool registry_thing_has_certificate(const struct account *account, const char *thing,
                                    const char *certificate_id);

/* An array of strings: the default version's document of every policy attached to the certificate.
 * Freed by the caller. */
json_t *registry_policy_documents(const struct account *account, const char *certificate_id);

/* ---- things ---- */

otter_status thing_create(const struct account *account, const char *name, const json_t *request,
                          json_t **reply, struct problem *problem);
otter_status thing_describe(const struct account *account, const char *name, json_t **reply,
                            struct problem *problem);
/* All things, by name, as list-things shows them; NULL filters pass everything. */
json_t *thing_list(const struct account *account, const char *attribute, const char *value,
                   const char *type);
/* `version` < 0: whatever the version. */
otter_status thing_delete(const struct account *account, const char *name, int64_t version,
                          struct problem *problem);
/* `principal` is a certificate's ARN. Attaching twice is no error. */
otter_status thing_attach(const struct account *account, const char *thing, const char *principal,
                          struct problem *problem);
otter_status thing_detach(const struct account *account, const char *thing, const char *principal,
                          struct problem *problem);
/* principals: an array of ARNs; things: an array of names. */
otter_status thing_principals(const struct account *account, const char *thing, json_t **principals,
                              struct problem *problem);
otter_status principal_things(const struct account *account, const char *principal, json_t **things,
                              struct problem *problem);

/* ---- certificates ---- */

/* `status` NULL is INACTIVE. */
otter_status certificate_register(const struct account *account, const char *pem,
                                  const char *status, json_t **reply, struct problem *problem);
otter_status certificate_create(const struct account *account, bool active, json_t **reply,
                                struct problem *problem);
otter_status certificate_create_from_csr(const struct account *account, const char *csr_pem,
                                         bool active, json_t **reply, struct problem *problem);
otter_status certificate_describe(const struct account *account, const char *id, json_t **reply,
                                  struct problem *problem);
json_t *certificate_list(const struct account *account, bool ascending);
otter_status certificate_update(const struct account *account, const char *id, const char *status,
                                struct problem *problem);
otter_status certificate_delete(const struct account *account, const char *id, bool force,
                                struct problem *problem);

/* ---- policies ---- */

otter_status policy_create(const struct account *account, const char *name, const json_t *request,
                           json_t **reply, struct problem *problem);
otter_status policy_get(const struct account *account, const char *name, json_t **reply,
                        struct problem *problem);
json_t *policy_list(const struct account *account, bool ascending);
otter_status policy_delete(const struct account *account, const char *name,
                           struct problem *problem);
otter_status policy_attach(const struct account *account, const char *name, const char *target,
                           struct problem *problem);
otter_status policy_detach(const struct account *account, const char *name, const char *target,
                           struct problem *problem);
otter_status policies_attached(const struct account *account, const char *target, json_t **policies,
                               struct problem *problem);
/* Checks the shape of an IoT policy document: Version, Statement, Effect, Action, Resource. */
otter_status policy_check(const char *document, struct problem *problem);

#endif
