/* iot: provisioning templates, registered authorities, RegisterThing over HTTP. Each handler takes
 * its arguments from path, query or body, as AWS has them, and calls the core. */
#include <stdlib.h>
#include <string.h>

#include "cloud/api/services_internal.h"
#include "cloud/core/fleet/fleet.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/registry/ca.h"

#define WITHOUT_BODY(handler, call_it)                                                             \
    static enum core_error handler(struct call *call, const json_t *body, struct answer *answer)   \
    {                                                                                              \
        (void)body;                                                                                \
        return call_it;                                                                            \
    }

/* ---- templates ---- */

static enum core_error create_template(struct call *call, const json_t *body, struct answer *answer)
{
    return template_create(call->cloud, body, answer);
}

static enum core_error update_template(struct call *call, const json_t *body, struct answer *answer)
{
    return template_update(call->cloud, call->parameters[0], body, answer);
}

static enum core_error list_templates(struct call *call, const json_t *body, struct answer *answer)
{
    enum core_error error = template_list(call->cloud, answer);
    (void)body;
    services_page(call, answer, "templates", &paging_by_token);
    return error;
}

static enum core_error create_version(struct call *call, const json_t *body, struct answer *answer)
{
    return template_version_create(call->cloud, call->parameters[0],
                                   json_text(body, "templateBody"), call_flag(call, "setAsDefault"),
                                   answer);
}

static enum core_error list_versions(struct call *call, const json_t *body, struct answer *answer)
{
    enum core_error error = template_version_list(call->cloud, call->parameters[0], answer);
    (void)body;
    if (!error)
        services_page(call, answer, "versions", &paging_by_token);
    return error;
}

WITHOUT_BODY(describe_template, template_describe(call->cloud, call->parameters[0], answer))
WITHOUT_BODY(delete_template, template_delete(call->cloud, call->parameters[0], answer))
WITHOUT_BODY(describe_version, template_version_describe(call->cloud, call->parameters[0],
                                                         call->parameters[1], answer))
WITHOUT_BODY(delete_version,
             template_version_delete(call->cloud, call->parameters[0], call->parameters[1], answer))

static void *make_key(void)
{
    return x509_make_rsa();
}

static void free_key(void *key)
{
    EVP_PKEY_free(key);
}

static enum core_error create_claim(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    if (!call_prepare(call, make_key, free_key))
        return CORE_OK;
    return claim_create(call->cloud, call->parameters[0], call->made, answer);
}

static enum core_error register_thing(struct call *call, const json_t *body, struct answer *answer)
{
    return fleet_register_thing(call->cloud, body, answer);
}

/* ---- authorities ---- */

static enum core_error register_ca(struct call *call, const json_t *body, struct answer *answer)
{
    struct ca_request request = {.pem = json_text(body, "caCertificate"),
                                 .verification = json_text(body, "verificationCertificate"),
                                 .mode = json_text(body, "certificateMode"),
                                 .active = call_flag(call, "setAsActive"),
                                 .auto_registration = call_flag(call, "allowAutoRegistration"),
                                 .config = json_object_get(body, "registrationConfig")};
    enum core_error error = fleet_check_registration(call->cloud, request.config, answer);
    return error ? error : ca_register(call->cloud, &request, answer);
}

static enum core_error update_ca(struct call *call, const json_t *body, struct answer *answer)
{
    struct ca_change change = {.status = call_query(call, "newStatus"),
                               .auto_registration = call_query(call, "newAutoRegistrationStatus"),
                               .config = json_object_get(body, "registrationConfig"),
                               .remove_config =
                                   json_is_true(json_object_get(body, "removeAutoRegistration"))};
    enum core_error error = fleet_check_registration(call->cloud, change.config, answer);
    return error ? error : ca_update(call->cloud, call->parameters[0], &change, answer);
}

static enum core_error list_cas(struct call *call, const json_t *body, struct answer *answer)
{
    enum core_error error = ca_list(call->cloud, call_flag(call, "isAscendingOrder"),
                                    call_query(call, "templateName"), answer);
    (void)body;
    services_page(call, answer, "certificates", &paging_by_marker);
    return error;
}

