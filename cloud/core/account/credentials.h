/* The account's access keys: whose signatures (SigV4) are taken, by the APIs and, for MQTT over
 * WebSockets, by a gateway; and who is behind them.
 *
 * A local cloud has one pair in the file `credentials` of its folder, in the AWS CLI's format. It
 * belongs to the account's owner, who may do everything; those of users are in users.h. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_CREDENTIALS_H
#define OTTER_CLOUD_CORE_ACCOUNT_CREDENTIALS_H

#include "cloud/core/ground/cloud.h"
#include "cloud/core/registry/principal.h"

#define CREDENTIALS_KEY_ID_LENGTH 20
#define CREDENTIALS_SECRET_LENGTH 40

struct credentials {
    char key_id[CREDENTIALS_KEY_ID_LENGTH + 1];
    char secret[CREDENTIALS_SECRET_LENGTH + 1];
};

/* Reads the pair in `dir`/credentials, or makes it (mode 0600) where there is none. False with the
 * reason, and what to do. */
bool credentials_open(const char *dir, struct credentials *credentials, char *reason, size_t size);

/* A new pair, known to nobody yet. */
void credentials_random(struct credentials *credentials);

/* The pair that a key id belongs to, of those that the cloud was opened with; NULL: nobody's. */
const struct credentials *credentials_find(const struct cloud *cloud, const char *key_id);

/* Its owner, who signs with it, by the account's number: `principal` was nobody, and is ended with
 * principal_free. */
void credentials_principal(const struct cloud *cloud, struct principal *principal);

#endif
