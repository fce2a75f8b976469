/* Thing groups: what they are, who is in them, and the tags of resources. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/registry/groups.h"
#include "cloud/core/registry/registry.h"

static enum core_error create(struct fixture *f, const char *name, const char *text)
{
    struct answer answer = ANSWER_INIT;
    json_t *m = members(text);
    enum core_error error = group_create(&f->cloud, name, m, &answer);
    json_decref(m);
    answer_free(&answer);
    return error;
}

static enum core_error add(struct fixture *f, const char *group, const char *thing)
{
    struct answer answer = ANSWER_INIT;
    enum core_error error = group_add_thing(&f->cloud, group, thing, &answer);
    answer_free(&answer);
    return error;
}

/* The body of an answer, as text with ' for ". */
static void assert_body(struct answer *answer, const char *text)
{
    json_t *wanted = members(text);
    char *is = json_dumps(answer->body, JSON_COMPACT);
    if (!json_equal(answer->body, wanted))
        fail_msg("%s instead of %s", is, text);
    free(is);
    json_decref(wanted);
    answer_free(answer);
}

static void assert_things(struct fixture *f, const char *group, bool recursive, const char *text)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(group_things(&f->cloud, group, recursive, &answer), CORE_OK);
    assert_body(&answer, text);
}

static const json_t *described(struct fixture *f, const char *name, struct answer *answer)
{
    *answer = (struct answer)ANSWER_INIT;
    assert_int_equal(group_describe(&f->cloud, name, answer), CORE_OK);
    return answer->body;
}

static int setup(void **state)
{
    fixture_setup(state);
    fixture_thing(*state, "t1");
    fixture_thing(*state, "t2");
    fixture_thing(*state, "t3");
    create(*state, "all", "{}");
    create(*state, "north", "{'parentGroupName':'all'}");
    create(*state, "south", "{'parentGroupName':'all'}");
    create(*state, "town", "{'parentGroupName':'north'}");
    return 0;
}

/* ---- groups --------------------------------------------------------------------------------- */

static void a_group_is_shown_with_its_way_from_the_root(void **state)
{
    struct answer answer;
    const json_t *body = described(*state, "town", &answer);
    const json_t *metadata = json_object_get(body, "thingGroupMetadata");
    json_t *way = members("[{'groupName':'all','groupArn':'" ACCOUNT_ARN "thinggroup/all'},"
                          "{'groupName':'north','groupArn':'" ACCOUNT_ARN "thinggroup/north'}]");
    assert_string_equal(json_string_value(json_object_get(metadata, "parentGroupName")), "north");
    assert_true(json_equal(json_object_get(metadata, "rootToParentThingGroups"), way));
    assert_int_equal(json_integer_value(json_object_get(body, "version")), 1);
    json_decref(way);
    answer_free(&answer);
}

static void the_same_group_once_more_is_no_error_another_of_its_name_is(void **state)
{
    assert_int_equal(create(*state, "town", "{'parentGroupName':'north'}"), CORE_OK);
    assert_int_equal(create(*state, "town", "{'parentGroupName':'south'}"), CORE_EXISTS);
    assert_int_equal(create(*state, "other", "{'parentGroupName':'nowhere'}"), CORE_NOT_FOUND);
    assert_int_equal(create(*state, "a b", "{}"), CORE_INVALID_REQUEST);
}

static void groups_nest_seven_deep(void **state)
{
    char name[16], parent[48];
    for (int i = 4; i <= 8; i++) {
        snprintf(name, sizeof name, "level%d", i);
        if (i == 4)
            snprintf(parent, sizeof parent, "{'parentGroupName':'town'}");
        else
            snprintf(parent, sizeof parent, "{'parentGroupName':'level%d'}", i - 1);
        assert_int_equal(create(*state, name, parent), i <= 7 ? CORE_OK : CORE_INVALID_REQUEST);
    }
}

static void an_update_replaces_or_merges_attributes_and_counts_versions(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    json_t *first = members("{'thingGroupProperties':{'thingGroupDescription':'cold',"
                            "'attributePayload':{'attributes':{'a':'1','b':'2'}}}}");
    json_t *second = members("{'expectedVersion':2,'thingGroupProperties':{'attributePayload':"
                             "{'attributes':{'a':'','c':'3'},'merge':true}}}");
    assert_int_equal(group_update(&f->cloud, "north", first, &answer), CORE_OK);
    assert_body(&answer, "{'version':2}");
    assert_int_equal(group_update(&f->cloud, "north", second, &answer), CORE_OK);
    assert_body(&answer, "{'version':3}");
    assert_int_equal(group_update(&f->cloud, "north", second, &answer), CORE_VERSION_CONFLICT);
    answer_free(&answer);
    const json_t *properties =
        json_object_get(described(f, "north", &answer), "thingGroupProperties");
    json_t *wanted = members("{'thingGroupDescription':'cold','attributePayload':"
                             "{'attributes':{'b':'2','c':'3'}}}");
    assert_true(json_equal(properties, wanted));
    answer_free(&answer);
    json_decref(wanted);
    json_decref(first);
    json_decref(second);
}

static void a_group_with_groups_below_stays_and_one_with_things_goes(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    add(f, "town", "t1");
    assert_int_equal(group_delete(&f->cloud, "north", -1, &answer), CORE_INVALID_REQUEST);
    assert_int_equal(group_delete(&f->cloud, "town", 7, &answer), CORE_VERSION_CONFLICT);
    assert_int_equal(group_delete(&f->cloud, "town", -1, &answer), CORE_OK);
    assert_int_equal(group_delete(&f->cloud, "town", -1, &answer), CORE_OK);
    assert_int_equal(group_delete(&f->cloud, "north", -1, &answer), CORE_OK);
    assert_int_equal(group_list_of_thing(&f->cloud, "t1", &answer), CORE_OK);
    assert_body(&answer, "{'thingGroups':[]}");
}

