/* What a browser's request says of where it comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/page/visitor.h"

#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void only_loopback_and_this_port_are_hosts_of_ours(void **state)
{
    static const char *const others[] = {"",
                                         "127.0.0.1",
                                         "127.0.0.1:4581",
                                         "localhost",
                                         "evil.example:4580",
                                         "127.0.0.1:4580.evil.example",
                                         "127.0.0.1:45800",
                                         "[::1]",
                                         "localhost:4580/",
                                         "evil@127.0.0.1:4580"};
    (void)state;
    assert_true(visitor_host_ours("127.0.0.1:4580", 4580));
    assert_true(visitor_host_ours("LocalHost:4580", 4580));
    assert_true(visitor_host_ours("[::1]:4580", 4580));
    assert_false(visitor_host_ours(NULL, 4580));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(visitor_host_ours(others[i], 4580));
}

static void only_this_page_is_an_origin_of_ours(void **state)
{
    (void)state;
    assert_true(visitor_origin_ours("http://127.0.0.1:4580", 4580));
    assert_false(visitor_origin_ours("https://127.0.0.1:4580", 4580));
    assert_false(visitor_origin_ours("http://127.0.0.1:4566", 4580));
    assert_false(visitor_origin_ours("null", 4580));
    assert_false(visitor_origin_ours("http://evil.example", 4580));
    assert_false(visitor_origin_ours(NULL, 4580));
}

static void a_cookie_is_found_by_its_whole_name_among_others(void **state)
{
    char value[VISITOR_SECRET_SIZE];
    (void)state;
    assert_true(visitor_cookie("a=b; otter-4580=" SECRET "; c=d", "otter-4580", value));
    assert_string_equal(value, SECRET);
    assert_false(visitor_cookie("x-otter-4580=" SECRET, "otter-4580", value));
    assert_false(visitor_cookie("otter-45801=" SECRET, "otter-4580", value));
    assert_false(visitor_cookie(NULL, "otter-4580", value));
}

static void a_cookie_that_is_no_secret_is_none(void **state)
{
    char value[VISITOR_SECRET_SIZE];
    (void)state;
    assert_false(visitor_cookie("o=" SECRET "0", "o", value));
    assert_false(visitor_cookie("o=0011", "o", value));
    assert_false(visitor_cookie("o=", "o", value));
    assert_false(visitor_cookie("o", "o", value));
    assert_false(visitor_cookie(
        "o=ZZ112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "o", value));
}

static void a_header_is_read_from_a_head(void **state)
{
    static const char head[] =
        "PUT / HTTP/1.1\r\nHost: x\r\ncookie:\t a=b \r\n\r\nCookie: body\r\n";
    char value[16];
    (void)state;
    assert_true(visitor_header(head, "Cookie", value, sizeof value));
    assert_string_equal(value, "a=b ");
    assert_false(visitor_header(head, "Cook", value, sizeof value));
    assert_false(visitor_header(head, "Cookie", value, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_loopback_and_this_port_are_hosts_of_ours),
        cmocka_unit_test(only_this_page_is_an_origin_of_ours),
        cmocka_unit_test(a_cookie_is_found_by_its_whole_name_among_others),
        cmocka_unit_test(a_cookie_that_is_no_secret_is_none),
        cmocka_unit_test(a_header_is_read_from_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
