/* Roll-outs: the arithmetic of rates, abort criteria and schedules, and jobs as virtual time goes
 * by. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/core/core.h"
#include "cloud/core/jobs/cron.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/jobs/rollout.h"
#include "cloud/core/registry/groups.h"
#include "cloud/core/registry/registry.h"
#include "cloud/store/db.h"

#define START 1700000000 /* the fixture's clock: 2023-11-14 22:13:20, a Tuesday */

/* ---- the rate ------------------------------------------------------------------------------- */

static struct rollout read_rollout(const char *text)
{
    struct rollout rollout;
    struct answer answer = ANSWER_INIT;
    json_t *config = members(text);
    assert_int_equal(rollout_read(config, "c", &rollout, &answer), CORE_OK);
    json_decref(config);
    return rollout;
}

static void a_constant_rate_stays_and_none_is_the_most(void **state)
{
    struct rollout constant = read_rollout("{'maximumPerMinute':7}");
    struct rollout none = read_rollout("{}");
    (void)state;
    assert_int_equal(rollout_rate(&constant, 0, 0), 7);
    assert_int_equal(rollout_rate(&constant, 100000, 100000), 7);
    assert_int_equal(rollout_rate(&none, 0, 0), ROLLOUT_RATE_MAX);
}

/* The sequence that AWS's documentation walks through. */
static void a_rate_doubles_with_each_thousand_notified(void **state)
{
    static const int rows[][2] = {{0, 50},     {999, 50},   {1000, 100}, {1999, 100},
                                  {2000, 200}, {3000, 400}, {4000, 800}, {5000, 1000}};
    struct rollout rollout = read_rollout(
        "{'exponentialRate':{'baseRatePerMinute':50,'incrementFactor':2,"
        "'rateIncreaseCriteria':{'numberOfNotifiedThings':1000}},'maximumPerMinute':1000}");
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(rollout_rate(&rollout, rows[i][0], 0), rows[i][1]);
}

static void successes_raise_the_rate_and_whichever_is_further_counts(void **state)
{
    struct rollout rollout = read_rollout(
        "{'exponentialRate':{'baseRatePerMinute':10,'incrementFactor':1.5,'rateIncreaseCriteria':"
        "{'numberOfNotifiedThings':100,'numberOfSucceededThings':10}},'maximumPerMinute':60}");
    (void)state;
    assert_int_equal(rollout_rate(&rollout, 50, 9), 10);
    assert_int_equal(rollout_rate(&rollout, 50, 10), 15);
    assert_int_equal(rollout_rate(&rollout, 50, 20), 22);
    assert_int_equal(rollout_rate(&rollout, 300, 10), 33);
    assert_int_equal(rollout_rate(&rollout, 1000000000, 10), 60);
}

static void rates_outside_the_limits_are_refused(void **state)
{
    static const char *const bad[] = {
        "{'maximumPerMinute':0}",
        "{'maximumPerMinute':1001}",
        "{'maximumPerMinute':'9'}",
        "{'exponentialRate':{'baseRatePerMinute':10,'incrementFactor':2}}",
        "{'exponentialRate':{'baseRatePerMinute':10,'incrementFactor':1.0,"
        "'rateIncreaseCriteria':{'numberOfNotifiedThings':1}}}",
        "{'exponentialRate':{'baseRatePerMinute':10,'incrementFactor':1.25,"
        "'rateIncreaseCriteria':{'numberOfNotifiedThings':1}}}",
        "{'exponentialRate':{'baseRatePerMinute':10,'incrementFactor':5.1,"
        "'rateIncreaseCriteria':{'numberOfNotifiedThings':1}}}",
        "{'exponentialRate':{'baseRatePerMinute':10,'incrementFactor':2,"
        "'rateIncreaseCriteria':{'numberOfNotifiedThings':0}}}"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rollout rollout;
        struct answer answer = ANSWER_INIT;
        json_t *config = members(bad[i]);
        assert_int_equal(rollout_read(config, "c", &rollout, &answer), CORE_INVALID_REQUEST);
        json_decref(config);
    }
}

