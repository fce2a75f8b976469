/* Jobs: the state machine, versions, timers, notifications and the MQTT face. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/jobs/jobs.h"
#include "cloud/core/registry/registry.h"

#define TOPIC "$aws/things/t1/jobs/"

/* ---- short ways to say things --------------------------------------------------------------- */

static enum core_error create(struct fixture *f, const char *job, const char *extra)
{
    char text[1024];
    struct answer answer = ANSWER_INIT;
    snprintf(text, sizeof text,
             "{'targets':['" ACCOUNT_ARN "thing/t1'],'document':'{\\\"x\\\":1}'%s}", extra);
    json_t *m = members(text);
    enum core_error error = jobs_create(&f->cloud, job, m, &answer);
    if (error == CORE_OK)
        assert_string_equal(json_string_value(json_object_get(answer.body, "jobId")), job);
    answer_free(&answer);
    json_decref(m);
    return error;
}

static enum core_error update(struct fixture *f, const char *job, const char *request,
                              struct answer *answer)
{
    json_t *m = members(request);
    enum core_error error = jobs_update(&f->cloud, "t1", job, m, answer);
    json_decref(m);
    return error;
}

static void report(struct fixture *f, const char *job, const char *status)
{
    char text[64];
    struct answer answer = ANSWER_INIT;
    snprintf(text, sizeof text, "{'status':'%s'}", status);
    assert_int_equal(update(f, job, text, &answer), CORE_OK);
    answer_free(&answer);
}

/* A member of the execution as the control plane shows it. New reference. */
static json_t *shown(struct fixture *f, const char *job, const char *member)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(jobs_describe_execution(&f->cloud, "t1", job, 0, &answer), CORE_OK);
    json_t *value = json_incref(json_object_get(json_object_get(answer.body, "execution"), member));
    answer_free(&answer);
    return value;
}

static void assert_status(struct fixture *f, const char *job, const char *status, int version)
{
    json_t *is = shown(f, job, "status"), *number = shown(f, job, "versionNumber");
    assert_string_equal(json_string_value(is), status);
    assert_int_equal(json_integer_value(number), version);
    json_decref(is);
    json_decref(number);
}

static void assert_job_status(struct fixture *f, const char *job, const char *status)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(jobs_describe_job(&f->cloud, job, &answer), CORE_OK);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(answer.body, "job"), "status")), status);
    answer_free(&answer);
}

static int setup(void **state)
{
    fixture_setup(state);
    fixture_thing(*state, "t1");
    return 0;
}

/* ---- the sequence of the facts, section 1.9 ------------------------------------------------- */

/* Checks which of the two notifications came since the last call, and with what. `list` names the
 * jobs of `notify` in order, NULL: none came; `next` the job of `notify-next`, "" an empty list. */
static void assert_notified(struct fixture *f, const char *list, const char *next)
{
    const json_t *notify = fixture_published(f, TOPIC "notify");
    const json_t *notify_next = fixture_published(f, TOPIC "notify-next");
    static const char *const order[] = {"IN_PROGRESS", "QUEUED"};
    char names[128] = "";

    assert_int_equal(notify != NULL, list != NULL);
    assert_int_equal(notify_next != NULL, next != NULL);
    for (size_t i = 0; notify && i < 2; i++) {
        json_t *entry;
        size_t j;
        const json_t *entries = json_object_get(json_object_get(notify, "jobs"), order[i]);
        assert_true(!entries || json_array_size(entries) > 0);
        json_array_foreach(entries, j, entry)
        {
            strcat(names, json_string_value(json_object_get(entry, "jobId")));
            strcat(names, " ");
        }
    }
    if (list)
        assert_string_equal(names, list);
    if (next) {
        const json_t *execution = json_object_get(notify_next, "execution");
        assert_int_equal(execution != NULL, *next != '\0');
        assert_int_equal(json_integer_value(json_object_get(notify_next, "timestamp")), 1700000000);
        if (execution) {
            assert_string_equal(json_string_value(json_object_get(execution, "jobId")), next);
            assert_int_equal(
                json_integer_value(json_object_get(json_object_get(execution, "jobDocument"), "x")),
                1);
        }
    }
    fixture_forget(f);
}

