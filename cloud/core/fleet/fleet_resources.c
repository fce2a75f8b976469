/* What a template's resources become: a thing, its certificate, policies, and what is attached. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/fleet/fleet_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/registry/ca.h"
#include "cloud/core/registry/groups.h"
#include "cloud/core/registry/registry.h"
#include "cloud/store/db.h"

/* ---- parameters ----------------------------------------------------------------------------- */

static enum core_error check_given(const json_t *body, const json_t *given, struct answer *answer)
{
    const json_t *declared = json_object_get(body, "Parameters");
    const char *name;
    json_t *value;
    if (given && !json_is_object(given))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "parameters must be a map of texts");
    json_object_foreach((json_t *)given, name, value)
    {
        if (!json_is_string(value))
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "parameters: the value of %.60s must be a text", name);
        if (!json_object_get(declared, name) && strcmp(name, CERTIFICATE_PARAMETER "Id") != 0)
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "parameters: the template declares no parameter %.60s", name);
    }
    return CORE_OK;
}

json_t *provision_parameters(const json_t *body, const json_t *given, const char *certificate,
                             struct answer *answer)
{
    const char *name;
    json_t *parameter, *values;
    if (check_given(body, given, answer) != CORE_OK)
        return NULL;
    values = given ? json_copy((json_t *)given) : json_object();
    if (*certificate)
        json_object_set_new(values, CERTIFICATE_PARAMETER "Id", json_string(certificate));
    json_object_foreach(json_object_get(body, "Parameters"), name, parameter)
    {
        json_t *fallback = json_object_get(parameter, "Default");
        if (json_object_get(values, name))
            continue;
        if (!fallback) {
            answer_refuse(answer, CORE_INVALID_REQUEST,
                          "parameters: %.80s is missing, and has no default", name);
            json_decref(values);
            return NULL;
        }
        json_object_set(values, name, fallback);
    }
    return values;
}

static const json_t *property(const json_t *resource, const char *name)
{
    return json_object_get(json_object_get(resource, "Properties"), name);
}

static void keep_arn(struct provision *provision, const json_t *resource, struct arn arn)
{
    const char *name;
    json_t *its;
    if (!provision->arns)
        return;
    json_object_foreach(json_object_get(provision->scope.body, "Resources"), name, its)
    {
        if (its == resource)
            json_object_set_new(provision->arns, name, json_string(arn.text));
    }
}

/* ---- the certificate ------------------------------------------------------------------------ */

/* One that the body brings, as RegisterThing of the HTTP API allows. */
static enum core_error bring_certificate(struct provision *provision, const json_t *resource,
                                         struct answer *answer)
{
    const struct scope *scope = &provision->scope;
    const json_t *csr = property(resource, "CertificateSigningRequest");
    const json_t *pem = property(resource, "CertificatePem");
    const json_t *ca = property(resource, "CACertificatePem");
    struct answer made = ANSWER_INIT;
    char *text = csr || pem ? body_text(scope, csr ? csr : pem, answer) : NULL;
    char *ca_text = ca ? body_text(scope, ca, answer) : NULL;
    enum core_error error = CORE_INVALID_REQUEST;
    if (!csr && !pem)
        answer_refuse(answer, error,
                      "The certificate needs CertificateId, CertificateSigningRequest or "
                      "CertificatePem.");
    else if (text && csr)
        error = certificate_create_from_csr(provision->cloud, text, false, &made);
    else if (text && ca_text)
        error = ca_register_certificate(provision->cloud, text, ca_text, NULL, &made);
    else if (text)
        error = certificate_register(provision->cloud, text, NULL, &made);
    if (error == CORE_EXISTS && pem)
        error = CORE_OK; /* it is told which */
    if (made.message[0] && error != CORE_OK)
        answer_refuse(answer, error, "%s", made.message);
    const char *id = json_text(made.body, "certificateId");
    snprintf(provision->certificate, sizeof provision->certificate, "%s",
             id ? id
             : json_is_string(json_object_get(made.body, "resourceId"))
                 ? json_text(made.body, "resourceId")
                 : "");
    answer_free(&made);
    free(text);
    free(ca_text);
    return error;
}

static enum core_error named_certificate(struct provision *provision, const json_t *resource,
                                         struct answer *answer)
{
    const json_t *named = property(resource, "CertificateId");
    char *id = named ? body_text(&provision->scope, named, answer) : NULL;
    enum core_error error = CORE_OK;
    if (named && !id)
        return CORE_INVALID_REQUEST;
    if (!named && !provision->certificate[0])
        error = bring_certificate(provision, resource, answer);
    else if (id && provision->certificate[0] && strcmp(id, provision->certificate) != 0)
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "CertificateId of the template is not the certificate that asks.");
    else if (id)
        snprintf(provision->certificate, sizeof provision->certificate, "%s", id);
    free(id);
    if (error == CORE_OK &&
        certificate_state_of(provision->cloud, provision->certificate) == CERTIFICATE_UNKNOWN)
        error = answer_refuse(answer, CORE_NOT_FOUND, "Certificate %.64s cannot be found.",
                              provision->certificate);
    return error;
}