/* ---- abort criteria ------------------------------------------------------------------------- */

static bool reached(const char *type, const char *percent, int least, struct job_counts counts)
{
    char text[256], why[200];
    snprintf(text, sizeof text,
             "{'criteriaList':[{'failureType':'%s','action':'CANCEL','thresholdPercentage':%s,"
             "'minNumberOfExecutedThings':%d}]}",
             type, percent, least);
    json_t *config = members(text);
    struct answer answer = ANSWER_INIT;
    assert_int_equal(abort_check(config, "criteriaList", &answer), CORE_OK);
    bool is = abort_reached(config, "criteriaList", &counts, why, sizeof why);
    json_decref(config);
    return is;
}

static void a_job_gives_up_at_the_percentage_of_enough_things(void **state)
{
    struct job_counts counts = {.notified = 10, .failed = 2, .rejected = 1, .timed_out = 1};
    (void)state;
    assert_true(reached("FAILED", "20", 10, counts));
    assert_false(reached("FAILED", "20.01", 10, counts));
    assert_false(reached("FAILED", "20", 11, counts));
    assert_false(reached("REJECTED", "20", 1, counts));
    assert_true(reached("TIMED_OUT", "10", 1, counts));
    assert_true(reached("ALL", "40", 1, counts));
    assert_false(reached("ALL", "41", 1, counts));
    assert_false(reached("ALL", "1", 1, (struct job_counts){.notified = 10}));
}

/* ---- cron ----------------------------------------------------------------------------------- */

static int64_t at(const char *text)
{
    struct tm date = {0};
    assert_int_equal(sscanf(text, "%d-%d-%d %d:%d", &date.tm_year, &date.tm_mon, &date.tm_mday,
                            &date.tm_hour, &date.tm_min),
                     5);
    date.tm_year -= 1900;
    date.tm_mon -= 1;
    return (int64_t)timegm(&date);
}

static void windows_open_when_their_text_says(void **state)
{
    static const char *const rows[][3] = {
        {"cron(0 18 ? * MON *)", "2023-11-14 22:13", "2023-11-20 18:00"},
        {"cron(30 2 1 * ? *)", "2023-11-14 22:13", "2023-12-01 02:30"},
        {"cron(0/20 22 * * ? *)", "2023-11-14 22:13", "2023-11-14 22:20"},
        {"cron(0 0 L FEB ? *)", "2023-11-14 22:13", "2024-02-29 00:00"},
        {"cron(15 10 ? * 6L *)", "2023-11-14 22:13", "2023-11-24 10:15"},
        {"cron(0 9 ? * TUE#2 2024)", "2023-11-14 22:13", "2024-01-09 09:00"},
        {"cron(0 8,20 ? * MON-FRI *)", "2023-11-17 20:01", "2023-11-20 08:00"},
        {"cron(13 22 14 11 ? *)", "2023-11-14 22:13", "2023-11-14 22:13"},
        {"cron(0 0 1 1 ? 2022)", "2023-11-14 22:13", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cron cron;
        char reason[200];
        assert_true(cron_read(rows[i][0], &cron, reason, sizeof reason));
        int64_t next = cron_next(&cron, at(rows[i][1]));
        assert_int_equal(next, rows[i][2] ? at(rows[i][2]) : 0);
        if (next)
            assert_int_equal(cron_last(&cron, next + 599, 600), next);
    }
}

static void texts_that_are_no_schedule_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "0 18 ? * MON *",
                                      "cron()",
                                      "cron(0 18 * * MON *)",
                                      "cron(0 18 ? * ? *)",
                                      "cron(60 18 ? * MON *)",
                                      "cron(0 24 ? * MON *)",
                                      "cron(0 18 ? 13 MON *)",
                                      "cron(0 18 ? * MON#6 *)",
                                      "cron(0 18 15W * ? *)",
                                      "cron(0 18 ? * FRI-MON *)",
                                      "cron(0 18 ? * MON 1969)",
                                      "cron(0,,1 18 ? * MON *)",
                                      "cron(0/0 18 ? * MON *)",
                                      "cron(0 18 ? * MON *) ",
                                      "cron(0 18 ? * MON * 7)"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cron cron;
        char reason[200] = "";
        assert_false(cron_read(bad[i], &cron, reason, sizeof reason));
        assert_true(*reason);
    }
}

