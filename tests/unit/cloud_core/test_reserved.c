/* The table of reserved topics: which requests are taken, and in which envelope each is answered.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/cbor_json.h"
#include "codec/cbor.h"

struct heard {
    int replies, published, unoffered;
    enum reserved_service service;
    char topic[512];
    unsigned char payload[2048];
    size_t length;
};

static void keep(struct heard *heard, const struct reserved_message *message)
{
    assert_true(message->length < sizeof heard->payload);
    snprintf(heard->topic, sizeof heard->topic, "%s", message->topic);
    memcpy(heard->payload, message->payload, message->length);
    heard->length = message->length;
}

static void hear_reply(void *context, const struct reserved_message *message)
{
    ((struct heard *)context)->replies++;
    keep(context, message);
}

static void hear_published(void *context, const struct reserved_message *message)
{
    ((struct heard *)context)->published++;
    keep(context, message);
}

static void hear_blocks(void *context, struct reserved_blocks *blocks)
{
    struct reserved_message message;
    while (reserved_blocks_next(blocks, &message))
        hear_reply(context, &message);
    reserved_blocks_free(blocks);
}

static void hear_unoffered(void *context, enum reserved_service service, const char *name)
{
    struct heard *heard = context;
    heard->unoffered++;
    heard->service = service;
    assert_true(strlen(name) > 0);
}

static bool ask(struct fixture *f, const char *topic, const char *text, struct heard *heard)
{
    const struct reserved_answers answers = {.reply = hear_reply,
                                             .publish = hear_published,
                                             .blocks = hear_blocks,
                                             .unoffered = hear_unoffered,
                                             .context = heard};
    *heard = (struct heard){0};
    return reserved_publish(&f->cloud, &(struct reserved_request){topic, text, strlen(text)},
                            &answers);
}

static json_t *body(const struct heard *heard)
{
    json_t *json = json_loadb((const char *)heard->payload, heard->length, 0, NULL);
    assert_non_null(json);
    return json;
}

static void each_answer_comes_on_its_requests_topic(void **state)
{
    static const struct {
        const char *topic, *answer;
        bool to_all, unoffered;
    } rows[] = {
        {"$aws/things/t/jobs/get", "$aws/things/t/jobs/get/accepted", false, false},
        {"$aws/things/t/jobs/start-next", "$aws/things/t/jobs/start-next/accepted", false, false},
        {"$aws/things/t/jobs/$next/get", "$aws/things/t/jobs/$next/get/accepted", false, false},
        {"$aws/things/t/jobs/j/get", "$aws/things/t/jobs/j/get/rejected", false, false},
        {"$aws/things/t/jobs/j/update", "$aws/things/t/jobs/j/update/rejected", false, false},
        {"$aws/things/t/streams/s/get/cbor", "$aws/things/t/streams/s/rejected/cbor", false, false},
        {"$aws/things/t/streams/s/describe/json", "$aws/things/t/streams/s/rejected/json", false,
         false},
        {"$aws/things/t/shadow/get", "$aws/things/t/shadow/get/rejected", true, false},
        {"$aws/things/t/shadow/name/n/update", "$aws/things/t/shadow/name/n/update/rejected", true,
         false},
        {"$aws/things/t/defender/metrics/cbor", "$aws/things/t/defender/metrics/cbor/rejected",
         true, false},
        {"$aws/certificates/create-from-csr/json",
         "$aws/certificates/create-from-csr/json/rejected", false, false},
        {"$aws/provisioning-templates/x/provision/cbor",
         "$aws/provisioning-templates/x/provision/cbor/rejected", false, false},
    };
    struct heard heard;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(ask(*state, rows[i].topic, "{}", &heard));
        assert_string_equal(heard.topic, rows[i].answer);
        assert_int_equal(heard.replies, rows[i].to_all ? 0 : 1);
        const bool shadow = strstr(rows[i].topic, "/shadow/") != NULL; /* the request goes to all */
        assert_int_equal(heard.published, rows[i].to_all + shadow);
        assert_int_equal(heard.unoffered, rows[i].unoffered ? 1 : 0);
    }
}

static void what_devices_may_not_publish_is_not_taken(void **state)
{
    char long_thing[200], topic[300];
    static const char *const topics[] = {
        "$aws/things/t/jobs/get/accepted",
        "$aws/things/t/jobs/notify",
        "$aws/things/t/jobs",
        "$aws/things//jobs/get",
        "$aws/things/t/streams/s/data/cbor",
        "$aws/things/t/streams//get/cbor",
        "$aws/things/t/streams/s/get/xml",
        "$aws/things/t/shadow/get/accepted",
        "$aws/things/t/shadow/delete/x",
        "$aws/things//shadow/get",
        "$aws/things/t/shadow/name//get",
        "$aws/events/presence/connected/t",
        "$aws/rules",
        "$aws",
        "$SYS/broker/version",
        "$",
    };
    struct heard heard;
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        assert_false(ask(*state, topics[i], "{}", &heard));
    memset(long_thing, 'x', sizeof long_thing);
    snprintf(topic, sizeof topic, "$aws/things/%.129s/jobs/get", long_thing);
    assert_false(ask(*state, topic, "{}", &heard));
    assert_int_equal(heard.replies + heard.published, 0);
    snprintf(topic, sizeof topic, "$aws/things/%.128s/jobs/get", long_thing);
    assert_true(ask(*state, topic, "{}", &heard));
}

