/* Device Defender: which reports are taken, what is kept of them, and what violates a profile. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "cloud/core/core.h"
#include "cloud/core/defender/defender.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/registry/groups.h"
#include "cloud/core/registry/registry.h"

#define ALL        ACCOUNT_ARN "all/things"
#define REGISTERED ACCOUNT_ARN "all/registered-things"

/* ---- reports -------------------------------------------------------------------------------- */

static enum core_error report(struct fixture *f, const char *thing, const char *text,
                              struct answer *answer)
{
    json_t *json = members(text);
    answer_free(answer);
    *answer = (struct answer)ANSWER_INIT;
    enum core_error error = defender_report(&f->cloud, thing, json, answer);
    json_decref(json);
    return error;
}

static void a_report_with_long_or_short_names_is_accepted(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    assert_int_equal(
        report(f, "t",
               "{'header':{'report_id':1,'version':'1.0'},'metrics':{'network_stats':{'bytes_in':1,"
               "'bytes_out':2,'packets_in':3,'packets_out':4},'listening_tcp_ports':{'ports':[{"
               "'interface':'eth0','port':22}],'total':1},'listening_udp_ports':{'total':0},"
               "'tcp_connections':{'established_connections':{'connections':[{'local_interface':"
               "'eth0','local_port':80,'remote_addr':'192.0.2.1:8000'}],'total':1}}}}",
               &answer),
        CORE_OK);
    assert_int_equal(json_integer_value(json_object_get(answer.body, "reportId")), 1);
    assert_string_equal(json_text(answer.body, "status"), "ACCEPTED");
    assert_string_equal(json_text(answer.body, "thingName"), "t");
    assert_int_equal(json_integer_value(json_object_get(answer.body, "timestamp")), f->now_ms);
    assert_int_equal(
        report(f, "t",
               "{'hed':{'rid':2,'v':'1.1'},'met':{'ns':{'bi':1,'bo':2,'pi':3,'po':4},'tp':{'pts':[{"
               "'if':'any','pt':22}],'t':1},'up':{'t':0},'tc':{'ec':{'cs':[{'rad':'[2001:db8::1]:1'"
               "}],'t':1}}},'cmet':{'unknown':[{'number':1.5}]},'new':{}}",
               &answer),
        CORE_OK);
    answer_free(&answer);
}

static void a_report_must_have_the_documented_shape(void **state)
{
    static const char *const bad[] = {
        "[]",
        "{}",
        "{'hed':{'rid':9,'v':'1.0'}}", /* no metrics */
        "{'hed':{'rid':0,'v':'1.0'},'met':{}}",
        "{'hed':{'rid':'9','v':'1.0'},'met':{}}",
        "{'hed':{'rid':9},'met':{}}",
        "{'hed':{'rid':9,'v':'2.0'},'met':{}}",
        "{'hed':{'rid':9,'v':1.0},'met':{}}",
        "{'hed':{'rid':9,'v':'1.0'},'met':[]}",
        "{'hed':{'rid':9,'v':'1.0'},'met':{'ns':{'bi':-1}}}",
        "{'hed':{'rid':9,'v':'1.0'},'met':{'ns':{'bi':1.5}}}",
        "{'hed':{'rid':9,'v':'1.0'},'met':{'ns':[]}}",
        "{'hed':{'rid':9,'v':'1.0'},'met':{'tp':{'pts':[{'pt':65536}]}}}",
        "{'hed':{'rid':9,'v':'1.0'},'met':{'tp':{'pts':{}}}}",
        "{'hed':{'rid':9,'v':'1.0'},'met':{'tc':{'ec':{'cs':[{'rad':'nowhere:1'}]}}}}",
        "{'hed':{'rid':9,'v':'1.0'},'met':{'tc':{'ec':{'cs':[{}]}}}}",
        "{'hed':{'rid':9,'v':'1.0'},'cmet':{'m':1}}",
        "{'hed':{'rid':9,'v':'1.0'},'cmet':{'m':[{'number':1},{'number':2}]}}",
        "{'hed':{'rid':9,'v':'1.0'},'cmet':{'m':[{'number':'1'}]}}",
        "{'hed':{'rid':9,'v':'1.0'},'cmet':{'m':[{'ip_list':['x']}]}}",
    };
    struct answer answer = ANSWER_INIT;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (report(*state, "t", bad[i], &answer) == CORE_OK)
            fail_msg("taken: %s", bad[i]);
        assert_true(strlen(answer.message) > 0);
    }
    assert_int_equal(json_integer_value(json_object_get(answer.body, "reportId")), 9);
    assert_int_equal(defender_report(&((struct fixture *)*state)->cloud, "t", NULL, &answer),
                     CORE_INVALID_REQUEST);
    answer_free(&answer);
}

