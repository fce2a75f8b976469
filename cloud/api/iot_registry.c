/* iot: endpoint, things, certificates, policies over HTTP. Each handler takes its arguments from
 * path, query, header or body, as AWS has them, and calls cloud/core/registry. */
#include "cloud/core/registry/registry.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/api/services_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ground/x509.h"

/* ---- handlers that hand on the names in the path, and no more ---- */

#define BY_NAME(handler, function)                                                                 \
    static enum core_error handler(struct call *call, const json_t *body, struct answer *answer)   \
    {                                                                                              \
        (void)body;                                                                                \
        return function(call->cloud, call->parameters[0], answer);                                 \
    }

#define BY_TWO_NAMES(handler, function)                                                            \
    static enum core_error handler(struct call *call, const json_t *body, struct answer *answer)   \
    {                                                                                              \
        (void)body;                                                                                \
        return function(call->cloud, call->parameters[0], call->parameters[1], answer);            \
    }

/* Answers with a page of the list that is called `member`. */
#define LIST_BY_NAME(handler, function, member, paging)                                            \
    static enum core_error handler(struct call *call, const json_t *body, struct answer *answer)   \
    {                                                                                              \
        (void)body;                                                                                \
        enum core_error error = function(call->cloud, call->parameters[0], answer);                \
        if (!error)                                                                                \
            services_page(call, answer, member, paging);                                           \
        return error;                                                                              \
    }

BY_NAME(describe_thing, thing_describe)
BY_NAME(describe_certificate, certificate_describe)
BY_NAME(get_policy, policy_get)
BY_NAME(delete_policy, policy_delete)
BY_NAME(list_versions, policy_version_list)
BY_TWO_NAMES(get_version, policy_version_get)
BY_TWO_NAMES(set_default_version, policy_version_set_default)
BY_TWO_NAMES(delete_version, policy_version_delete)
LIST_BY_NAME(list_thing_principals, thing_principals, "principals", &paging_by_token)
LIST_BY_NAME(list_attached_policies, policy_list_attached, "policies", &paging_by_marker)
LIST_BY_NAME(list_policy_targets, policy_targets, "targets", &paging_by_marker)

/* ---- endpoint ---- */

static enum core_error describe_endpoint(struct call *call, const json_t *body,
                                         struct answer *answer)
{
    static const char *const types[] = {"iot:Data-ATS", "iot:Data", "iot:Jobs"};
    const char *type = call_query(call, "endpointType");
    (void)body;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!type || strcmp(type, types[i]) == 0) {
            answer->body = json_pack("{s:s}", "endpointAddress", call->iot_endpoint);
            return CORE_OK;
        }
    }
    return answer_refuse(answer, CORE_INVALID_REQUEST, "Endpoint type %.40s is not offered here.",
                         type);
}

/* ---- things ---- */

static enum core_error create_thing(struct call *call, const json_t *body, struct answer *answer)
{
    return thing_create(call->cloud, call->parameters[0], body, answer);
}

static enum core_error list_things(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    const char *token = call_query(call, paging_by_token.token);
    struct things_page page = {.attribute = call_query(call, "attributeName"),
                               .value = call_query(call, "attributeValue"),
                               .type = call_query(call, "thingTypeName"),
                               .begin = token ? strtoul(token, NULL, 10) : 0,
                               .most = (size_t)call_number(call, paging_by_token.size, 250, 250)};
    return thing_list(call->cloud, &page, answer);
}

static enum core_error delete_thing(struct call *call, const json_t *body, struct answer *answer)
{
    const char *version = call_query(call, "expectedVersion");
    (void)body;
    return thing_delete(call->cloud, call->parameters[0], version ? strtoll(version, NULL, 10) : -1,
                        answer);
}

static enum core_error update_thing(struct call *call, const json_t *body, struct answer *answer)
{
    return thing_update(call->cloud, call->parameters[0], body, answer);
}

static enum core_error attach_principal(struct call *call, const json_t *body,
                                        struct answer *answer)
{
    const char *type = call_query(call, "thingPrincipalType");
    (void)body;
    if (type && strcmp(type, "NON_EXCLUSIVE_THING") != 0)
        return services_refuse_foreign(answer, "thingPrincipalType=EXCLUSIVE_THING");
    return thing_attach(call->cloud, call->parameters[0], call_header(call, "x-amzn-principal"),
                        answer);
}

