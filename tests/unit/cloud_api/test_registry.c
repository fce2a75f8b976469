/* Things, certificates and policies: names, shapes, attachments. */
#include "../cloud_core/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/registry/registry.h"
#include "cloud/store/db.h"

#define GOOD_POLICY                                                                                \
    "{\"Version\":\"2012-10-17\",\"Statement\":"                                                   \
    "{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"*\"}}"

static struct cloud *cloud_of(void **state)
{
    return &((struct fixture *)*state)->cloud;
}

/* A self-signed P-256 certificate in PEM, freed by the caller. */
static char *certificate_pem(const char *curve)
{
    EVP_PKEY *key = EVP_EC_gen(curve);
    X509 *certificate = x509_issue("device", key, NULL, key, 1700000000, 1);
    char *pem = x509_text(certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pem;
}

/* Registers a new ACTIVE certificate; its ARN. */
static struct arn registered(struct cloud *cloud)
{
    struct answer answer = ANSWER_INIT;
    struct arn arn;
    char *pem = certificate_pem("P-256");
    assert_int_equal(certificate_register(cloud, pem, "ACTIVE", &answer), CORE_OK);
    strcpy(arn.text, json_text(answer.body, "certificateArn"));
    answer_free(&answer);
    free(pem);
    return arn;
}

static enum core_error create_thing(struct cloud *cloud, const char *name, const char *text)
{
    struct answer answer = ANSWER_INIT;
    json_t *body = members(text);
    enum core_error error = thing_create(cloud, name, body, &answer);
    json_decref(body);
    answer_free(&answer);
    return error;
}

static void a_things_name_is_checked(void **state)
{
    struct cloud *cloud = cloud_of(state);
    char longest[130];
    memset(longest, 'a', 129);
    longest[129] = 0;
    assert_int_equal(create_thing(cloud, longest, "{}"), CORE_INVALID_REQUEST);
    longest[128] = 0;
    assert_int_equal(create_thing(cloud, longest, "{}"), CORE_OK);
    assert_int_equal(create_thing(cloud, "", "{}"), CORE_INVALID_REQUEST);
    assert_int_equal(create_thing(cloud, "a/b", "{}"), CORE_INVALID_REQUEST);
    assert_int_equal(create_thing(cloud, "a+", "{}"), CORE_INVALID_REQUEST);
    assert_int_equal(create_thing(cloud, "a:b_c-9", "{}"), CORE_OK);
}

static void a_thing_made_again_must_be_the_same(void **state)
{
    struct cloud *cloud = cloud_of(state);
    const char *one = "{'attributePayload':{'attributes':{'a':'1','b':'2'}}}";
    assert_int_equal(create_thing(cloud, "t", one), CORE_OK);
    assert_int_equal(
        create_thing(cloud, "t", "{'attributePayload':{'attributes':{'b':'2','a':'1'}}}"), CORE_OK);
    assert_int_equal(create_thing(cloud, "t", "{}"), CORE_EXISTS);
}

static void attributes_are_checked(void **state)
{
    struct cloud *cloud = cloud_of(state);
    static const char *const bad[] = {
        "{'attributePayload':{'attributes':{'a':'1','b':'2','c':'3','d':'4'}}}",
        "{'attributePayload':{'attributes':{'a b':'1'}}}",
        "{'attributePayload':{'attributes':{'a':'x y'}}}",
        "{'attributePayload':{'attributes':{'a':1}}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(create_thing(cloud, "t", bad[i]), CORE_INVALID_REQUEST);
}

static void a_certificates_id_is_the_hash_of_its_der_form(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    char *pem = certificate_pem("P-256"), id[65];
    X509 *certificate = x509_read(pem);
    x509_id(certificate, id);
    assert_int_equal(certificate_register(cloud, pem, NULL, &answer), CORE_OK);
    assert_string_equal(json_text(answer.body, "certificateId"), id);
    assert_int_equal(certificate_state_of(cloud, id), CERTIFICATE_NOT_ACTIVE);
    answer_free(&answer);
    assert_int_equal(certificate_register(cloud, pem, NULL, &answer), CORE_EXISTS);
    assert_string_equal(json_text(answer.body, "resourceId"), id);
    answer_free(&answer);
    assert_int_equal(certificate_update(cloud, id, "ACTIVE", &answer), CORE_OK);
    assert_int_equal(certificate_state_of(cloud, id), CERTIFICATE_ACTIVE);
    X509_free(certificate);
    free(pem);
}

static void broken_certificates_and_weak_keys_are_refused(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    char *odd = certificate_pem("secp256k1"), *pem = certificate_pem("P-384");
    assert_int_equal(certificate_register(cloud, NULL, NULL, &answer), CORE_CERTIFICATE_INVALID);
    assert_int_equal(certificate_register(cloud, "-----BEGIN CERTIFICATE-----\n", NULL, &answer),
                     CORE_CERTIFICATE_INVALID);
    assert_int_equal(certificate_register(cloud, odd, NULL, &answer), CORE_CERTIFICATE_INVALID);
    assert_int_equal(certificate_register(cloud, pem, "GREAT", &answer), CORE_INVALID_REQUEST);
    assert_int_equal(certificate_register(cloud, pem, "ACTIVE", &answer), CORE_OK);
    answer_free(&answer);
    free(odd);
    free(pem);
}

static void certificates_of_the_clouds_own_chain_to_one_authority(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer first = ANSWER_INIT, second = ANSWER_INIT;
    EVP_PKEY *keys[] = {x509_make_rsa(), x509_make_rsa()};
    assert_int_equal(certificate_create(cloud, keys[0], true, &first), CORE_OK);
    assert_int_equal(certificate_create(cloud, keys[1], true, &second), CORE_OK);
    EVP_PKEY_free(keys[0]);
    EVP_PKEY_free(keys[1]);
    X509 *one = x509_read(json_text(first.body, "certificatePem"));
    X509 *two = x509_read(json_text(second.body, "certificatePem"));
    EVP_PKEY *key = x509_read_key(json_text(json_object_get(first.body, "keyPair"), "PrivateKey"));
    assert_int_equal(X509_check_private_key(one, key), 1);
    assert_int_equal(X509_NAME_cmp(X509_get_issuer_name(one), X509_get_issuer_name(two)), 0);
    assert_int_not_equal(X509_cmp(one, two), 0);
    X509_free(one);
    X509_free(two);
    EVP_PKEY_free(key);
    answer_free(&first);
    answer_free(&second);
}

static void a_malformed_policy_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *document, *reason;
    } bad[] = {
        {"{", "not JSON"},
        {"[]", "must be a JSON object"},
        {"{\"Version\":\"2020\",\"Statement\":[]}", "Version"},
        {"{\"Version\":\"2012-10-17\"}", "Statement"},
        {"{\"Version\":\"2012-10-17\",\"Statement\":[]}", "Statement"},
        {"{\"Version\":\"2012-10-17\",\"Statement\":[1]}", "object"},
        {"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"allow\",\"Action\":\"iot:*\","
         "\"Resource\":\"*\"}}",
         "Effect"},
        {"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":[],"
         "\"Resource\":\"*\"}}",
         "Action"},
        {"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\","
         "\"Resource\":\"*\"}}",
         "Action"},
        {"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"iot:*\","
         "\"Resource\":[\"topic/x\"]}}",
         "Resource"},
        {"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"iot:*\","
         "\"Resource\":\"*\",\"Condition\":3}}",
         "Condition"},
    };
    struct answer answer = ANSWER_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(policy_check(bad[i].document, &answer), CORE_POLICY_MALFORMED);
        assert_non_null(strstr(answer.message, bad[i].reason));
    }
    assert_int_equal(policy_check(GOOD_POLICY, &answer), CORE_OK);
}