static void notifications_follow_the_published_sequence(void **state)
{
    struct fixture *f = *state;
    create(f, "job1", "");
    assert_notified(f, "job1 ", "job1");
    create(f, "job2", "");
    assert_notified(f, "job1 job2 ", NULL);
    report(f, "job1", "IN_PROGRESS");
    assert_notified(f, NULL, NULL);
    create(f, "job3", "");
    assert_notified(f, "job1 job2 job3 ", NULL);
    report(f, "job1", "SUCCEEDED");
    assert_notified(f, "job2 job3 ", "job2");
    report(f, "job3", "IN_PROGRESS");
    assert_notified(f, NULL, "job3");
    report(f, "job2", "REJECTED");
    assert_notified(f, "job3 ", NULL);
    report(f, "job3", "SUCCEEDED");
    assert_notified(f, "", "");
}

static void notify_holds_at_most_ten(void **state)
{
    struct fixture *f = *state;
    char id[16];
    for (int i = 0; i < 12; i++) {
        snprintf(id, sizeof id, "j%d", i);
        create(f, id, "");
    }
    const json_t *jobs = json_object_get(fixture_published(f, TOPIC "notify"), "jobs");
    assert_int_equal(json_array_size(json_object_get(jobs, "QUEUED")), 10);
}

/* ---- the state machine ---------------------------------------------------------------------- */

static void an_execution_starts_queued_with_version_1(void **state)
{
    struct fixture *f = *state;
    create(f, "job1", "");
    assert_status(f, "job1", "QUEUED", 1);
    assert_null(shown(f, "job1", "startedAt"));
    assert_job_status(f, "job1", "IN_PROGRESS");
}

static void each_accepted_update_raises_the_version(void **state)
{
    struct fixture *f = *state;
    create(f, "job1", "");
    report(f, "job1", "IN_PROGRESS");
    report(f, "job1", "IN_PROGRESS");
    assert_status(f, "job1", "IN_PROGRESS", 3);
    report(f, "job1", "SUCCEEDED");
    assert_status(f, "job1", "SUCCEEDED", 4);
    assert_job_status(f, "job1", "COMPLETED");
}

static void a_queued_execution_may_end_directly(void **state)
{
    struct fixture *f = *state;
    static const char *const ends[] = {"FAILED", "REJECTED", "SUCCEEDED"};
    for (size_t i = 0; i < 3; i++) {
        char id[8];
        snprintf(id, sizeof id, "j%zu", i);
        create(f, id, "");
        report(f, id, ends[i]);
        assert_status(f, id, ends[i], 2);
        json_t *started = shown(f, id, "startedAt"), *updated = shown(f, id, "lastUpdatedAt");
        assert_true(json_equal(started, updated));
        json_decref(started);
        json_decref(updated);
    }
}

static void a_terminal_execution_never_changes(void **state)
{
    struct fixture *f = *state;
    static const char *const next[] = {"IN_PROGRESS", "SUCCEEDED", "FAILED", "REJECTED"};
    create(f, "job1", "");
    report(f, "job1", "FAILED");
    for (size_t i = 0; i < 4; i++) {
        char text[64];
        struct answer answer = ANSWER_INIT;
        snprintf(text, sizeof text, "{'status':'%s'}", next[i]);
        assert_int_equal(update(f, "job1", text, &answer), CORE_INVALID_STATE);
        const json_t *kept = json_object_get(answer.body, "executionState");
        assert_string_equal(json_string_value(json_object_get(kept, "status")), "FAILED");
        answer_free(&answer);
    }
    assert_status(f, "job1", "FAILED", 2);
}

static void a_strict_cloud_takes_a_rejection_only_before_the_start(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    create(f, "job2", "");
    assert_int_equal(update(f, "job1", "{'status':'REJECTED'}", &answer), CORE_OK);
    answer_free(&answer);
    report(f, "job2", "IN_PROGRESS");
    assert_int_equal(update(f, "job2", "{'status':'REJECTED'}", &answer), CORE_INVALID_STATE);
    const json_t *stored = json_object_get(answer.body, "executionState");
    assert_string_equal(json_string_value(json_object_get(stored, "status")), "IN_PROGRESS");
    answer_free(&answer);
    f->cloud.strict = false;
    assert_int_equal(update(f, "job2", "{'status':'REJECTED'}", &answer), CORE_OK);
    answer_free(&answer);
    assert_status(f, "job2", "REJECTED", 3);
}

