/* What is told, and when: nothing before its commit, nothing that is rolled back, nothing that a
 * power cut could undo; operations of several steps happen whole or not at all. */
#include "fixture.h"

#include <event2/event.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/account/roles.h"
#include "cloud/core/account/signing.h"
#include "cloud/core/core.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/ota/ota_updates.h"
#include "cloud/loop/loop.h"
#include "cloud/store/db.h"
#include "forgetful_vfs.h"

#define ROLE_ARN "arn:aws:iam::" CLOUD_ACCOUNT ":role/ota"
#define UPDATE                                                                                     \
    "{'targets':['" ACCOUNT_ARN "thing/t'],'roleArn':'" ROLE_ARN "','files':[{'fileName':'f',"     \
    "'fileLocation':{'s3Location':{'bucket':'bucket','key':'fw.bin'}}}]}"

static void put(struct cloud *cloud, const char *key, const char *content)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    struct object_upload upload = {
        .bucket = "bucket", .key = key, .content = content, .size = strlen(content)};
    assert_int_equal(object_put(cloud, &upload, &object, &answer), CORE_OK);
}

static int setup(void **state)
{
    struct answer answer = ANSWER_INIT;
    struct role_request role = {
        .name = "ota",
        .trust = "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"Service\":"
                 "\"iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}}"};
    if (fixture_setup(state))
        return -1;
    struct cloud *cloud = &((struct fixture *)*state)->cloud;
    fixture_thing(*state, "t");
    int failed = bucket_create(cloud, "bucket", &answer) || role_create(cloud, &role, &answer) ||
                 bucket_set_versioning(cloud, "bucket", "Enabled", &answer);
    put(cloud, "fw.bin", "firmware");
    answer_free(&answer);
    return failed;
}

/* Makes every statement of that kind fail: "DELETE ON ota_updates". */
static void break_statement(struct cloud *cloud, const char *kind)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "CREATE TRIGGER broken BEFORE %s BEGIN SELECT RAISE(ABORT, 'broken for a test'); END",
             kind);
    assert_int_equal(db_run(cloud->db, sql, ""), OTTER_OK);
}

static void create_update(struct cloud *cloud)
{
    struct answer answer = ANSWER_INIT;
    json_t *body = members(UPDATE);
    assert_int_equal(ota_create(cloud, "u", body, &answer), CORE_OK);
    json_decref(body);
    answer_free(&answer);
}

static int64_t count(struct cloud *cloud, const char *table)
{
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM %s", table);
    return db_number(cloud->db, sql, "");
}

/* ---- messages and operations of several steps ---- */

static void no_device_hears_of_a_job_that_is_rolled_back(void **state)
{
    struct fixture *fixture = *state;
    create_update(&fixture->cloud);
    break_statement(&fixture->cloud, "UPDATE ON ota_updates WHEN NEW.status = 'CREATE_COMPLETE'");
    ota_resume(&fixture->cloud);
    assert_int_equal(count(&fixture->cloud, "jobs"), 0);
    assert_int_equal(json_array_size(fixture->published), 0);
}

static void an_update_is_deleted_whole_or_not_at_all(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    create_update(&fixture->cloud);
    ota_resume(&fixture->cloud);
    assert_int_equal(json_array_size(fixture->published), 2);
    fixture_forget(fixture);
    break_statement(&fixture->cloud, "DELETE ON ota_updates");
    assert_int_not_equal(ota_delete(&fixture->cloud, "u", true, true, &answer), CORE_OK);
    assert_int_equal(count(&fixture->cloud, "jobs"), 1);
    assert_int_equal(count(&fixture->cloud, "streams"), 1);
    assert_int_equal(json_array_size(fixture->published), 0);
    answer_free(&answer);
}

static void an_upload_is_completed_whole_or_not_at_all(void **state)
{
    struct cloud *cloud = &((struct fixture *)*state)->cloud;
    struct answer answer = ANSWER_INIT;
    struct object object;
    struct object_upload what = {.bucket = "bucket", .key = "parts"};
    char id[UPLOAD_ID_SIZE], etag[33];
    assert_int_equal(upload_begin(cloud, &what, id, &answer), CORE_OK);
    struct upload_name name = {"bucket", "parts", id};
    struct object_upload part = {.content = "part", .size = 4};
    assert_int_equal(upload_part(cloud, &name, 1, &part, etag, &answer), CORE_OK);
    break_statement(cloud, "DELETE ON uploads");
    json_t *parts = json_pack("[{s:i,s:s}]", "number", 1, "etag", etag);
    assert_int_equal(upload_complete(cloud, &name, parts, NULL, &object, &answer), CORE_INTERNAL);
    json_decref(parts);
    answer_free(&answer);
    assert_int_equal(object_find(cloud, "bucket", "parts", NULL, &object, &answer), CORE_NO_KEY);
    answer_free(&answer);
}

