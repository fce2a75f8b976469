/* Shadows as AWS documents them: merging, versions, deltas, refusals, what is told and when. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/registry/registry.h"
#include "cloud/core/shadow/shadow.h"
#include "cloud/store/db.h"

#define T "$aws/things/t/shadow/"

static const struct shadow_id classic = {"t", NULL}, named = {"t", "config"};

static char *text_of(const char *quoted)
{
    char *text = strdup(quoted);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    return text;
}

static enum core_error update(void **state, const struct shadow_id *id, const char *quoted,
                              struct answer *answer)
{
    struct fixture *fixture = *state;
    char *text = text_of(quoted);
    enum core_error error = shadow_update(&fixture->cloud, id, text, strlen(text), answer);
    free(text);
    return error;
}

static void take(void **state, const char *quoted)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(update(state, &classic, quoted, &answer), CORE_OK);
    answer_free(&answer);
}

static void assert_json(const json_t *have, const char *quoted)
{
    json_t *want = members(quoted);
    char *text = json_dumps(have, JSON_COMPACT | JSON_SORT_KEYS);
    if (!json_equal(have, want))
        fail_msg("%s is not %s", text ? text : "nothing", quoted);
    free(text);
    json_decref(want);
}

static void assert_shadow(void **state, const char *quoted)
{
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    assert_int_equal(shadow_get(&fixture->cloud, &classic, &answer), CORE_OK);
    json_object_del(answer.body, "metadata");
    json_object_del(answer.body, "timestamp");
    assert_json(answer.body, quoted);
    answer_free(&answer);
}

static void assert_refused(void **state, const char *quoted, enum core_error error,
                           const char *message)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(update(state, &classic, quoted, &answer), error);
    assert_string_equal(answer.message, message);
    answer_free(&answer);
}

/* ---- documents ---- */

static void objects_merge_arrays_are_replaced_and_null_deletes(void **state)
{
    take(state, "{'state':{'reported':{'a':{'x':1,'y':[1,2,3]},'b':true,'c':'t'}}}");
    take(state, "{'state':{'reported':{'a':{'y':[4],'z':2.5},'b':null}}}");
    assert_shadow(state, "{'state':{'reported':{'a':{'x':1,'y':[4],'z':2.5},'c':'t'}},"
                         "'version':2}");
    take(state, "{'state':{'reported':{'a':{'x':null,'y':null,'z':null},'c':{'d':0}}}}");
    assert_shadow(state, "{'state':{'reported':{'c':{'d':0}}},'version':3}");
    take(state, "{'state':{'reported':null,'desired':{'e':{}}}}");
    assert_shadow(state, "{'state':{},'version':4}");
}

static void metadata_has_the_time_of_each_leaf(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    take(state, "{'state':{'desired':{'a':{'x':1,'timestamp':2},'l':[1,{'m':2}]}}}");
    fixture->now_ms += 5000;
    take(state, "{'state':{'desired':{'a':{'x':1}}}}");
    assert_int_equal(shadow_get(&fixture->cloud, &classic, &answer), CORE_OK);
    assert_json(json_object_get(answer.body, "metadata"),
                "{'desired':{'a':{'x':{'timestamp':1700000005},"
                "'timestamp':{'timestamp':1700000000}},"
                "'l':[{'timestamp':1700000000},{'m':{'timestamp':1700000000}}]}}");
    assert_int_equal(json_integer_value(json_object_get(answer.body, "timestamp")), 1700000005);
    answer_free(&answer);
}

