/* JSON: what is accepted and refused, paths, values, escapes, and the writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"

static jsmntok_t tokens[96];

static otter_status parse(struct json *doc, const char *text)
{
    return json_parse(doc, text, strlen(text), tokens, 96);
}

static const char job[] =
    "{\"clientToken\":\"0:thing\",\"timestamp\":1700000000,\"execution\":{\"jobId\":\"AFR_OTA-u1\","
    "\"status\":\"QUEUED\",\"versionNumber\":1,\"jobDocument\":{\"afr_ota\":{\"protocols\":["
    "\"MQTT\"],"
    "\"streamname\":\"AFR_OTA-945d320b\",\"files\":[{\"filepath\":\"\\/"
    "device\\\"x\",\"filesize\":103400,"
    "\"fileid\":0,\"certfile\":\"ota_signer_pub\",\"sig-sha256-ecdsa\":\"MEUC\"},{\"fileid\":7}]}}}"
    "}";

static void a_job_document_is_read_by_paths(void **state)
{
    (void)state;
    struct json doc;
    uint32_t number;
    char text[32];
    assert_int_equal(parse(&doc, job), OTTER_OK);
    const int ota = json_find(&doc, 0, "execution.jobDocument.afr_ota");
    assert_int_equal(json_type(&doc, ota), JSON_OBJECT);
    assert_int_equal(
        json_get_uint(&doc, json_find(&doc, ota, "files[0].filesize"), UINT32_MAX, &number),
        OTTER_OK);
    assert_int_equal(number, 103400);
    assert_int_equal(json_get_uint(&doc, json_find(&doc, ota, "files[1].fileid"), 255, &number),
                     OTTER_OK);
    assert_int_equal(number, 7);
    assert_int_equal(
        json_get_string(&doc, json_find(&doc, ota, "files[0].filepath"), text, sizeof text),
        OTTER_OK);
    assert_string_equal(text, "/device\"x");
    assert_true(json_equals(&doc, json_find(&doc, 0, "execution.status"), "QUEUED"));
    assert_true(json_equals(&doc, json_find(&doc, ota, "files[0].sig-sha256-ecdsa"), "MEUC"));
    assert_int_equal(json_count(&doc, json_find(&doc, ota, "files")), 2);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    static const char *const absent[] = {"execution.jobDocument.afr_ota.files[2]",
                                         "execution.jobDocument.afr_ota.files[0].nothing",
                                         "execution.status.more",
                                         "execution[0]",
                                         "execution.jobDocument.afr_ota.files.fileid",
                                         "QUEUED",
                                         "filesize",
                                         "exec"};
    struct json doc;
    uint32_t number;
    bool flag;
    char text[8];
    assert_int_equal(parse(&doc, job), OTTER_OK);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        const int index = json_find(&doc, 0, absent[i]);
        assert_int_equal(index, OTTER_E_NOT_FOUND);
        assert_int_equal(json_type(&doc, index), JSON_NONE);
        assert_int_equal(json_get_uint(&doc, index, 1, &number), OTTER_E_NOT_FOUND);
        assert_int_equal(json_get_string(&doc, index, text, 8), OTTER_E_NOT_FOUND);
        assert_int_equal(json_get_bool(&doc, index, &flag), OTTER_E_NOT_FOUND);
        assert_false(json_equals(&doc, index, ""));
        assert_int_equal(json_first(&doc, index), OTTER_E_NOT_FOUND);
    }
}

static void valid_documents_are_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",
        "[]",
        " [ ] \n",
        "[[],[],{}]",
        "[{},[]]",
        "{\"a\":{},\"b\":[[]],\"c\":1}",
        "[0,-0,1.5,-1.25e+10,2E3,1e-7]",
        "[true,false,null,\"\"]",
        "{\"a\" : [1 , 2 ] , \"b\" : \"x\\u00e9\\n\" }",
        "{\"a\":{\"b\":{\"c\":[1,{\"d\":2}]}},\"e\":3}",
        "{\"\":\"\xc3\xa9\"}",
    };
    struct json doc;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (parse(&doc, good[i]) != OTTER_OK)
            fail_msg("refused: %s", good[i]);
    }
}

static void everything_else_is_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "1",
        "\"a\"",
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1}",
        "{\"a\":1]",
        "[1]]",
        "[1]:]",
        "[] []",
        "[],",
        ",[]",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "[1:2]",
        "[:1]",
        "[1:]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":,}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\" 1}",
        "{\"a\"::1}",
        "{\"a\":1:2}",
        "{\"a\":1,:2}",
        "{1:2}",
        "{\"a\":1 \"b\":2}",
        "{\"a\" \"b\"}",
        "{\"a\":\"b\" \"c\":1}",
        "{\"a\":\"b\"\"c\":1}",
        "{\"a\":{}:1}",
        "{\"a\":[]:1}",
        "{{}:1}",
        "{[]:1}",
        "[\"a\":1]",
        "[\"a\":\"b\"]",
        "{\"a\":{\"b\":1}\"c\":2}",
        "[{}{}]",
        "[[][]]",
        "[\"a\"\"b\"]",
        "[\"a\" \"b\"]",
        "{\"a\":1},\"b\":2}",
        "[01]",
        "[-]",
        "[1.]",
        "[.5]",
        "[1e]",
        "[+1]",
        "[1e+]",
        "[0x10]",
        "[tru]",
        "[nulll]",
        "[truefalse]",
        "[NaN]",
        "['a']",
        "[a]",
        "[\"a]",
        "[\"\\x\"]",
        "[\"\\u12g4\"]",
        "[\"\\u12\"]",
        "[\"a\nb\"]",
        "[\"a\tb\"]",
        "[\"a\"b]",
        "{\"a\nb\":1}",
        "/**/[]",
        "[1]x",
        "x[1]",
        "\xef\xbb\xbf[]",
        "[1]}",
        "{\"a\":1}]",
        "{\"a\":\"b\":\"c\"}",
    };
    struct json doc;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(&doc, bad[i]) != OTTER_E_MALFORMED)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(json_find(&doc, 0, "a"), OTTER_E_NOT_FOUND);
    }
    assert_int_equal(json_parse(&doc, "[1]\0", 4, tokens, 96), OTTER_E_MALFORMED);
    assert_int_equal(json_parse(&doc, "[\"\0\"]", 5, tokens, 96), OTTER_E_MALFORMED);
}

