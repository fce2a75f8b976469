/* Just-in-time registration and provisioning: a device whose certificate is not registered, but
 * signed by an authority that is. As on AWS its first connection is refused; it comes again. */
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/roles.h"
#include "cloud/core/fleet/fleet_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/registry/ca.h"
#include "cloud/core/registry/registry.h"

enum core_error fleet_check_registration(struct cloud *cloud, const json_t *config,
                                         struct answer *answer)
{
    const char *name = json_text(config, "templateName"), *body = json_text(config, "templateBody");
    const char *role = json_text(config, "roleArn");
    if (!config)
        return CORE_OK;
    if (name && (body || role))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "registrationConfig has either templateName, or templateBody and "
                             "roleArn");
    if (name) {
        json_t *template = template_body(cloud, name, "JITP", answer);
        json_decref(template);
        return template ? CORE_OK : CORE_INVALID_REQUEST;
    }
    if (!body || !role)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "registrationConfig needs templateName, or templateBody and roleArn");
    enum core_error error = body_check(body, answer);
    return error == CORE_OK ? role_check_trust(cloud, role, "iot.amazonaws.com", answer) : error;
}

/* ---- what the certificate's subject gives --------------------------------------------------- */

static const struct {
    int nid;
    const char *name;
} subjects[] = {
    {NID_countryName, "Country"},
    {NID_organizationName, "Organization"},
    {NID_organizationalUnitName, "OrganizationalUnit"},
    {NID_dnQualifier, "DistinguishedNameQualifier"},
    {NID_stateOrProvinceName, "StateName"},
    {NID_commonName, "CommonName"},
    {NID_serialNumber, "SerialNumber"},
};

static void add_subject(json_t *parameters, X509 *certificate, int nid, const char *name)
{
    char key[64];
    unsigned char *text = NULL;
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, nid, -1);
    int length = at < 0 ? -1
                        : ASN1_STRING_to_UTF8(
                              &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    snprintf(key, sizeof key, CERTIFICATE_PARAMETER "%s", name);
    if (length >= 0)
        json_object_set_new(parameters, key, json_stringn((const char *)text, (size_t)length));
    OPENSSL_free(text);
}

/* Those of the subject that the body declares. */
static json_t *parameters_of(const json_t *body, X509 *certificate, const char *id,
                             struct answer *answer)
{
    json_t *all = json_object(), *given = json_object(), *values, *value;
    const char *name;
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        add_subject(all, certificate, subjects[i].nid, subjects[i].name);
    json_object_foreach(all, name, value)
    {
        if (json_object_get(json_object_get(body, "Parameters"), name))
            json_object_set(given, name, value);
    }
    values = provision_parameters(body, given, id, answer);
    json_decref(given);
    json_decref(all);
    return values;
}

/* ---- registration --------------------------------------------------------------------------- */

static json_t *body_of(struct cloud *cloud, const json_t *config, struct answer *answer)
{
    const char *name = json_text(config, "templateName");
    return name ? template_body(cloud, name, "JITP", answer)
                : json_stored(json_text(config, "templateBody"), "{}");
}

static void provision_it(struct cloud *cloud, const struct ca *ca, X509 *certificate,
                         const char *id)
{
    struct answer answer = ANSWER_INIT;
    struct provision provision = {.cloud = cloud};
    json_t *body = body_of(cloud, ca->config, &answer);
    json_t *parameters = body ? parameters_of(body, certificate, id, &answer) : NULL;
    snprintf(provision.certificate, sizeof provision.certificate, "%s", id);
    provision.scope = (struct scope){body, parameters};
    if (parameters && provision_apply(&provision, &answer) == CORE_OK)
        cloud_log("fleet", "%s provisioned at its first connection, certificate %.8s...",
                  provision.thing[0] ? provision.thing : "a device without a thing", id);
    else
        cloud_log("fleet", "certificate %.8s... of the authority %.8s... cannot be provisioned: %s",
                  id, ca->id, answer.message);
    json_decref(parameters);
    json_decref(body);
    answer_free(&answer);
}

static void tell(struct cloud *cloud, const struct ca *ca, const char *id)
{
    char registered[24];
    snprintf(registered, sizeof registered, "%lld", (long long)cloud_now_ms(cloud));
    cloud_notify(cloud, NOTICE_CERTIFICATE_REGISTERED, ca->id,
                 json_pack("{s:s,s:s,s:s,s:s,s:s}", "certificateId", id, "caCertificateId", ca->id,
                           "certificateStatus", "PENDING_ACTIVATION", "awsAccountId",
                           cloud->account, "certificateRegistrationTimestamp", registered));
}

/* True when it waits for somebody to activate it: registered now, or at an earlier try. */
static bool register_it(struct cloud *cloud, const struct ca *ca, X509 *certificate, const char *id)
{
    struct answer answer = ANSWER_INIT;
    char *pem = x509_text(certificate);
    enum core_error error =
        certificate_register_with_ca(cloud, pem, ca->id, "PENDING_ACTIVATION", &answer);
    if (error != CORE_OK && error != CORE_EXISTS)
        cloud_log("fleet", "certificate %.8s... cannot be registered: %s", id, answer.message);
    answer_free(&answer);
    free(pem);
    return error == CORE_OK || (error == CORE_EXISTS && certificate_is_pending(cloud, id));
}

bool fleet_first_connect(struct cloud *cloud, X509 *certificate)
{
    struct ca ca = {.config = NULL};
    char id[65];
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    x509_id(certificate, id);
    bool waits = key && x509_key_accepted(key) && ca_of(cloud, certificate, &ca) &&
                 ca.auto_registration && register_it(cloud, &ca, certificate, id);
    if (waits && ca.config)
        provision_it(cloud, &ca, certificate, id);
    if (waits)
        tell(cloud, &ca, id);
    ca_free(&ca);
    return waits;
}