static void the_delta_is_what_is_desired_and_not_reported(void **state)
{
    struct fixture *fixture = *state;
    take(state, "{'state':{'desired':{'a':{'x':1,'y':2},'l':[1,2],'same':0},"
                "'reported':{'a':{'x':1},'l':[1],'same':0,'own':9}}}");
    assert_json(fixture_published(fixture, T "update/delta"),
                "{'version':1,'state':{'a':{'y':2},'l':[1,2]},'metadata':{'a':{'y':"
                "{'timestamp':1700000000}},'l':[{'timestamp':1700000000},"
                "{'timestamp':1700000000}]},'timestamp':1700000000}");
    fixture_forget(fixture);
    take(state, "{'state':{'reported':{'a':{'y':2},'l':[1,2]}}}");
    assert_null(fixture_published(fixture, T "update/delta"));
    assert_non_null(fixture_published(fixture, T "update/accepted"));
    take(state, "{'state':{'desired':{'new':1}}}");
    fixture_forget(fixture);
    take(state, "{'state':{'reported':{'own':8}}}"); /* a difference that remains is told again */
    assert_json(json_object_get(fixture_published(fixture, T "update/delta"), "state"),
                "{'new':1}");
    assert_shadow(state, "{'state':{'desired':{'a':{'x':1,'y':2},'l':[1,2],'same':0,'new':1},"
                         "'reported':{'a':{'x':1,'y':2},'l':[1,2],'same':0,'own':8},"
                         "'delta':{'new':1}},'version':4}");
}

static void an_update_is_answered_and_told_with_what_it_has(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    const char *accepted = "{'state':{'reported':{'b':2,'gone':null}},'metadata':{'reported':{'b':"
                           "{'timestamp':1700000000}}},'version':2,'timestamp':1700000000,"
                           "'clientToken':'c'}";
    take(state, "{'state':{'reported':{'a':1,'gone':3}}}");
    assert_int_equal(update(state, &classic,
                            "{'state':{'reported':{'b':2,'gone':null}},'clientToken':'c'}",
                            &answer),
                     CORE_OK);
    assert_json(answer.body, accepted);
    assert_json(fixture_published(fixture, T "update/accepted"), accepted);
    assert_json(fixture_published(fixture, T "update/documents"),
                "{'previous':{'state':{'reported':{'a':1,'gone':3}},'metadata':{'reported':{'a':"
                "{'timestamp':1700000000},'gone':{'timestamp':1700000000}}},'version':1},"
                "'current':{'state':{'reported':{'a':1,'b':2}},'metadata':{'reported':{'a':"
                "{'timestamp':1700000000},'b':{'timestamp':1700000000}}},'version':2},"
                "'timestamp':1700000000,'clientToken':'c'}");
    answer_free(&answer);
}

/* ---- versions ---- */

static void a_version_that_is_not_the_shadows_is_a_conflict(void **state)
{
    take(state, "{'state':{'desired':{'a':1}},'version':0}");
    take(state, "{'state':{'desired':{'a':2}},'version':1}");
    assert_refused(state, "{'state':{'desired':{'a':3}},'version':1}", CORE_VERSION_CONFLICT,
                   "Version conflict");
    assert_shadow(state, "{'state':{'desired':{'a':2},'delta':{'a':2}},'version':2}");
}

static void a_deleted_shadow_is_gone_and_its_version_goes_on_for_48_hours(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    take(state, "{'state':{'desired':{'a':1}}}");
    json_t *token = json_string("k");
    assert_int_equal(shadow_delete(&fixture->cloud, &classic, token, &answer), CORE_OK);
    assert_json(answer.body, "{'version':1,'timestamp':1700000000}");
    answer_free(&answer);
    assert_json(fixture_published(fixture, T "delete/accepted"),
                "{'version':1,'timestamp':1700000000,'clientToken':'k'}");
    assert_int_equal(shadow_get(&fixture->cloud, &classic, &answer), CORE_NOT_FOUND);
    assert_string_equal(answer.message, "No shadow exists with name: 't'");
    assert_int_equal(shadow_delete(&fixture->cloud, &classic, NULL, &answer), CORE_NOT_FOUND);
    fixture_restart(fixture);
    take(state, "{'state':{'desired':{'b':1}},'version':1}");
    assert_shadow(state, "{'state':{'desired':{'b':1},'delta':{'b':1}},'version':2}");
    assert_int_equal(shadow_delete(&fixture->cloud, &classic, NULL, &answer), CORE_OK);
    fixture->now_ms += 48 * 3600 * 1000;
    take(state, "{'state':{'desired':{'b':1}}}");
    assert_shadow(state, "{'state':{'desired':{'b':1},'delta':{'b':1}},'version':1}");
    answer_free(&answer);
    json_decref(token);
}

