/* XML in and out. */
#include "request.h"

#include <stdlib.h>

#include "cloud/api/xml.h"

static json_t *read(const char *text)
{
    return xml_read(text, strlen(text));
}

static void elements_become_members_and_repeated_ones_an_array(void **state)
{
    json_t *value = read("<?xml version=\"1.0\"?><C xmlns=\"http://x/\">"
                         "<Part><N>1</N></Part>\n<Part><N>2</N></Part><Part><N>3</N></Part>"
                         "<One>a &amp; b</One></C>");
    (void)state;
    json_t *parts = xml_list(value, "Part"), *one = xml_list(value, "One");
    json_t *none = xml_list(value, "None");
    assert_int_equal(json_array_size(parts), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(parts, 2), "N")), "3");
    assert_int_equal(json_array_size(one), 1);
    assert_string_equal(json_string_value(json_array_get(one, 0)), "a & b");
    assert_int_equal(json_array_size(none), 0);
    json_decref(parts);
    json_decref(one);
    json_decref(none);
    json_decref(value);
}

static void an_empty_root_is_an_empty_object(void **state)
{
    json_t *value = read("<a/>");
    (void)state;
    assert_true(json_is_object(value));
    assert_int_equal(json_object_size(value), 0);
    json_decref(value);
}

static void what_is_malformed_deep_or_declares_entities_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "text",
                                        "<a>",
                                        "<a></b>",
                                        "<a/><b/>",
                                        "<a>&undefined;</a>",
                                        "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
                                        "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></"
                                        "a></a></a></a></a></a></a></a></a></a>"
                                        "</a></a></a></a></a></a>"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_null(read(texts[i]));
}

static void values_are_escaped(void **state)
{
    struct text out = {0};
    (void)state;
    xml_add(&out, "Key", "a<b>&\"c\x01\n");
    assert_string_equal(text_get(&out), "<Key>a&lt;b&gt;&amp;&quot;c?&#10;</Key>");
    text_free(&out);
    xml_add_time(&out, "T", 1138985109005);
    assert_string_equal(text_get(&out), "<T>2006-02-03T16:45:09.005Z</T>");
    text_free(&out);
}

static void json_becomes_elements(void **state)
{
    struct text out = {0};
    json_t *value = json_pack("{s:{s:s,s:i,s:i,s:b,s:[s,s]}}", "Role", "Name", "r", "CreateDate", 0,
                              "Count", 2, "Is", 1, "List", "a", "b");
    (void)state;
    xml_add_json(&out, value);
    assert_string_equal(text_get(&out),
                        "<Role><Name>r</Name><CreateDate>1970-01-01T00:00:00.000Z</CreateDate>"
                        "<Count>2</Count><Is>true</Is>"
                        "<List><member>a</member><member>b</member></List></Role>");
    json_decref(value);
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_become_members_and_repeated_ones_an_array),
        cmocka_unit_test(an_empty_root_is_an_empty_object),
        cmocka_unit_test(what_is_malformed_deep_or_declares_entities_is_refused),
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(json_becomes_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