/* ---- jobs ----------------------------------------------------------------------------------- */

static enum core_error create(struct fixture *f, const char *job, const char *targets,
                              const char *extra)
{
    char text[1400];
    struct answer answer = ANSWER_INIT;
    snprintf(text, sizeof text, "{'targets':[%s],'document':'{}'%s}", targets, extra);
    json_t *m = members(text);
    enum core_error error = jobs_create(&f->cloud, job, m, &answer);
    answer_free(&answer);
    json_decref(m);
    return error;
}

#define GROUP_ALL "'" ACCOUNT_ARN "thinggroup/all'"

static void make_things(struct fixture *f, int from, int to, const char *group)
{
    for (int i = from; i < to; i++) {
        struct answer answer = ANSWER_INIT;
        char name[16];
        snprintf(name, sizeof name, "t%03d", i);
        fixture_thing(f, name);
        assert_int_equal(group_add_thing(&f->cloud, group, name, &answer), CORE_OK);
    }
}

static void make_group(struct fixture *f, const char *name, const char *text)
{
    struct answer answer = ANSWER_INIT;
    json_t *m = members(text);
    assert_int_equal(group_create(&f->cloud, name, m, &answer), CORE_OK);
    answer_free(&answer);
    json_decref(m);
}

static int setup(void **state)
{
    fixture_setup(state);
    make_group(*state, "all", "{}");
    make_group(*state, "some", "{'parentGroupName':'all'}");
    make_things(*state, 0, 10, "some");
    return 0;
}

/* The clock moves on, and what is due is done. */
static void pass(struct fixture *f, int seconds)
{
    f->now_ms += seconds * 1000LL;
    core_tend(&f->cloud);
    while (cloud_turn(&f->cloud)) {
    }
}

static int64_t count(struct fixture *f, const char *job, const char *status)
{
    return db_number(f->cloud.db,
                     "SELECT COUNT(*) FROM job_executions WHERE job = ? AND (? IS NULL OR"
                     " status = ?)",
                     "sss", job, status, status);
}

static void report(struct fixture *f, const char *job, const char *thing, const char *status)
{
    struct answer answer = ANSWER_INIT;
    json_t *m = json_pack("{s:s}", "status", status);
    assert_int_equal(jobs_update(&f->cloud, thing, job, m, &answer), CORE_OK);
    answer_free(&answer);
    json_decref(m);
}

/* A member of the job as describe-job shows it. New reference. */
static json_t *shown(struct fixture *f, const char *job, const char *member)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(jobs_describe_job(&f->cloud, job, &answer), CORE_OK);
    json_t *value = json_incref(json_object_get(json_object_get(answer.body, "job"), member));
    answer_free(&answer);
    return value;
}

static void assert_shown(struct fixture *f, const char *job, const char *member, const char *text)
{
    json_t *is = shown(f, job, member);
    assert_string_equal(json_string_value(is), text);
    json_decref(is);
}

static void a_group_target_stands_for_all_things_at_and_below_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(create(f, "j", GROUP_ALL ",'" ACCOUNT_ARN "thing/t003'", ""), CORE_OK);
    assert_int_equal(count(f, "j", "QUEUED"), 10);
    assert_int_equal(create(f, "k", "'" ACCOUNT_ARN "thinggroup/none'", ""), CORE_NOT_FOUND);
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%03d", i);
        report(f, "j", name, "SUCCEEDED");
    }
    assert_shown(f, "j", "status", "COMPLETED");
}

