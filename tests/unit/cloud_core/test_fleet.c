/* Fleet provisioning: templates, what a device asks with its claim, and devices of an authority
 * that the user has registered. */
#include "fixture.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/roles.h"
#include "cloud/core/core.h"
#include "cloud/core/fleet/fleet.h"
#include "cloud/core/ground/cbor_json.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/registry/ca.h"
#include "cloud/core/registry/registry.h"

#define ROLE "arn:aws:iam::" CLOUD_ACCOUNT ":role/fleet"
#define POLICY                                                                                     \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:*\","       \
    "\"Resource\":\"*\"}]}"

/* With ' for ". */
#define BODY                                                                                       \
    "{'Parameters':{'SerialNumber':{'Type':'String'},'Room':{'Type':'String','Default':'attic'},"  \
    "'AWS::IoT::Certificate::Id':{'Type':'String'}},"                                              \
    "'Mappings':{'Rooms':{'attic':{'floor':'3'}}},"                                                \
    "'Resources':{'thing':{'Type':'AWS::IoT::Thing','Properties':{"                                \
    "'ThingName':{'Fn::Join':['',['lamp-',{'Ref':'SerialNumber'}]]},"                              \
    "'AttributePayload':{'room':{'Ref':'Room'},"                                                   \
    "'floor':{'Fn::FindInMap':['Rooms',{'Ref':'Room'},'floor']}}}},"                               \
    "'certificate':{'Type':'AWS::IoT::Certificate','Properties':{"                                 \
    "'CertificateId':{'Ref':'AWS::IoT::Certificate::Id'},'Status':'Active'}},"                     \
    "'policy':{'Type':'AWS::IoT::Policy','Properties':{'PolicyName':'lamps'}}},"                   \
    "'DeviceConfiguration':{'url':{'Fn::Sub':['https://h/${s}',{'s':{'Ref':'SerialNumber'}}]},"    \
    "'first':{'Fn::Select':['0',{'Fn::Split':['-','a-b']}]}}}"

struct heard {
    json_t *body; /* the last answer */
    char topic[256];
    int replies;
};

static void hear(void *context, const struct reserved_message *message)
{
    struct heard *heard = context;
    bool in_cbor = strstr(message->topic, "/cbor/") != NULL;
    json_decref(heard->body);
    heard->body = in_cbor ? json_from_cbor(message->payload, message->length)
                          : json_loadb(message->payload, message->length, 0, NULL);
    assert_non_null(heard->body);
    snprintf(heard->topic, sizeof heard->topic, "%s", message->topic);
    heard->replies++;
}

static void hear_published(void *context, const struct reserved_message *message)
{
    (void)context, (void)message;
    fail_msg("an answer of fleet provisioning went to whoever subscribes");
}

static void hear_blocks(void *context, struct reserved_blocks *blocks)
{
    (void)context, (void)blocks;
    fail();
}

/* True when it was accepted. The answer is heard->body, freed by the next call or forget. */
static bool ask_bytes(struct fixture *f, struct heard *heard, const char *topic, const void *bytes,
                      size_t length)
{
    const struct reserved_answers answers = {
        .reply = hear, .publish = hear_published, .blocks = hear_blocks, .context = heard};
    int before = heard->replies;
    assert_true(
        reserved_publish(&f->cloud, &(struct reserved_request){topic, bytes, length}, &answers));
    assert_int_equal(heard->replies, before + 1);
    return strstr(heard->topic, "/accepted") != NULL;
}

static bool ask(struct fixture *f, struct heard *heard, const char *topic, const json_t *body)
{
    char *text = json_dumps(body, 0);
    bool accepted = ask_bytes(f, heard, topic, text, strlen(text));
    free(text);
    return accepted;
}

static const char *said(const struct heard *heard, const char *name)
{
    return json_string_value(json_object_get(heard->body, name));
}

static void forget(struct heard *heard)
{
    json_decref(heard->body);
    *heard = (struct heard){.body = NULL};
}