static void set(void *context)
{
    *(bool *)context = true;
}

static enum core_error sign(struct cloud *cloud, const json_t *request, struct answer *answer)
{
    struct signing *signing;
    bool ready = false;
    assert_int_equal(signing_start(cloud, request, set, &ready, &signing, answer), CORE_OK);
    while (!ready)
        cloud_turn(cloud);
    enum core_error error = signing_finish(signing, answer);
    signing_free(signing);
    return error;
}

static void a_signed_object_has_its_job_or_is_not_there(void **state)
{
    struct cloud *cloud = &((struct fixture *)*state)->cloud;
    struct answer answer = ANSWER_INIT;
    struct object object;
    EVP_PKEY_free(fixture_profile(cloud, "profile"));
    assert_int_equal(object_find(cloud, "bucket", "fw.bin", NULL, &object, &answer), CORE_OK);
    json_t *request =
        json_pack("{s:{s:{s:s,s:s,s:s}},s:{s:{s:s}},s:s}", "source", "s3", "bucketName", "bucket",
                  "key", "fw.bin", "version", object.version, "destination", "s3", "bucketName",
                  "bucket", "profileName", "profile");
    break_statement(cloud, "INSERT ON signing_jobs");
    assert_int_equal(sign(cloud, request, &answer), CORE_INTERNAL);
    assert_int_equal(count(cloud, "objects"), 1);
    db_run(cloud->db, "DROP TRIGGER broken", "");
    answer_free(&answer);
    assert_int_equal(sign(cloud, request, &answer), CORE_OK);
    assert_int_equal(count(cloud, "objects"), 2);
    answer_free(&answer);
    json_decref(request);
}

/* ---- callers who share commits ---- */

struct held {
    struct event_base *base;
    struct cloud cloud;
    struct loop loop;
    char dir[64];
};

static void open_held(struct held *held)
{
    struct cloud_config config = {.dir = held->dir};
    strcpy(held->dir, "/tmp/otter-held-XXXXXX");
    assert_non_null(mkdtemp(held->dir));
    held->base = event_base_new();
    assert_int_equal(core_start(&held->cloud, &config), OTTER_OK);
    assert_true(loop_start(&held->loop, held->base, &held->cloud, true));
}

static void close_held(struct held *held)
{
    char command[128];
    loop_stop(&held->loop);
    core_stop(&held->cloud);
    event_base_free(held->base);
    snprintf(command, sizeof command, "rm -rf %s", held->dir);
    assert_int_equal(system(command), 0);
}

static void count_answer(void *context, otter_status status)
{
    assert_int_equal(status, OTTER_OK);
    ++*(int *)context;
}

static void call(struct held *held, int *answers)
{
    db_run(held->cloud.db, "INSERT INTO buckets(name, created) VALUES(hex(randomblob(8)), 0)", "");
    loop_answer_after_commit(&held->loop, count_answer, answers);
}

static void callers_who_came_together_share_the_next_commit_too(void **state)
{
    struct held held;
    int answers = 0;
    (void)state;
    open_held(&held);
    held.loop.callers.patience_ms = 3600 * 1000;
    call(&held, &answers);
    call(&held, &answers);
    event_base_loop(held.base, EVLOOP_NONBLOCK);
    assert_int_equal(answers, 2);
    call(&held, &answers); /* the first of the two is back */
    event_base_loop(held.base, EVLOOP_NONBLOCK);
    event_base_loop(held.base, EVLOOP_NONBLOCK);
    assert_int_equal(answers, 2);
    call(&held, &answers);
    event_base_loop(held.base, EVLOOP_NONBLOCK);
    assert_int_equal(answers, 4);
    close_held(&held);
}

static void a_caller_alone_does_not_wait(void **state)
{
    struct held held;
    int answers = 0;
    (void)state;
    open_held(&held);
    held.loop.callers.patience_ms = 3600 * 1000;
    for (int i = 1; i <= 3; i++) {
        call(&held, &answers);
        event_base_loop(held.base, EVLOOP_NONBLOCK);
        assert_int_equal(answers, i);
    }
    close_held(&held);
}