static void an_empty_group_completes_a_snapshot(void **state)
{
    struct fixture *f = *state;
    make_group(f, "empty", "{}");
    assert_int_equal(create(f, "j", "'" ACCOUNT_ARN "thinggroup/empty'", ""), CORE_OK);
    assert_shown(f, "j", "status", "COMPLETED");
}

static void a_constant_rate_lets_so_many_begin_each_minute(void **state)
{
    struct fixture *f = *state;
    create(f, "j", GROUP_ALL, ",'jobExecutionsRolloutConfig':{'maximumPerMinute':4}");
    json_t *concurrent = shown(f, "j", "isConcurrent");
    assert_true(json_is_true(concurrent));
    json_decref(concurrent);
    assert_int_equal(count(f, "j", NULL), 4);
    pass(f, 59);
    assert_int_equal(count(f, "j", NULL), 4);
    pass(f, 5);
    assert_int_equal(count(f, "j", NULL), 8);
    report(f, "j", "t000", "SUCCEEDED");
    assert_shown(f, "j", "status", "IN_PROGRESS");
    fixture_restart(f);
    pass(f, 3600); /* a long stop is no reason to hurry */
    assert_int_equal(count(f, "j", NULL), 10);
}

static void an_exponential_rate_grows_with_success(void **state)
{
    struct fixture *f = *state;
    create(f, "j", GROUP_ALL,
           ",'jobExecutionsRolloutConfig':{'exponentialRate':{'baseRatePerMinute':1,"
           "'incrementFactor':3,'rateIncreaseCriteria':{'numberOfSucceededThings':2}}}");
    assert_int_equal(count(f, "j", NULL), 1);
    pass(f, 60);
    assert_int_equal(count(f, "j", NULL), 2);
    report(f, "j", "t000", "SUCCEEDED");
    report(f, "j", "t001", "SUCCEEDED");
    pass(f, 60);
    assert_int_equal(count(f, "j", NULL), 5);
}

static void more_than_a_piece_begins_within_its_minute(void **state)
{
    struct fixture *f = *state;
    make_things(f, 10, 250, "some");
    create(f, "j", GROUP_ALL, "");
    assert_int_equal(count(f, "j", NULL), 100);
    pass(f, 0);
    assert_int_equal(count(f, "j", NULL), 250);
}

static void the_rate_of_a_running_job_can_change(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    json_t *m = members("{'jobExecutionsRolloutConfig':{'maximumPerMinute':7}}");
    create(f, "j", GROUP_ALL, ",'jobExecutionsRolloutConfig':{'maximumPerMinute':1}");
    assert_int_equal(jobs_change(&f->cloud, "j", m, &answer), CORE_OK);
    pass(f, 60);
    assert_int_equal(count(f, "j", NULL), 8);
    json_decref(m);
}

static void failures_beyond_the_threshold_abort_the_job(void **state)
{
    struct fixture *f = *state;
    create(f, "j", GROUP_ALL,
           ",'jobExecutionsRolloutConfig':{'maximumPerMinute':4},'abortConfig':{'criteriaList':"
           "[{'failureType':'FAILED','action':'CANCEL','thresholdPercentage':50,"
           "'minNumberOfExecutedThings':4}]}");
    report(f, "j", "t000", "IN_PROGRESS");
    report(f, "j", "t001", "FAILED");
    assert_shown(f, "j", "status", "IN_PROGRESS");
    fixture_forget(f);
    report(f, "j", "t002", "FAILED");
    assert_shown(f, "j", "status", "CANCELED");
    assert_shown(f, "j", "reasonCode", "ABORT_CRITERIA_MET");
    assert_int_equal(count(f, "j", "CANCELED"), 1);
    assert_int_equal(count(f, "j", "IN_PROGRESS"), 1);
    assert_non_null(fixture_published(f, "$aws/things/t003/jobs/notify")); /* it lost its entry */
    report(f, "j", "t000", "SUCCEEDED");
    pass(f, 120);
    assert_int_equal(count(f, "j", NULL), 4);
}