static void white_space_does_not_count_against_a_policys_size(void **state)
{
    struct answer answer = ANSWER_INIT;
    char blank[8192], full[8192];
    (void)state;
    snprintf(blank, sizeof blank, "%4000s" GOOD_POLICY, "");
    assert_int_equal(policy_check(blank, &answer), CORE_OK);
    char *end = full + sprintf(full, "{\"Version\":\"2012-10-17\",\"Id\":\"");
    memset(end, 'x', 2048);
    strcpy(end + 2048,
           "\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}");
    assert_int_equal(policy_check(full, &answer), CORE_POLICY_MALFORMED);
}

static void attachments_show_from_both_sides_and_hold_things_in_place(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    struct arn arn = registered(cloud);
    const char *id = arn_name(cloud, arn.text, "iot", "cert");
    create_thing(cloud, "t", "{}");
    assert_int_equal(policy_create(cloud, "p", GOOD_POLICY, &answer), CORE_OK);
    answer_free(&answer);
    assert_int_equal(thing_attach(cloud, "t", arn.text, &answer), CORE_OK);
    assert_int_equal(policy_attach(cloud, "p", arn.text, &answer), CORE_OK);
    assert_true(thing_has_certificate(cloud, "t", id));
    json_t *documents = certificate_policy_documents(cloud, id);
    assert_string_equal(json_string_value(json_array_get(documents, 0)), GOOD_POLICY);
    json_decref(documents);

    assert_int_equal(thing_delete(cloud, "t", -1, &answer), CORE_INVALID_REQUEST);
    assert_int_equal(policy_delete(cloud, "p", &answer), CORE_DELETE_CONFLICT);
    assert_int_equal(certificate_delete(cloud, id, true, &answer), CORE_CERTIFICATE_STATE);
    certificate_update(cloud, id, "REVOKED", &answer);
    assert_int_equal(certificate_delete(cloud, id, false, &answer), CORE_DELETE_CONFLICT);
    assert_int_equal(certificate_delete(cloud, id, true, &answer), CORE_OK);
    assert_int_equal(thing_delete(cloud, "t", 7, &answer), CORE_VERSION_CONFLICT);
    assert_int_equal(thing_delete(cloud, "t", 1, &answer), CORE_OK);
    assert_int_equal(policy_delete(cloud, "p", &answer), CORE_OK);
}