static void a_caller_who_stays_away_is_waited_for_once(void **state)
{
    struct held held;
    int answers = 0;
    (void)state;
    open_held(&held);
    held.loop.callers.patience_ms = 1;
    call(&held, &answers);
    call(&held, &answers);
    while (answers < 2)
        event_base_loop(held.base, EVLOOP_ONCE);
    call(&held, &answers);
    while (answers < 3)
        event_base_loop(held.base, EVLOOP_ONCE);
    held.loop.callers.patience_ms = 3600 * 1000;
    call(&held, &answers);
    event_base_loop(held.base, EVLOOP_NONBLOCK);
    assert_int_equal(answers, 4);
    close_held(&held);
}

/* ---- power cuts ---- */

struct story {
    struct fixture *fixture;
    int told; /* steps that were acknowledged while there was power */
};

static void acknowledge(void *context, otter_status status)
{
    struct story *story = context;
    if (status == OTTER_OK && !forgetful_is_dead())
        story->told++;
}

static void update_job(struct cloud *cloud, const char *status)
{
    struct answer answer = ANSWER_INIT;
    json_t *body = json_pack("{s:s}", "status", status);
    jobs_update(cloud, "t", "j", body, &answer);
    json_decref(body);
    answer_free(&answer);
}

static void take_step(struct cloud *cloud, int step)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    struct object_upload upload = {.bucket = "b-1", .key = "k", .content = "content", .size = 7};
    json_t *job = members("{'targets':['" ACCOUNT_ARN "thing/t'],'document':'{}'}");
    switch (step) {
    case 0:
        bucket_create(cloud, "b-1", &answer);
        break;
    case 1:
        object_put(cloud, &upload, &object, &answer);
        break;
    case 2:
        jobs_create(cloud, "j", job, &answer);
        break;
    case 3:
        update_job(cloud, "IN_PROGRESS");
        break;
    default:
        update_job(cloud, "SUCCEEDED");
        break;
    }
    json_decref(job);
    answer_free(&answer);
}

static bool step_is_there(struct cloud *cloud, int step)
{
    static const char *const found[] = {
        "SELECT COUNT(*) FROM buckets WHERE name = 'b-1'",
        "SELECT COUNT(*) FROM objects WHERE key = 'k' AND size = 7",
        "SELECT COUNT(*) FROM jobs WHERE id = 'j'",
        "SELECT COUNT(*) FROM job_executions WHERE status IN ('IN_PROGRESS', 'SUCCEEDED')",
        "SELECT COUNT(*) FROM job_executions WHERE status = 'SUCCEEDED'",
    };
    return db_number(cloud->db, found[step], "") == 1;
}

#define STEPS 5

/* The whole story with the power cut at one sync; false when it ended before. */
static bool live_and_die(int cut)
{
    struct fixture fixture = {.dir = "/nowhere"};
    struct event_base *base = event_base_new();
    struct loop loop;
    struct cloud_config config = {.dir = fixture.dir};
    struct story story = {&fixture, 0};
    forgetful_use(cut);
    assert_int_equal(core_start(&fixture.cloud, &config), OTTER_OK);
    assert_true(loop_start(&loop, base, &fixture.cloud, true));
    fixture_thing(&fixture, "t");
    for (int step = 0; step < STEPS; step++) {
        take_step(&fixture.cloud, step);
        db_after_commit(fixture.cloud.db, acknowledge, &story);
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    event_base_loop(base, EVLOOP_NONBLOCK);
    bool died = forgetful_is_dead();
    if (!died)
        assert_int_equal(story.told, STEPS);
    forgetful_cut(); /* at the latest now; closing writes to a disk without power */
    loop_stop(&loop);
    core_stop(&fixture.cloud);
    forgetful_restart();
    assert_int_equal(core_start(&fixture.cloud, &config), OTTER_OK);
    for (int step = 0; step < story.told; step++)
        assert_true(step_is_there(&fixture.cloud, step));
    core_stop(&fixture.cloud);
    event_base_free(base);
    forgetful_end();
    return died;
}

static void nothing_acknowledged_is_lost_with_the_power(void **state)
{
    int cut = 1;
    (void)state;
    while (live_and_die(cut))
        cut++;
    assert_true(cut > STEPS); /* each step waits for a sync of its own */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as in the cloud */
    const struct CMUnitTest tests[] = {
        TEST(no_device_hears_of_a_job_that_is_rolled_back),
        TEST(an_update_is_deleted_whole_or_not_at_all),
        TEST(an_upload_is_completed_whole_or_not_at_all),
        TEST(a_signed_object_has_its_job_or_is_not_there),
        cmocka_unit_test(callers_who_came_together_share_the_next_commit_too),
        cmocka_unit_test(a_caller_alone_does_not_wait),
        cmocka_unit_test(a_caller_who_stays_away_is_waited_for_once),
        cmocka_unit_test(nothing_acknowledged_is_lost_with_the_power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