static void devices_cannot_set_the_services_statuses(void **state)
{
    struct fixture *f = *state;
    static const char *const requests[] = {"{'status':'QUEUED'}",
                                           "{'status':'CANCELED'}",
                                           "{'status':'REMOVED'}",
                                           "{'status':'TIMED_OUT'}",
                                           "{'status':'Done'}",
                                           "{'status':7}",
                                           "{}"};
    create(f, "job1", "");
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct answer answer = ANSWER_INIT;
        assert_int_equal(update(f, "job1", requests[i], &answer), CORE_INVALID_REQUEST);
        answer_free(&answer);
    }
    assert_status(f, "job1", "QUEUED", 1);
}

static void expected_version_is_checked_as_number_and_as_text(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    assert_int_equal(update(f, "job1", "{'status':'IN_PROGRESS','expectedVersion':2}", &answer),
                     CORE_VERSION_MISMATCH);
    const json_t *kept = json_object_get(answer.body, "executionState");
    assert_int_equal(json_integer_value(json_object_get(kept, "versionNumber")), 1);
    answer_free(&answer);
    assert_int_equal(update(f, "job1", "{'status':'IN_PROGRESS','expectedVersion':'1'}", &answer),
                     CORE_OK);
    answer_free(&answer);
    assert_int_equal(update(f, "job1", "{'status':'IN_PROGRESS','expectedVersion':2}", &answer),
                     CORE_OK);
    answer_free(&answer);
    assert_int_equal(update(f, "job1", "{'status':'IN_PROGRESS','expectedVersion':'x'}", &answer),
                     CORE_INVALID_REQUEST);
    answer_free(&answer);
    assert_status(f, "job1", "IN_PROGRESS", 3);
}

static void an_update_answers_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    assert_int_equal(update(f, "job1",
                            "{'status':'IN_PROGRESS','includeJobExecutionState':true,"
                            "'includeJobDocument':true,'statusDetails':{'step':'1'}}",
                            &answer),
                     CORE_OK);
    const json_t *kept = json_object_get(answer.body, "executionState");
    assert_int_equal(json_integer_value(json_object_get(kept, "versionNumber")), 2);
    assert_true(json_is_object(json_object_get(answer.body, "jobDocument")));
    answer_free(&answer);
}

static void status_details_replace_and_absence_keeps(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    update(f, "job1", "{'status':'IN_PROGRESS','statusDetails':{'a':'1','b':'2'}}", &answer);
    answer_free(&answer);
    update(f, "job1", "{'status':'IN_PROGRESS','statusDetails':{'c':'3'}}", &answer);
    answer_free(&answer);
    report(f, "job1", "IN_PROGRESS");
    json_t *details = shown(f, "job1", "statusDetails");
    json_t *wanted = members("{'detailsMap':{'c':'3'}}");
    assert_true(json_equal(details, wanted));
    json_decref(wanted);
    json_decref(details);
}

static void status_details_outside_their_limits_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const details[] = {
        "{'a':1}",
        "{'a b':'1'}",
        "{'':'1'}",
        "{'a':''}",
        "{'a':'x\\ny'}",
        "'text'",
        "['a']",
        "{'a':'1','b':'1','c':'1','d':'1','e':'1','f':'1','g':'1','h':'1','i':'1','j':'1',"
        "'k':'1'}"};
    create(f, "job1", "");
    for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
        char text[512];
        struct answer answer = ANSWER_INIT;
        snprintf(text, sizeof text, "{'status':'IN_PROGRESS','statusDetails':%s}", details[i]);
        assert_int_equal(update(f, "job1", text, &answer), CORE_INVALID_REQUEST);
        assert_true(strlen(answer.message) > 0);
        answer_free(&answer);
    }
    assert_status(f, "job1", "QUEUED", 1);
}

/* ---- asking for work ------------------------------------------------------------------------ */