static enum core_error detach_principal(struct call *call, const json_t *body,
                                        struct answer *answer)
{
    (void)body;
    return thing_detach(call->cloud, call->parameters[0], call_header(call, "x-amzn-principal"),
                        answer);
}

static enum core_error list_principal_things(struct call *call, const json_t *body,
                                             struct answer *answer)
{
    (void)body;
    enum core_error error =
        thing_list_of_principal(call->cloud, call_header(call, "x-amzn-principal"), answer);
    if (!error)
        services_page(call, answer, "things", &paging_by_token);
    return error;
}

/* ---- thing types ---- */

BY_NAME(describe_type, type_describe)
BY_NAME(delete_type, type_delete)

static enum core_error create_type(struct call *call, const json_t *body, struct answer *answer)
{
    return type_create(call->cloud, call->parameters[0], body, answer);
}

static enum core_error list_types(struct call *call, const json_t *body, struct answer *answer)
{
    enum core_error error = type_list(call->cloud, call_query(call, "thingTypeName"), answer);
    (void)body;
    services_page(call, answer, "thingTypes", &paging_by_token);
    return error;
}

static enum core_error deprecate_type(struct call *call, const json_t *body, struct answer *answer)
{
    return type_deprecate(call->cloud, call->parameters[0],
                          json_is_true(json_object_get(body, "undoDeprecate")), answer);
}

/* ---- certificates ---- */

static enum core_error register_certificate(struct call *call, const json_t *body,
                                            struct answer *answer)
{
    return certificate_register(call->cloud, json_text(body, "certificatePem"),
                                json_text(body, "status"), answer);
}

static void *make_key(void)
{
    return x509_make_rsa();
}

static void free_key(void *key)
{
    EVP_PKEY_free(key);
}

static enum core_error create_keys(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    if (!call_prepare(call, make_key, free_key))
        return CORE_OK;
    return certificate_create(call->cloud, call->made, call_flag(call, "setAsActive"), answer);
}

static enum core_error create_from_csr(struct call *call, const json_t *body, struct answer *answer)
{
    return certificate_create_from_csr(call->cloud, json_text(body, "certificateSigningRequest"),
                                       call_flag(call, "setAsActive"), answer);
}

static enum core_error list_certificates(struct call *call, const json_t *body,
                                         struct answer *answer)
{
    (void)body;
    enum core_error error =
        certificate_list(call->cloud, call_flag(call, "isAscendingOrder"), answer);
    services_page(call, answer, "certificates", &paging_by_marker);
    return error;
}

static enum core_error update_certificate(struct call *call, const json_t *body,
                                          struct answer *answer)
{
    (void)body;
    return certificate_update(call->cloud, call->parameters[0], call_query(call, "newStatus"),
                              answer);
}

static enum core_error delete_certificate(struct call *call, const json_t *body,
                                          struct answer *answer)
{
    (void)body;
    return certificate_delete(call->cloud, call->parameters[0], call_flag(call, "forceDelete"),
                              answer);
}

/* ---- policies ---- */

static enum core_error create_policy(struct call *call, const json_t *body, struct answer *answer)
{
    return policy_create(call->cloud, call->parameters[0], json_text(body, "policyDocument"),
                         answer);
}

static enum core_error list_policies(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    enum core_error error = policy_list(call->cloud, call_flag(call, "isAscendingOrder"), answer);
    services_page(call, answer, "policies", &paging_by_marker);
    return error;
}

static enum core_error attach_policy(struct call *call, const json_t *body, struct answer *answer)
{
    return policy_attach(call->cloud, call->parameters[0], json_text(body, "target"), answer);
}

static enum core_error detach_policy(struct call *call, const json_t *body, struct answer *answer)
{
    enum core_error error =
        policy_detach(call->cloud, call->parameters[0], json_text(body, "target"), answer);
    return error == CORE_NOT_FOUND ? CORE_INVALID_REQUEST : error; /* AWS models no other here */
}

/* ---- their versions ---- */

static enum core_error create_version(struct call *call, const json_t *body, struct answer *answer)
{
    return policy_version_create(call->cloud, call->parameters[0],
                                 json_text(body, "policyDocument"), call_flag(call, "setAsDefault"),
                                 answer);
}