static void a_failure_that_is_tried_again_aborts_nothing_yet(void **state)
{
    struct fixture *f = *state;
    create(f, "j", GROUP_ALL,
           ",'jobExecutionsRetryConfig':{'criteriaList':[{'failureType':'FAILED',"
           "'numberOfRetries':1}]},'abortConfig':{'criteriaList':[{'failureType':'FAILED',"
           "'action':'CANCEL','thresholdPercentage':10,'minNumberOfExecutedThings':1}]}");
    report(f, "j", "t000", "FAILED");
    assert_shown(f, "j", "status", "IN_PROGRESS");
    report(f, "j", "t000", "FAILED");
    assert_shown(f, "j", "status", "CANCELED");
}

/* ---- joining and leaving -------------------------------------------------------------------- */

static void change_group(struct fixture *f, const char *group, const char *thing, bool joins)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(
        (joins ? group_add_thing : group_remove_thing)(&f->cloud, group, thing, &answer), CORE_OK);
}

static void who_joins_gets_a_continuous_job_and_no_snapshot(void **state)
{
    struct fixture *f = *state;
    create(f, "s", GROUP_ALL, "");
    create(f, "c", GROUP_ALL, ",'targetSelection':'CONTINUOUS'");
    fixture_thing(f, "late");
    fixture_forget(f);
    change_group(f, "some", "late", true);
    assert_int_equal(count(f, "s", NULL), 10);
    assert_int_equal(count(f, "c", NULL), 11);
    const json_t *next =
        json_object_get(fixture_published(f, "$aws/things/late/jobs/notify-next"), "execution");
    assert_string_equal(json_string_value(json_object_get(next, "jobId")), "c");
}

static void who_leaves_loses_what_is_pending_and_comes_back_with_a_new_number(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "c", GROUP_ALL, ",'targetSelection':'CONTINUOUS'");
    create(f, "own", GROUP_ALL ",'" ACCOUNT_ARN "thing/t000'", "");
    change_group(f, "some", "t000", false);
    assert_int_equal(count(f, "c", "REMOVED"), 1);
    assert_int_equal(count(f, "own", "REMOVED"), 0); /* a target by its own name, too */
    change_group(f, "some", "t000", true);
    assert_int_equal(jobs_describe_execution(&f->cloud, "t000", "c", 0, &answer), CORE_OK);
    const json_t *execution = json_object_get(answer.body, "execution");
    assert_int_equal(json_integer_value(json_object_get(execution, "executionNumber")), 2);
    assert_string_equal(json_string_value(json_object_get(execution, "status")), "QUEUED");
    answer_free(&answer);
}

static void who_leaves_before_its_turn_never_begins(void **state)
{
    struct fixture *f = *state;
    create(f, "j", GROUP_ALL, ",'jobExecutionsRolloutConfig':{'maximumPerMinute':9}");
    change_group(f, "some", "t009", false);
    pass(f, 60);
    assert_int_equal(count(f, "j", NULL), 9);
}

static void a_deleted_group_takes_its_jobs_from_its_things(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "c", GROUP_ALL, ",'targetSelection':'CONTINUOUS'");
    assert_int_equal(group_delete(&f->cloud, "some", -1, &answer), CORE_OK);
    assert_int_equal(count(f, "c", "REMOVED"), 10);
}