static void every_truncation_of_a_document_is_malformed(void **state)
{
    (void)state;
    struct json doc;
    for (size_t length = 0; length < strlen(job); length++)
        assert_int_equal(json_parse(&doc, job, length, tokens, 96), OTTER_E_MALFORMED);
}

static void too_few_tokens_are_reported_as_such(void **state)
{
    (void)state;
    struct json doc;
    assert_int_equal(json_parse(&doc, "[1,2,3]", 7, tokens, 3), OTTER_E_NO_SPACE);
    assert_int_equal(json_parse(&doc, "[1,2,3]", 7, tokens, 4), OTTER_OK);
}

static void an_array_and_an_object_can_be_walked(void **state)
{
    (void)state;
    struct json doc;
    assert_int_equal(parse(&doc, "{\"a\":[1,[2,3],{\"x\":4},5],\"b\":{\"y\":[6]},\"c\":7}"),
                     OTTER_OK);
    char names[8] = "";
    for (int i = json_first(&doc, 0); i >= 0; i = json_next(&doc, i)) {
        char name[2];
        assert_int_equal(json_get_string(&doc, i, name, sizeof name), OTTER_OK);
        strcat(names, name);
    }
    assert_string_equal(names, "abc");
    int values = 0;
    const int list = json_find(&doc, 0, "a");
    for (int i = json_first(&doc, list); i >= 0; i = json_next(&doc, i))
        values++;
    assert_int_equal(values, 4);
    uint32_t last;
    assert_int_equal(json_get_uint(&doc, json_find(&doc, 0, "a[3]"), 9, &last), OTTER_OK);
    assert_int_equal(last, 5);
    assert_int_equal(json_get_uint(&doc, json_find(&doc, 0, "a[1][1]"), 9, &last), OTTER_OK);
    assert_int_equal(last, 3);
    assert_int_equal(json_first(&doc, json_find(&doc, 0, "c")), OTTER_E_NOT_FOUND);
}