static char *quoted(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

static enum core_error make_template(struct fixture *f, const char *name, const char *type,
                                     const char *text, bool enabled)
{
    struct answer answer = ANSWER_INIT;
    char *body = quoted(text);
    json_t *given = json_pack("{s:s,s:s,s:s,s:b,s:s}", "templateName", name, "templateBody", body,
                              "provisioningRoleArn", ROLE, "enabled", (int)enabled, "type", type);
    enum core_error error = template_create(&f->cloud, given, &answer);
    assert_true(error == CORE_OK || answer.message[0] != '\0');
    answer_free(&answer);
    json_decref(given);
    free(body);
    return error;
}

static char *make_csr(EVP_PKEY *key)
{
    X509_REQ *request = X509_REQ_new();
    char *text = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    X509_REQ_set_pubkey(request, key);
    X509_REQ_sign(request, key, EVP_sha256());
    PEM_write_bio_X509_REQ(out, request);
    BIO_write(out, "", 1);
    BIO_get_mem_data(out, &text);
    text = strdup(text);
    BIO_free(out);
    X509_REQ_free(request);
    return text;
}

/* Asks for a certificate; its id and token are copied. */
static void get_certificate(struct fixture *f, char id[65], char token[128])
{
    struct heard heard = {.body = NULL};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char *csr = make_csr(key);
    json_t *body = json_pack("{s:s}", "certificateSigningRequest", csr);
    assert_true(ask(f, &heard, "$aws/certificates/create-from-csr/json", body));
    snprintf(id, 65, "%s", said(&heard, "certificateId"));
    snprintf(token, 128, "%s", said(&heard, "certificateOwnershipToken"));
    json_decref(body);
    forget(&heard);
    free(csr);
    EVP_PKEY_free(key);
}

static json_t *registration(const char *token, const char *serial)
{
    return json_pack("{s:s,s:{s:s}}", "certificateOwnershipToken", token, "parameters",
                     "SerialNumber", serial);
}

static void must_refuse(struct fixture *f, const char *topic, json_t *body, int status,
                        const char *code)
{
    struct heard heard = {.body = NULL};
    assert_false(ask(f, &heard, topic, body));
    assert_int_equal(json_integer_value(json_object_get(heard.body, "statusCode")), status);
    assert_string_equal(said(&heard, "errorCode"), code);
    assert_true(strlen(said(&heard, "errorMessage")) > 10);
    assert_int_equal(json_object_size(heard.body), 3);
    forget(&heard);
    json_decref(body);
}

#define PROVISION "$aws/provisioning-templates/lamps/provision/json"

/* ---- a device becomes itself ---------------------------------------------------------------- */

static void a_csr_and_a_registration_make_thing_certificate_and_policy(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {.body = NULL};
    struct answer shown = ANSWER_INIT;
    char id[65], token[128];
    get_certificate(f, id, token);
    assert_int_equal(certificate_state_of(&f->cloud, id), CERTIFICATE_NOT_ACTIVE);
    assert_true(certificate_is_pending(&f->cloud, id));
    json_t *body = registration(token, "7");
    assert_true(ask(f, &heard, PROVISION, body));
    assert_string_equal(heard.topic, PROVISION "/accepted");
    assert_string_equal(said(&heard, "thingName"), "lamp-7");
    json_t *configuration = json_object_get(heard.body, "deviceConfiguration");
    assert_string_equal(json_string_value(json_object_get(configuration, "url")), "https://h/7");
    assert_string_equal(json_string_value(json_object_get(configuration, "first")), "a");
    assert_int_equal(certificate_state_of(&f->cloud, id), CERTIFICATE_ACTIVE);
    assert_true(thing_has_certificate(&f->cloud, "lamp-7", id));
    assert_int_equal(thing_describe(&f->cloud, "lamp-7", &shown), CORE_OK);
    json_t *attributes = json_object_get(shown.body, "attributes");
    assert_string_equal(json_string_value(json_object_get(attributes, "room")), "attic");
    assert_string_equal(json_string_value(json_object_get(attributes, "floor")), "3");
    answer_free(&shown);
    json_t *documents = certificate_policy_documents(&f->cloud, id);
    assert_int_equal(json_array_size(documents), 1);
    json_decref(documents);
    json_decref(body);
    forget(&heard);
}

static void a_pair_made_in_the_cloud_comes_with_its_private_key(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {.body = NULL};
    assert_true(ask_bytes(f, &heard, "$aws/certificates/create/json", "", 0));
    X509 *certificate = x509_read(said(&heard, "certificatePem"));
    EVP_PKEY *key = x509_read_key(said(&heard, "privateKey"));
    assert_int_equal(X509_check_private_key(certificate, key), 1);
    assert_true(certificate_is_pending(&f->cloud, said(&heard, "certificateId")));
    assert_int_equal(json_object_size(heard.body), 4);
    X509_free(certificate);
    EVP_PKEY_free(key);
    forget(&heard);
}

static void all_of_it_goes_in_cbor_too(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {.body = NULL};
    unsigned char bytes[1024];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char *csr = make_csr(key);
    json_t *body = json_pack("{s:s}", "certificateSigningRequest", csr);
    size_t length = cbor_from_json(body, bytes, sizeof bytes);
    assert_true(ask_bytes(f, &heard, "$aws/certificates/create-from-csr/cbor", bytes, length));
    json_decref(body);
    body = registration(said(&heard, "certificateOwnershipToken"), "8");
    length = cbor_from_json(body, bytes, sizeof bytes);
    assert_true(
        ask_bytes(f, &heard, "$aws/provisioning-templates/lamps/provision/cbor", bytes, length));
    assert_string_equal(said(&heard, "thingName"), "lamp-8");
    assert_false(ask_bytes(f, &heard, "$aws/provisioning-templates/lamps/provision/cbor", bytes,
                           length - 1));
    assert_string_equal(said(&heard, "errorCode"), "InvalidCbor");
    json_decref(body);
    forget(&heard);
    free(csr);
    EVP_PKEY_free(key);
}

/* ---- tokens --------------------------------------------------------------------------------- */

static void a_token_serves_once(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {.body = NULL};
    char id[65], token[128];
    get_certificate(f, id, token);
    json_t *body = registration(token, "7");
    assert_true(ask(f, &heard, PROVISION, body));
    forget(&heard);
    must_refuse(f, PROVISION, body, 400, "InvalidCertificateOwnershipToken");
    must_refuse(f, PROVISION, registration("x", "7"), 400, "InvalidCertificateOwnershipToken");
    must_refuse(f, PROVISION, json_object(), 400, "InvalidCertificateOwnershipToken");
}

static void a_token_that_ran_out_takes_its_certificate_with_it(void **state)
{
    struct fixture *f = *state;
    char id[65], token[128], kept[65], kept_token[128];
    get_certificate(f, kept, kept_token);
    struct heard heard = {.body = NULL};
    json_t *body = registration(kept_token, "kept");
    assert_true(ask(f, &heard, PROVISION, body));
    json_decref(body);
    forget(&heard);
    get_certificate(f, id, token);
    f->now_ms += (FLEET_TOKEN_S - 1) * 1000LL;
    core_tend(&f->cloud);
    assert_true(certificate_is_pending(&f->cloud, id));
    f->now_ms += 2000;
    must_refuse(f, PROVISION, registration(token, "7"), 400, "InvalidCertificateOwnershipToken");
    f->now_ms += 10000;
    core_tend(&f->cloud);
    assert_int_equal(certificate_state_of(&f->cloud, id), CERTIFICATE_UNKNOWN);
    assert_int_equal(certificate_state_of(&f->cloud, kept), CERTIFICATE_ACTIVE);
    assert_false(thing_exists(&f->cloud, "lamp-7"));
}

static void a_token_outlives_a_restart_of_the_cloud(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {.body = NULL};
    char id[65], token[128];
    get_certificate(f, id, token);
    fixture_restart(f);
    json_t *body = registration(token, "7");
    assert_true(ask(f, &heard, PROVISION, body));
    json_decref(body);
    forget(&heard);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void a_refused_registration_changes_nothing_and_may_be_repeated(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {.body = NULL};
    struct answer answer = ANSWER_INIT;
    char id[65], token[128];
    get_certificate(f, id, token);
    /* the certificate and its thing are made before the policy is missed */
    assert_int_equal(policy_delete(&f->cloud, "lamps", &answer), CORE_OK);
    must_refuse(f, PROVISION, registration(token, "7"), 404, "ResourceNotFound");
    assert_true(certificate_is_pending(&f->cloud, id));
    assert_false(thing_exists(&f->cloud, "lamp-7"));
    assert_int_equal(policy_create(&f->cloud, "lamps", POLICY, &answer), CORE_OK);
    answer_free(&answer);
    json_t *body = registration(token, "7");
    assert_true(ask(f, &heard, PROVISION, body));
    json_decref(body);
    forget(&heard);
}

static void what_is_missing_or_wrong_in_a_request_is_named(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {.body = NULL};
    char id[65], token[128];
    get_certificate(f, id, token);
    must_refuse(f, PROVISION, json_pack("{s:s}", "certificateOwnershipToken", token), 400,
                "InvalidParameters");
    must_refuse(f, PROVISION,
                json_pack("{s:s,s:{s:s,s:s}}", "certificateOwnershipToken", token, "parameters",
                          "SerialNumber", "7", "Colour", "red"),
                400, "InvalidParameters");
    must_refuse(f, PROVISION,
                json_pack("{s:s,s:{s:i}}", "certificateOwnershipToken", token, "parameters",
                          "SerialNumber", 7),
                400, "InvalidParameters");
    must_refuse(f, PROVISION, registration(token, "not a name"), 400, "InvalidParameters");
    must_refuse(f, "$aws/provisioning-templates/none/provision/json", registration(token, "7"), 404,
                "ResourceNotFound");
    must_refuse(f, "$aws/certificates/create-from-csr/json",
                json_pack("{s:s}", "certificateSigningRequest", "none"), 400, "InvalidParameters");
    must_refuse(f, "$aws/certificates/create-from-csr/json", json_object(), 400,
                "InvalidParameters");
    assert_false(ask_bytes(f, &heard, PROVISION, "[1]", 3));
    assert_string_equal(said(&heard, "errorCode"), "InvalidJson");
    forget(&heard);
}

static void a_template_that_is_off_or_for_another_use_provisions_nobody(void **state)
{
    struct fixture *f = *state;
    char id[65], token[128];
    get_certificate(f, id, token);
    assert_int_equal(make_template(f, "off", "FLEET_PROVISIONING", BODY, false), CORE_OK);
    must_refuse(f, "$aws/provisioning-templates/off/provision/json", registration(token, "7"), 400,
                "InvalidParameters");
    assert_int_equal(make_template(f, "jitp", "JITP", BODY, true), CORE_OK);
    must_refuse(f, "$aws/provisioning-templates/jitp/provision/json", registration(token, "7"), 400,
                "InvalidParameters");
}

static void a_thing_that_is_there_is_overridden_as_the_template_says(void **state)
{
    static const char *const settings[] = {"DO_NOTHING", "MERGE", "REPLACE", "FAIL"};
    static const char *const rooms[] = {NULL, "cellar", "cellar", NULL};
    static const char *const olds[] = {"1", "1", NULL, "1"};
    struct fixture *f = *state;
    for (size_t i = 0; i < 4; i++) {
        char name[16], text[1024], topic[96], id[65], token[128];
        struct heard heard = {.body = NULL};
        struct answer answer = ANSWER_INIT;
        snprintf(name, sizeof name, "t%zu", i);
        snprintf(text, sizeof text,
                 "{'Resources':{'t':{'Type':'AWS::IoT::Thing','OverrideSettings':{"
                 "'AttributePayload':'%s'},'Properties':{'ThingName':'%s','AttributePayload':{"
                 "'room':'cellar'}}},'c':{'Type':'AWS::IoT::Certificate','Properties':{"
                 "'CertificateId':{'Ref':'AWS::IoT::Certificate::Id'}}}}}",
                 settings[i], name);
        assert_int_equal(make_template(f, name, "FLEET_PROVISIONING", text, true), CORE_OK);
        json_t *old = members("{'attributePayload':{'attributes':{'old':'1'}}}");
        assert_int_equal(thing_create(&f->cloud, name, old, &answer), CORE_OK);
        answer_free(&answer);
        get_certificate(f, id, token);
        snprintf(topic, sizeof topic, "$aws/provisioning-templates/%s/provision/json", name);
        json_t *body = json_pack("{s:s}", "certificateOwnershipToken", token);
        assert_int_equal(ask(f, &heard, topic, body), strcmp(settings[i], "FAIL") != 0);
        assert_int_equal(thing_describe(&f->cloud, name, &answer), CORE_OK);
        json_t *attributes = json_object_get(answer.body, "attributes");
        const char *room = json_string_value(json_object_get(attributes, "room"));
        const char *kept = json_string_value(json_object_get(attributes, "old"));
        assert_true(rooms[i] ? room && strcmp(room, rooms[i]) == 0 : !room);
        assert_true(olds[i] ? kept != NULL : !kept);
        answer_free(&answer);
        json_decref(body);
        json_decref(old);
        forget(&heard);
    }
}

static void a_template_that_cannot_work_is_refused_when_it_is_made(void **state)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "{",
        "{'Resources':{}}",
        "{'Sources':{},'Resources':{'c':{'Type':'AWS::IoT::Certificate','Properties':{}}}}",
        "{'Resources':{'t':{'Type':'AWS::IoT::Thing','Properties':{'ThingName':'t'}}}}",
        "{'Resources':{'c':{'Type':'AWS::IoT::Lamp','Properties':{}}}}",
        "{'Resources':{'c':{'Type':'AWS::IoT::Certificate','Properties':{'Colour':'red'}}}}",
        "{'Resources':{'c':{'Type':'AWS::IoT::Certificate','Properties':{'CertificateId':"
        "{'Ref':'Nobody'}}}}}",
        "{'Resources':{'c':{'Type':'AWS::IoT::Certificate','Properties':{'CertificateId':"
        "{'Fn::Guess':'x'}}}}}",
        "{'Parameters':{'P':{'Type':'Number'}},'Resources':{'c':{'Type':'AWS::IoT::Certificate',"
        "'Properties':{}}}}",
        "{'Resources':{'c':{'Type':'AWS::IoT::Certificate','Properties':{}},"
        "'p':{'Type':'AWS::IoT::Policy','Properties':{'PolicyName':'a','PolicyDocument':'{}'}}}}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_int_equal(make_template(*state, "bad", "FLEET_PROVISIONING", bodies[i], true),
                         CORE_INVALID_REQUEST);
    assert_int_equal(make_template(*state, "a name", "FLEET_PROVISIONING", BODY, true),
                     CORE_INVALID_REQUEST);
    assert_int_equal(make_template(*state, "bad", "OTHER", BODY, true), CORE_INVALID_REQUEST);
    assert_int_equal(make_template(*state, "lamps", "FLEET_PROVISIONING", BODY, true), CORE_EXISTS);
}

