/* What a person sees of a fleet at a glance. */
#include <string.h>

#include "cloud/core/core.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/overview/overview.h"
#include "cloud/core/overview/presence.h"
#include "cloud/core/registry/groups.h"
#include "cloud/core/shadow/shadow.h"
#include "cloud/store/db.h"
#include "fixture.h"

static void came(struct fixture *fixture, const char *client, bool connected, const char *reason)
{
    struct presence presence = {client, connected, fixture->now_ms, reason};
    assert_true(presence_begin(&fixture->cloud));
    assert_true(presence_write(&fixture->cloud, &presence));
    assert_true(presence_end(&fixture->cloud));
}

static json_t *things(struct fixture *fixture, const struct overview_page *page)
{
    struct answer answer = ANSWER_INIT;
    overview_things(&fixture->cloud, page, &answer);
    return answer.body;
}

/* A thing's row of the list; NULL when it is not in it. */
static const json_t *row(const json_t *list, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        const char *its = json_string_value(json_object_get(entry, "thingName"));
        if (its && strcmp(its, name) == 0)
            return entry;
    }
    return NULL;
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

static int number(const json_t *object, const char *name)
{
    return (int)json_integer_value(json_object_get(object, name));
}

static void create_job(struct fixture *fixture, const char *id, const char *body)
{
    struct answer answer = ANSWER_INIT;
    json_t *given = members(body);
    assert_int_equal(jobs_create(&fixture->cloud, id, given, &answer), CORE_OK);
    json_decref(given);
    answer_free(&answer);
}

static void report(struct fixture *fixture, const char *thing, const char *job, const char *body)
{
    struct answer answer = ANSWER_INIT;
    json_t *given = members(body);
    assert_int_equal(jobs_update(&fixture->cloud, thing, job, given, &answer), CORE_OK);
    json_decref(given);
    answer_free(&answer);
}

static void a_thing_shows_whether_it_is_connected_and_since_when(void **state)
{
    struct fixture *fixture = *state;
    came(fixture, "t", true, NULL);
    fixture_thing(fixture, "never");
    json_t *seen = things(fixture, &(struct overview_page){0});
    const json_t *list = json_object_get(seen, "things");
    assert_true(json_is_true(json_object_get(row(list, "t"), "connected")));
    assert_int_equal(json_integer_value(json_object_get(row(list, "t"), "sinceMs")),
                     fixture->now_ms);
    assert_true(json_is_false(json_object_get(row(list, "never"), "connected")));
    assert_null(json_object_get(row(list, "never"), "sinceMs"));
    assert_int_equal(number(seen, "total"), 2);
    assert_int_equal(number(seen, "connected"), 1);
    json_decref(seen);
    came(fixture, "t", false, "CONNECTION_LOST");
    seen = things(fixture, &(struct overview_page){.state = "offline"});
    assert_int_equal(number(seen, "matching"), 2);
    assert_string_equal(text(row(json_object_get(seen, "things"), "t"), "reason"),
                        "CONNECTION_LOST");
    json_decref(seen);
}

static void after_a_restart_nobody_is_connected_but_known(void **state)
{
    struct fixture *fixture = *state;
    came(fixture, "t", true, NULL);
    fixture_restart(fixture);
    json_t *seen = things(fixture, &(struct overview_page){0});
    const json_t *thing = row(json_object_get(seen, "things"), "t");
    assert_true(json_is_false(json_object_get(thing, "connected")));
    assert_non_null(json_object_get(thing, "sinceMs"));
    json_decref(seen);
}

static void version_and_board_come_from_the_shadow(void **state)
{
    static const char update[] =
        "{\"state\":{\"reported\":{\"version\":\"1.2.3\",\"board\":\"posix\"}}}";
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    const struct shadow_id id = {"t", NULL};
    assert_int_equal(shadow_update(&fixture->cloud, &id, update, strlen(update), &answer), CORE_OK);
    answer_free(&answer);
    json_t *seen = things(fixture, &(struct overview_page){0});
    const json_t *thing = row(json_object_get(seen, "things"), "t");
    assert_string_equal(text(thing, "version"), "1.2.3");
    assert_string_equal(text(thing, "board"), "posix");
    assert_string_equal(text(thing, "versionFrom"), "shadow");
    json_decref(seen);
}

static void without_a_shadow_the_version_is_the_one_that_its_last_update_reported(void **state)
{
    struct fixture *fixture = *state;
    create_job(fixture, "up", "{'targets':['" ACCOUNT_ARN "thing/t'],'document':'{}'}");
    report(fixture, "t", "up",
           "{'status':'SUCCEEDED','statusDetails':{'reason':'accepted v2.0.1'}}");
    json_t *seen = things(fixture, &(struct overview_page){0});
    const json_t *thing = row(json_object_get(seen, "things"), "t");
    assert_string_equal(text(thing, "version"), "2.0.1");
    assert_string_equal(text(thing, "versionFrom"), "job");
    json_decref(seen);
}