static void a_shadow_outlives_a_restart_and_its_thing(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    take(state, "{'state':{'reported':{'a':1}}}");
    assert_int_equal(thing_delete(&fixture->cloud, "t", -1, &answer), CORE_OK);
    fixture_restart(fixture);
    assert_shadow(state, "{'state':{'reported':{'a':1}},'version':1}");
    answer_free(&answer);
}

static void nothing_is_told_of_an_update_that_is_rolled_back(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(db_begin(fixture->cloud.db), OTTER_OK);
    take(state, "{'state':{'desired':{'a':1}}}");
    db_rollback(fixture->cloud.db);
    assert_int_equal(json_array_size(fixture->published), 0);
}

/* ---- refusals ---- */

static void what_breaks_the_rules_is_refused_in_awss_words(void **state)
{
    static const struct {
        const char *request, *message;
    } rows[] = {
        {"", "Invalid JSON"},
        {"[]", "Invalid JSON"},
        {"{'state':{}", "Invalid JSON"},
        {"{}", "Missing required node: state"},
        {"{'state':null}", "State node must be an object"},
        {"{'state':[]}", "State node must be an object"},
        {"{'state':{'desired':1}}", "Desired node must be an object"},
        {"{'state':{'reported':'x'}}", "Reported node must be an object"},
        {"{'state':{'delta':{}}}", "State contains an invalid node: 'delta'"},
        {"{'state':{'desired':{'a':[1,null]}}}",
         "State contains an invalid node: null in an array"},
        {"{'state':{},'version':'1'}", "Invalid version"},
        {"{'state':{},'version':-1}", "Invalid version"},
        {"{'state':{},'clientToken':1}", "Invalid clientToken"},
        {"{'state':{},'clientToken':'"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}",
         "Invalid clientToken"},
        {"{'state':{'desired':{'1':{'2':{'3':{'4':{'5':{'6':{'7':0}}}}}}}}}",
         "JSON contains too many levels of nesting; maximum is 6"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_refused(state, rows[i].request, CORE_INVALID_REQUEST, rows[i].message);
    assert_refused(state, "{'state':{'desired':{'a':'\xff'}}}", CORE_ENCODING,
                   "Unsupported documented encoding; supported encoding is UTF-8");
    take(state, "{'state':{'desired':{'1':{'2':{'3':{'4':{'5':{'6':0}}}}}}}}");
}

static char *long_update(const char *name, size_t size)
{
    char *text = malloc(size + 64);
    int head = sprintf(text, "{\"state\":{\"reported\":{\"%s\":\"", name);
    memset(text + head, 'x', size);
    strcpy(text + head + size, "\"}}}");
    return text;
}

static void requests_and_states_above_8192_bytes_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    char *first = long_update("a", 5000), *second = long_update("b", 5000),
         *third = long_update("c", 9000);
    assert_int_equal(shadow_update(&fixture->cloud, &classic, third, strlen(third), &answer),
                     CORE_TOO_LARGE);
    assert_string_equal(answer.message, "The payload exceeds the maximum size allowed");
    assert_int_equal(shadow_update(&fixture->cloud, &classic, first, strlen(first), &answer),
                     CORE_OK);
    answer_free(&answer);
    assert_int_equal(shadow_update(&fixture->cloud, &classic, second, strlen(second), &answer),
                     CORE_TOO_LARGE);
    answer_free(&answer);
    assert_int_equal(shadow_get(&fixture->cloud, &classic, &answer), CORE_OK);
    assert_int_equal(json_integer_value(json_object_get(answer.body, "version")), 1);
    answer_free(&answer);
    free(first);
    free(second);
    free(third);
}

/* ---- names ---- */