/* ---- claims --------------------------------------------------------------------------------- */

static void a_temporary_claim_may_provision_and_ends_by_itself(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    EVP_PKEY *key = x509_make_rsa();
    assert_int_equal(claim_create(&f->cloud, "lamps", key, &answer), CORE_OK);
    char id[65];
    snprintf(id, sizeof id, "%s", json_string_value(json_object_get(answer.body, "certificateId")));
    assert_int_equal(json_integer_value(json_object_get(answer.body, "expiration")),
                     f->now_ms / 1000 + FLEET_CLAIM_S);
    assert_int_equal(certificate_state_of(&f->cloud, id), CERTIFICATE_ACTIVE);
    json_t *documents = certificate_policy_documents(&f->cloud, id);
    assert_int_equal(json_array_size(documents), 1);
    const char *document = json_string_value(json_array_get(documents, 0));
    assert_non_null(strstr(document, "topic/$aws/provisioning-templates/lamps/provision/*"));
    assert_int_equal(policy_check(document, &answer), CORE_OK);
    json_decref(documents);
    f->now_ms += (FLEET_CLAIM_S + 10) * 1000LL;
    core_tend(&f->cloud);
    assert_int_equal(certificate_state_of(&f->cloud, id), CERTIFICATE_UNKNOWN);
    answer_free(&answer);
    EVP_PKEY_free(key);
}