static void a_report_id_must_grow_also_over_a_restart_of_the_cloud(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    assert_int_equal(report(f, "t", "{'hed':{'rid':5,'v':'1.0'},'met':{}}", &answer), CORE_OK);
    fixture_restart(f);
    assert_int_equal(report(f, "t", "{'hed':{'rid':5,'v':'1.0'},'met':{}}", &answer),
                     CORE_INVALID_REQUEST);
    assert_int_equal(report(f, "t", "{'hed':{'rid':4,'v':'1.0'},'met':{}}", &answer),
                     CORE_INVALID_REQUEST);
    assert_int_equal(report(f, "other", "{'hed':{'rid':4,'v':'1.0'},'met':{}}", &answer), CORE_OK);
    assert_int_equal(report(f, "t", "{'hed':{'rid':6,'v':'1.0'},'met':{}}", &answer), CORE_OK);
    answer_free(&answer);
}

/* ---- profiles ------------------------------------------------------------------------------- */

static void profile(struct fixture *f, const char *name, const char *text, const char *target)
{
    struct answer answer = ANSWER_INIT;
    json_t *json = members(text);
    if (defender_profile_create(&f->cloud, name, json, &answer) != CORE_OK)
        fail_msg("%s", answer.message);
    answer_free(&answer);
    assert_int_equal(defender_attach(&f->cloud, name, target, &answer), CORE_OK);
    json_decref(json);
    answer_free(&answer);
}

static void metric(struct fixture *f, const char *name, const char *type)
{
    struct answer answer = ANSWER_INIT;
    json_t *json = json_pack("{s:s,s:s}", "metricType", type, "clientRequestToken", name);
    assert_int_equal(defender_metric_create(&f->cloud, name, json, &answer), CORE_OK);
    json_decref(json);
    answer_free(&answer);
}

static size_t count(struct fixture *f, const char *what, const struct defender_filter *given)
{
    struct answer answer = ANSWER_INIT;
    struct defender_filter filter = *given;
    filter.to_ms = f->now_ms;
    enum core_error error = strcmp(what, "activeViolations") == 0
                                ? defender_active_violations(&f->cloud, &filter, &answer)
                            : strcmp(what, "violationEvents") == 0
                                ? defender_violation_events(&f->cloud, &filter, &answer)
                                : defender_metric_values(&f->cloud, what, &filter, &answer);
    assert_int_equal(error, CORE_OK);
    const json_t *list = json_object_get(
        answer.body,
        strncmp(what, "aws:", 4) == 0 || strcmp(what, "own") == 0 ? "metricDatumList" : what);
    size_t entries = json_array_size(list);
    answer_free(&answer);
    return entries;
}

static const struct defender_filter any = {.thing = "t"};

/* One report, a minute after the last. */
static void say(struct fixture *f, const char *thing, const char *metrics)
{
    struct answer answer = ANSWER_INIT;
    char text[512];
    f->now_ms += 60000;
    snprintf(text, sizeof text, "{'hed':{'rid':%lld,'v':'1.0'},%s}", (long long)f->now_ms, metrics);
    if (report(f, thing, text, &answer) != CORE_OK)
        fail_msg("%s", answer.message);
    answer_free(&answer);
}