static void the_thing_of_just_that_name_comes_first(void **state)
{
    struct fixture *fixture = *state;
    fixture_thing(fixture, "A-lamp");
    fixture_thing(fixture, "lamp");
    fixture_thing(fixture, "a-lamp");
    json_t *seen = things(fixture, &(struct overview_page){.search = "lamp", .most = 1});
    assert_int_equal(number(seen, "matching"), 3);
    assert_non_null(row(json_object_get(seen, "things"), "lamp"));
    json_decref(seen);
}

static void a_search_and_a_group_narrow_the_list(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    fixture_thing(fixture, "Lamp-1");
    fixture_thing(fixture, "lamp-2");
    json_t *seen = things(fixture, &(struct overview_page){.search = "LAMP"});
    assert_int_equal(number(seen, "matching"), 2);
    json_decref(seen);
    seen = things(fixture, &(struct overview_page){.search = "lamp", .most = 1, .begin = 1});
    assert_int_equal(json_array_size(json_object_get(seen, "things")), 1);
    assert_non_null(row(json_object_get(seen, "things"), "lamp-2"));
    json_decref(seen);
    json_t *none = json_object();
    assert_int_equal(group_create(&fixture->cloud, "floor", none, &answer), CORE_OK);
    answer_free(&answer);
    json_t *below = members("{'parentGroupName':'floor'}");
    assert_int_equal(group_create(&fixture->cloud, "room", below, &answer), CORE_OK);
    answer_free(&answer);
    assert_int_equal(group_add_thing(&fixture->cloud, "room", "lamp-2", &answer), CORE_OK);
    answer_free(&answer);
    seen = things(fixture, &(struct overview_page){.group = "floor"});
    assert_int_equal(number(seen, "matching"), 1);
    json_decref(seen);
    json_decref(none);
    json_decref(below);
}

static void a_job_shows_how_many_are_where_and_why_each_failed(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    fixture_thing(fixture, "u");
    fixture_thing(fixture, "v");
    create_job(fixture, "roll",
               "{'targets':['" ACCOUNT_ARN "thing/t','" ACCOUNT_ARN "thing/u','" ACCOUNT_ARN
               "thing/v'],'document':'{}','description':'all of them',"
               "'jobExecutionsRolloutConfig':{'maximumPerMinute':2}}");
    report(fixture, "t", "roll", "{'status':'FAILED','statusDetails':{'reason':'bad hash'}}");
    report(fixture, "u", "roll", "{'status':'IN_PROGRESS'}");
    overview_jobs(&fixture->cloud, &(struct overview_page){0}, &answer);
    const json_t *job = json_array_get(json_object_get(answer.body, "jobs"), 0);
    const json_t *counts = json_object_get(job, "counts");
    assert_string_equal(text(job, "description"), "all of them");
    assert_int_equal(number(counts, "FAILED"), 1);
    assert_int_equal(number(counts, "IN_PROGRESS"), 1);
    assert_int_equal(number(counts, "WAITING"), 1);
    answer_free(&answer);
    overview_executions(&fixture->cloud, "roll", &(struct overview_page){0}, &answer);
    const json_t *list = json_object_get(answer.body, "executions");
    assert_int_equal(number(answer.body, "matching"), 3);
    assert_string_equal(text(json_object_get(row(list, "t"), "details"), "reason"), "bad hash");
    assert_string_equal(text(row(list, "v"), "status"), "WAITING");
    assert_string_equal(text(json_array_get(list, 0), "status"), "IN_PROGRESS");
    assert_string_equal(text(json_array_get(list, 1), "status"), "FAILED");
    answer_free(&answer);
    overview_executions(&fixture->cloud, "roll", &(struct overview_page){.state = "FAILED"},
                        &answer);
    assert_int_equal(number(answer.body, "matching"), 1);
    answer_free(&answer);
}

static int64_t remembered(struct fixture *fixture)
{
    return db_number(fixture->cloud.db, "SELECT COUNT(*) FROM presence", "");
}

static void clients_that_are_no_things_are_forgotten_after_a_time_while_the_cloud_runs(void **state)
{
    struct fixture *fixture = *state;
    came(fixture, "t", false, "CONNECTION_LOST");
    came(fixture, "passer-by", false, "CONNECTION_LOST");
    came(fixture, "still-there", true, NULL);
    fixture->now_ms += (PRESENCE_KEPT_DAYS - 1) * INT64_C(86400000);
    core_tend(&fixture->cloud);
    assert_int_equal(remembered(fixture), 3);
    fixture->now_ms += 2 * INT64_C(86400000);
    core_tend(&fixture->cloud);
    assert_int_equal(remembered(fixture), 2); /* all but the one that passed by */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_thing, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_thing_shows_whether_it_is_connected_and_since_when),
        TEST(clients_that_are_no_things_are_forgotten_after_a_time_while_the_cloud_runs),
        TEST(after_a_restart_nobody_is_connected_but_known),
        TEST(version_and_board_come_from_the_shadow),
        TEST(without_a_shadow_the_version_is_the_one_that_its_last_update_reported),
        TEST(the_thing_of_just_that_name_comes_first),
        TEST(a_search_and_a_group_narrow_the_list),
        TEST(a_job_shows_how_many_are_where_and_why_each_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