static void basic_ingest_is_taken_and_goes_nowhere(void **state)
{
    struct heard heard;
    assert_true(ask(*state, "$aws/rules/r/a/b/c", "{}", &heard));
    assert_int_equal(heard.service, RESERVED_INGEST);
    assert_true(ask(*state, "$aws/rules/r", "x", &heard));
    assert_int_equal(heard.replies + heard.published, 0);
}

static void each_service_words_its_refusal_as_it_does_on_aws(void **state)
{
    struct heard heard;
    ask(*state, "$aws/things/t/shadow/update", "{\"clientToken\":\"c\"}", &heard);
    json_t *json = body(&heard);
    assert_int_equal(json_integer_value(json_object_get(json, "code")), 400);
    assert_string_equal(json_string_value(json_object_get(json, "message")),
                        "Missing required node: state");
    assert_string_equal(json_string_value(json_object_get(json, "clientToken")), "c");
    json_decref(json);
    ask(*state, "$aws/things/t/defender/metrics/json", "{\"hed\":{\"rid\":7}}", &heard);
    json = body(&heard);
    assert_string_equal(json_string_value(json_object_get(json, "thingName")), "t");
    assert_string_equal(json_string_value(json_object_get(json, "status")), "REJECTED");
    assert_int_equal(json_integer_value(json_object_get(json, "reportId")), 7);
    json_decref(json);
    ask(*state, "$aws/things/t/jobs/j/update", "{\"status\":\"FAILED\",\"clientToken\":\"k\"}",
        &heard);
    json = body(&heard);
    assert_string_equal(json_string_value(json_object_get(json, "code")), "ResourceNotFound");
    assert_string_equal(json_string_value(json_object_get(json, "clientToken")), "k");
    assert_true(json_is_integer(json_object_get(json, "timestamp")));
    json_decref(json);
}

static void a_topic_that_ends_with_cbor_is_answered_in_cbor(void **state)
{
    struct heard heard;
    struct cbor_reader r;
    struct cbor_container map;
    bool seen = false;
    ask(*state, "$aws/certificates/create-from-csr/cbor", "\xa0", &heard);
    cbor_reader_init(&r, heard.payload, heard.length);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        struct cbor_text key = cbor_read_key(&r);
        if (cbor_text_is(key, "statusCode")) {
            assert_int_equal(cbor_read_int(&r, 0, 1000), 400);
            seen = true;
        } else {
            cbor_read_text(&r);
        }
    }
    assert_int_equal(cbor_finish(&r), OTTER_OK);
    assert_true(seen);
}

static void json_trees_become_cbor(void **state)
{
    unsigned char bytes[64];
    static const unsigned char expected[] = "\xa2\x61"
                                            "a\x83\x01\x20\xf6\x61"
                                            "b\xa1\x61"
                                            "c\xf5";
    json_t *tree = json_pack("{s:[i,i,n],s:{s:b}}", "a", 1, -1, "b", "c", 1);
    (void)state;
    assert_int_equal(cbor_from_json(tree, bytes, sizeof bytes), sizeof expected - 1);
    assert_memory_equal(bytes, expected, sizeof expected - 1);
    assert_int_equal(cbor_from_json(tree, bytes, sizeof expected - 2), 0);
    json_decref(tree);
}

static void cbor_becomes_json_trees_or_nothing(void **state)
{
    /* {_ "a": [_ 1, -1, null], "b": {"c": 1.5}, "d": 0.5 as a half, "e": 100000.0 as a single} */
    static const char good[] = "\xbf\x61"
                               "a\x9f\x01\x20\xf6\xff\x61"
                               "b\xa1\x61"
                               "c\xfb\x3f\xf8\0\0\0\0\0\0\x61"
                               "d\xf9\x38\0\x61"
                               "e\xfa\x47\xc3\x50\0\xff";
    static const struct {
        const char *bytes;
        size_t length;
    } bad[] = {
        {"", 0},
        {"\xa1\x61", 2},      /* ends early */
        {"\xa0\xa0", 2},      /* and more behind it */
        {"\x41x", 2},         /* bytes */
        {"\xa1\x01\x02", 3},  /* a key that is no text */
        {"\x61\xff", 2},      /* no UTF-8 */
        {"\xf9\x7c\0", 3},    /* infinity */
        {"\x7f\x61x\xff", 4}, /* a text in pieces */
        {"\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x80", 18},
    };
    (void)state;
    json_t *tree = json_from_cbor(good, sizeof good - 1);
    json_t *expected = json_pack("{s:[i,i,n],s:{s:f},s:f,s:f}", "a", 1, -1, "b", "c", 1.5, "d", 0.5,
                                 "e", 100000.0);
    assert_true(json_equal(tree, expected));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(json_from_cbor(bad[i].bytes, bad[i].length));
    for (size_t cut = 0; cut < sizeof good - 1; cut++)
        assert_null(json_from_cbor(good, cut));
    json_decref(tree);
    json_decref(expected);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_thing, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_answer_comes_on_its_requests_topic),
        TEST(what_devices_may_not_publish_is_not_taken),
        TEST(basic_ingest_is_taken_and_goes_nowhere),
        TEST(each_service_words_its_refusal_as_it_does_on_aws),
        TEST(a_topic_that_ends_with_cbor_is_answered_in_cbor),
        TEST(json_trees_become_cbor),
        TEST(cbor_becomes_json_trees_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
