/* The cloud's core for tests of the device; see cloud_side.h. */
#include "cloud_side.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/core/account/roles.h"
#include "cloud/core/core.h"
#include "cloud/core/fleet/fleet.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/registry/registry.h"
#include "cloud/reserved/reserved.h"

#define START_MS 1700000000000

static struct cloud cloud;
static char dir[64];
static uint64_t (*now)(void);

static int64_t clock_ms(void *context)
{
    (void)context;
    return START_MS + (int64_t)now();
}

static void say_nothing(void *context, const char *area, const char *text)
{
    (void)context, (void)area, (void)text;
}

static void must(enum core_error error, struct answer *given)
{
    if (error != CORE_OK)
        fail_msg("%s", given->message);
    answer_free(given);
}

static void make_template(void)
{
    static const char trust[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{"
        "\"Service\":\"iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";
    static const char body[] =
        "{\"Parameters\":{\"SerialNumber\":{\"Type\":\"String\"}},\"Resources\":{"
        "\"t\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"ThingName\":"
        "{\"Fn::Join\":[\"\",[\"lamp-\",{\"Ref\":\"SerialNumber\"}]]}}},"
        "\"c\":{\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{\"CertificateId\":"
        "{\"Ref\":\"AWS::IoT::Certificate::Id\"}}}}}";
    struct answer given = ANSWER_INIT;
    const struct role_request role = {.name = "r", .trust = trust};
    must(role_create(&cloud, &role, &given), &given);
    json_t *members =
        json_pack("{s:s,s:s,s:s,s:b}", "templateName", "lamps", "templateBody", body,
                  "provisioningRoleArn", "arn:aws:iam::" CLOUD_ACCOUNT ":role/r", "enabled", 1);
    must(template_create(&cloud, members, &given), &given);
    json_decref(members);
}

void cloud_side_start(uint64_t (*now_ms)(void))
{
    const struct cloud_config config = {.dir = dir, .now_ms = clock_ms};
    now = now_ms;
    strcpy(dir, "/tmp/otter-fleet-XXXXXX");
    assert_non_null(mkdtemp(dir));
    cloud_log_to(say_nothing, NULL);
    assert_int_equal(core_start(&cloud, &config), OTTER_OK);
    make_template();
}

void cloud_side_stop(void)
{
    char command[96];
    core_stop(&cloud);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

struct asking {
    void (*reply)(const char *topic, const void *payload, size_t length);
};

static void answer(void *context, const struct reserved_message *message)
{
    ((struct asking *)context)->reply(message->topic, message->payload, message->length);
}

static void drop_blocks(void *context, struct reserved_blocks *blocks)
{
    (void)context;
    reserved_blocks_free(blocks);
}

void cloud_side_publish(const char *topic, const void *payload, size_t length,
                        void (*reply)(const char *topic, const void *payload, size_t length))
{
    struct asking asking = {reply};
    const struct reserved_answers answers = {
        .reply = answer, .publish = answer, .blocks = drop_blocks, .context = &asking};
    assert_true(
        reserved_publish(&cloud, &(struct reserved_request){topic, payload, length}, &answers));
}

bool cloud_side_active(const char *id)
{
    return certificate_state_of(&cloud, id) == CERTIFICATE_ACTIVE;
}

void cloud_side_claim(char **certificate, char **key)
{
    struct answer given = ANSWER_INIT;
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *made = x509_issue("claim", pair, NULL, pair, START_MS / 1000, 10);
    *certificate = x509_text(made);
    *key = x509_key_text(pair);
    must(certificate_register(&cloud, *certificate, "ACTIVE", &given), &given);
    X509_free(made);
    EVP_PKEY_free(pair);
}

void cloud_side_create_job(const char *id, const char *thing, const char *document)
{
    struct answer given = ANSWER_INIT;
    char target[256];
    snprintf(target, sizeof target, "arn:aws:iot:" CLOUD_REGION ":" CLOUD_ACCOUNT ":thing/%s",
             thing);
    json_t *members = json_pack("{s:[s],s:s}", "targets", target, "document", document);
    must(jobs_create(&cloud, id, members, &given), &given);
    json_decref(members);
}

const char *cloud_side_job_status(const char *id, const char *thing)
{
    static char status[32];
    struct answer given = ANSWER_INIT;
    enum core_error error = jobs_describe_execution(&cloud, thing, id, 0, &given);
    const char *text =
        json_string_value(json_object_get(json_object_get(given.body, "execution"), "status"));
    snprintf(status, sizeof status, "%s", text ? text : "");
    must(error, &given);
    return status;
}