static void start_next_takes_the_running_one_before_the_oldest(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    create(f, "job2", "");
    report(f, "job2", "IN_PROGRESS");
    assert_int_equal(jobs_start_next(&f->cloud, "t1", NULL, &answer), CORE_OK);
    const json_t *execution = json_object_get(answer.body, "execution");
    assert_string_equal(json_string_value(json_object_get(execution, "jobId")), "job2");
    assert_int_equal(json_integer_value(json_object_get(execution, "versionNumber")), 2);
    answer_free(&answer);
    report(f, "job2", "SUCCEEDED");
    assert_int_equal(jobs_start_next(&f->cloud, "t1", NULL, &answer), CORE_OK);
    execution = json_object_get(answer.body, "execution");
    assert_string_equal(json_string_value(json_object_get(execution, "jobId")), "job1");
    assert_string_equal(json_string_value(json_object_get(execution, "status")), "IN_PROGRESS");
    assert_int_equal(json_integer_value(json_object_get(execution, "versionNumber")), 2);
    answer_free(&answer);
}

static void describing_next_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    assert_int_equal(jobs_describe(&f->cloud, "t1", "$next", NULL, &answer), CORE_OK);
    const json_t *execution = json_object_get(answer.body, "execution");
    assert_string_equal(json_string_value(json_object_get(execution, "status")), "QUEUED");
    assert_string_equal(json_string_value(json_object_get(execution, "thingName")), "t1");
    assert_true(json_is_object(json_object_get(execution, "jobDocument")));
    answer_free(&answer);
    assert_status(f, "job1", "QUEUED", 1);
}

static void a_terminal_execution_is_not_described_to_devices(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    report(f, "job1", "SUCCEEDED");
    assert_int_equal(jobs_describe(&f->cloud, "t1", "job1", NULL, &answer), CORE_TERMINAL_STATE);
    assert_int_equal(jobs_describe(&f->cloud, "t1", "job9", NULL, &answer), CORE_NOT_FOUND);
    assert_int_equal(jobs_describe(&f->cloud, "t9", "$next", NULL, &answer), CORE_NOT_FOUND);
    answer_free(&answer);
}

static void pending_jobs_are_listed_by_status(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    create(f, "job2", "");
    report(f, "job2", "IN_PROGRESS");
    assert_int_equal(jobs_get_pending(&f->cloud, "t1", NULL, &answer), CORE_OK);
    assert_int_equal(json_array_size(json_object_get(answer.body, "inProgressJobs")), 1);
    assert_int_equal(json_array_size(json_object_get(answer.body, "queuedJobs")), 1);
    answer_free(&answer);
}

/* ---- timers --------------------------------------------------------------------------------- */

static void pass_minutes(struct fixture *f, int minutes)
{
    f->now_ms += (int64_t)minutes * 60000;
    jobs_expire(&f->cloud);
}

static void the_in_progress_timer_ends_an_execution_even_across_a_restart(void **state)
{
    struct fixture *f = *state;
    create(f, "job1", ",'timeoutConfig':{'inProgressTimeoutInMinutes':5}");
    pass_minutes(f, 60); /* QUEUED has no timer */
    assert_status(f, "job1", "QUEUED", 1);
    report(f, "job1", "IN_PROGRESS");
    pass_minutes(f, 4);
    report(f, "job1", "IN_PROGRESS"); /* does not extend it */
    assert_status(f, "job1", "IN_PROGRESS", 3);
    fixture_restart(f);
    fixture_forget(f);
    pass_minutes(f, 1);
    assert_status(f, "job1", "TIMED_OUT", 4);
    assert_job_status(f, "job1", "COMPLETED");
    assert_non_null(fixture_published(f, TOPIC "notify-next"));
}

static void the_step_timer_is_replaced_and_stopped(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    update(f, "job1", "{'status':'IN_PROGRESS','stepTimeoutInMinutes':2}", &answer);
    answer_free(&answer);
    pass_minutes(f, 1);
    update(f, "job1", "{'status':'IN_PROGRESS','stepTimeoutInMinutes':2}", &answer);
    answer_free(&answer);
    json_t *left = shown(f, "job1", "approximateSecondsBeforeTimedOut");
    assert_int_equal(json_integer_value(left), 120);
    json_decref(left);
    pass_minutes(f, 1);
    assert_status(f, "job1", "IN_PROGRESS", 3);
    update(f, "job1", "{'status':'IN_PROGRESS','stepTimeoutInMinutes':-1}", &answer);
    answer_free(&answer);
    pass_minutes(f, 600);
    assert_status(f, "job1", "IN_PROGRESS", 4);
    update(f, "job1", "{'status':'IN_PROGRESS','stepTimeoutInMinutes':1}", &answer);
    answer_free(&answer);
    pass_minutes(f, 1);
    assert_status(f, "job1", "TIMED_OUT", 6);
}