const struct route iot_registry_routes[] = {
    {"DescribeEndpoint", EVHTTP_REQ_GET, "/endpoint", describe_endpoint, "endpointType"},
    {"CreateThing", EVHTTP_REQ_POST, "/things/{}", create_thing, "thingTypeName attributePayload"},
    {"DescribeThing", EVHTTP_REQ_GET, "/things/{}", describe_thing, NULL},
    {"ListThings", EVHTTP_REQ_GET, "/things", list_things,
     "nextToken maxResults attributeName attributeValue thingTypeName"},
    {"UpdateThing", EVHTTP_REQ_PATCH, "/things/{}", update_thing,
     "thingTypeName attributePayload expectedVersion removeThingType"},
    {"DeleteThing", EVHTTP_REQ_DELETE, "/things/{}", delete_thing, "expectedVersion"},
    {"AttachThingPrincipal", EVHTTP_REQ_PUT, "/things/{}/principals", attach_principal,
     "thingPrincipalType"},
    {"DetachThingPrincipal", EVHTTP_REQ_DELETE, "/things/{}/principals", detach_principal, NULL},
    {"ListThingPrincipals", EVHTTP_REQ_GET, "/things/{}/principals", list_thing_principals,
     "nextToken maxResults"},
    {"ListPrincipalThings", EVHTTP_REQ_GET, "/principals/things", list_principal_things,
     "nextToken maxResults"},
    {"CreateThingType", EVHTTP_REQ_POST, "/thing-types/{}", create_type, "thingTypeProperties"},
    {"DescribeThingType", EVHTTP_REQ_GET, "/thing-types/{}", describe_type, NULL},
    {"ListThingTypes", EVHTTP_REQ_GET, "/thing-types", list_types,
     "nextToken maxResults thingTypeName"},
    {"DeprecateThingType", EVHTTP_REQ_POST, "/thing-types/{}/deprecate", deprecate_type,
     "undoDeprecate"},
    {"DeleteThingType", EVHTTP_REQ_DELETE, "/thing-types/{}", delete_type, NULL},
    {"RegisterCertificateWithoutCA", EVHTTP_REQ_POST, "/certificate/register-no-ca",
     register_certificate, "certificatePem status"},
    {"CreateKeysAndCertificate", EVHTTP_REQ_POST, "/keys-and-certificate", create_keys,
     "setAsActive"},
    {"CreateCertificateFromCsr", EVHTTP_REQ_POST, "/certificates", create_from_csr,
     "certificateSigningRequest setAsActive"},
    {"DescribeCertificate", EVHTTP_REQ_GET, "/certificates/{}", describe_certificate, NULL},
    {"ListCertificates", EVHTTP_REQ_GET, "/certificates", list_certificates,
     "pageSize marker isAscendingOrder"},
    {"UpdateCertificate", EVHTTP_REQ_PUT, "/certificates/{}", update_certificate, "newStatus"},
    {"DeleteCertificate", EVHTTP_REQ_DELETE, "/certificates/{}", delete_certificate, "forceDelete"},
    {"CreatePolicy", EVHTTP_REQ_POST, "/policies/{}", create_policy, "policyDocument"},
    {"GetPolicy", EVHTTP_REQ_GET, "/policies/{}", get_policy, NULL},
    {"ListPolicies", EVHTTP_REQ_GET, "/policies", list_policies,
     "marker pageSize isAscendingOrder"},
    {"DeletePolicy", EVHTTP_REQ_DELETE, "/policies/{}", delete_policy, NULL},
    {"CreatePolicyVersion", EVHTTP_REQ_POST, "/policies/{}/version", create_version,
     "policyDocument setAsDefault"},
    {"ListPolicyVersions", EVHTTP_REQ_GET, "/policies/{}/version", list_versions, NULL},
    {"GetPolicyVersion", EVHTTP_REQ_GET, "/policies/{}/version/{}", get_version, NULL},
    {"SetDefaultPolicyVersion", EVHTTP_REQ_PATCH, "/policies/{}/version/{}", set_default_version,
     NULL},
    {"DeletePolicyVersion", EVHTTP_REQ_DELETE, "/policies/{}/version/{}", delete_version, NULL},
    {"AttachPolicy", EVHTTP_REQ_PUT, "/target-policies/{}", attach_policy, "target"},
    {"DetachPolicy", EVHTTP_REQ_POST, "/target-policies/{}", detach_policy, "target"},
    {"ListAttachedPolicies", EVHTTP_REQ_POST, "/attached-policies/{}", list_attached_policies,
     "recursive marker pageSize"},
    {"ListTargetsForPolicy", EVHTTP_REQ_POST, "/policy-targets/{}", list_policy_targets,
     "marker pageSize"},
    {NULL, 0, NULL, NULL, NULL},
};
