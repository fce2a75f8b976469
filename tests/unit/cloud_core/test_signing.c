/* Signing jobs and the OTA updates that ask for them: signed a piece at a time, whatever happens in
 * between. */
#include "fixture.h"

#include <event2/event.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/contents.h"
#include "cloud/core/account/objects.h"
#include "cloud/core/account/roles.h"
#include "cloud/core/account/signing.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ota/ota_updates.h"
#include "cloud/loop/loop.h"
#include "cloud/store/db.h"

#define LARGE    (1300 * 1000 + 1) /* no multiple of any piece */
#define ROLE_ARN "arn:aws:iam::" CLOUD_ACCOUNT ":role/ota"
#define FILE(name)                                                                                 \
    "{'fileName':'" name "','fileLocation':{'s3Location':{'bucket':'bucket','key':'fw.bin',"       \
    "'version':'%1$s'}},'codeSigning':{'startSigningJobParameter':{'signingProfileName':"          \
    "'profile','destination':{'s3Destination':{'bucket':'signed'}}}}}"
#define UPDATE                                                                                     \
    "{'targets':['" ACCOUNT_ARN "thing/t'],'roleArn':'" ROLE_ARN                                   \
    "','files':[" FILE("a") "," FILE("b") "]}"

/* Each test runs on the core alone, where all is done in the turns that it asks for, and on a loop
 * with its thread. */
struct scene {
    struct event_base *base; /* NULL: the core alone */
    struct loop loop;
    struct fixture *fixture;
    struct cloud *cloud;
    char *content;
    struct object object;
    EVP_PKEY *key;
};

static void put(struct scene *scene, size_t size)
{
    struct answer answer = ANSWER_INIT;
    struct object_upload upload = {
        .bucket = "bucket", .key = "fw.bin", .content = scene->content, .size = size};
    assert_int_equal(object_put(scene->cloud, &upload, &scene->object, &answer), CORE_OK);
}

static void take_turn(struct scene *scene)
{
    if (scene->base)
        event_base_loop(scene->base, EVLOOP_ONCE);
    else
        cloud_turn(scene->cloud);
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct answer answer = ANSWER_INIT;
    struct role_request role = {
        .name = "ota",
        .trust = "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"Service\":"
                 "\"iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}}"};
    if (fixture_setup((void **)&scene->fixture))
        return -1;
    scene->cloud = &scene->fixture->cloud;
    scene->content = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        scene->content[i] = (char)(i * 2654435761u >> 13);
    fixture_thing(scene->fixture, "t");
    bucket_create(scene->cloud, "bucket", &answer);
    bucket_create(scene->cloud, "signed", &answer);
    bucket_set_versioning(scene->cloud, "bucket", "Enabled", &answer);
    role_create(scene->cloud, &role, &answer);
    answer_free(&answer);
    scene->key = fixture_profile(scene->cloud, "profile");
    put(scene, LARGE);
    *state = scene;
    return 0;
}

static int setup_with_loop(void **state)
{
    if (setup(state))
        return -1;
    struct scene *scene = *state;
    scene->base = event_base_new();
    return loop_start(&scene->loop, scene->base, scene->cloud, false) ? 0 : -1;
}

static void restart(struct scene *scene)
{
    loop_stop(&scene->loop);
    fixture_restart(scene->fixture);
    if (scene->base)
        assert_true(loop_start(&scene->loop, scene->base, scene->cloud, false));
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    void *fixture = scene->fixture;
    loop_stop(&scene->loop);
    if (scene->base)
        event_base_free(scene->base);
    EVP_PKEY_free(scene->key);
    free(scene->content);
    free(scene);
    return fixture_teardown(&fixture);
}

static int64_t count(struct scene *scene, const char *rows)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM %s", rows);
    return db_number(scene->cloud->db, sql, "");
}

/* ---- jobs ---- */

struct job {
    struct signing *signing;
    bool ready;
};

static void on_ready(void *context)
{
    ((struct job *)context)->ready = true;
}

static void start(struct scene *scene, struct job *job, const char *token)
{
    struct answer answer = ANSWER_INIT;
    json_t *request =
        json_pack("{s:{s:{s:s,s:s,s:s}},s:{s:{s:s}},s:s,s:s*}", "source", "s3", "bucketName",
                  "bucket", "key", "fw.bin", "version", scene->object.version, "destination", "s3",
                  "bucketName", "signed", "profileName", "profile", "clientRequestToken", token);
    *job = (struct job){NULL, false};
    assert_int_equal(signing_start(scene->cloud, request, on_ready, job, &job->signing, &answer),
                     CORE_OK);
    assert_false(job->ready);
    json_decref(request);
}

