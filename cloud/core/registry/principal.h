/* Who speaks: the identity behind a connection or a call, however it was shown.
 *
 *   certificate   of a device, shown in TLS; what it may do is attached to it in the registry
 *   user          whose access key signed (SigV4); brings the policies that the account gives it */
#ifndef OTTER_CLOUD_CORE_REGISTRY_PRINCIPAL_H
#define OTTER_CLOUD_CORE_REGISTRY_PRINCIPAL_H

#include "cloud/core/ground/cloud.h"

#define PRINCIPAL_ID_SIZE 65
#define PRINCIPAL_LABEL   96

enum principal_kind { PRINCIPAL_NONE, PRINCIPAL_CERTIFICATE, PRINCIPAL_USER };

/* Owned by the connection; ended with principal_free. All 0: nobody yet. */
struct principal {
    enum principal_kind kind;
    char id[PRINCIPAL_ID_SIZE]; /* certificate: hex SHA-256 of its DER form; user: its id, the owner's is the account */
    json_t *names;              /* certificate: names for policies, see policy.h; may be NULL */
    json_t *documents;          /* user: its policies, an array of texts; NULL: none, so nothing */
};

void principal_free(struct principal *principal);

/* Whether it may still speak: a certificate that is registered and ACTIVE; a user always, as what
 * ends a user ends with its key. */
bool principal_is_active(struct cloud *cloud, const struct principal *principal);

/* For the log: "certificate 0a1b2c3d..." or "user admin". */
void principal_label(const struct principal *principal, char label[PRINCIPAL_LABEL]);

#endif
