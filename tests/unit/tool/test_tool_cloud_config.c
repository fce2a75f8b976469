/* The configuration file of `otter cloud`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tool/cloud_config.h"

static char heard[256]; /* "name=value;" of each, in order */
static char reason[200];

static const struct cloud_config_option options[] = {
    {"port", true, false}, {"limit", true, true}, {"strict", false, false}};

static bool set(void *context, size_t option, const char *value, char *why, size_t size)
{
    size_t used = strlen(heard);
    (void)context;
    if (value && strcmp(value, "bad") == 0) {
        snprintf(why, size, "bad is bad");
        return false;
    }
    snprintf(heard + used, sizeof heard - used, "%s=%s;", options[option].name, value ? value : "");
    return true;
}

static bool read_bytes(const char *bytes, size_t length)
{
    char text[4096];
    const struct cloud_config_reader reader = {options, 3, set, NULL};
    heard[0] = reason[0] = '\0';
    memcpy(text, bytes, length);
    return cloud_config_read(&reader, text, length, reason, sizeof reason);
}

static void refused(const char *text, const char *why)
{
    assert_false(read_bytes(text, strlen(text)));
    assert_string_equal(reason, why);
}

static void options_are_set_in_order_blanks_and_comments_say_nothing(void **state)
{
    static const char text[] = "# x = y\n\n  port = 8883 \n\t#\nlimit=publish=100\n"
                               "limit = bytes=0\nstrict";
    (void)state;
    assert_true(read_bytes(text, sizeof text - 1));
    assert_string_equal(heard, "port=8883;limit=publish=100;limit=bytes=0;strict=;");
}

static void what_is_none_of_the_options_is_refused_with_its_line(void **state)
{
    (void)state;
    refused("\nprot = 1\n", "line 2: this is none of the options of `otter cloud`: 'prot'");
    refused("port", "line 1: a value is missing, as in NAME = VALUE: 'port'");
    refused("port =  \n", "line 1: a value is missing, as in NAME = VALUE: 'port'");
    refused("strict = yes", "line 1: there is no value to this: 'strict'");
    refused("port = 1\nport = 1", "line 2: this was set already: 'port'");
    refused("= 1", "line 1: this is none of the options of `otter cloud`:");
    refused("port = bad", "line 1: bad is bad");
}

static void what_is_no_text_is_refused(void **state)
{
    char line[CLOUD_CONFIG_LINE_MAX + 1];
    (void)state;
    assert_false(read_bytes("port = 1\0", 9));
    assert_string_equal(reason, "line 1: it has control characters");
    refused("port = 1\r\n", "line 1: it has control characters");
    memset(line, '#', sizeof line);
    assert_true(read_bytes(line, sizeof line - 1));
    assert_false(read_bytes(line, sizeof line));
    assert_string_equal(reason, "line 1: it is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_set_in_order_blanks_and_comments_say_nothing),
        cmocka_unit_test(what_is_none_of_the_options_is_refused_with_its_line),
        cmocka_unit_test(what_is_no_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