static void step_timeouts_out_of_range_are_refused(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    assert_int_equal(
        update(f, "job1", "{'status':'IN_PROGRESS','stepTimeoutInMinutes':0}", &answer),
        CORE_INVALID_REQUEST);
    assert_int_equal(
        update(f, "job1", "{'status':'IN_PROGRESS','stepTimeoutInMinutes':10081}", &answer),
        CORE_INVALID_REQUEST);
    json_t *m = members("{'stepTimeoutInMinutes':-1}");
    assert_int_equal(jobs_start_next(&f->cloud, "t1", m, &answer), CORE_INVALID_REQUEST);
    json_decref(m);
    answer_free(&answer);
}

static void a_failed_execution_is_retried_as_often_as_the_job_says(void **state)
{
    struct fixture *f = *state;
    create(f, "job1",
           ",'jobExecutionsRetryConfig':{'criteriaList':[{'failureType':'FAILED',"
           "'numberOfRetries':1}]}");
    report(f, "job1", "FAILED");
    assert_status(f, "job1", "QUEUED", 1);
    json_t *number = shown(f, "job1", "executionNumber");
    assert_int_equal(json_integer_value(number), 2);
    json_decref(number);
    assert_job_status(f, "job1", "IN_PROGRESS");
    report(f, "job1", "FAILED");
    assert_status(f, "job1", "FAILED", 2);
    assert_job_status(f, "job1", "COMPLETED");
}

/* ---- operators ------------------------------------------------------------------------------ */

static void cancel_leaves_running_executions_unless_forced(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    create(f, "job2", "");
    create(f, "job3", "");
    report(f, "job1", "IN_PROGRESS");
    report(f, "job2", "IN_PROGRESS");
    fixture_forget(f);
    assert_int_equal(jobs_cancel(&f->cloud, "job1", false, NULL, &answer), CORE_OK);
    answer_free(&answer);
    assert_status(f, "job1", "IN_PROGRESS", 2);
    assert_job_status(f, "job1", "CANCELED");
    assert_int_equal(json_array_size(f->published), 0);
    assert_int_equal(jobs_cancel(&f->cloud, "job2", true, NULL, &answer), CORE_OK);
    answer_free(&answer);
    assert_status(f, "job2", "CANCELED", 3);
    assert_int_equal(jobs_cancel(&f->cloud, "job3", false, NULL, &answer), CORE_OK);
    answer_free(&answer);
    assert_status(f, "job3", "CANCELED", 2);
    assert_int_equal(jobs_cancel(&f->cloud, "job3", true, NULL, &answer), CORE_INVALID_REQUEST);
    assert_int_equal(jobs_cancel(&f->cloud, "job9", true, NULL, &answer), CORE_NOT_FOUND);
    report(f, "job1", "SUCCEEDED");
    assert_job_status(f, "job1", "CANCELED");
}

static void a_running_execution_is_cancelled_only_by_force(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    report(f, "job1", "IN_PROGRESS");
    assert_int_equal(jobs_cancel_execution(&f->cloud, "t1", "job1", false, NULL, &answer),
                     CORE_INVALID_STATE);
    json_t *m = members("{'expectedVersion':1}");
    assert_int_equal(jobs_cancel_execution(&f->cloud, "t1", "job1", true, m, &answer),
                     CORE_VERSION_MISMATCH);
    json_decref(m);
    assert_int_equal(jobs_cancel_execution(&f->cloud, "t1", "job1", true, NULL, &answer), CORE_OK);
    answer_free(&answer);
    assert_status(f, "job1", "CANCELED", 3);
    assert_int_equal(update(f, "job1", "{'status':'SUCCEEDED'}", &answer), CORE_INVALID_STATE);
    answer_free(&answer);
}

static void delete_needs_a_terminal_job_or_force(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    create(f, "job1", "");
    assert_int_equal(jobs_delete(&f->cloud, "job1", false, &answer), CORE_INVALID_STATE);
    fixture_forget(f);
    assert_int_equal(jobs_delete(&f->cloud, "job1", true, &answer), CORE_OK);
    assert_notified(f, "", "");
    assert_int_equal(jobs_describe_job(&f->cloud, "job1", &answer), CORE_NOT_FOUND);
    assert_int_equal(jobs_delete(&f->cloud, "job1", true, &answer), CORE_NOT_FOUND);
    answer_free(&answer);
}