static void values_are_kept_of_metrics_that_a_profile_of_the_thing_uses_or_retains(void **state)
{
    struct fixture *f = *state;
    say(f, "t", "'met':{'ns':{'bi':1,'bo':1}}");
    assert_int_equal(count(f, "aws:all-bytes-in", &any), 0);
    metric(f, "own", "number-list");
    profile(f, "p",
            "{'behaviors':[{'name':'b','metric':'aws:all-bytes-in','criteria':{"
            "'comparisonOperator':'less-than','value':{'count':10},'durationSeconds':300}}],"
            "'additionalMetricsToRetainV2':[{'metric':'own'}]}",
            REGISTERED);
    say(f, "t", "'met':{'ns':{'bi':2,'bo':2}},'cmet':{'own':[{'number_list':[1,2.5]}]}");
    say(f, "stranger", "'met':{'ns':{'bi':2}}");
    assert_int_equal(count(f, "aws:all-bytes-in", &any), 1);
    assert_int_equal(count(f, "own", &any), 1);
    assert_int_equal(count(f, "aws:all-bytes-out", &any), 0);
    assert_int_equal(count(f, "aws:all-bytes-in", &(struct defender_filter){.thing = "stranger"}),
                     0);
    f->now_ms += (int64_t)15 * 86400000;
    core_tend(&f->cloud);
    assert_int_equal(count(f, "own", &any), 0);
}

static void bytes_add_up_over_the_duration_and_a_violation_begins_and_ends(void **state)
{
    struct fixture *f = *state;
    profile(
        f, "p",
        "{'behaviors':[{'name':'b','metric':'aws:all-bytes-out','criteria':{"
        "'comparisonOperator':'less-than-equals','value':{'count':10},'durationSeconds':300}}]}",
        ALL);
    say(f, "t", "'met':{'ns':{'bo':6}}");
    assert_int_equal(count(f, "activeViolations", &any), 0);
    say(f, "t", "'met':{'ns':{'bo':6}}"); /* 12 within five minutes */
    assert_int_equal(count(f, "activeViolations", &any), 1);
    fixture_restart(f);
    say(f, "t", "'met':{'ns':{'bo':0}}");
    assert_int_equal(count(f, "activeViolations", &any), 1);
    assert_int_equal(count(f, "violationEvents", &any), 1);
    f->now_ms += 240000; /* the first is no longer in */
    say(f, "t", "'met':{'ns':{'bo':0}}");
    assert_int_equal(count(f, "activeViolations", &any), 0);
    assert_int_equal(count(f, "violationEvents", &any), 2);
    assert_int_equal(
        count(f, "violationEvents", &(struct defender_filter){.thing = "t", .from_ms = f->now_ms}),
        1);
}

static void alarms_wait_for_as_many_datapoints_in_a_row_as_asked(void **state)
{
    struct fixture *f = *state;
    metric(f, "own", "number");
    profile(f, "p",
            "{'behaviors':[{'name':'b','metric':'own','suppressAlerts':true,'criteria':{"
            "'comparisonOperator':'greater-than','value':{'number':0.5},"
            "'consecutiveDatapointsToAlarm':3,'consecutiveDatapointsToClear':2}}]}",
            ALL);
    const char *low = "'cmet':{'own':[{'number':0.5}]}", *high = "'cmet':{'own':[{'number':1}]}";
    say(f, "t", low);
    say(f, "t", low);
    say(f, "t", high);
    say(f, "t", low);
    say(f, "t", low);
    say(f, "t", "'met':{}"); /* says nothing of it */
    assert_int_equal(count(f, "activeViolations", &any), 0);
    say(f, "t", low);
    assert_int_equal(count(f, "activeViolations", &any), 1);
    assert_int_equal(count(f, "activeViolations", &(struct defender_filter){.suppressed = "false"}),
                     0);
    assert_int_equal(
        count(f, "activeViolations", &(struct defender_filter){.criteria = "MACHINE_LEARNING"}), 0);
    say(f, "t", high);
    say(f, "t", low);
    say(f, "t", high);
    assert_int_equal(count(f, "activeViolations", &any), 1);
    say(f, "t", high);
    assert_int_equal(count(f, "activeViolations", &any), 0);
}

