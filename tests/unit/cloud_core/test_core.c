/* The core without anybody around it: no loop, no thread, no broker, and a clock that stands. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "cloud/core/core.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/registry/authority.h"
#include "cloud/core/registry/registry.h"
#include "cloud/store/db.h"

static int setup(void **state)
{
    if (fixture_setup(state))
        return -1;
    fixture_thing(*state, "t");
    return 0;
}

static void create_job(struct fixture *f)
{
    struct answer answer = ANSWER_INIT;
    json_t *m = members("{'targets':['" ACCOUNT_ARN "thing/t'],'document':'{}',"
                        "'timeoutConfig':{'inProgressTimeoutInMinutes':1}}");
    assert_int_equal(jobs_create(&f->cloud, "j", m, &answer), CORE_OK);
    answer_free(&answer);
    json_decref(m);
}

static void start_job(struct fixture *f)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(jobs_start_next(&f->cloud, "t", NULL, &answer), CORE_OK);
    answer_free(&answer);
}

/* ---- time ---- */

static void certificates_that_the_core_makes_begin_by_its_clock(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    X509 *server;
    EVP_PKEY *key = EVP_EC_gen("P-256"), *server_key;
    char reason[256];
    const int64_t now = cloud_now(&f->cloud);
    assert_int_equal(certificate_create(&f->cloud, key, true, &answer), CORE_OK);
    X509 *certificate = x509_read(json_text(answer.body, "certificatePem"));
    assert_in_range(x509_not_before(certificate), now - 3600, now);
    assert_true(x509_not_after(certificate) > now);
    assert_true(authority_issue(&f->cloud, NULL, &server, &server_key, reason, sizeof reason));
    assert_in_range(x509_not_before(server), now - 366 * 86400, now);
    assert_true(x509_not_after(server) > now);
    X509_free(server);
    EVP_PKEY_free(server_key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    answer_free(&answer);
}

/* ---- turns ---- */

struct trace {
    struct cloud *cloud;
    char text[16];
};

static void note(struct trace *trace, char what)
{
    size_t length = strlen(trace->text);
    trace->text[length] = what;
    trace->text[length + 1] = '\0';
}

static void do_b(void *of)
{
    note(of, 'b');
}

static void do_a(void *of)
{
    struct trace *trace = of;
    note(trace, 'a');
    cloud_do_later(trace->cloud, do_b, trace);
}

static void work(void *of)
{
    note(of, 'w');
}

static void what_is_asked_for_in_a_turn_is_done_in_the_next(void **state)
{
    struct fixture *f = *state;
    struct trace trace = {&f->cloud, ""};
    cloud_turn(&f->cloud); /* the first takes up updates */
    cloud_do_later(&f->cloud, do_a, &trace);
    cloud_do_later(&f->cloud, do_a, &trace);
    assert_string_equal(trace.text, "");
    assert_true(cloud_turn(&f->cloud));
    assert_string_equal(trace.text, "aa");
    assert_false(cloud_turn(&f->cloud));
    assert_string_equal(trace.text, "aabb");
    assert_false(cloud_turn(&f->cloud));
    assert_string_equal(trace.text, "aabb");
}

static void what_is_forgotten_is_not_done(void **state)
{
    struct fixture *f = *state;
    struct trace mine = {&f->cloud, ""}, other = {&f->cloud, ""};
    cloud_do_later(&f->cloud, do_b, &mine);
    cloud_do_later(&f->cloud, do_b, &other);
    cloud_forget_later(&f->cloud, do_b, &mine);
    cloud_forget_later(&f->cloud, do_a, &mine); /* does not wait */
    cloud_turn(&f->cloud);
    assert_string_equal(mine.text, "");
    assert_string_equal(other.text, "b");
}

static void without_a_host_work_is_done_at_once(void **state)
{
    struct fixture *f = *state;
    struct trace trace = {&f->cloud, ""};
    cloud_run(&f->cloud, work, do_b, &trace);
    assert_string_equal(trace.text, "wb");
}

static void count_wish(void *context)
{
    ++*(int *)context;
}

static void a_host_is_told_that_a_turn_is_wanted(void **state)
{
    struct fixture *f = *state;
    struct trace trace = {&f->cloud, ""};
    int wishes = 0;
    f->cloud.host = (struct cloud_host){.turn_soon = count_wish, .context = &wishes};
    cloud_do_later(&f->cloud, do_b, &trace);
    assert_int_equal(wishes, 1);
    assert_true(cloud_waits(&f->cloud));
    f->cloud.host = (struct cloud_host){0};
}

/* ---- time ---- */

static void time_that_is_handed_in_ends_an_execution_and_its_thing_is_told(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create_job(f);
    start_job(f);
    fixture_forget(f);
    f->now_ms += 59000;
    core_tend(&f->cloud);
    assert_null(fixture_published(f, "$aws/things/t/jobs/notify"));
    f->now_ms += 6000;
    assert_in_range(core_tend(&f->cloud), 1, 5000);
    const json_t *told = fixture_published(f, "$aws/things/t/jobs/notify");
    assert_int_equal(json_integer_value(json_object_get(told, "timestamp")), f->now_ms / 1000);
    assert_int_equal(json_object_size(json_object_get(told, "jobs")), 0);
    assert_int_equal(jobs_describe_execution(&f->cloud, "t", "j", 0, &answer), CORE_OK);
    const json_t *execution = json_object_get(answer.body, "execution");
    assert_string_equal(json_string_value(json_object_get(execution, "status")), "TIMED_OUT");
    answer_free(&answer);
}

static void what_ran_out_while_it_was_closed_ends_at_the_first_tending(void **state)
{
    struct fixture *f = *state;
    create_job(f);
    start_job(f);
    f->now_ms += 3600000;
    fixture_restart(f);
    fixture_forget(f);
    core_tend(&f->cloud);
    assert_non_null(fixture_published(f, "$aws/things/t/jobs/notify"));
}

static void a_clock_that_was_set_back_stops_nothing(void **state)
{
    struct fixture *f = *state;
    create_job(f);
    core_tend(&f->cloud);
    f->now_ms -= 3600000;
    start_job(f);
    fixture_forget(f);
    core_tend(&f->cloud);
    f->now_ms += 61000;
    core_tend(&f->cloud);
    assert_non_null(fixture_published(f, "$aws/things/t/jobs/notify"));
}

/* ---- notices ---- */

static void keep_kinds(void *context, const struct notice *notice)
{
    char *kinds = context;
    assert_string_equal(notice->thing, "t");
    kinds[strlen(kinds)] = notice->kind == NOTICE_JOBS ? 'l' : 'n';
}

static void a_listener_gets_notices_without_topics_in_order(void **state)
{
    struct fixture *f = *state;
    char kinds[8] = "";
    f->cloud.notify = (struct notify){keep_kinds, kinds};
    create_job(f);
    assert_string_equal(kinds, "ln");
}

static void a_core_that_nobody_listens_to_works_on(void **state)
{
    struct fixture *f = *state;
    f->cloud.notify = (struct notify){0};
    create_job(f);
    start_job(f);
}

static void a_thing_that_is_deleted_takes_its_executions_along(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create_job(f);
    assert_int_equal(thing_delete(&f->cloud, "t", -1, &answer), CORE_OK);
    assert_int_equal(
        db_number(f->cloud.db, "SELECT COUNT(*) FROM job_executions WHERE status = 'REMOVED'", ""),
        1);
    answer_free(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(certificates_that_the_core_makes_begin_by_its_clock),
        TEST(what_is_asked_for_in_a_turn_is_done_in_the_next),
        TEST(what_is_forgotten_is_not_done),
        TEST(without_a_host_work_is_done_at_once),
        TEST(a_host_is_told_that_a_turn_is_wanted),
        TEST(time_that_is_handed_in_ends_an_execution_and_its_thing_is_told),
        TEST(what_ran_out_while_it_was_closed_ends_at_the_first_tending),
        TEST(a_clock_that_was_set_back_stops_nothing),
        TEST(a_listener_gets_notices_without_topics_in_order),
        TEST(a_core_that_nobody_listens_to_works_on),
        TEST(a_thing_that_is_deleted_takes_its_executions_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