static void count_change(void *context, const char *certificate)
{
    (void)certificate;
    ++*(int *)context;
}

static void the_default_version_is_the_one_that_devices_are_checked_by(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    struct arn arn = registered(cloud);
    const char *id = arn_name(cloud, arn.text, "iot", "cert");
    const char *other = "{\"Version\":\"2012-10-17\",\"Statement\":"
                        "{\"Effect\":\"Deny\",\"Action\":\"iot:*\",\"Resource\":\"*\"}}";
    int changes = 0;
    policy_create(cloud, "p", GOOD_POLICY, &answer);
    answer_free(&answer);
    policy_attach(cloud, "p", arn.text, &answer);
    cloud->watch.identity_changed = count_change;
    cloud->watch.identity_context = &changes;

    assert_int_equal(policy_version_create(cloud, "p", other, false, &answer), CORE_OK);
    answer_free(&answer);
    json_t *before = certificate_policy_documents(cloud, id);
    assert_string_equal(json_string_value(json_array_get(before, 0)), GOOD_POLICY);
    assert_int_equal(changes, 0);
    assert_int_equal(policy_version_set_default(cloud, "p", "2", &answer), CORE_OK);
    json_t *after = certificate_policy_documents(cloud, id);
    assert_string_equal(json_string_value(json_array_get(after, 0)), other);
    assert_int_equal(changes, 1); /* live connections are looked at again */
    assert_int_equal(policy_version_create(cloud, "p", GOOD_POLICY, true, &answer), CORE_OK);
    assert_int_equal(changes, 2);
    answer_free(&answer);
    json_decref(before);
    json_decref(after);
}

static void at_most_ten_policies_are_attached(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    struct arn arn = registered(cloud);
    for (int i = 0; i <= 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        policy_create(cloud, name, GOOD_POLICY, &answer);
        answer_free(&answer);
        assert_int_equal(policy_attach(cloud, name, arn.text, &answer),
                         i < 10 ? CORE_OK : CORE_LIMIT);
    }
    assert_int_equal(policy_attach(cloud, "p0", arn.text, &answer), CORE_OK); /* again */
}

static void a_principal_of_another_account_or_kind_is_refused(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    create_thing(cloud, "t", "{}");
    assert_int_equal(thing_attach(cloud, "t", NULL, &answer), CORE_INVALID_REQUEST);
    assert_int_equal(thing_attach(cloud, "t", ACCOUNT_ARN "thing/t", &answer),
                     CORE_INVALID_REQUEST);
    assert_int_equal(thing_attach(cloud, "t", "arn:aws:iot:us-east-1:999999999999:cert/a", &answer),
                     CORE_INVALID_REQUEST);
    assert_int_equal(thing_attach(cloud, "t", ACCOUNT_ARN "cert/abc", &answer), CORE_NOT_FOUND);
}

