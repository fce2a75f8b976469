/* Paths, percent-encoding, queries. */
#include "request.h"

#include <stdlib.h>

#include "cloud/api/router.h"

static char *parameters[CALL_PARAMETERS_MAX];

static bool match(const char *pattern, const char *target)
{
    for (int i = 0; i < CALL_PARAMETERS_MAX; i++) {
        free(parameters[i]);
        parameters[i] = NULL;
    }
    return router_match(pattern, target, parameters);
}

static void a_pattern_takes_whole_segments(void **state)
{
    (void)state;
    assert_true(match("/things/{}/jobs/{}", "/things/a%3Ab/jobs/j?x=/y"));
    assert_string_equal(parameters[0], "a:b");
    assert_string_equal(parameters[1], "j");
    assert_false(match("/things/{}", "/things"));
    assert_false(match("/things/{}", "/things/"));
    assert_false(match("/things/{}", "/things/a/b"));
    assert_false(match("/things", "/thingsandmore"));
    assert_false(match("/things", "/thing"));
    assert_true(match("/things", "/things?maxResults=2"));
    assert_true(match("/things/{}", "/things/a/"));
}

static void an_encoded_slash_stays_within_its_segment(void **state)
{
    (void)state;
    assert_true(match("/attached-policies/{}", "/attached-policies/arn:aws:iot:r:a:cert%2Fabc"));
    assert_string_equal(parameters[0], "arn:aws:iot:r:a:cert/abc");
}

static void broken_or_hidden_bytes_match_nothing(void **state)
{
    (void)state;
    assert_false(match("/things/{}", "/things/%"));
    assert_false(match("/things/{}", "/things/%4"));
    assert_false(match("/things/{}", "/things/%zz"));
    assert_false(match("/things/{}", "/things/a%00b"));
    assert_null(parameters[0]);
}

static enum core_error handler(struct call *call, const json_t *body, struct answer *answer)
{
    (void)call, (void)body, (void)answer;
    return CORE_OK;
}

static void the_method_chooses_among_equal_paths(void **state)
{
    static const struct route routes[] = {{"GetJob", EVHTTP_REQ_GET, "/jobs/{}", handler, NULL},
                                          {"PutJob", EVHTTP_REQ_PUT, "/jobs/{}", handler, NULL},
                                          {NULL, 0, NULL, NULL, NULL}};
    (void)state;
    match("/", "/");
    assert_ptr_equal(router_find(routes, EVHTTP_REQ_PUT, "/jobs/a", parameters), &routes[1]);
    match("/", "/");
    assert_null(router_find(routes, EVHTTP_REQ_DELETE, "/jobs/a", parameters));
}

static void queries_give_names_and_values(void **state)
{
    json_t *query = router_parse_query("versions&prefix=a%20b+c&&empty=&two=1=2");
    (void)state;
    assert_string_equal(json_string_value(json_object_get(query, "versions")), "");
    assert_string_equal(json_string_value(json_object_get(query, "prefix")), "a b c");
    assert_string_equal(json_string_value(json_object_get(query, "empty")), "");
    assert_string_equal(json_string_value(json_object_get(query, "two")), "1=2");
    json_decref(query);
    assert_null(router_parse_query("a=%zz"));
    assert_null(router_parse_query("a=%ff%fe"));
    assert_null(router_parse_query("a=%00"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_takes_whole_segments),
        cmocka_unit_test(an_encoded_slash_stays_within_its_segment),
        cmocka_unit_test(broken_or_hidden_bytes_match_nothing),
        cmocka_unit_test(the_method_chooses_among_equal_paths),
        cmocka_unit_test(queries_give_names_and_values),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    match("/", "/");
    return failed;
}