static void groups_can_be_added_to_a_continuous_job_alone(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    json_t *group = members("{'targets':['" ACCOUNT_ARN "thinggroup/more']}");
    json_t *thing = members("{'targets':['" ACCOUNT_ARN "thing/t000']}");
    make_group(f, "more", "{}");
    make_things(f, 50, 52, "more");
    create(f, "c", GROUP_ALL, ",'targetSelection':'CONTINUOUS'");
    create(f, "s", GROUP_ALL, "");
    assert_int_equal(jobs_associate(&f->cloud, "s", group, &answer), CORE_INVALID_REQUEST);
    assert_int_equal(jobs_associate(&f->cloud, "c", thing, &answer), CORE_INVALID_REQUEST);
    assert_int_equal(jobs_associate(&f->cloud, "c", group, &answer), CORE_OK);
    assert_string_equal(json_string_value(json_object_get(answer.body, "jobId")), "c");
    answer_free(&answer);
    pass(f, 60);
    assert_int_equal(count(f, "c", NULL), 12);
    fixture_thing(f, "late");
    change_group(f, "more", "late", true);
    assert_int_equal(count(f, "c", NULL), 13);
    json_decref(group);
    json_decref(thing);
}

static void a_new_group_of_an_old_name_does_not_inherit_its_jobs(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    make_group(f, "short", "{}");
    create(f, "c", "'" ACCOUNT_ARN "thinggroup/short'", ",'targetSelection':'CONTINUOUS'");
    assert_int_equal(group_delete(&f->cloud, "short", -1, &answer), CORE_OK);
    make_group(f, "short", "{}");
    fixture_thing(f, "late");
    change_group(f, "short", "late", true);
    assert_int_equal(count(f, "c", NULL), 0);
}

/* ---- schedules ------------------------------------------------------------------------------ */

static void a_scheduled_job_begins_and_stops_in_time(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(create(f, "j", GROUP_ALL,
                            ",'schedulingConfig':{'startTime':'2023-11-14 23:00',"
                            "'endTime':'2023-11-14 23:30'},'jobExecutionsRolloutConfig':"
                            "{'maximumPerMinute':1}"),
                     CORE_OK);
    assert_shown(f, "j", "status", "SCHEDULED");
    pass(f, 2700);
    assert_int_equal(count(f, "j", NULL), 0);
    pass(f, 100); /* 23:00 */
    assert_shown(f, "j", "status", "IN_PROGRESS");
    assert_int_equal(count(f, "j", NULL), 1);
    pass(f, 60);
    assert_int_equal(count(f, "j", NULL), 2);
    pass(f, 1800);
    assert_int_equal(count(f, "j", NULL), 2);
    report(f, "j", "t000", "SUCCEEDED");
    assert_shown(f, "j", "status", "IN_PROGRESS");
    report(f, "j", "t001", "SUCCEEDED");
    assert_shown(f, "j", "status", "COMPLETED");
}

static void the_end_can_cancel_what_is_queued_or_all(void **state)
{
    struct fixture *f = *state;
    create(f, "soft", GROUP_ALL,
           ",'schedulingConfig':{'endTime':'2023-11-14 23:00','endBehavior':'CANCEL'}");
    create(f, "hard", GROUP_ALL,
           ",'targetSelection':'CONTINUOUS','schedulingConfig':"
           "{'endTime':'2023-11-14 23:00','endBehavior':'FORCE_CANCEL'}");
    report(f, "soft", "t000", "IN_PROGRESS");
    report(f, "hard", "t001", "IN_PROGRESS");
    pass(f, 3000);
    assert_shown(f, "soft", "status", "CANCELED");
    assert_int_equal(count(f, "soft", "CANCELED"), 9);
    assert_int_equal(count(f, "soft", "IN_PROGRESS"), 1);
    assert_shown(f, "hard", "status", "CANCELED");
    assert_int_equal(count(f, "hard", "CANCELED"), 10);
}

