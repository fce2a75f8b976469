/* Heads that two readers could read in two ways. */
#include "request.h"

#include <stdio.h>

#include "cloud/api/head.h"

static const char *fault_of(const char *head)
{
    return head_fault(head, strlen(head));
}

static void what_clients_send_is_sound(void **state)
{
    static const char *const heads[] = {
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT /b/k?x=1 HTTP/1.1\nhost:a\ncontent-length:12\n\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX-Amz-Meta-\xc3\xbc!: \r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0 \t\r\nA: b:c\r\n\r\nbody: +1",
        "GET / HTTP/1.1\r\n\r\n",
        "GET",
        ""};
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        if (i != 2)
            assert_null(fault_of(heads[i]));
    }
    assert_non_null(fault_of(heads[2])); /* a name is ASCII */
}

static void what_can_be_read_in_two_ways_is_named(void **state)
{
    static const struct {
        const char *lines, *word;
    } cases[] = {
        {"Content-Length: 4\r\nContent-Length: 4", "one Content-Length"},
        {"Content-Length: 4\r\nContent-Length: 44", "one Content-Length"},
        {"Content-Length: 4\r\nTransfer-Encoding: chunked", "one Content-Length"},
        {"Content-Length: +4", "digits"},
        {"Content-Length: -4", "digits"},
        {"Content-Length: 0x4", "digits"},
        {"Content-Length: 4, 4", "digits"},
        {"Content-Length: 4 4", "digits"},
        {"Content-Length:", "digits"},
        {"Content-Length: 9999999999999999999", "digits"},
        {"Content-Length : 4", "token"},
        {"Content-Length\t: 4", "token"},
        {"X Y: 4", "token"},
        {": 4", "token"},
        {"no colon", "token"},
        {"A: b\r\n c: d", "next line"},
        {"Transfer-Encoding: identity", "chunked"},
        {"Transfer-Encoding: chunked, identity", "chunked"},
        {"Host: b", "one Host"},
    };
    char head[256];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(head, sizeof head, "PUT / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", cases[i].lines);
        const char *fault = fault_of(head);
        assert_non_null(fault);
        assert_non_null(strstr(fault, cases[i].word));
    }
}

static void a_nul_is_refused_wherever_it_stands(void **state)
{
    char head[] = "PUT / HTTP/1.1\r\nHost: a\r\nA: bcd\r\n\r\n";
    (void)state;
    for (size_t i = 0; i < sizeof head - 1; i++) {
        char kept = head[i];
        head[i] = 0;
        assert_non_null(head_fault(head, sizeof head - 1));
        head[i] = kept;
    }
    assert_null(head_fault(head, sizeof head - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_clients_send_is_sound),
        cmocka_unit_test(what_can_be_read_in_two_ways_is_named),
        cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
