/* Principals: see principal.h. */
#include "cloud/core/registry/principal.h"

#include <stdio.h>

#include "cloud/core/registry/registry.h"

void principal_free(struct principal *principal)
{
    json_decref(principal->names);
    json_decref(principal->documents);
    *principal = (struct principal){0};
}

bool principal_is_active(struct cloud *cloud, const struct principal *principal)
{
    if (principal->kind == PRINCIPAL_CERTIFICATE)
        return certificate_state_of(cloud, principal->id) == CERTIFICATE_ACTIVE;
    return principal->kind == PRINCIPAL_USER;
}

void principal_label(const struct principal *principal, char label[PRINCIPAL_LABEL])
{
    if (principal->kind == PRINCIPAL_USER)
        snprintf(label, PRINCIPAL_LABEL, "user %s", principal->id);
    else
        snprintf(label, PRINCIPAL_LABEL, "certificate %.8s...", principal->id);
}