static enum core_error list_by_ca(struct call *call, const json_t *body, struct answer *answer)
{
    enum core_error error = ca_list_certificates(call->cloud, call->parameters[0],
                                                 call_flag(call, "isAscendingOrder"), answer);
    (void)body;
    services_page(call, answer, "certificates", &paging_by_marker);
    return error;
}

static enum core_error register_certificate(struct call *call, const json_t *body,
                                            struct answer *answer)
{
    const char *status = json_text(body, "status");
    if (!status && call_flag(call, "setAsActive"))
        status = "ACTIVE";
    return ca_register_certificate(call->cloud, json_text(body, "certificatePem"),
                                   json_text(body, "caCertificatePem"), status, answer);
}

WITHOUT_BODY(describe_ca, ca_describe(call->cloud, call->parameters[0], answer))
WITHOUT_BODY(delete_ca, ca_delete(call->cloud, call->parameters[0], answer))
WITHOUT_BODY(get_code, ca_code(call->cloud, answer))
WITHOUT_BODY(delete_code, ca_code_delete(call->cloud, answer))

#define TEMPLATES "/provisioning-templates"

const struct route iot_fleet_routes[] = {
    {"CreateProvisioningTemplate", EVHTTP_REQ_POST, TEMPLATES, create_template,
     "templateName description templateBody enabled provisioningRoleArn type"},
    {"ListProvisioningTemplates", EVHTTP_REQ_GET, TEMPLATES, list_templates,
     "nextToken maxResults"},
    {"DescribeProvisioningTemplate", EVHTTP_REQ_GET, TEMPLATES "/{}", describe_template, NULL},
    {"UpdateProvisioningTemplate", EVHTTP_REQ_PATCH, TEMPLATES "/{}", update_template,
     "description enabled defaultVersionId provisioningRoleArn"},
    {"DeleteProvisioningTemplate", EVHTTP_REQ_DELETE, TEMPLATES "/{}", delete_template, NULL},
    {"CreateProvisioningTemplateVersion", EVHTTP_REQ_POST, TEMPLATES "/{}/versions", create_version,
     "templateBody setAsDefault"},
    {"ListProvisioningTemplateVersions", EVHTTP_REQ_GET, TEMPLATES "/{}/versions", list_versions,
     "nextToken maxResults"},
    {"DescribeProvisioningTemplateVersion", EVHTTP_REQ_GET, TEMPLATES "/{}/versions/{}",
     describe_version, NULL},
    {"DeleteProvisioningTemplateVersion", EVHTTP_REQ_DELETE, TEMPLATES "/{}/versions/{}",
     delete_version, NULL},
    {"CreateProvisioningClaim", EVHTTP_REQ_POST, TEMPLATES "/{}/provisioning-claim", create_claim,
     NULL},
    {"RegisterThing", EVHTTP_REQ_POST, "/things", register_thing, "templateBody parameters"},
    {"RegisterCACertificate", EVHTTP_REQ_POST, "/cacertificate", register_ca,
     "caCertificate verificationCertificate setAsActive allowAutoRegistration registrationConfig "
     "certificateMode"},
    {"DescribeCACertificate", EVHTTP_REQ_GET, "/cacertificate/{}", describe_ca, NULL},
    {"UpdateCACertificate", EVHTTP_REQ_PUT, "/cacertificate/{}", update_ca,
     "newStatus newAutoRegistrationStatus registrationConfig removeAutoRegistration"},
    {"DeleteCACertificate", EVHTTP_REQ_DELETE, "/cacertificate/{}", delete_ca, NULL},
    {"ListCACertificates", EVHTTP_REQ_GET, "/cacertificates", list_cas,
     "pageSize marker isAscendingOrder templateName"},
    {"ListCertificatesByCA", EVHTTP_REQ_GET, "/certificates-by-ca/{}", list_by_ca,
     "pageSize marker isAscendingOrder"},
    {"RegisterCertificate", EVHTTP_REQ_POST, "/certificate/register", register_certificate,
     "certificatePem caCertificatePem setAsActive status"},
    {"GetRegistrationCode", EVHTTP_REQ_GET, "/registrationcode", get_code, NULL},
    {"DeleteRegistrationCode", EVHTTP_REQ_DELETE, "/registrationcode", delete_code, NULL},
    {NULL, 0, NULL, NULL, NULL},
};