/* ---- devices of a registered authority ------------------------------------------------------ */

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    char id[65];
};

static void authority_register(struct fixture *f, struct authority *its, json_t *config,
                               bool auto_registration)
{
    struct answer answer = ANSWER_INIT;
    its->key = EVP_EC_gen("P-256");
    its->certificate = x509_issue("factory", its->key, NULL, its->key, cloud_now(&f->cloud), 10);
    assert_int_equal(ca_code(&f->cloud, &answer), CORE_OK);
    const char *code = json_string_value(json_object_get(answer.body, "registrationCode"));
    assert_int_equal(strlen(code), 64);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *verification = x509_issue(code, key, its->certificate, its->key, cloud_now(&f->cloud), 1);
    X509 *other = x509_issue("wrong", key, its->certificate, its->key, cloud_now(&f->cloud), 1);
    char *pem = x509_text(its->certificate), *proof = x509_text(verification);
    char *wrong = x509_text(other);
    answer_free(&answer);
    struct ca_request request = {.pem = pem,
                                 .verification = wrong,
                                 .active = true,
                                 .auto_registration = auto_registration,
                                 .config = config};
    assert_int_equal(ca_register(&f->cloud, &request, &answer), CORE_REGISTRATION_CODE);
    request.verification = pem; /* signed by the right key, and with the wrong name too */
    assert_int_equal(ca_register(&f->cloud, &request, &answer), CORE_REGISTRATION_CODE);
    request.verification = proof;
    assert_int_equal(ca_register(&f->cloud, &request, &answer), CORE_OK);
    snprintf(its->id, sizeof its->id, "%s",
             json_string_value(json_object_get(answer.body, "certificateId")));
    answer_free(&answer);
    assert_int_equal(ca_register(&f->cloud, &request, &answer), CORE_EXISTS);
    answer_free(&answer);
    free(pem);
    free(proof);
    free(wrong);
    X509_free(verification);
    X509_free(other);
    EVP_PKEY_free(key);
    json_decref(config);
}