static enum core_error make_certificate(struct provision *provision, struct answer *answer)
{
    const json_t *resource = body_resource(provision->scope.body, "AWS::IoT::Certificate");
    const json_t *given = property(resource, "Status");
    enum core_error error = named_certificate(provision, resource, answer);
    if (error != CORE_OK)
        return error;
    char *status = given ? body_text(&provision->scope, given, answer) : strdup("ACTIVE");
    if (!status)
        return CORE_INVALID_REQUEST;
    if (strcasecmp(status, "ACTIVE") != 0 && strcasecmp(status, "INACTIVE") != 0)
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "The certificate's Status is ACTIVE or INACTIVE, not %.40s.", status);
    else
        error =
            certificate_settle(provision->cloud, provision->certificate,
                               strcasecmp(status, "ACTIVE") == 0 ? "ACTIVE" : "INACTIVE", answer);
    free(status);
    keep_arn(provision, resource,
             arn_make(provision->cloud, "iot", "cert/%s", provision->certificate));
    return error;
}

/* ---- the thing ------------------------------------------------------------------------------ */

enum change { CHANGE_NOTHING, CHANGE_REPLACE, CHANGE_MERGE, CHANGE_FAIL };

static enum change override_of(const json_t *resource, const char *name)
{
    static const char *const words[] = {"DO_NOTHING", "REPLACE", "MERGE", "FAIL"};
    const char *word = json_text(json_object_get(resource, "OverrideSettings"), name);
    for (int i = CHANGE_NOTHING; word && i <= CHANGE_FAIL; i++) {
        if (strcmp(word, words[i]) == 0)
            return (enum change)i;
    }
    return CHANGE_NOTHING;
}

/* The members of create- and update-thing; NULL with a refusal. */
static json_t *thing_members(const struct scope *scope, const json_t *resource, bool fresh,
                             struct answer *answer)
{
    const json_t *attributes = property(resource, "AttributePayload");
    const json_t *type = property(resource, "ThingTypeName");
    json_t *members = json_object();
    enum change change = override_of(resource, "AttributePayload");
    bool whole = true;
    if (attributes && (fresh || change == CHANGE_REPLACE || change == CHANGE_MERGE)) {
        json_t *texts = body_texts(scope, attributes, answer);
        whole = texts != NULL;
        json_object_set_new(members, "attributePayload",
                            json_pack("{s:o*,s:b}", "attributes", texts, "merge",
                                      (int)(change == CHANGE_MERGE && !fresh)));
    }
    if (whole && type && (fresh || override_of(resource, "ThingTypeName") == CHANGE_REPLACE)) {
        char *text = body_text(scope, type, answer);
        whole = text != NULL;
        if (text)
            json_object_set_new(members, "thingTypeName", json_string(text));
        free(text);
    }
    if (whole)
        return members;
    json_decref(members);
    return NULL;
}

static enum core_error check_override(const struct provision *provision, const json_t *resource,
                                      struct answer *answer)
{
    static const char *const names[] = {"AttributePayload", "ThingTypeName", "ThingGroups"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (property(resource, names[i]) && override_of(resource, names[i]) == CHANGE_FAIL)
            return answer_refuse(answer, CORE_REGISTRATION_FAILURE,
                                 "Thing %s is there already, and the template says to fail then "
                                 "(OverrideSettings.%s).",
                                 provision->thing, names[i]);
    }
    return CORE_OK;
}

static enum core_error write_thing(struct provision *provision, const json_t *resource, bool fresh,
                                   struct answer *answer)
{
    struct answer made = ANSWER_INIT;
    enum core_error error = fresh ? CORE_OK : check_override(provision, resource, answer);
    if (error != CORE_OK)
        return error;
    json_t *members = thing_members(&provision->scope, resource, fresh, answer);
    if (!members)
        return CORE_INVALID_REQUEST;
    if (fresh)
        error = thing_create(provision->cloud, provision->thing, members, &made);
    else if (json_object_size(members) > 0)
        error = thing_update(provision->cloud, provision->thing, members, &made);
    if (error != CORE_OK)
        answer_refuse(answer, error, "%s", made.message);
    json_decref(members);
    answer_free(&made);
    return error;
}

/* The groups that the thing is in, as an array of names; freed by the caller. */
static json_t *groups_of(struct provision *provision, struct answer *answer)
{
    struct answer listed = ANSWER_INIT;
    json_t *names = json_array(), *group;
    size_t i;
    if (group_list_of_thing(provision->cloud, provision->thing, &listed) != CORE_OK)
        answer_refuse(answer, CORE_INTERNAL, "%s", listed.message);
    json_array_foreach(json_object_get(listed.body, "thingGroups"), i, group)
        json_array_append(names, json_object_get(group, "groupName"));
    answer_free(&listed);
    return names;
}

static enum core_error leave_groups(struct provision *provision, struct answer *answer)
{
    json_t *names = groups_of(provision, answer), *name;
    enum core_error error = CORE_OK;
    size_t i;
    json_array_foreach(names, i, name)
    {
        if (error == CORE_OK)
            error = group_remove_thing(provision->cloud, json_string_value(name), provision->thing,
                                       answer);
    }
    json_decref(names);
    return error;
}