static void named_shadows_are_apart_and_listed_in_pages(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    const struct shadow_id other = {"t", "$a:_-9"}, bad = {"t", "no/slash"}, nobody = {"u", NULL};
    take(state, "{'state':{'desired':{'a':1}}}");
    assert_int_equal(update(state, &named, "{'state':{'desired':{'b':1}}}", &answer), CORE_OK);
    answer_free(&answer);
    assert_int_equal(update(state, &other, "{'state':{'desired':{'c':1}}}", &answer), CORE_OK);
    answer_free(&answer);
    assert_non_null(fixture_published(fixture, T "name/config/update/delta"));
    assert_non_null(fixture_published(fixture, T "name/$a:_-9/update/accepted"));
    assert_shadow(state, "{'state':{'desired':{'a':1},'delta':{'a':1}},'version':1}");
    assert_int_equal(update(state, &bad, "{'state':{}}", &answer), CORE_INVALID_REQUEST);
    answer_free(&answer);
    assert_int_equal(shadow_list(&fixture->cloud, "t", 0, 1, &answer), CORE_OK);
    assert_json(answer.body, "{'results':['$a:_-9'],'timestamp':1700000000,'nextToken':'1'}");
    answer_free(&answer);
    assert_int_equal(shadow_list(&fixture->cloud, "t", 1, 1, &answer), CORE_OK);
    assert_json(answer.body, "{'results':['config'],'timestamp':1700000000}");
    answer_free(&answer);
    assert_int_equal(shadow_list(&fixture->cloud, "u", 0, 1, &answer), CORE_NOT_FOUND);
    assert_int_equal(update(state, &nobody, "{'state':{'desired':{'c':1}}}", &answer), CORE_OK);
    answer_free(&answer);
    assert_int_equal(shadow_list(&fixture->cloud, "u", 0, 1, &answer), CORE_OK);
    answer_free(&answer);
}

/* ---- over MQTT ---- */

static void hear(void *context, const struct reserved_message *message)
{
    struct fixture *fixture = context;
    json_t *json = json_loadb(message->payload, message->length, 0, NULL);
    json_array_append_new(fixture->published, json_pack("{s:s, s:o}", "topic", message->topic,
                                                        "payload", json ? json : json_null()));
}

static void ask(struct fixture *fixture, const char *topic, const char *quoted)
{
    char *text = text_of(quoted);
    const struct reserved_answers answers = {.reply = hear, .publish = hear, .context = fixture};
    const struct reserved_request request = {topic, text, strlen(text)};
    assert_true(reserved_publish(&fixture->cloud, &request, &answers));
    free(text);
}

static void devices_get_update_and_delete_by_topics(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, T "update", "{'state':{'reported':{'a':1}},'clientToken':'1'}");
    assert_json(fixture_published(fixture, T "update/accepted"),
                "{'state':{'reported':{'a':1}},'metadata':{'reported':{'a':{'timestamp':"
                "1700000000}}},'version':1,'timestamp':1700000000,'clientToken':'1'}");
    assert_int_equal(json_array_size(fixture->published), 3); /* it, accepted once, documents */
    ask(fixture, T "get", "{'clientToken':'2'}");
    assert_json(fixture_published(fixture, T "get/accepted"),
                "{'state':{'reported':{'a':1}},'metadata':{'reported':{'a':{'timestamp':"
                "1700000000}}},'version':1,'timestamp':1700000000,'clientToken':'2'}");
    ask(fixture, T "update", "{'state':{'reported':{'a':2}},'version':7,'clientToken':'3'}");
    assert_json(fixture_published(fixture, T "update/rejected"),
                "{'code':409,'message':'Version conflict','timestamp':1700000000,"
                "'clientToken':'3'}");
    ask(fixture, T "delete", "");
    assert_json(fixture_published(fixture, T "delete/accepted"),
                "{'version':1,'timestamp':1700000000}");
    ask(fixture, T "get", "");
    assert_string_equal(
        json_string_value(json_object_get(fixture_published(fixture, T "get/rejected"), "message")),
        "No shadow exists with name: 't'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_thing, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(objects_merge_arrays_are_replaced_and_null_deletes),
        TEST(metadata_has_the_time_of_each_leaf),
        TEST(the_delta_is_what_is_desired_and_not_reported),
        TEST(an_update_is_answered_and_told_with_what_it_has),
        TEST(a_version_that_is_not_the_shadows_is_a_conflict),
        TEST(a_deleted_shadow_is_gone_and_its_version_goes_on_for_48_hours),
        TEST(a_shadow_outlives_a_restart_and_its_thing),
        TEST(nothing_is_told_of_an_update_that_is_rolled_back),
        TEST(what_breaks_the_rules_is_refused_in_awss_words),
        TEST(requests_and_states_above_8192_bytes_are_refused),
        TEST(named_shadows_are_apart_and_listed_in_pages),
        TEST(devices_get_update_and_delete_by_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