static void lists_are_of_roots_children_or_all_below(void **state)
{
    struct fixture *f = *state;
    static const struct {
        struct groups_filter filter;
        const char *names;
    } rows[] = {{{.roots = true}, "all "},
                {{0}, "all north south town "},
                {{.parent = "all"}, "north south "},
                {{.parent = "all", .recursive = true}, "north south town "},
                {{.parent = "all", .recursive = true, .prefix = "t"}, "town "}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = ANSWER_INIT;
        char names[128] = "";
        size_t j;
        json_t *group;
        assert_int_equal(group_list(&f->cloud, &rows[i].filter, &answer), CORE_OK);
        json_array_foreach(json_object_get(answer.body, "thingGroups"), j, group)
        {
            strcat(names, json_string_value(json_object_get(group, "groupName")));
            strcat(names, " ");
        }
        assert_string_equal(names, rows[i].names);
        answer_free(&answer);
    }
}

/* ---- things --------------------------------------------------------------------------------- */

static void things_below_are_listed_when_asked(void **state)
{
    struct fixture *f = *state;
    add(f, "all", "t3");
    add(f, "north", "t2");
    add(f, "town", "t1");
    assert_things(f, "all", false, "{'things':['t3']}");
    assert_things(f, "all", true, "{'things':['t1','t2','t3']}");
    assert_things(f, "north", true, "{'things':['t1','t2']}");
    fixture_restart(f);
    assert_things(f, "all", true, "{'things':['t1','t2','t3']}");
}

static void a_thing_is_in_one_group_of_a_hierarchy(void **state)
{
    struct fixture *f = *state;
    create(f, "beta", "{}");
    assert_int_equal(add(f, "town", "t1"), CORE_OK);
    assert_int_equal(add(f, "town", "t1"), CORE_OK);
    assert_int_equal(add(f, "south", "t1"), CORE_INVALID_REQUEST);
    assert_int_equal(add(f, "all", "t1"), CORE_INVALID_REQUEST);
    assert_int_equal(add(f, "beta", "t1"), CORE_OK);
    assert_int_equal(add(f, "none", "t1"), CORE_NOT_FOUND);
    assert_int_equal(add(f, "beta", "t9"), CORE_NOT_FOUND);
}

static void a_thing_is_in_ten_groups_at_most(void **state)
{
    char name[16];
    for (int i = 0; i <= GROUPS_OF_THING_MAX; i++) {
        snprintf(name, sizeof name, "own%d", i);
        create(*state, name, "{}");
        assert_int_equal(add(*state, name, "t1"),
                         i < GROUPS_OF_THING_MAX ? CORE_OK : CORE_INVALID_REQUEST);
    }
}

static void a_deleted_thing_is_in_no_group(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    add(f, "town", "t1");
    assert_int_equal(thing_delete(&f->cloud, "t1", -1, &answer), CORE_OK);
    fixture_thing(f, "t1");
    assert_things(f, "all", true, "{'things':[]}");
}

/* ---- tags ----------------------------------------------------------------------------------- */

static void tags_are_kept_replaced_taken_away_and_go_with_their_resource(void **state)
{
    static const char arn[] = ACCOUNT_ARN "thinggroup/tagged";
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    json_t *more = members("[{'Key':'a','Value':'2'},{'Key':'c'}]"), *keys = members("['b','z']");
    create(f, "tagged", "{'tags':[{'Key':'a','Value':'1'},{'Key':'b','Value':'1'}]}");
    assert_int_equal(resource_tag(&f->cloud, arn, more, &answer), CORE_OK);
    assert_int_equal(resource_untag(&f->cloud, arn, keys, &answer), CORE_OK);
    assert_int_equal(resource_tags(&f->cloud, arn, &answer), CORE_OK);
    assert_body(&answer, "{'tags':[{'Key':'a','Value':'2'},{'Key':'c','Value':''}]}");
    assert_int_equal(group_delete(&f->cloud, "tagged", -1, &answer), CORE_OK);
    assert_int_equal(resource_tags(&f->cloud, arn, &answer), CORE_NOT_FOUND);
    create(f, "tagged", "{}");
    assert_int_equal(resource_tags(&f->cloud, arn, &answer), CORE_OK);
    assert_body(&answer, "{'tags':[]}");
    json_decref(more);
    json_decref(keys);
}

static void a_tag_outside_the_limits_changes_nothing(void **state)
{
    assert_int_equal(create(*state, "x", "{'tags':[{'Key':'aws:mine','Value':'1'}]}"),
                     CORE_INVALID_REQUEST);
    assert_false(group_exists(&((struct fixture *)*state)->cloud, "x"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(a_group_is_shown_with_its_way_from_the_root),
        T(the_same_group_once_more_is_no_error_another_of_its_name_is),
        T(groups_nest_seven_deep),
        T(an_update_replaces_or_merges_attributes_and_counts_versions),
        T(a_group_with_groups_below_stays_and_one_with_things_goes),
        T(lists_are_of_roots_children_or_all_below),
        T(things_below_are_listed_when_asked),
        T(a_thing_is_in_one_group_of_a_hierarchy),
        T(a_thing_is_in_ten_groups_at_most),
        T(a_deleted_thing_is_in_no_group),
        T(tags_are_kept_replaced_taken_away_and_go_with_their_resource),
        T(a_tag_outside_the_limits_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