static void a_job_rolls_out_in_its_windows_only(void **state)
{
    struct fixture *f = *state;
    create(f, "j", GROUP_ALL,
           ",'targetSelection':'CONTINUOUS','schedulingConfig':{'maintenanceWindows':"
           "[{'startTime':'cron(0 23 * * ? *)','durationInMinutes':2}]},"
           "'jobExecutionsRolloutConfig':{'maximumPerMinute':4}");
    assert_shown(f, "j", "status", "IN_PROGRESS");
    assert_int_equal(count(f, "j", NULL), 0);
    json_t *windows = shown(f, "j", "scheduledJobRollouts");
    assert_int_equal(json_array_size(windows), 7);
    assert_string_equal(json_string_value(json_object_get(json_array_get(windows, 0), "startTime")),
                        "2023-11-14 23:00");
    json_decref(windows);
    pass(f, 2800); /* 23:00 */
    assert_int_equal(count(f, "j", NULL), 4);
    pass(f, 60);
    assert_int_equal(count(f, "j", NULL), 8);
    pass(f, 60); /* 23:02 */
    assert_int_equal(count(f, "j", NULL), 8);
    fixture_thing(f, "late");
    change_group(f, "some", "late", true);
    assert_int_equal(count(f, "j", NULL), 8);
    pass(f, 86400 - 120);
    assert_int_equal(count(f, "j", NULL), 11);
}

static void times_that_aws_would_not_take_are_refused(void **state)
{
    static const char *const bad[] = {
        "{'startTime':'2023-11-14 22:30'}",
        "{'startTime':'2025-11-14 22:30'}",
        "{'startTime':'tomorrow'}",
        "{'endTime':'2023-11-14 22:20'}",
        "{'startTime':'2023-11-14 23:00','endTime':'2023-11-14 23:10'}",
        "{'endBehavior':'CANCEL'}",
        "{'endTime':'2023-11-15 23:10','endBehavior':'EXPLODE'}",
        "{'maintenanceWindows':[{'startTime':'at noon','durationInMinutes':10}]}",
        "{'maintenanceWindows':[{'startTime':'cron(0 23 * * ? *)','durationInMinutes':1431}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[256];
        snprintf(text, sizeof text, ",'schedulingConfig':%s", bad[i]);
        assert_int_equal(create(*state, "j", GROUP_ALL, text), CORE_INVALID_REQUEST);
    }
}

static void a_scheduled_job_can_be_cancelled(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "j", GROUP_ALL, ",'schedulingConfig':{'startTime':'2023-11-14 23:00'}");
    assert_int_equal(jobs_delete(&f->cloud, "j", false, &answer), CORE_INVALID_STATE);
    assert_int_equal(jobs_cancel(&f->cloud, "j", false, NULL, &answer), CORE_OK);
    answer_free(&answer);
    pass(f, 7200);
    assert_int_equal(count(f, "j", NULL), 0);
}

/* ---- events --------------------------------------------------------------------------------- */

static void switch_events(struct fixture *f, const char *text, enum core_error wanted)
{
    struct answer answer = ANSWER_INIT;
    json_t *m = members(text);
    assert_int_equal(events_configure(&f->cloud, m, &answer), wanted);
    answer_free(&answer);
    json_decref(m);
}

static void assert_event(struct fixture *f, const char *topic, const char *status)
{
    const json_t *event = fixture_published(f, topic);
    assert_int_equal(event != NULL, status != NULL);
    if (status)
        assert_string_equal(json_string_value(json_object_get(event, "status")), status);
}

#define EVENTS "$aws/events/"

