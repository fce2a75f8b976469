/* Principals: certificates and users, and what each may do. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "cloud/core/account/credentials.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/registry/identity.h"
#include "cloud/core/registry/registry.h"

#define ALLOW_PUBLISH                                                                              \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Publish\"," \
    "\"Resource\":\"*\"}]}"

/* Registered with the status, attached to the thing "t" and to a policy that allows publishing. */
static struct principal make_device(struct fixture *f, const char *status)
{
    struct principal principal = {.kind = PRINCIPAL_CERTIFICATE};
    struct answer answer = ANSWER_INIT;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = x509_issue("device", key, NULL, key, cloud_now(&f->cloud), 1);
    char *pem = x509_text(certificate);
    x509_id(certificate, principal.id);
    assert_int_equal(certificate_register(&f->cloud, pem, status, &answer), CORE_OK);
    char *arn = strdup(json_string_value(json_object_get(answer.body, "certificateArn")));
    answer_free(&answer);
    fixture_thing(f, "t");
    assert_int_equal(thing_attach(&f->cloud, "t", arn, &answer), CORE_OK);
    answer_free(&answer);
    assert_int_equal(policy_create(&f->cloud, "p", ALLOW_PUBLISH, &answer), CORE_OK);
    answer_free(&answer);
    assert_int_equal(policy_attach(&f->cloud, "p", arn, &answer), CORE_OK);
    answer_free(&answer);
    free(arn);
    free(pem);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return principal;
}

static struct identity *load(struct fixture *f, const struct principal *principal)
{
    struct identity_request request = {
        .principal = principal, .client_id = "t", .source_ip = "127.0.0.1"};
    struct identity *identity = identity_load(&f->cloud, &request);
    assert_non_null(identity);
    return identity;
}

static void a_certificate_may_what_is_attached_to_it_and_speaks_for_its_thing(void **state)
{
    struct fixture *f = *state;
    struct principal device = make_device(f, "ACTIVE");
    char label[PRINCIPAL_LABEL];
    assert_true(principal_is_active(&f->cloud, &device));
    struct identity *identity = load(f, &device);
    assert_true(identity_allows(identity, "iot:Publish", "topic", "a"));
    assert_false(identity_allows(identity, "iot:Connect", "client", "t"));
    assert_string_equal(identity_thing(identity), "t");
    principal_label(&device, label);
    assert_int_equal(strlen(label), strlen("certificate 01234567..."));
    identity_free(identity);
    principal_free(&device);
    assert_int_equal(device.kind, PRINCIPAL_NONE);
}

/* More topics than are remembered, in rounds, beside one that is denied and another action. */
static void what_was_allowed_once_is_allowed_for_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct principal device = make_device(f, "ACTIVE");
    struct answer answer = ANSWER_INIT;
    char arn[160], topic[8];
    snprintf(arn, sizeof arn, ACCOUNT_ARN "cert/%s", device.id);
    assert_int_equal(policy_create(&f->cloud, "deny",
                                   "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
                                   "\"Deny\",\"Action\":\"iot:Publish\","
                                   "\"Resource\":\"" ACCOUNT_ARN "topic/no\"}]}",
                                   &answer),
                     CORE_OK);
    answer_free(&answer);
    assert_int_equal(policy_attach(&f->cloud, "deny", arn, &answer), CORE_OK);
    answer_free(&answer);
    struct identity *identity = load(f, &device);
    for (int i = 0; i < 30; i++) {
        snprintf(topic, sizeof topic, "t%d", i % 7);
        assert_true(identity_allows(identity, "iot:Publish", "topic", topic));
        assert_true(identity_allows(identity, "iot:Publish", "topic", topic));
        assert_false(identity_allows(identity, "iot:Receive", "topic", topic));
        assert_false(identity_allows(identity, "iot:Publish", "topic", "no"));
    }
    identity_free(identity);
}

static void a_certificate_that_is_not_active_does_not_speak(void **state)
{
    struct fixture *f = *state;
    struct principal device = make_device(f, "INACTIVE"), unknown = {.kind = PRINCIPAL_CERTIFICATE};
    assert_false(principal_is_active(&f->cloud, &device));
    assert_false(principal_is_active(&f->cloud, &unknown));
    assert_false(principal_is_active(&f->cloud, &(struct principal){0}));
}