static X509 *device_of(struct fixture *f, const struct authority *its, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = x509_issue(name, key, its->certificate, its->key, cloud_now(&f->cloud), 5);
    EVP_PKEY_free(key);
    return certificate;
}

static void authority_free(struct authority *its)
{
    X509_free(its->certificate);
    EVP_PKEY_free(its->key);
}

static void an_unknown_certificate_of_an_authority_registers_itself_and_is_told(void **state)
{
    struct fixture *f = *state;
    struct authority its;
    char id[65], topic[128];
    authority_register(f, &its, NULL, true);
    X509 *device = device_of(f, &its, "d");
    x509_id(device, id);
    assert_true(fleet_first_connect(&f->cloud, device));
    assert_true(certificate_is_pending(&f->cloud, id));
    assert_false(certificate_needs_name(&f->cloud, id));
    snprintf(topic, sizeof topic, "$aws/events/certificates/registered/%s", its.id);
    const json_t *told = fixture_published(f, topic);
    assert_non_null(told);
    assert_string_equal(json_string_value(json_object_get(told, "certificateId")), id);
    assert_string_equal(json_string_value(json_object_get(told, "certificateStatus")),
                        "PENDING_ACTIVATION");
    fixture_forget(f);
    assert_true(fleet_first_connect(&f->cloud, device)); /* and again while it waits */
    assert_non_null(fixture_published(f, topic));
    struct answer answer = ANSWER_INIT;
    assert_int_equal(certificate_update(&f->cloud, id, "INACTIVE", &answer), CORE_OK);
    assert_false(fleet_first_connect(&f->cloud, device)); /* somebody has decided */
    assert_int_equal(ca_list_certificates(&f->cloud, its.id, true, &answer), CORE_OK);
    assert_int_equal(json_array_size(json_object_get(answer.body, "certificates")), 1);
    answer_free(&answer);
    X509_free(device);
    authority_free(&its);
}