static void a_deleted_thing_gives_up_its_executions(void **state)
{
    struct fixture *f = *state;
    create(f, "job1", "");
    jobs_thing_removed(&f->cloud, "t1");
    assert_status(f, "job1", "REMOVED", 2);
    assert_job_status(f, "job1", "COMPLETED");
}

static void a_job_that_makes_no_sense_is_not_created(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    assert_int_equal(create(f, "bad id", ""), CORE_INVALID_REQUEST);
    assert_int_equal(create(f, "j", ",'targetSelection':'ALL'"), CORE_INVALID_REQUEST);
    assert_int_equal(create(f, "j", ",'timeoutConfig':{'inProgressTimeoutInMinutes':0}"),
                     CORE_INVALID_REQUEST);
    assert_int_equal(create(f, "j", ",'targets':['" ACCOUNT_ARN "thing/nobody']"), CORE_NOT_FOUND);
    assert_int_equal(create(f, "j", ",'targets':[]"), CORE_INVALID_REQUEST);
    assert_int_equal(create(f, "j", ",'document':'{'"), CORE_INVALID_REQUEST);
    assert_int_equal(create(f, "j", ""), CORE_OK);
    assert_int_equal(create(f, "j", ""), CORE_EXISTS);
    assert_int_equal(jobs_describe_job(&f->cloud, "k", &answer), CORE_NOT_FOUND);
    answer_free(&answer);
}

static void lists_come_page_by_page(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    struct jobs_page page = {.limit = 2};
    char token[32], id[16];
    for (int i = 0; i < 3; i++) {
        snprintf(id, sizeof id, "j%d", i);
        create(f, id, "");
    }
    assert_int_equal(jobs_list(&f->cloud, &page, &answer), CORE_OK);
    assert_int_equal(json_array_size(json_object_get(answer.body, "jobs")), 2);
    snprintf(token, sizeof token, "%s",
             json_string_value(json_object_get(answer.body, "nextToken")));
    answer_free(&answer);
    page.token = token;
    assert_int_equal(jobs_list_for_thing(&f->cloud, "t1", &page, &answer), CORE_OK);
    assert_int_equal(json_array_size(json_object_get(answer.body, "executionSummaries")), 1);
    assert_null(json_object_get(answer.body, "nextToken"));
    answer_free(&answer);
    page.token = "nonsense";
    assert_int_equal(jobs_list_for_job(&f->cloud, "j0", &page, &answer), CORE_INVALID_REQUEST);
    answer_free(&answer);
}

/* ---- MQTT ----------------------------------------------------------------------------------- */

struct heard {
    int count;
    char topic[256];
    json_t *body;
};

static void hear(void *context, const struct reserved_message *message)
{
    struct heard *heard = context;
    heard->count++;
    snprintf(heard->topic, sizeof heard->topic, "%s", message->topic);
    json_decref(heard->body);
    heard->body = json_loadb(message->payload, message->length, 0, NULL);
}

static bool send_request(struct fixture *f, struct heard *heard, const char *rest, const char *text)
{
    char topic[256];
    const struct reserved_answers answers = {.reply = hear, .context = heard};
    snprintf(topic, sizeof topic, "$aws/things/t1/jobs/%s", rest);
    return reserved_publish(&f->cloud, &(struct reserved_request){topic, text, strlen(text)},
                            &answers);
}

static void ask(struct fixture *f, struct heard *heard, const char *rest, const char *request)
{
    char text[256];
    snprintf(text, sizeof text, "%s", request);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    heard->count = 0;
    assert_true(send_request(f, heard, rest, text));
    assert_int_equal(heard->count, 1);
    assert_non_null(heard->body);
}

static const char *text_of(const struct heard *heard, const char *member)
{
    const char *text = json_string_value(json_object_get(heard->body, member));
    return text ? text : "";
}

static void no_work_is_accepted_with_only_token_and_timestamp(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {0};
    ask(f, &heard, "$next/get", "{'clientToken':'0:t1'}");
    assert_string_equal(heard.topic, TOPIC "$next/get/accepted");
    json_t *wanted = members("{'clientToken':'0:t1','timestamp':1700000000}");
    assert_true(json_equal(heard.body, wanted));
    json_decref(wanted);
    json_decref(heard.body);
}