/* The job's description, freed by the caller. */
static json_t *finish(struct scene *scene, struct job *job)
{
    struct answer answer = ANSWER_INIT, described = ANSWER_INIT;
    while (!job->ready)
        take_turn(scene);
    assert_int_equal(signing_finish(job->signing, &answer), CORE_OK);
    assert_int_equal(signing_describe(scene->cloud, json_text(answer.body, "jobId"), &described),
                     CORE_OK);
    answer_free(&answer);
    signing_free(job->signing);
    return described.body;
}

static bool verifies(struct scene *scene, const char *signature, size_t size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t length;
    unsigned char *bytes = base64_bytes(signature, &length);
    bool good =
        EVP_DigestVerifyInit_ex(context, NULL, "SHA256", NULL, NULL, scene->key, NULL) == 1 &&
        EVP_DigestVerify(context, bytes, length, (unsigned char *)scene->content, size) == 1;
    EVP_MD_CTX_free(context);
    free(bytes);
    return good;
}

static void expect_signed_object(struct scene *scene, const json_t *described, size_t size)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    unsigned char md5[16];
    char etag[33];
    const json_t *at = json_object_get(json_object_get(described, "signedObject"), "s3");
    assert_int_equal(object_find(scene->cloud, json_text(at, "bucketName"), json_text(at, "key"),
                                 NULL, &object, &answer),
                     CORE_OK);
    char *text = malloc((size_t)object.size);
    assert_true(object_read(scene->cloud, object.id, 0, text, (size_t)object.size));
    EVP_Q_digest(NULL, "MD5", NULL, text, (size_t)object.size, md5, NULL);
    hex_encode(etag, md5, 16);
    assert_string_equal(object.etag, etag);
    json_t *body = json_loadb(text, (size_t)object.size, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(body, "rawPayloadSize")), size);
    assert_true(verifies(scene, json_text(body, "signature"), size));
    size_t length;
    char *payload = base64_bytes(json_text(body, "payload"), &length);
    assert_int_equal(length, size);
    assert_memory_equal(payload, scene->content, size);
    free(payload);
    free(text);
    json_decref(body);
}

static void the_signed_object_holds_signature_and_payload_of_any_size(void **state)
{
    struct scene *scene = *state;
    static const size_t sizes[] = {LARGE, 0, 1, 195072, 195073, 262144, 390144};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct job job;
        put(scene, sizes[i]);
        start(scene, &job, NULL);
        json_t *described = finish(scene, &job);
        assert_string_equal(json_text(described, "status"), "Succeeded");
        expect_signed_object(scene, described, sizes[i]);
        json_decref(described);
    }
}

static void a_token_gives_one_job_also_while_it_is_being_signed(void **state)
{
    struct scene *scene = *state;
    struct job first, second;
    start(scene, &first, "token");
    start(scene, &second, "token");
    json_t *a = finish(scene, &first), *b = finish(scene, &second);
    assert_true(json_equal(a, b));
    assert_int_equal(count(scene, "signing_jobs"), 1);
    assert_int_equal(count(scene, "objects WHERE bucket = 'signed'"), 1);
    json_decref(a);
    json_decref(b);
}

static void an_object_deleted_while_it_is_signed_fails_the_job(void **state)
{
    struct scene *scene = *state;
    struct answer answer = ANSWER_INIT;
    struct object_deletion deletion;
    struct job job;
    start(scene, &job, NULL);
    take_turn(scene);
    object_delete(scene->cloud, "bucket", "fw.bin", scene->object.version, NULL, &deletion,
                  &answer);
    json_t *described = finish(scene, &job);
    assert_string_equal(json_text(described, "status"), "Failed");
    assert_string_equal(json_text(described, "statusReason"),
                        "The source object could not be read.");
    assert_int_equal(count(scene, "objects WHERE bucket = 'signed'"), 0);
    json_decref(described);
}

static void a_job_that_nobody_waits_for_leaves_nothing(void **state)
{
    struct scene *scene = *state;
    struct job job;
    int64_t before = count(scene, "contents WHERE state < 2");
    start(scene, &job, NULL);
    while (count(scene, "contents WHERE state = 0") == 0)
        take_turn(scene);
    signing_free(job.signing);
    assert_false(job.ready);
    assert_int_equal(count(scene, "contents WHERE state < 2"), before);
    assert_int_equal(count(scene, "signing_jobs"), 0);
}

