/* Between the files of this room: a template's body, and what becomes of it. */
#ifndef OTTER_CLOUD_CORE_FLEET_FLEET_INTERNAL_H
#define OTTER_CLOUD_CORE_FLEET_FLEET_INTERNAL_H

#include "cloud/core/fleet/fleet.h"

#define CERTIFICATE_PARAMETER "AWS::IoT::Certificate::"

/* ---- bodies (fleet_body.c) ---- */

/* Whether the text can be a template's body: its shape, its resources, and that all it refers to is
 * declared. CORE_INVALID_REQUEST with the place and the reason. */
enum core_error body_check(const char *text, struct answer *answer);

/* Where a value of a body is looked at. All is the caller's. */
struct scope {
    const json_t *body;
    const json_t *parameters; /* texts by name */
};
/* Its text after Ref and Fn::...: new, freed by the caller; NULL with a refusal in `answer`. */
char *body_text(const struct scope *scope, const json_t *value, struct answer *answer);
/* The same for each member of an object of values, as an object of texts. */
json_t *body_texts(const struct scope *scope, const json_t *values, struct answer *answer);
/* The only resource of this type, "AWS::IoT::Thing"; NULL: there is none. */
const json_t *body_resource(const json_t *body, const char *type);

/* ---- resources (fleet_resources.c) ---- */

struct provision {
    struct cloud *cloud;
    struct scope scope;
    char certificate[65]; /* its id; "": the body says which */
    char thing[129];      /* its name, after provision_apply; "": the body has none */
    json_t *arns;         /* by the resources' logical names; NULL: nobody asks */
};
/* Makes and attaches all that the body says, as one change. */
enum core_error provision_apply(struct provision *provision, struct answer *answer);
/* New: what the body's parameters are, given or by default, and the certificate's id unless that is
 * "". NULL with a refusal when one is missing or none of the body's. */
json_t *provision_parameters(const json_t *body, const json_t *given, const char *certificate,
                             struct answer *answer);

/* ---- templates ---- */

enum core_error template_need(struct cloud *cloud, const char *name, struct answer *answer);
/* The default version's body; NULL with a refusal when there is no such template, it is not of that
 * type, or it is not enabled. */
json_t *template_body(struct cloud *cloud, const char *name, const char *type,
                      struct answer *answer);

/* ---- keys (fleet_keys.c) ---- */

/* A new RSA key, owned by the caller: one that was made beside the loop if there is one. */
EVP_PKEY *fleet_key(struct cloud *cloud);
/* Devices may soon ask for some. */
void fleet_keys_prepare(struct cloud *cloud);

#endif
