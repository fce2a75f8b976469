/* Identities: policies and thing of a principal, read as they are now. */
#include "cloud/core/registry/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/registry/registry.h"

#define GRANTS 4u

/* A question that was answered with yes. */
struct grant {
    char action[24], type[16];
    char *name; /* NULL: none yet */
};

struct identity {
    char prefix[96]; /* arn:aws:iot:REGION:ACCOUNT: */
    char client_id[129], source_ip[64], will_topic[384];
    json_t *thing; /* as DescribeThing answers; NULL: not attached */
    json_t *names;
    struct policy_set *policies;
    struct policy_context context;
    struct grant grants[GRANTS]; /* the last ones */
    unsigned next_grant;
};

/* The texts of all policies; freed by the caller. */
static json_t *documents_of(struct cloud *cloud, const struct principal *principal)
{
    if (principal->kind == PRINCIPAL_CERTIFICATE)
        return certificate_policy_documents(cloud, principal->id);
    return json_incref(principal->documents);
}

static struct policy_set *load_policies(struct cloud *cloud, const struct principal *principal)
{
    struct policy_set *set = policy_set_new();
    json_t *documents = documents_of(cloud, principal), *document;
    char reason[160], label[PRINCIPAL_LABEL];
    size_t i;
    principal_label(principal, label);
    json_array_foreach(documents, i,
                       document) if (set && !policy_set_add(set, json_string_value(document),
                                                            reason, sizeof reason))
        cloud_log("gateway", "a policy of %s allows nothing: %s", label, reason);
    json_decref(documents);
    return set;
}

static json_t *load_thing(struct cloud *cloud, const struct principal *principal,
                          const char *client_id)
{
    struct answer answer = ANSWER_INIT;
    json_t *thing = NULL;
    if (principal->kind == PRINCIPAL_CERTIFICATE &&
        thing_has_certificate(cloud, client_id, principal->id) &&
        thing_describe(cloud, client_id, &answer) == CORE_OK)
        thing = json_incref(answer.body);
    answer_free(&answer);
    return thing;
}

struct identity *identity_load(struct cloud *cloud, const struct identity_request *request)
{
    struct identity *identity = calloc(1, sizeof *identity);
    if (!identity)
        return NULL;
    snprintf(identity->prefix, sizeof identity->prefix, "arn:aws:iot:%s:%s:", cloud->region,
             cloud->account);
    snprintf(identity->client_id, sizeof identity->client_id, "%s", request->client_id);
    snprintf(identity->source_ip, sizeof identity->source_ip, "%s", request->source_ip);
    if (request->will_topic)
        snprintf(identity->will_topic, sizeof identity->will_topic, "%stopic/%.256s",
                 identity->prefix, request->will_topic);
    identity->policies = load_policies(cloud, request->principal);
    identity->thing = load_thing(cloud, request->principal, request->client_id);
    identity->names = json_incref(request->principal->names);
    identity->context = (struct policy_context){
        .client_id = identity->client_id,
        .source_ip = identity->source_ip,
        .thing_name = identity->thing ? identity->client_id : NULL,
        .thing_type = json_string_value(json_object_get(identity->thing, "thingTypeName")),
        .thing_attributes = json_object_get(identity->thing, "attributes"),
        .certificate = identity->names,
        .persistent_connect = request->persistent_connect,
        .last_will = request->last_will,
        .will_topic = request->will_topic ? identity->will_topic : NULL,
        .negations = request->principal->kind == PRINCIPAL_USER,
    };
    return identity;
}

void identity_free(struct identity *identity)
{
    if (!identity)
        return;
    policy_set_free(identity->policies);
    json_decref(identity->thing);
    json_decref(identity->names);
    for (size_t i = 0; i < GRANTS; i++)
        free(identity->grants[i].name);
    free(identity);
}

/* Devices say much on few topics, and their policies do not change while the identity lives: what
 * was allowed lately is allowed without another look. */
static bool is_granted(const struct identity *identity, const char *action, const char *type,
                       const char *name)
{
    for (size_t i = 0; i < GRANTS; i++) {
        const struct grant *grant = &identity->grants[i];
        if (grant->name && strcmp(grant->name, name) == 0 && strcmp(grant->action, action) == 0 &&
            strcmp(grant->type, type) == 0)
            return true;
    }
    return false;
}

static void remember(struct identity *identity, const char *action, const char *type,
                     const char *name)
{
    struct grant *grant = &identity->grants[identity->next_grant % GRANTS];
    if (strlen(action) >= sizeof grant->action || strlen(type) >= sizeof grant->type)
        return;
    identity->next_grant++;
    free(grant->name);
    strcpy(grant->action, action);
    strcpy(grant->type, type);
    grant->name = strdup(name);
}

bool identity_allows(struct identity *identity, const char *action, const char *type,
                     const char *name)
{
    char arn[512];
    if (is_granted(identity, action, type, name))
        return true;
    int length = snprintf(arn, sizeof arn, "%s%s/%s", identity->prefix, type, name);
    const bool allows = length > 0 && (size_t)length < sizeof arn &&
                        policy_allows(identity->policies, &identity->context, action, arn);
    if (allows)
        remember(identity, action, type, name);
    return allows;
}

const char *identity_thing(const struct identity *identity)
{
    return identity->context.thing_name;
}
