/* Searching a fleet piece by piece: what is found, and who has a turn meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/registry/registry.h"
#include "cloud/core/search/search.h"
#include "fixture.h"

#define THINGS 300

static int setup(void **state)
{
    char name[16];
    struct answer answer = ANSWER_INIT;
    if (fixture_setup(state) != 0)
        return -1;
    struct fixture *f = *state;
    for (unsigned i = 0; i < THINGS; i++) {
        snprintf(name, sizeof name, "t-%03u", i);
        fixture_thing(f, name);
    }
    json_t *on = members("{'thingIndexingConfiguration':{'thingIndexingMode':'REGISTRY'}}");
    assert_int_equal(indexing_update(&f->cloud, on, &answer), CORE_OK);
    json_decref(on);
    answer_free(&answer);
    return 0;
}

static void note(void *of)
{
    *(bool *)of = true;
}

static struct finding *start(struct fixture *f, const struct search *search, bool *done)
{
    struct answer answer = ANSWER_INIT;
    struct finding *finding;
    *done = false;
    assert_int_equal(search_start(&f->cloud, search, note, done, &finding, &answer), CORE_OK);
    answer_free(&answer);
    return finding;
}

/* Turns until it is done. */
static unsigned settle(struct fixture *f, const bool *done)
{
    unsigned turns = 0;
    for (; !*done && turns < 10 * THINGS; turns++)
        cloud_turn(&f->cloud);
    assert_true(*done);
    return turns;
}

static size_t found(struct finding *finding, char token[24])
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(search_page(finding, &answer), CORE_OK);
    const size_t count = json_array_size(json_object_get(answer.body, "things"));
    const char *next = json_string_value(json_object_get(answer.body, "nextToken"));
    snprintf(token, 24, "%s", next ? next : "");
    answer_free(&answer);
    return count;
}

static void others_have_turns_while_many_things_are_searched(void **state)
{
    struct fixture *f = *state;
    bool done;
    char token[24];
    const struct search search = {.query = "thingName:t-2*", .most = 250};
    struct finding *finding = start(f, &search, &done);
    assert_false(done);
    assert_in_range(settle(f, &done), THINGS / 20, THINGS);
    assert_int_equal(found(finding, token), 100);
    assert_string_equal(token, "");
    search_free(finding);
}

static void pages_follow_each_other_without_a_gap(void **state)
{
    struct fixture *f = *state;
    char token[24] = "";
    size_t count = 0;
    unsigned pages = 0;
    do {
        bool done;
        const struct search search = {.query = "NOT thingName:t-000", .after = token, .most = 23};
        struct finding *finding = start(f, &search, &done);
        settle(f, &done);
        count += found(finding, token);
        search_free(finding);
        pages++;
    } while (*token);
    assert_int_equal(pages, 13); /* 299 = 13 * 23: none of them is empty */
    assert_int_equal(count, THINGS - 1);
}

static void a_search_bears_things_that_come_and_go_and_its_own_end(void **state)
{
    struct fixture *f = *state;
    bool done;
    char token[24], name[16];
    struct answer answer = ANSWER_INIT;
    const struct search search = {.query = "thingName:*", .most = 1000};
    struct finding *finding = start(f, &search, &done), *other;
    cloud_turn(&f->cloud);
    for (unsigned i = 0; i < 25; i++) { /* where it stands, and beyond */
        snprintf(name, sizeof name, "t-%03u", i);
        assert_int_equal(thing_delete(&f->cloud, name, -1, &answer), CORE_OK);
    }
    fixture_thing(f, "u");
    bool never;
    other = start(f, &search, &never);
    cloud_turn(&f->cloud);
    search_free(other);
    settle(f, &done);
    assert_int_equal(found(finding, token), 20 + THINGS - 25 + 1);
    assert_false(never);
    search_free(finding);
    assert_false(cloud_waits(&f->cloud));
    answer_free(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(others_have_turns_while_many_things_are_searched),
        TEST(pages_follow_each_other_without_a_gap),
        TEST(a_search_bears_things_that_come_and_go_and_its_own_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