static void what_follows_an_empty_string_is_found(void **state)
{
    (void)state;
    const char text[] = "{\"clientToken\":\"\",\"list\":[\"\",\"b\"],\"timestamp\":7}";
    jsmntok_t tokens[16];
    struct json doc;
    uint32_t number;
    assert_int_equal(json_parse(&doc, text, sizeof text - 1, tokens, 16), OTTER_OK);
    assert_int_equal(json_get_uint(&doc, json_find(&doc, 0, "timestamp"), 10, &number), OTTER_OK);
    assert_int_equal(number, 7);
    assert_true(json_equals(&doc, json_find(&doc, 0, "list[1]"), "b"));
}

static void numbers_out_of_range_or_not_whole_are_refused(void **state)
{
    (void)state;
    struct json doc;
    uint32_t value = 42;
    assert_int_equal(parse(&doc, "[4294967295,4294967296,99999999999,-1,1.0,1e3,\"5\",true,10,9]"),
                     OTTER_OK);
    assert_int_equal(json_get_uint(&doc, 1, UINT32_MAX, &value), OTTER_OK);
    assert_int_equal(value, UINT32_MAX);
    assert_int_equal(json_get_uint(&doc, 2, UINT32_MAX, &value), OTTER_E_ARGUMENT);
    assert_int_equal(json_get_uint(&doc, 3, UINT32_MAX, &value), OTTER_E_ARGUMENT);
    for (int i = 4; i <= 8; i++)
        assert_int_equal(json_get_uint(&doc, i, UINT32_MAX, &value), OTTER_E_MALFORMED);
    assert_int_equal(json_get_uint(&doc, 9, 9, &value), OTTER_E_ARGUMENT);
    assert_int_equal(json_get_uint(&doc, 9, 5, &value), OTTER_E_ARGUMENT);
    assert_int_equal(json_get_uint(&doc, 10, 9, &value), OTTER_OK);
    assert_int_equal(value, 9);
}

static void booleans_are_read(void **state)
{
    (void)state;
    struct json doc;
    bool value;
    assert_int_equal(parse(&doc, "[true,false,null,1]"), OTTER_OK);
    assert_int_equal(json_get_bool(&doc, 1, &value), OTTER_OK);
    assert_true(value);
    assert_int_equal(json_get_bool(&doc, 2, &value), OTTER_OK);
    assert_false(value);
    assert_int_equal(json_get_bool(&doc, 3, &value), OTTER_E_MALFORMED);
    assert_int_equal(json_type(&doc, 3), JSON_NULL);
    assert_int_equal(json_type(&doc, 4), JSON_NUMBER);
}

