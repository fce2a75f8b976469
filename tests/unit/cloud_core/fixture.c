/* Opens and ends the core, and asks of it what tests ask most. */
#include "fixture.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/core/account/signing.h"
#include "cloud/core/core.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/registry/registry.h"

static int64_t clock_ms(void *context)
{
    return ((struct fixture *)context)->now_ms;
}

static void keep(void *context, const char *topic, const void *payload, size_t length)
{
    struct fixture *fixture = context;
    json_t *json = json_loadb(payload, length, 0, NULL);
    assert_non_null(json);
    json_array_append_new(fixture->published,
                          json_pack("{s:s, s:o}", "topic", topic, "payload", json));
}

static void open_cloud(struct fixture *fixture)
{
    struct cloud_config config = {
        .dir = fixture->dir, .now_ms = clock_ms, .now_context = fixture, .strict = true};
    assert_int_equal(core_start(&fixture->cloud, &config), OTTER_OK);
    fixture->publisher = (struct reserved_publisher){keep, fixture};
    fixture->cloud.notify = (struct notify){reserved_notify, &fixture->publisher};
}

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(fixture->dir, "/tmp/otter-core-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    fixture->published = json_array();
    fixture->now_ms = 1700000000000;
    open_cloud(fixture);
    *state = fixture;
    return 0;
}

int fixture_setup_thing(void **state)
{
    if (fixture_setup(state))
        return -1;
    fixture_thing(*state, "t");
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    core_stop(&fixture->cloud);
    json_decref(fixture->published);
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    int removed = system(command);
    free(fixture);
    return removed;
}

void fixture_restart(struct fixture *fixture)
{
    core_stop(&fixture->cloud);
    open_cloud(fixture);
}

void fixture_forget(struct fixture *fixture)
{
    json_array_clear(fixture->published);
}

const json_t *fixture_published(struct fixture *fixture, const char *topic)
{
    for (size_t i = json_array_size(fixture->published); i > 0; i--) {
        const json_t *entry = json_array_get(fixture->published, i - 1);
        if (strcmp(json_string_value(json_object_get(entry, "topic")), topic) == 0)
            return json_object_get(entry, "payload");
    }
    return NULL;
}

void fixture_thing(struct fixture *fixture, const char *name)
{
    struct answer answer = ANSWER_INIT;
    json_t *none = json_object();
    assert_int_equal(thing_create(&fixture->cloud, name, none, &answer), CORE_OK);
    answer_free(&answer);
    json_decref(none);
}

json_t *members(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *json = json_loads(copy, 0, NULL);
    free(copy);
    assert_non_null(json);
    return json;
}

EVP_PKEY *fixture_profile(struct cloud *cloud, const char *name)
{
    struct answer answer = ANSWER_INIT;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = x509_issue("signer", key, NULL, key, cloud_now(cloud), 1);
    char *pem = x509_text(certificate), *key_pem = x509_key_text(key);
    assert_int_equal(acm_import(cloud, pem, key_pem, NULL, NULL, &answer), CORE_OK);
    json_t *profile = json_pack("{s:s,s:{s:O},s:{s:s}}", "platformId", "AmazonFreeRTOS-Default",
                                "signingMaterial", "certificateArn",
                                json_object_get(answer.body, "CertificateArn"), "signingParameters",
                                "certname", "k");
    answer_free(&answer);
    assert_int_equal(profile_put(cloud, name, profile, &answer), CORE_OK);
    answer_free(&answer);
    json_decref(profile);
    free(pem);
    free(key_pem);
    X509_free(certificate);
    return key;
}