static void what_becomes_of_jobs_is_told_to_those_who_asked(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "before", "'" ACCOUNT_ARN "thing/t000'", "");
    report(f, "before", "t000", "SUCCEEDED");
    assert_event(f, EVENTS "job/before/completed", NULL);
    switch_events(f,
                  "{'eventConfigurations':{'JOB':{'Enabled':true},"
                  "'JOB_EXECUTION':{'Enabled':true},'THING':{'Enabled':false}}}",
                  CORE_OK);
    switch_events(f, "{'eventConfigurations':{'THING':{'Enabled':true}}}", CORE_INVALID_REQUEST);
    switch_events(f, "{'eventConfigurations':{'DOG':{'Enabled':false}}}", CORE_INVALID_REQUEST);
    fixture_restart(f);
    events_describe(&f->cloud, &answer);
    const json_t *types = json_object_get(answer.body, "eventConfigurations");
    assert_int_equal(json_object_size(types), 11);
    assert_true(json_is_true(json_object_get(json_object_get(types, "JOB"), "Enabled")));
    assert_true(json_is_false(json_object_get(json_object_get(types, "THING"), "Enabled")));
    answer_free(&answer);
    create(f, "one", "'" ACCOUNT_ARN "thing/t000'", "");
    report(f, "one", "t000", "SUCCEEDED");
    assert_event(f, EVENTS "jobExecution/one/succeeded", "SUCCEEDED");
    assert_event(f, EVENTS "job/one/completed", "COMPLETED");
    const json_t *details =
        json_object_get(fixture_published(f, EVENTS "job/one/completed"), "jobProcessDetails");
    assert_int_equal(json_integer_value(json_object_get(details, "numberOfSucceededThings")), 1);
    create(f, "two", GROUP_ALL, "");
    report(f, "two", "t001", "REJECTED");
    assert_event(f, EVENTS "jobExecution/two/rejected", "REJECTED");
    assert_int_equal(jobs_cancel(&f->cloud, "two", false, NULL, &answer), CORE_OK);
    answer_free(&answer);
    assert_event(f, EVENTS "job/two/cancellation_in_progress", "CANCELLATION_IN_PROGRESS");
    assert_event(f, EVENTS "job/two/canceled", "CANCELED");
    assert_event(f, EVENTS "jobExecution/two/canceled", "CANCELED");
    assert_int_equal(jobs_delete(&f->cloud, "two", false, &answer), CORE_OK);
    assert_event(f, EVENTS "job/two/deleted", "DELETED");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_rate_stays_and_none_is_the_most),
        cmocka_unit_test(a_rate_doubles_with_each_thousand_notified),
        cmocka_unit_test(successes_raise_the_rate_and_whichever_is_further_counts),
        cmocka_unit_test(rates_outside_the_limits_are_refused),
        cmocka_unit_test(a_job_gives_up_at_the_percentage_of_enough_things),
        cmocka_unit_test(windows_open_when_their_text_says),
        cmocka_unit_test(texts_that_are_no_schedule_are_refused),
        T(a_group_target_stands_for_all_things_at_and_below_it),
        T(an_empty_group_completes_a_snapshot),
        T(a_constant_rate_lets_so_many_begin_each_minute),
        T(an_exponential_rate_grows_with_success),
        T(more_than_a_piece_begins_within_its_minute),
        T(the_rate_of_a_running_job_can_change),
        T(failures_beyond_the_threshold_abort_the_job),
        T(a_failure_that_is_tried_again_aborts_nothing_yet),
        T(who_joins_gets_a_continuous_job_and_no_snapshot),
        T(who_leaves_loses_what_is_pending_and_comes_back_with_a_new_number),
        T(who_leaves_before_its_turn_never_begins),
        T(a_deleted_group_takes_its_jobs_from_its_things),
        T(groups_can_be_added_to_a_continuous_job_alone),
        T(a_new_group_of_an_old_name_does_not_inherit_its_jobs),
        T(a_scheduled_job_begins_and_stops_in_time),
        T(the_end_can_cancel_what_is_queued_or_all),
        T(a_job_rolls_out_in_its_windows_only),
        T(times_that_aws_would_not_take_are_refused),
        T(a_scheduled_job_can_be_cancelled),
        T(what_becomes_of_jobs_is_told_to_those_who_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
