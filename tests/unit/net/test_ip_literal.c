/* Internet addresses in text, held against the C library's reading of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "net/ip_literal.h"

static void agrees(const char *text)
{
    uint8_t expected[16];
    uint8_t found[IP_ADDRESS_MAX];
    const unsigned length = inet_pton(AF_INET, text, expected) == 1    ? 4
                            : inet_pton(AF_INET6, text, expected) == 1 ? 16
                                                                       : 0;
    if (ip_literal(text, found) != length)
        fail_msg("'%s' should give %u bytes", text, length);
    assert_memory_equal(found, expected, length);
}

static void addresses_are_read_as_the_c_library_does(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0.0.0.0",
        "127.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "1::",
        "2001:db8::1",
        "1:2:3:4:5:6:7:8",
        "1::8",
        "::ffff:192.0.2.1",
        "1:2:3:4:5:6:192.0.2.1",
        "FE80::Ab",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t address[IP_ADDRESS_MAX];
        assert_true(ip_literal(texts[i], address) > 0);
        agrees(texts[i]);
    }
}

static void what_is_no_address_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "1.2.3.4 ",
        ":",
        ":::",
        "1:::2",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "1:2:3:4:5:6:7:8:",
        ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3",
        "g::",
        "fe80::1%1",
        "[::1]",
        "1.2.3.4:80",
        "1:2:3:4::5:6:7:8",
        "0000.1.1.1",
        "1:",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t address[IP_ADDRESS_MAX];
        assert_int_equal(ip_literal(texts[i], address), 0);
        agrees(texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_as_the_c_library_does),
        cmocka_unit_test(what_is_no_address_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