static void lists_are_judged_as_sets(void **state)
{
    struct fixture *f = *state;
    profile(f, "p",
            "{'behaviors':[{'name':'ports','metric':'aws:listening-tcp-ports','criteria':{"
            "'comparisonOperator':'in-port-set','value':{'ports':[22,80]}}},"
            "{'name':'peers','metric':'aws:destination-ip-addresses','criteria':{"
            "'comparisonOperator':'not-in-cidr-set','value':{'cidrs':['10.0.0.0/9','2001:db8::/33'"
            "]}}}]}",
            ALL);
    say(f, "t", "'met':{'tp':{'pts':[{'pt':22}]},'tc':{'ec':{'cs':[{'rad':'10.128.0.1:1'}]}}}");
    assert_int_equal(count(f, "activeViolations", &any), 0);
    say(f, "t", "'met':{'tp':{'pts':[{'pt':22},{'pt':23}]}}");
    assert_int_equal(count(f, "activeViolations", &any), 1);
    say(f, "t", "'met':{'tc':{'ec':{'cs':[{'rad':'1.1.1.1:1'},{'rad':'10.127.0.1:1'}]}}}");
    assert_int_equal(count(f, "activeViolations", &any), 2);
    say(f, "t", "'met':{'tc':{'ec':{'cs':[{'rad':'[2001:db8:8000::1]:1'}]}}}");
    assert_int_equal(count(f, "activeViolations", &any), 1);
    say(f, "t", "'met':{'tc':{'ec':{'cs':[{'rad':'[2001:db8:7fff::1]:1'}]}}}");
    assert_int_equal(count(f, "activeViolations", &any), 2);
}

static void a_violation_that_nothing_can_end_any_more_is_invalidated(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    json_t *none = members("{'deleteBehaviors':true}");
    const char *text = "{'behaviors':[{'name':'b','metric':'aws:num-listening-tcp-ports','criteria'"
                       ":{'comparisonOperator':'less-than','value':{'count':1}}}]}";
    fixture_thing(f, "u");
    profile(f, "detached", text, ALL);
    profile(f, "changed", text, ALL);
    profile(f, "deleted", text, ALL);
    say(f, "t", "'met':{'tp':{'t':1}}");
    say(f, "u", "'met':{'tp':{'t':1}}");
    assert_int_equal(count(f, "activeViolations", &any), 3);
    assert_int_equal(defender_detach(&f->cloud, "detached", ALL, &answer), CORE_OK);
    assert_int_equal(count(f, "activeViolations", &any), 2);
    assert_int_equal(defender_profile_update(&f->cloud, "changed", none, 7, &answer),
                     CORE_VERSION_CONFLICT);
    assert_int_equal(defender_profile_update(&f->cloud, "changed", none, 1, &answer), CORE_OK);
    assert_int_equal(json_integer_value(json_object_get(answer.body, "version")), 2);
    assert_int_equal(count(f, "activeViolations", &any), 1);
    answer_free(&answer);
    assert_int_equal(defender_profile_delete(&f->cloud, "deleted", -1, &answer), CORE_OK);
    assert_int_equal(count(f, "activeViolations", &any), 0);
    assert_int_equal(count(f, "violationEvents", &any), 6);
    assert_int_equal(thing_delete(&f->cloud, "u", -1, &answer), CORE_OK);
    assert_int_equal(count(f, "activeViolations", &(struct defender_filter){.thing = "u"}), 0);
    json_decref(none);
    answer_free(&answer);
}

