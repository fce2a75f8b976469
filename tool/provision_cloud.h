/* What `otter provision` asks of AWS IoT, local or real, through the ordinary AWS CLI. Each command
 * is shown as a person would type it. */
#ifndef OTTER_TOOL_PROVISION_CLOUD_H
#define OTTER_TOOL_PROVISION_CLOUD_H

#include <stdbool.h>
#include <stddef.h>

#include "tool/failure.h"

#define CLOUD_ARN_MAX 256u

struct provision_cloud {
    const char *dir;     /* of the local cloud; NULL: real AWS */
    const char *profile; /* of the CLI; NULL: its own choice */
    const char *region;  /* NULL: the same */
    bool quiet;          /* commands are not shown */
    char folder[64];     /* for answers and documents; gone after cloud_end */
};

struct provision_endpoint {
    char host[160];
    char port[8];      /* "" : 8883 */
    char root_ca[512]; /* file; "" : not known */
    char account[32];
};

otter_status cloud_begin(struct provision_cloud *cloud, struct failure *failure);
void cloud_end(struct provision_cloud *cloud);

/* Logs in, which shows whether the credentials are good, and asks for the endpoint. */
otter_status cloud_find(struct provision_cloud *cloud, struct provision_endpoint *endpoint,
                        struct failure *failure);

/* Whether the certificate is registered and active; its ARN then. */
bool cloud_knows(struct provision_cloud *cloud, const char *pem, char arn[CLOUD_ARN_MAX]);
/* Registers a device's own certificate. */
otter_status cloud_register(struct provision_cloud *cloud, const char *pem, char arn[CLOUD_ARN_MAX],
                            struct failure *failure);
/* Has AWS make one for a request. */
otter_status cloud_issue(struct provision_cloud *cloud, const char *csr, char arn[CLOUD_ARN_MAX],
                         char *pem, size_t size, struct failure *failure);
/* Thing, policy (a new one lets a thing do what lies below its own topics) and what attaches them;
 * what is there already stays as it is. */
otter_status cloud_attach(struct provision_cloud *cloud, const char *thing, const char *policy,
                          const char *arn, struct failure *failure);
/* A certificate that the device has no more. */
otter_status cloud_retire(struct provision_cloud *cloud, const char *thing, const char *arn,
                          struct failure *failure);

#endif