static void
nobody_registers_itself_with_a_stranger_or_an_authority_that_does_not_let_it(void **state)
{
    struct fixture *f = *state;
    struct authority its, stranger = {EVP_EC_gen("P-256"), NULL, ""};
    struct answer answer = ANSWER_INIT;
    authority_register(f, &its, NULL, false);
    /* of the same name, with another key */
    stranger.certificate =
        x509_issue("factory", stranger.key, NULL, stranger.key, cloud_now(&f->cloud), 10);
    X509 *foreign = device_of(f, &stranger, "d"), *device = device_of(f, &its, "d");
    assert_false(fleet_first_connect(&f->cloud, foreign));
    assert_false(fleet_first_connect(&f->cloud, device));
    struct ca_change change = {.auto_registration = "ENABLE"};
    assert_int_equal(ca_update(&f->cloud, its.id, &change, &answer), CORE_OK);
    assert_false(fleet_first_connect(&f->cloud, foreign));
    assert_true(fleet_first_connect(&f->cloud, device));
    X509 *second = device_of(f, &its, "e");
    change = (struct ca_change){.status = "INACTIVE"};
    assert_int_equal(ca_delete(&f->cloud, its.id, &answer), CORE_CERTIFICATE_STATE);
    assert_int_equal(ca_update(&f->cloud, its.id, &change, &answer), CORE_OK);
    assert_false(fleet_first_connect(&f->cloud, second));
    assert_int_equal(ca_delete(&f->cloud, its.id, &answer), CORE_OK);
    answer_free(&answer);
    X509_free(foreign);
    X509_free(device);
    X509_free(second);
    authority_free(&its);
    authority_free(&stranger);
}