static void a_profile_of_a_group_concerns_who_is_in_it_or_below_until_he_leaves(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    json_t *none = json_object(), *below = members("{'parentGroupName':'site'}");
    assert_int_equal(group_create(&f->cloud, "site", none, &answer), CORE_OK);
    answer_free(&answer);
    assert_int_equal(group_create(&f->cloud, "hall", below, &answer), CORE_OK);
    answer_free(&answer);
    assert_int_equal(group_add_thing(&f->cloud, "hall", "t", &answer), CORE_OK);
    fixture_thing(f, "u");
    profile(f, "p",
            "{'behaviors':[{'name':'b','metric':'aws:num-listening-tcp-ports','criteria'"
            ":{'comparisonOperator':'less-than','value':{'count':1}}}]}",
            ACCOUNT_ARN "thinggroup/site");
    assert_int_equal(defender_attach(&f->cloud, "p", ACCOUNT_ARN "thinggroup/nowhere", &answer),
                     CORE_NOT_FOUND);
    say(f, "t", "'met':{'tp':{'t':1}}");
    say(f, "u", "'met':{'tp':{'t':1}}");
    assert_int_equal(count(f, "activeViolations", &(struct defender_filter){0}), 1);
    answer_free(&answer);
    assert_int_equal(group_remove_thing(&f->cloud, "hall", "t", &answer), CORE_OK);
    assert_int_equal(count(f, "activeViolations", &(struct defender_filter){0}), 0);
    json_decref(none);
    json_decref(below);
    answer_free(&answer);
}

static void a_person_says_what_a_violation_was(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    char id[64];
    json_t *verdict = members("{'verificationState':'BENIGN_POSITIVE'}");
    profile(f, "p",
            "{'behaviors':[{'name':'b','metric':'aws:num-listening-tcp-ports','criteria'"
            ":{'comparisonOperator':'less-than','value':{'count':1}}}]}",
            ALL);
    say(f, "t", "'met':{'tp':{'t':1}}");
    defender_active_violations(&f->cloud, &any, &answer);
    snprintf(id, sizeof id, "%s",
             json_text(json_array_get(json_object_get(answer.body, "activeViolations"), 0),
                       "violationId"));
    answer_free(&answer);
    assert_int_equal(defender_verify_violation(&f->cloud, "nothing", verdict, &answer),
                     CORE_INVALID_REQUEST);
    assert_int_equal(defender_verify_violation(&f->cloud, id, verdict, &answer), CORE_OK);
    const struct defender_filter benign = {.verification = "BENIGN_POSITIVE"};
    assert_int_equal(count(f, "activeViolations", &benign), 1);
    assert_int_equal(count(f, "violationEvents", &benign), 1);
    say(f, "t", "'met':{'tp':{'t':0}}"); /* its end is the same violation's */
    assert_int_equal(count(f, "violationEvents", &benign), 2);
    json_decref(verdict);
    answer_free(&answer);
}

static void a_registered_metric_is_reported_with_its_type(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    metric(f, "own", "ip-address-list");
    assert_int_equal(
        report(f, "t", "{'hed':{'rid':1,'v':'1.0'},'cmet':{'own':[{'number':1}]}}", &answer),
        CORE_INVALID_REQUEST);
    assert_non_null(strstr(answer.message, "ip-address-list"));
    assert_int_equal(
        report(f, "t", "{'hed':{'rid':1,'v':'1.0'},'cmet':{'own':[{'ip_list':['::1']}]}}", &answer),
        CORE_OK);
    answer_free(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_thing, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_report_with_long_or_short_names_is_accepted),
        TEST(a_report_must_have_the_documented_shape),
        TEST(a_report_id_must_grow_also_over_a_restart_of_the_cloud),
        TEST(values_are_kept_of_metrics_that_a_profile_of_the_thing_uses_or_retains),
        TEST(bytes_add_up_over_the_duration_and_a_violation_begins_and_ends),
        TEST(alarms_wait_for_as_many_datapoints_in_a_row_as_asked),
        TEST(lists_are_judged_as_sets),
        TEST(a_violation_that_nothing_can_end_any_more_is_invalidated),
        TEST(a_profile_of_a_group_concerns_who_is_in_it_or_below_until_he_leaves),
        TEST(a_person_says_what_a_violation_was),
        TEST(a_registered_metric_is_reported_with_its_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