/* ---- updates ---- */

static void create_update(struct scene *scene)
{
    struct answer answer = ANSWER_INIT;
    char text[1536];
    snprintf(text, sizeof text, UPDATE, scene->object.version);
    json_t *body = members(text);
    assert_int_equal(ota_create(scene->cloud, "u", body, &answer), CORE_OK);
    json_decref(body);
    answer_free(&answer);
}

static bool update_is(struct scene *scene, const char *status)
{
    return db_number(scene->cloud->db, "SELECT COUNT(*) FROM ota_updates WHERE status = ?", "s",
                     status) == 1;
}

/* Turns of the loop until the update has ended, and the most bytes written in one of them. */
static int turns_until_complete(struct scene *scene, int64_t *most)
{
    static const char bytes[] = "SELECT COALESCE(SUM(length(bytes)), 0) FROM pieces";
    int turns = 0;
    int64_t before = db_number(scene->cloud->db, bytes, ""), now;
    for (*most = 0; update_is(scene, "CREATE_PENDING"); turns++, before = now) {
        take_turn(scene);
        now = db_number(scene->cloud->db, bytes, "");
        *most = now - before > *most ? now - before : *most;
    }
    return turns;
}

static void the_loop_turns_between_the_pieces_of_what_is_signed(void **state)
{
    struct scene *scene = *state;
    int64_t most;
    create_update(scene);
    int turns = turns_until_complete(scene, &most);
    assert_true(update_is(scene, "CREATE_COMPLETE"));
    assert_true(most <= (int64_t)(2 * CONTENT_PIECE)); /* two files are signed at once */
    assert_true(turns > 2 * LARGE / (int)CONTENT_PIECE);
    assert_int_equal(count(scene, "signing_jobs WHERE status = 'Succeeded'"), 2);
    assert_int_equal(count(scene, "jobs"), 1);
}

static void an_update_deleted_while_it_is_signed_is_gone(void **state)
{
    struct scene *scene = *state;
    struct answer answer = ANSWER_INIT;
    create_update(scene);
    while (count(scene, "contents WHERE state = 0") == 0)
        take_turn(scene);
    assert_int_equal(ota_delete(scene->cloud, "u", true, true, &answer), CORE_OK);
    for (int i = 0; i < 10 && cloud_waits(scene->cloud); i++)
        take_turn(scene);
    if (scene->base) /* what the thread still had */
        for (int i = 0; i < 10; i++)
            event_base_loop(scene->base, EVLOOP_NONBLOCK);
    assert_int_equal(count(scene, "ota_updates"), 0);
    assert_int_equal(count(scene, "jobs"), 0);
    assert_int_equal(count(scene, "signing_jobs"), 0);
    assert_int_equal(count(scene, "contents WHERE state = 0"), 0);
    create_update(scene);
    turns_until_complete(scene, &(int64_t){0});
    assert_true(update_is(scene, "CREATE_COMPLETE"));
}

static void an_update_that_was_being_signed_at_a_stop_is_taken_up_again(void **state)
{
    struct scene *scene = *state;
    create_update(scene);
    while (count(scene, "contents WHERE state = 0") == 0)
        take_turn(scene);
    restart(scene);
    assert_int_equal(count(scene, "contents WHERE state = 0"), 0);
    assert_int_equal(count(scene, "signing_jobs"), 0);
    turns_until_complete(scene, &(int64_t){0});
    assert_true(update_is(scene, "CREATE_COMPLETE"));
    assert_int_equal(count(scene, "signing_jobs"), 2);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, setup, teardown),                                        \
        cmocka_unit_test_setup_teardown(name, setup_with_loop, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_signed_object_holds_signature_and_payload_of_any_size),
        TEST(a_token_gives_one_job_also_while_it_is_being_signed),
        TEST(an_object_deleted_while_it_is_signed_fails_the_job),
        TEST(a_job_that_nobody_waits_for_leaves_nothing),
        TEST(the_loop_turns_between_the_pieces_of_what_is_signed),
        TEST(an_update_deleted_while_it_is_signed_is_gone),
        TEST(an_update_that_was_being_signed_at_a_stop_is_taken_up_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
