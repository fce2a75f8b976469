/* Authorities that a user has registered, so that certificates which they sign can be registered
 * with them, or register themselves when their device first connects (cloud/core/fleet).
 *
 * An authority's id is the lower-case hex SHA-256 of its certificate in DER. Answers and refusals
 * as in registry.h. */
#ifndef OTTER_CLOUD_CORE_REGISTRY_CA_H
#define OTTER_CLOUD_CORE_REGISTRY_CA_H

#include <openssl/types.h>

#include "cloud/core/ground/cloud.h"

/* {"registrationCode"}: 64 hex digits, the same until it is deleted. */
enum core_error ca_code(struct cloud *cloud, struct answer *answer);
enum core_error ca_code_delete(struct cloud *cloud, struct answer *answer);

struct ca_request {
    const char *pem, *verification; /* certificates; verification NULL when not given */
    const char *mode;               /* DEFAULT, SNI_ONLY or NULL */
    bool active, auto_registration;
    const json_t *config; /* registrationConfig, checked by the caller; NULL: none */
};
/* {"certificateArn","certificateId"}. In mode DEFAULT the verification certificate, whose common
 * name is the registration code, must be signed by the authority: CORE_REGISTRATION_CODE,
 * CORE_CERTIFICATE_INVALID. */
enum core_error ca_register(struct cloud *cloud, const struct ca_request *request,
                            struct answer *answer);
/* {"certificateDescription":{...},"registrationConfig"?} */
enum core_error ca_describe(struct cloud *cloud, const char *id, struct answer *answer);
/* {"certificates":[{"certificateArn","certificateId","status","creationDate"}]}, of those that
 * provision by the named template unless that is NULL. */
enum core_error ca_list(struct cloud *cloud, bool ascending, const char *template,
                        struct answer *answer);
/* {"certificates":[...]} as list-certificates tells them */
enum core_error ca_list_certificates(struct cloud *cloud, const char *id, bool ascending,
                                     struct answer *answer);
struct ca_change {
    const char *status;            /* ACTIVE, INACTIVE; NULL: as it is */
    const char *auto_registration; /* ENABLE, DISABLE; NULL: as it is */
    const json_t *config;          /* NULL: as it is */
    bool remove_config;
};
enum core_error ca_update(struct cloud *cloud, const char *id, const struct ca_change *change,
                          struct answer *answer);
/* CORE_CERTIFICATE_STATE while ACTIVE. Certificates that it has signed stay as they are. */
enum core_error ca_delete(struct cloud *cloud, const char *id, struct answer *answer);

/* Registers a certificate whose authority is registered and ACTIVE; `status` NULL is INACTIVE,
 * `ca_pem` may be NULL. CORE_CERTIFICATE_CONFLICT when `ca_pem` is not the one that signed it. */
enum core_error ca_register_certificate(struct cloud *cloud, const char *pem, const char *ca_pem,
                                        const char *status, struct answer *answer);

/* The ACTIVE authority that has signed the certificate; owned by the caller (ca_free). False: there
 * is none. */
struct ca {
    char id[65];
    bool auto_registration;
    json_t *config; /* NULL: none */
};
bool ca_of(struct cloud *cloud, X509 *certificate, struct ca *ca);
void ca_free(struct ca *ca);

#endif