static enum core_error join_groups(struct provision *provision, const json_t *resource, bool fresh,
                                   struct answer *answer)
{
    const json_t *groups = property(resource, "ThingGroups");
    enum change change = override_of(resource, "ThingGroups");
    enum core_error error = CORE_OK;
    json_t *group;
    size_t i;
    if (!groups || (!fresh && change != CHANGE_MERGE && change != CHANGE_REPLACE))
        return CORE_OK;
    if (!json_is_array(groups))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "ThingGroups must be a list of names.");
    if (!fresh && change == CHANGE_REPLACE)
        error = leave_groups(provision, answer);
    json_array_foreach((json_t *)groups, i, group)
    {
        char *name = error == CORE_OK ? body_text(&provision->scope, group, answer) : NULL;
        if (error == CORE_OK)
            error = name ? group_add_thing(provision->cloud, name, provision->thing, answer)
                         : CORE_INVALID_REQUEST;
        free(name);
    }
    return error;
}

static enum core_error make_thing(struct provision *provision, struct answer *answer)
{
    const json_t *resource = body_resource(provision->scope.body, "AWS::IoT::Thing");
    if (!resource)
        return CORE_OK;
    char *name = body_text(&provision->scope, property(resource, "ThingName"), answer);
    if (!name)
        return CORE_INVALID_REQUEST;
    enum core_error error = CORE_OK;
    if (strlen(name) > THING_NAME_MAX)
        error = answer_refuse(answer, CORE_INVALID_REQUEST, "ThingName is longer than %d.",
                              THING_NAME_MAX);
    snprintf(provision->thing, sizeof provision->thing, "%s", name);
    free(name);
    bool fresh = !thing_exists(provision->cloud, provision->thing);
    if (error == CORE_OK)
        error = write_thing(provision, resource, fresh, answer);
    if (error == CORE_OK)
        error = join_groups(provision, resource, fresh, answer);
    if (error == CORE_OK)
        error = thing_attach(
            provision->cloud, provision->thing,
            arn_make(provision->cloud, "iot", "cert/%s", provision->certificate).text, answer);
    keep_arn(provision, resource, arn_make(provision->cloud, "iot", "thing/%s", provision->thing));
    return error;
}

/* ---- policies ------------------------------------------------------------------------------- */

/* A document's policy is called by its digest, so that all devices of a template share it. */
static enum core_error document_policy(struct cloud *cloud, const char *document, char name[65],
                                       struct answer *answer)
{
    unsigned char digest[32];
    struct answer made = ANSWER_INIT;
    EVP_Digest(document, strlen(document), digest, NULL, EVP_sha256(), NULL);
    hex_encode(name, digest, sizeof digest);
    enum core_error error = policy_create(cloud, name, document, &made);
    if (error == CORE_EXISTS)
        error = CORE_OK;
    if (error != CORE_OK)
        answer_refuse(answer, error, "%s", made.message);
    answer_free(&made);
    return error;
}

static enum core_error make_policy(struct provision *provision, const json_t *resource,
                                   struct answer *answer)
{
    const json_t *named = property(resource, "PolicyName");
    char digest[65];
    char *text =
        body_text(&provision->scope, named ? named : property(resource, "PolicyDocument"), answer);
    if (!text)
        return CORE_INVALID_REQUEST;
    const char *name = named ? text : digest;
    enum core_error error =
        named ? CORE_OK : document_policy(provision->cloud, text, digest, answer);
    if (error == CORE_OK)
        error = policy_attach(
            provision->cloud, name,
            arn_make(provision->cloud, "iot", "cert/%s", provision->certificate).text, answer);
    keep_arn(provision, resource, arn_make(provision->cloud, "iot", "policy/%s", name));
    free(text);
    return error;
}

static enum core_error make_policies(struct provision *provision, struct answer *answer)
{
    enum core_error error = CORE_OK;
    const char *name;
    json_t *resource;
    json_object_foreach(json_object_get(provision->scope.body, "Resources"), name, resource)
    {
        if (error == CORE_OK && strcmp(json_text(resource, "Type"), "AWS::IoT::Policy") == 0)
            error = make_policy(provision, resource, answer);
    }
    return error;
}

enum core_error provision_apply(struct provision *provision, struct answer *answer)
{
    struct db *db = provision->cloud->db;
    if (db_begin(db) != OTTER_OK)
        return answer_db_failed(provision->cloud, answer);
    enum core_error error = make_certificate(provision, answer);
    if (error == CORE_OK)
        error = make_policies(provision, answer);
    if (error == CORE_OK)
        error = make_thing(provision, answer);
    if (db_finish(db, error == CORE_OK ? OTTER_OK : OTTER_E_STATE) != OTTER_OK && error == CORE_OK)
        error = answer_db_failed(provision->cloud, answer);
    if (error == CORE_OK)
        cloud_certificate_changed(provision->cloud, provision->certificate);
    return error;
}