static void escapes_become_utf8(void **state)
{
    (void)state;
    struct json doc;
    char text[40];
    assert_int_equal(
        parse(&doc, "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"]"),
        OTTER_OK);
    assert_int_equal(json_get_string(&doc, 1, text, sizeof text), OTTER_OK);
    assert_string_equal(text, "\"\\/\b\f\n\r\t");
    assert_int_equal(json_get_string(&doc, 2, text, sizeof text), OTTER_OK);
    assert_string_equal(text, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_true(json_equals(&doc, 2, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    assert_false(json_equals(&doc, 2, "A\xc3\xa9"));
    assert_false(json_equals(&doc, 1, ""));
}

static void a_nul_or_half_a_surrogate_pair_is_no_string(void **state)
{
    (void)state;
    static const char *const bad[] = {"[\"\\u0000\"]",        "[\"\\ud83d\"]",
                                      "[\"\\ud83dx\"]",       "[\"\\ude00\"]",
                                      "[\"\\ud83d\\u0041\"]", "[\"\\ud83d\\n12345\"]"};
    struct json doc;
    char text[16];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse(&doc, bad[i]), OTTER_OK);
        assert_int_equal(json_get_string(&doc, 1, text, sizeof text), OTTER_E_MALFORMED);
        assert_false(json_equals(&doc, 1, ""));
    }
}

static void a_string_is_never_cut_silently(void **state)
{
    (void)state;
    struct json doc;
    char text[4];
    assert_int_equal(parse(&doc, "[\"abc\",\"abcd\",\"ab\\u00e9\",\"\"]"), OTTER_OK);
    assert_int_equal(json_get_string(&doc, 1, text, 4), OTTER_OK);
    assert_string_equal(text, "abc");
    assert_int_equal(json_get_string(&doc, 2, text, 4), OTTER_E_TOO_LONG);
    assert_int_equal(json_get_string(&doc, 3, text, 4), OTTER_E_TOO_LONG);
    assert_int_equal(json_get_string(&doc, 4, text, 0), OTTER_E_TOO_LONG);
    assert_int_equal(json_get_string(&doc, 4, text, 1), OTTER_OK);
}

static void the_raw_text_of_a_value_can_be_had(void **state)
{
    (void)state;
    struct json doc;
    const char *text;
    size_t length;
    assert_int_equal(parse(&doc, "{\"a\": {\"b\" : 1} ,\"c\":\"x\\n\"}"), OTTER_OK);
    assert_int_equal(json_get_raw(&doc, json_find(&doc, 0, "a"), &text, &length), OTTER_OK);
    assert_int_equal(length, 9);
    assert_memory_equal(text, "{\"b\" : 1}", 9);
    assert_int_equal(json_get_raw(&doc, json_find(&doc, 0, "c"), &text, &length), OTTER_OK);
    assert_memory_equal(text, "x\\n", 3);
}

static void the_writer_makes_what_the_reader_reads(void **state)
{
    (void)state;
    char text[256];
    struct json_writer w;
    json_writer_init(&w, text, sizeof text);
    json_write_object(&w, NULL);
    json_write_string(&w, "status", "IN_PROGRESS");
    json_write_object(&w, "statusDetails");
    json_write_string(&w, "reason", "a \"b\"\\\n\x01");
    json_write_object_end(&w);
    json_write_array(&w, "list");
    json_write_int(&w, NULL, INT64_MIN);
    json_write_int(&w, NULL, INT64_MAX);
    json_write_bool(&w, NULL, true);
    json_write_bool(&w, NULL, false);
    json_write_null(&w, NULL);
    json_write_array(&w, NULL);
    json_write_array_end(&w);
    json_write_raw(&w, NULL, "{\"x\":0}", 7);
    json_write_array_end(&w);
    json_write_int(&w, "expectedVersion", 0);
    json_write_object_end(&w);
    const char expected[] =
        "{\"status\":\"IN_PROGRESS\",\"statusDetails\":{\"reason\":\"a \\\"b\\\"\\\\\\n\\u0001\"},"
        "\"list\":[-9223372036854775808,9223372036854775807,true,false,null,[],{\"x\":0}],"
        "\"expectedVersion\":0}";
    assert_int_equal(json_written(&w), strlen(expected));
    assert_string_equal(text, expected);
    struct json doc;
    assert_int_equal(parse(&doc, text), OTTER_OK);
    assert_true(json_equals(&doc, json_find(&doc, 0, "statusDetails.reason"), "a \"b\"\\\n\x01"));
}

static void the_writer_keeps_its_first_error_and_stays_in_its_buffer(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 10; size++) {
        char text[16];
        memset(text, 0x55, sizeof text);
        struct json_writer w;
        json_writer_init(&w, text, size);
        json_write_object(&w, NULL);
        json_write_string(&w, "a", "bc");
        json_write_object_end(&w);
        json_write_raw(&w, NULL, "", 0);
        assert_int_equal(json_written(&w), OTTER_E_TOO_LONG);
        assert_int_equal(text[size], 0x55);
    }
    char text[11];
    struct json_writer w;
    json_writer_init(&w, text, sizeof text);
    json_write_object(&w, NULL);
    json_write_string(&w, "a", "bc");
    json_write_object_end(&w);
    assert_int_equal(json_written(&w), 10);
    assert_string_equal(text, "{\"a\":\"bc\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_document_is_read_by_paths),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(valid_documents_are_accepted),
        cmocka_unit_test(everything_else_is_malformed),
        cmocka_unit_test(every_truncation_of_a_document_is_malformed),
        cmocka_unit_test(too_few_tokens_are_reported_as_such),
        cmocka_unit_test(an_array_and_an_object_can_be_walked),
        cmocka_unit_test(what_follows_an_empty_string_is_found),
        cmocka_unit_test(numbers_out_of_range_or_not_whole_are_refused),
        cmocka_unit_test(booleans_are_read),
        cmocka_unit_test(escapes_become_utf8),
        cmocka_unit_test(a_nul_or_half_a_surrogate_pair_is_no_string),
        cmocka_unit_test(a_string_is_never_cut_silently),
        cmocka_unit_test(the_raw_text_of_a_value_can_be_had),
        cmocka_unit_test(the_writer_makes_what_the_reader_reads),
        cmocka_unit_test(the_writer_keeps_its_first_error_and_stays_in_its_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