static void a_first_connection_provisions_by_the_authoritys_template(void **state)
{
    static const char body[] =
        "{'Parameters':{'AWS::IoT::Certificate::CommonName':{'Type':'String'},"
        "'AWS::IoT::Certificate::Id':{'Type':'String'}},'Resources':{"
        "'t':{'Type':'AWS::IoT::Thing','Properties':{'ThingName':{'Ref':"
        "'AWS::IoT::Certificate::CommonName'}}},"
        "'c':{'Type':'AWS::IoT::Certificate','Properties':{'CertificateId':{'Ref':"
        "'AWS::IoT::Certificate::Id'},'Status':'ACTIVE'}},"
        "'p':{'Type':'AWS::IoT::Policy','Properties':{'PolicyDocument':{'Version':'2012-10-17',"
        "'Statement':[{'Effect':'Allow','Action':'iot:Connect','Resource':'*'}]}}}}}";
    struct fixture *f = *state;
    struct authority its;
    char id[65];
    assert_int_equal(make_template(f, "factory", "JITP", body, true), CORE_OK);
    authority_register(f, &its, json_pack("{s:s}", "templateName", "factory"), true);
    X509 *device = device_of(f, &its, "lamp-9");
    x509_id(device, id);
    assert_true(fleet_first_connect(&f->cloud, device));
    assert_int_equal(certificate_state_of(&f->cloud, id), CERTIFICATE_ACTIVE);
    assert_true(thing_has_certificate(&f->cloud, "lamp-9", id));
    json_t *documents = certificate_policy_documents(&f->cloud, id);
    assert_int_equal(json_array_size(documents), 1);
    json_decref(documents);
    struct answer answer = ANSWER_INIT;
    assert_int_equal(template_delete(&f->cloud, "factory", &answer), CORE_DELETE_CONFLICT);
    answer_free(&answer);
    X509_free(device);
    authority_free(&its);
}

static int setup(void **state)
{
    static const char trust[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{"
        "\"Service\":\"iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";
    struct answer answer = ANSWER_INIT;
    if (fixture_setup(state))
        return -1;
    struct fixture *f = *state;
    struct role_request role = {.name = "fleet", .trust = trust};
    assert_int_equal(role_create(&f->cloud, &role, &answer), CORE_OK);
    answer_free(&answer);
    assert_int_equal(policy_create(&f->cloud, "lamps", POLICY, &answer), CORE_OK);
    answer_free(&answer);
    assert_int_equal(make_template(f, "lamps", "FLEET_PROVISIONING", BODY, true), CORE_OK);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_csr_and_a_registration_make_thing_certificate_and_policy),
        TEST(a_pair_made_in_the_cloud_comes_with_its_private_key),
        TEST(all_of_it_goes_in_cbor_too),
        TEST(a_token_serves_once),
        TEST(a_token_that_ran_out_takes_its_certificate_with_it),
        TEST(a_token_outlives_a_restart_of_the_cloud),
        TEST(a_refused_registration_changes_nothing_and_may_be_repeated),
        TEST(what_is_missing_or_wrong_in_a_request_is_named),
        TEST(a_template_that_is_off_or_for_another_use_provisions_nobody),
        TEST(a_thing_that_is_there_is_overridden_as_the_template_says),
        TEST(a_template_that_cannot_work_is_refused_when_it_is_made),
        TEST(a_temporary_claim_may_provision_and_ends_by_itself),
        TEST(an_unknown_certificate_of_an_authority_registers_itself_and_is_told),
        TEST(nobody_registers_itself_with_a_stranger_or_an_authority_that_does_not_let_it),
        TEST(a_first_connection_provisions_by_the_authoritys_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
