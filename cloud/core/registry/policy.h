/* AWS IoT policies: may this connection do this action on this resource?
 *
 * All attached documents are merged: an explicit Deny wins, else one Allow is enough, else no.
 * Resources and condition values may hold `*`, `?` and variables (${iot:ClientId}, ...). A variable
 * without a value stays as text, so its statement normally does not match. Actions are compared
 * without regard to case, as AWS compares them; resources exactly.
 *
 * A statement that holds something this evaluator does not know (an operator, NotAction in a policy
 * of IoT, a pattern out of bounds) never allows, and denies as if it matched: unknown must not open
 * a door. */
#ifndef OTTER_CLOUD_CORE_REGISTRY_POLICY_H
#define OTTER_CLOUD_CORE_REGISTRY_POLICY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define POLICY_VALUES_MAX 8 /* of one condition key */

/* What variables and condition keys are answered from. NULL: the variable has no value. Strings are
 * the caller's and outlive the calls. */
struct policy_context {
    const char *client_id;
    const char *source_ip;
    const char
        *thing_name; /* only if the client id is its name and the certificate attached to it */
    const char *thing_type;
    const json_t *thing_attributes; /* name -> text */
    const json_t *certificate;      /* "Subject.CommonName", "SerialNumber", ... -> [text, ...] */
    bool persistent_connect;        /* of this CONNECT: cleanSession 0 */
    bool last_will;
    const char *will_topic; /* ARN */
    const char *passed_to;  /* IAM's: the service that a role is handed to */
    bool negations;         /* IAM's: NotAction and NotResource are known */
};

struct policy_set;

struct policy_set *policy_set_new(void); /* NULL: out of memory; allows nothing */
/* Adds a document (JSON text). False, with the reason, if it is not a policy; the set is unchanged.
 */
bool policy_set_add(struct policy_set *set, const char *document, char *reason, size_t size);
void policy_set_free(struct policy_set *set);

/* `action` e.g. "iot:Publish", `resource` the whole ARN. */
bool policy_allows(const struct policy_set *set, const struct policy_context *context,
                   const char *action, const char *resource);

#endif