static void a_user_may_what_its_own_policies_say_and_speaks_for_no_thing(void **state)
{
    struct fixture *f = *state;
    struct principal device = make_device(f, "ACTIVE");
    struct principal user = {.kind = PRINCIPAL_USER, .id = "reader"};
    char label[PRINCIPAL_LABEL];
    user.documents =
        json_pack("[s]", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
                         "\"Allow\",\"Action\":\"iot:Subscribe\",\"Resource\":\"*\"}]}");
    assert_true(principal_is_active(&f->cloud, &user));
    struct identity *identity = load(f, &user);
    assert_true(identity_allows(identity, "iot:Subscribe", "topicfilter", "a"));
    assert_false(identity_allows(identity, "iot:Publish", "topic", "a")); /* as the device may */
    assert_null(identity_thing(identity));
    principal_label(&user, label);
    assert_string_equal(label, "user reader");
    identity_free(identity);
    principal_free(&user);
    principal_free(&device);
}

static void a_user_whose_name_is_a_certificates_id_gets_nothing_of_it(void **state)
{
    struct fixture *f = *state;
    struct principal device = make_device(f, "ACTIVE"), user = device;
    user.kind = PRINCIPAL_USER;
    struct identity *identity = load(f, &user);
    assert_false(identity_allows(identity, "iot:Publish", "topic", "a"));
    assert_null(identity_thing(identity));
    identity_free(identity);
}

/* ---- credentials ---- */

static void credentials_are_made_once_and_kept_to_their_owner(void **state)
{
    struct fixture *f = *state;
    struct credentials made, read;
    struct stat status;
    char reason[512], path[96];
    assert_true(credentials_open(f->dir, &made, reason, sizeof reason));
    assert_int_equal(strlen(made.key_id), CREDENTIALS_KEY_ID_LENGTH);
    assert_int_equal(strlen(made.secret), CREDENTIALS_SECRET_LENGTH);
    assert_true(credentials_open(f->dir, &read, reason, sizeof reason));
    assert_memory_equal(&made, &read, sizeof made);
    snprintf(path, sizeof path, "%s/credentials", f->dir);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void damaged_credentials_are_named_and_left_alone(void **state)
{
    struct fixture *f = *state;
    struct credentials credentials;
    char reason[512], path[96], text[64] = "";
    snprintf(path, sizeof path, "%s/credentials", f->dir);
    FILE *file = fopen(path, "w");
    fputs("aws_access_key_id = SHORT\n", file);
    fclose(file);
    assert_false(credentials_open(f->dir, &credentials, reason, sizeof reason));
    assert_non_null(strstr(reason, path));
    assert_non_null(strstr(reason, "remove it"));
    file = fopen(path, "r");
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "aws_access_key_id = SHORT\n");
}

static void the_owner_of_the_credentials_may_everything_of_iot(void **state)
{
    struct fixture *f = *state;
    const struct credentials own = {"OTTRAAAAAAAAAAAAAAAA", "secret"};
    struct principal owner;
    assert_null(credentials_find(&f->cloud, own.key_id)); /* opened without */
    f->cloud.credentials = &own;
    assert_null(credentials_find(&f->cloud, "OTTRAAAAAAAAAAAAAAAB"));
    assert_ptr_equal(credentials_find(&f->cloud, own.key_id), &own);
    credentials_principal(&f->cloud, &owner);
    struct identity *identity = load(f, &owner);
    assert_true(identity_allows(identity, "iot:Connect", "client", "anybody"));
    assert_true(identity_allows(identity, "iot:Publish", "topic", "a/b"));
    identity_free(identity);
    principal_free(&owner);
}

/* Anybody can make a signature that fits the point at infinity. */
static void a_key_that_anybody_could_sign_for_is_not_taken(void **state)
{
    static const uint8_t infinity[] = {0x30, 0x19, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                       0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                       0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x02, 0x00, 0x00};
    const uint8_t *at = infinity;
    (void)state;
    EVP_PKEY *sound = EVP_EC_gen("P-256"), *key = d2i_PUBKEY(NULL, &at, sizeof infinity);
    assert_non_null(key);
    assert_true(x509_key_accepted(sound));
    assert_false(x509_key_accepted(key));
    EVP_PKEY_free(key);
    EVP_PKEY_free(sound);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_that_anybody_could_sign_for_is_not_taken),
        TEST(a_certificate_may_what_is_attached_to_it_and_speaks_for_its_thing),
        TEST(what_was_allowed_once_is_allowed_for_nothing_else),
        TEST(a_certificate_that_is_not_active_does_not_speak),
        TEST(a_user_may_what_its_own_policies_say_and_speaks_for_no_thing),
        TEST(a_user_whose_name_is_a_certificates_id_gets_nothing_of_it),
        TEST(credentials_are_made_once_and_kept_to_their_owner),
        TEST(damaged_credentials_are_named_and_left_alone),
        TEST(the_owner_of_the_credentials_may_everything_of_iot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