static void an_empty_payload_is_an_empty_object(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {0};
    ask(f, &heard, "get", "");
    assert_string_equal(heard.topic, TOPIC "get/accepted");
    json_decref(heard.body);
}

static void refusals_carry_code_message_token_and_timestamp(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {0};
    create(f, "job1", "");
    ask(f, &heard, "job1/update", "{'status':'IN_PROGRESS','expectedVersion':9,'clientToken':'a'}");
    assert_string_equal(heard.topic, TOPIC "job1/update/rejected");
    assert_string_equal(text_of(&heard, "code"), "VersionMismatch");
    assert_string_equal(text_of(&heard, "clientToken"), "a");
    assert_true(json_is_object(json_object_get(heard.body, "executionState")));
    assert_true(json_is_integer(json_object_get(heard.body, "timestamp")));
    ask(f, &heard, "job1/update", "{nonsense");
    assert_string_equal(text_of(&heard, "code"), "InvalidJson");
    ask(f, &heard, "job1/update", "[1]");
    assert_string_equal(text_of(&heard, "code"), "InvalidRequest");
    ask(f, &heard, "job9/get", "{}");
    assert_string_equal(text_of(&heard, "code"), "ResourceNotFound");
    ask(f, &heard, "a.b/get", "{}");
    assert_string_equal(text_of(&heard, "code"), "InvalidTopic");
    report(f, "job1", "FAILED");
    ask(f, &heard, "job1/get", "{}");
    assert_string_equal(text_of(&heard, "code"), "TerminalStateReached");
    ask(f, &heard, "job1/update", "{'status':'SUCCEEDED'}");
    assert_string_equal(text_of(&heard, "code"), "InvalidStateTransition");
    json_decref(heard.body);
}

static void a_client_token_over_64_characters_is_refused(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {0};
    char request[128];
    snprintf(request, sizeof request, "{'clientToken':'%065d'}", 0);
    ask(f, &heard, "get", request);
    assert_string_equal(text_of(&heard, "code"), "InvalidRequest");
    assert_null(json_object_get(heard.body, "clientToken"));
    json_decref(heard.body);
}

static void reply_topics_are_not_requests(void **state)
{
    struct fixture *f = *state;
    static const char *const topics[] = {
        "get/accepted", "notify", "notify-next", "", "job1/update/accepted", "start-next/rejected"};
    struct heard heard = {0};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        assert_false(send_request(f, &heard, topics[i], "{}"));
    assert_int_equal(heard.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(notifications_follow_the_published_sequence),
        TEST(notify_holds_at_most_ten),
        TEST(an_execution_starts_queued_with_version_1),
        TEST(each_accepted_update_raises_the_version),
        TEST(a_queued_execution_may_end_directly),
        TEST(a_terminal_execution_never_changes),
        TEST(a_strict_cloud_takes_a_rejection_only_before_the_start),
        TEST(devices_cannot_set_the_services_statuses),
        TEST(expected_version_is_checked_as_number_and_as_text),
        TEST(an_update_answers_what_was_asked_for),
        TEST(status_details_replace_and_absence_keeps),
        TEST(status_details_outside_their_limits_are_refused),
        TEST(start_next_takes_the_running_one_before_the_oldest),
        TEST(describing_next_changes_nothing),
        TEST(a_terminal_execution_is_not_described_to_devices),
        TEST(pending_jobs_are_listed_by_status),
        TEST(the_in_progress_timer_ends_an_execution_even_across_a_restart),
        TEST(the_step_timer_is_replaced_and_stopped),
        TEST(step_timeouts_out_of_range_are_refused),
        TEST(a_failed_execution_is_retried_as_often_as_the_job_says),
        TEST(cancel_leaves_running_executions_unless_forced),
        TEST(a_running_execution_is_cancelled_only_by_force),
        TEST(delete_needs_a_terminal_job_or_force),
        TEST(a_deleted_thing_gives_up_its_executions),
        TEST(a_job_that_makes_no_sense_is_not_created),
        TEST(lists_come_page_by_page),
        TEST(no_work_is_accepted_with_only_token_and_timestamp),
        TEST(an_empty_payload_is_an_empty_object),
        TEST(refusals_carry_code_message_token_and_timestamp),
        TEST(a_client_token_over_64_characters_is_refused),
        TEST(reply_topics_are_not_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