static void a_full_disk_is_named_and_nothing_is_changed(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    char pragma[64], name[THING_NAME_MAX + 1];
    enum core_error error = CORE_OK;
    int64_t pages = db_number(cloud->db, "PRAGMA page_count", "");
    snprintf(pragma, sizeof pragma, "PRAGMA max_page_count = %d", (int)pages + 1);
    db_done(db_select(cloud->db, pragma, ""));
    json_t *none = json_object();
    for (int i = 0; i < 5000 && error == CORE_OK; i++) {
        answer_free(&answer);
        snprintf(name, sizeof name, "thing-with-a-name-long-enough-to-fill-a-page-%0*d", 60, i);
        error = thing_create(cloud, name, none, &answer);
    }
    json_decref(none);
    assert_int_equal(error, CORE_INTERNAL);
    assert_non_null(strstr(answer.message, "is full: make room there"));
    assert_non_null(strstr(answer.message, cloud->dir));
    assert_int_equal(thing_describe(cloud, name, &answer), CORE_NOT_FOUND);
    answer_free(&answer);
}

static void things_are_listed_a_page_at_a_time(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    for (size_t i = 0; i < 4; i++) {
        json_t *given = json_pack("{s:{s:{s:s}}}", "attributePayload", "attributes", "odd",
                                  i % 2 ? "yes" : "no");
        assert_int_equal(thing_create(cloud, names[i], given, &answer), CORE_OK);
        answer_free(&answer);
        json_decref(given);
    }
    struct things_page page = {.begin = 1, .most = 2};
    assert_int_equal(thing_list(cloud, &page, &answer), CORE_OK);
    json_t *things = json_object_get(answer.body, "things");
    assert_int_equal(json_array_size(things), 2);
    assert_string_equal(json_text(json_array_get(things, 0), "thingName"), "b");
    assert_string_equal(json_text(answer.body, "nextToken"), "3");
    answer_free(&answer);
    page = (struct things_page){.attribute = "odd", .value = "yes", .begin = 1, .most = 2};
    assert_int_equal(thing_list(cloud, &page, &answer), CORE_OK);
    things = json_object_get(answer.body, "things");
    assert_int_equal(json_array_size(things), 1);
    assert_string_equal(json_text(json_array_get(things, 0), "thingName"), "d");
    assert_null(json_object_get(answer.body, "nextToken"));
    answer_free(&answer);
}

static void a_damaged_authority_is_named(void **state)
{
    struct cloud *cloud = cloud_of(state);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct answer answer = ANSWER_INIT;
    assert_int_equal(certificate_create(cloud, key, true, &answer), CORE_OK);
    answer_free(&answer);
    db_run(cloud->db, "UPDATE authority SET key_pem = ''", "");
    assert_int_equal(certificate_create(cloud, key, true, &answer), CORE_INTERNAL);
    assert_non_null(strstr(answer.message, "authority"));
    assert_non_null(strstr(answer.message, cloud->dir));
    EVP_PKEY_free(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_things_name_is_checked),
        TEST(a_thing_made_again_must_be_the_same),
        TEST(attributes_are_checked),
        TEST(a_certificates_id_is_the_hash_of_its_der_form),
        TEST(broken_certificates_and_weak_keys_are_refused),
        TEST(certificates_of_the_clouds_own_chain_to_one_authority),
        TEST(a_malformed_policy_is_refused_with_the_reason),
        TEST(white_space_does_not_count_against_a_policys_size),
        TEST(attachments_show_from_both_sides_and_hold_things_in_place),
        TEST(the_default_version_is_the_one_that_devices_are_checked_by),
        TEST(a_full_disk_is_named_and_nothing_is_changed),
        TEST(things_are_listed_a_page_at_a_time),
        TEST(a_damaged_authority_is_named),
        TEST(at_most_ten_policies_are_attached),
        TEST(a_principal_of_another_account_or_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
