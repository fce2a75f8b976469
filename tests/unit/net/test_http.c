/* HTTP for files behind presigned URLs: the URL, the request, the answer's head split at any byte,
 * and the client over a connection that ends when it likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/http.h"

/* ---- URLs and requests ----------------------------------------------------------------------- */

static struct http_target target;

static otter_status read_url(const char *url)
{
    static char text[3000];
    jsmntok_t tokens[8];
    struct json json;
    snprintf(text, sizeof text, "{\"url\":\"%s\"}", url);
    assert_int_equal(json_parse(&json, text, strlen(text), tokens, 8), OTTER_OK);
    return http_target_read(&target, "GET ", &json, json_find(&json, 0, "url"));
}

static void assert_request(const char *text)
{
    assert_int_equal(target.length, strlen(text));
    assert_memory_equal(target.request, text, target.length);
}

static void a_presigned_url_becomes_a_request_for_a_range(void **state)
{
    (void)state;
    assert_int_equal(
        read_url("https://files.s3.eu-west-1.amazonaws.com/a%20b.bin?X-Amz-Date=2\\u0026x=/y"),
        OTTER_OK);
    assert_string_equal(target.host, "files.s3.eu-west-1.amazonaws.com");
    assert_int_equal(target.port, 443);
    http_target_end(&target, "Range: bytes=%lu-%lu", 4096, 4294967294u);
    assert_request("GET /a%20b.bin?X-Amz-Date=2&x=/y HTTP/1.1\r\n"
                   "Host: files.s3.eu-west-1.amazonaws.com\r\n"
                   "Range: bytes=4096-4294967294\r\n\r\n");
}

/* The signature covers Host as it stands in the URL. */
static void another_port_goes_into_the_host_field(void **state)
{
    (void)state;
    assert_int_equal(read_url("HTTPS://localhost:8443/x"), OTTER_OK);
    assert_string_equal(target.host, "localhost");
    assert_int_equal(target.port, 8443);
    http_target_end(&target, "Content-Length: %lu", 12, 0);
    assert_request("GET /x HTTP/1.1\r\nHost: localhost:8443\r\n"
                   "Content-Length: 12\r\n\r\n");
}

static void the_longest_url_has_room_with_the_longest_numbers(void **state)
{
    char url[HTTP_URL_MAX + 2];
    (void)state;
    memset(url, 'a', sizeof url);
    memcpy(url, "https://", 8);
    url[8 + HTTP_HOST_MAX] = '/';
    url[HTTP_URL_MAX] = '\0';
    assert_int_equal(read_url(url), OTTER_OK);
    http_target_end(&target, "Range: bytes=%lu-%lu", UINT32_MAX, UINT32_MAX);
    assert_memory_equal(target.request + target.length - 14, "4294967295\r\n\r\n", 14);
    url[HTTP_URL_MAX] = 'a';
    url[HTTP_URL_MAX + 1] = '\0';
    assert_int_equal(read_url(url), OTTER_E_TOO_LONG);
}

static void what_is_no_https_url_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "http://host/x",
                                        "https://",
                                        "https://host",
                                        "https:///x",
                                        "https://:443/x",
                                        "https://host:/x",
                                        "https://host:65536/x",
                                        "https://host:12a/x",
                                        "https://user@host/x",
                                        "https://[::1]/x",
                                        "https://host/x#y",
                                        "https://host/x y",
                                        "https://host/x\\r\\nCookie: 1",
                                        "https://ho\\nst/x",
                                        "https://host/\\u00e4"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(read_url(wrong[i]), OTTER_E_MALFORMED);
    char url[HTTP_HOST_MAX + 32];
    memset(url, 'h', sizeof url);
    memcpy(url, "https://", 8);
    memcpy(url + 8 + HTTP_HOST_MAX + 1, "/x", 3);
    assert_int_equal(read_url(url), OTTER_E_MALFORMED);
}

/* ---- Heads ----------------------------------------------------------------------------------- */

/* Read whole, and split at each byte: both ways must agree. */
static otter_status read_head(const char *text, struct http_head *head)
{
    const size_t length = strlen(text);
    struct http_head_reader whole = {0};
    size_t taken;
    const otter_status status = http_head_read(&whole, (const uint8_t *)text, length, &taken);
    for (size_t split = 0; split <= length; split++) {
        struct http_head_reader reader = {0};
        size_t first, second = 0;
        otter_status in_two = http_head_read(&reader, (const uint8_t *)text, split, &first);
        if (in_two == OTTER_E_AGAIN)
            in_two =
                http_head_read(&reader, (const uint8_t *)text + split, length - split, &second);
        assert_int_equal(in_two, status);
        assert_memory_equal(&reader.head, &whole.head, sizeof whole.head);
        if (status == OTTER_OK)
            assert_int_equal(first + second, taken);
    }
    *head = whole.head;
    return status;
}

static void the_head_of_a_range_is_read_and_the_body_left(void **state)
{
    struct http_head_reader reader = {0};
    static const char text[] =
        "HTTP/1.1 206 Partial Content\r\nx-amz-id-2: abc\r\nETag: \"1\"\r\n"
        "Content-Range:bytes 4096-8191/413848\r\ncontent-length:  4096 \r\n\r\nbody";
    struct http_head head;
    size_t taken;
    (void)state;
    assert_int_equal(read_head(text, &head), OTTER_OK);
    assert_int_equal(head.status, 206);
    assert_true(head.has_length && head.has_range && !head.coded && !head.ends);
    assert_int_equal(head.length, 4096);
    assert_int_equal(head.range[0], 4096);
    assert_int_equal(head.range[1], 8191);
    assert_int_equal(head.range[2], 413848);
    assert_int_equal(http_head_read(&reader, (const uint8_t *)text, sizeof text - 1, &taken),
                     OTTER_OK);
    assert_string_equal(text + taken, "body");
}

static void an_interim_answer_is_passed_over(void **state)
{
    struct http_head head;
    (void)state;
    assert_int_equal(read_head("HTTP/1.1 100 Continue\r\nContent-Length: 7\r\n\r\n"
                               "HTTP/1.0 200 OK\nContent-Length: 0\n\n",
                               &head),
                     OTTER_OK);
    assert_int_equal(head.status, 200);
    assert_int_equal(head.length, 0);
    assert_true(head.ends); /* 1.0 */
}

static void what_ends_the_body_otherwise_is_seen(void **state)
{
    struct http_head head;
    (void)state;
    assert_int_equal(read_head("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n"
                               "Connection: Close\r\n\r\n",
                               &head),
                     OTTER_OK);
    assert_true(head.coded && head.ends && !head.has_length);
    assert_int_equal(
        read_head("HTTP/1.1 416 No\r\nContent-Range: bytes */99\r\nContent-Length: 0\r\n\r\n",
                  &head),
        OTTER_OK);
    assert_false(head.has_range);
    assert_int_equal(read_head("HTTP/1.1 206 P\r\nContent-Range: bytes 0-1/*\r\n\r\n", &head),
                     OTTER_OK);
    assert_int_equal(head.range[2], UINT32_MAX);
}

static void a_malformed_head_is_refused(void **state)
{
    static const char *const wrong[] = {
        "\r\n",
        "SSH-2.0-x\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 12, 12\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Length: 13\r\n\r\n",
        "HTTP/1.1 206 P\r\nContent-Range: bytes 1-\r\n\r\n",
        "HTTP/1.1 206 P\r\nContent-Range: bytes 1-2/3/4\r\n\r\n",
        "HTTP/1.1 206 P\r\nContent-Range: bytes 1-2/99999999999\r\n\r\n"};
    struct http_head head;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(read_head(wrong[i], &head), OTTER_E_MALFORMED);
}

static void a_head_without_end_is_given_up(void **state)
{
    struct http_head_reader reader = {0};
    const char *const field =
        "x-amz-meta-long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    size_t taken, total = 0;
    otter_status status =
        http_head_read(&reader, (const uint8_t *)"HTTP/1.1 200 OK\r\n", 17, &taken);
    (void)state;
    while (status == OTTER_E_AGAIN && total < 2 * HTTP_HEAD_MAX) {
        status = http_head_read(&reader, (const uint8_t *)field, strlen(field), &taken);
        total += taken;
    }
    assert_int_equal(status, OTTER_E_MALFORMED);
    assert_true(total <= HTTP_HEAD_MAX);
}

/* ---- The client ------------------------------------------------------------------------------ */

/* A server that has its answers in a row: one for each request, and what comes then. */
static struct world {
    const char *answers[4];
    unsigned answered, connects, closes, given_back;
    otter_status refuses; /* connections */
    bool hangs_up;        /* before its next answer, once */
    bool lost;
    char heard[2048];
    const char *out;
    size_t chunk; /* bytes that it takes, or gives, at once */
    unsigned ends, heads;
    otter_status end;
    char body[64];
    size_t body_length;
    bool wants;
} world;

static otter_status line_open(void *ctx, otter_ms now, const char *host, uint16_t port)
{
    (void)ctx, (void)now;
    assert_string_equal(host, "host");
    assert_int_equal(port, 443);
    world.connects++;
    world.heard[0] = '\0';
    world.lost = false;
    world.out = "";
    return OTTER_OK;
}

static otter_status line_step(void *ctx, otter_ms now)
{
    (void)ctx, (void)now;
    return world.refuses;
}

static int line_read(void *ctx, void *data, size_t size)
{
    (void)ctx;
    if (world.lost && *world.out == '\0')
        return OTTER_E_CLOSED;
    size_t length = strlen(world.out);
    length = length < size ? length : size;
    length = length < world.chunk ? length : world.chunk;
    memcpy(data, world.out, length);
    world.out += length;
    return (int)length;
}

static int line_write(void *ctx, const void *data, size_t length)
{
    const size_t used = strlen(world.heard);
    (void)ctx;
    if (world.lost)
        return OTTER_E_CLOSED;
    length = length < world.chunk ? length : world.chunk;
    memcpy(world.heard + used, data, length);
    world.heard[used + length] = '\0';
    const char *end = strstr(world.heard, "\r\n\r\n");
    if (end == NULL || (strncmp(world.heard, "PUT", 3) == 0 && strlen(end) < 4 + 11))
        return (int)length;
    if (world.hangs_up) {
        world.hangs_up = false;
        world.lost = true;
    } else {
        world.out = world.answers[world.answered++];
    }
    return (int)length;
}

static void line_close(void *ctx, otter_ms now, bool back)
{
    (void)ctx, (void)now;
    world.closes++;
    world.given_back += back;
}

static bool on_head(void *ctx, otter_ms now, const struct http_head *head)
{
    (void)ctx, (void)now, (void)head;
    world.heads++;
    return world.wants;
}

static void on_body(void *ctx, otter_ms now, const uint8_t *data, size_t length)
{
    (void)ctx, (void)now;
    memcpy(world.body + world.body_length, data, length);
    world.body_length += length;
}

static void on_end(void *ctx, otter_ms now, otter_status status)
{
    (void)ctx, (void)now;
    world.ends++;
    world.end = status;
}

/* In two pieces. */
static size_t give(void *ctx, uint32_t offset, const uint8_t **data)
{
    static const char text[] = "hello world";
    (void)ctx;
    *data = (const uint8_t *)text + offset;
    return offset < 6 ? 6 - offset : 11 - offset;
}

static const struct http_line line = {line_open,  line_step,  line_read,
                                      line_write, line_close, NULL};
static const struct http_user user = {on_head, on_body, on_end, give};
static struct http_client http;

#define RANGE "HTTP/1.1 206 P\r\nContent-Length: 4\r\nContent-Range: bytes 0-3/9\r\n\r\nabcd"

static int set_up(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    memset(&http, 0, sizeof http);
    world.chunk = 3;
    world.wants = true;
    world.out = "";
    http.line = &line;
    http.target.port = 443;
    memcpy(http.target.host, "host", 5);
    memcpy(http.target.request, "GET /x HTTP/1.1\r\n", 18);
    http.target.begin = 17;
    return 0;
}

static void ask(otter_ms now)
{
    world.heard[0] = '\0';
    world.body_length = 0;
    http_target_end(&http.target, "Range: bytes=%lu-%lu", 0, 3);
    http_ask(&http, now, &user, NULL, 0);
}

static void turn(otter_ms from, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        http_tick(&http, from + i);
}

static void two_ranges_come_over_one_connection_that_goes_back_at_the_end(void **state)
{
    (void)state;
    world.answers[0] = world.answers[1] = RANGE;
    for (unsigned i = 1; i <= 2; i++) {
        ask(0);
        turn(0, 60);
        assert_int_equal(world.ends, i);
        assert_int_equal(world.end, OTTER_OK);
        assert_int_equal(world.body_length, 4);
        assert_memory_equal(world.body, "abcd", 4);
        assert_string_equal(world.heard, "GET /x HTTP/1.1\r\nRange: bytes=0-3\r\n\r\n");
    }
    assert_int_equal(world.connects, 1);
    assert_int_equal(http_deadline(&http, 0), OTTER_NEVER);
    http_close(&http, 0);
    assert_int_equal(world.given_back, 1);
    http_close(&http, 0);
    assert_int_equal(world.closes, 1);
}

static void a_connection_that_ended_between_two_requests_is_opened_anew(void **state)
{
    (void)state;
    world.answers[0] = world.answers[1] = RANGE;
    ask(0);
    turn(0, 60);
    world.hangs_up = true; /* as the second request comes */
    ask(100);
    turn(100, 60);
    assert_int_equal(world.ends, 2);
    assert_int_equal(world.end, OTTER_OK);
    assert_int_equal(world.connects, 2);
    assert_int_equal(world.given_back, 0);
}

static void an_answer_that_says_close_ends_the_connection_and_no_more(void **state)
{
    (void)state;
    world.answers[0] = "HTTP/1.1 206 P\r\nConnection: close\r\nContent-Length: 4\r\n\r\nabcd";
    world.answers[1] = RANGE;
    ask(0);
    turn(0, 60);
    assert_int_equal(world.end, OTTER_OK);
    assert_int_equal(world.closes, 1);
    assert_int_equal(world.given_back, 0); /* the session stays away */
    ask(100);
    turn(100, 60);
    assert_int_equal(world.ends, 2);
    assert_int_equal(world.end, OTTER_OK);
}

static void an_end_in_the_body_is_told(void **state)
{
    (void)state;
    world.answers[0] = "HTTP/1.1 206 P\r\nContent-Length: 4\r\n\r\nab";
    ask(0);
    turn(0, 30);
    world.lost = true;
    turn(30, 5);
    assert_int_equal(world.ends, 1);
    assert_int_equal(world.end, OTTER_E_CLOSED);
    assert_true(http_idle(&http));
}

static void a_first_connection_that_ends_without_an_answer_is_told(void **state)
{
    (void)state;
    world.hangs_up = true;
    ask(0);
    turn(0, 60);
    assert_int_equal(world.ends, 1);
    assert_int_equal(world.end, OTTER_E_CLOSED);
    assert_int_equal(world.connects, 1);
}

static void a_connection_that_does_not_come_up_and_silence_are_told(void **state)
{
    (void)state;
    world.refuses = OTTER_E_NAME;
    ask(0);
    turn(0, 1);
    assert_int_equal(world.end, OTTER_E_NAME);
    world.refuses = OTTER_OK;
    world.answers[0] = "";
    ask(0);
    turn(0, 30);
    assert_true(http_deadline(&http, 30) <= 30 + HTTP_SILENCE_MS);
    http_tick(&http, http_deadline(&http, 30) - 1);
    assert_int_equal(world.ends, 1);
    http_tick(&http, http_deadline(&http, 30));
    assert_int_equal(world.ends, 2);
    assert_int_equal(world.end, OTTER_E_TIMEOUT);
}

static void a_connection_that_never_opens_is_waited_for_so_long_only(void **state)
{
    (void)state;
    world.refuses = OTTER_E_AGAIN;
    ask(5);
    turn(5, 3);
    assert_int_equal(http_deadline(&http, 8), 5 + HTTP_SILENCE_MS);
    http_tick(&http, 5 + HTTP_SILENCE_MS);
    assert_int_equal(world.end, OTTER_E_TIMEOUT);
    assert_int_equal(http_deadline(&http, 5 + HTTP_SILENCE_MS), OTTER_NEVER);
}

static void a_user_that_has_seen_enough_gets_no_body(void **state)
{
    (void)state;
    world.wants = false;
    world.answers[0] = RANGE;
    ask(0);
    turn(0, 60);
    assert_int_equal(world.heads, 1);
    assert_int_equal(world.body_length, 0);
    assert_int_equal(world.ends, 0);
    assert_true(http_idle(&http));
}

static void more_than_the_length_is_no_part_of_the_body(void **state)
{
    (void)state;
    world.chunk = 512;
    world.answers[0] = RANGE "HTTP/1.1 500 no";
    ask(0);
    turn(0, 5);
    assert_int_equal(world.ends, 1);
    assert_int_equal(world.body_length, 4);
}

static void a_body_is_sent_behind_the_request(void **state)
{
    (void)state;
    world.answers[0] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    memcpy(http.target.request, "PUT /x HTTP/1.1\r\n", 18);
    http_target_end(&http.target, "Content-Length: %lu", 11, 0);
    http_ask(&http, 0, &user, NULL, 11);
    turn(0, 60);
    assert_string_equal(world.heard, "PUT /x HTTP/1.1\r\nContent-Length: 11\r\n\r\nhello world");
    assert_int_equal(world.ends, 1);
    assert_int_equal(world.end, OTTER_OK);
}

static void a_reason_names_host_and_status(void **state)
{
    char text[64];
    (void)state;
    http_explain(&http, 403, "expired", text, sizeof text);
    assert_string_equal(text, "host: HTTP 403, expired");
    http_explain(&http, 0, "timed out", text, sizeof text);
    assert_string_equal(text, "host: timed out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_presigned_url_becomes_a_request_for_a_range),
        cmocka_unit_test(another_port_goes_into_the_host_field),
        cmocka_unit_test(the_longest_url_has_room_with_the_longest_numbers),
        cmocka_unit_test(what_is_no_https_url_is_refused),
        cmocka_unit_test(the_head_of_a_range_is_read_and_the_body_left),
        cmocka_unit_test(an_interim_answer_is_passed_over),
        cmocka_unit_test(what_ends_the_body_otherwise_is_seen),
        cmocka_unit_test(a_malformed_head_is_refused),
        cmocka_unit_test(a_head_without_end_is_given_up),
        cmocka_unit_test_setup(two_ranges_come_over_one_connection_that_goes_back_at_the_end,
                               set_up),
        cmocka_unit_test_setup(a_connection_that_ended_between_two_requests_is_opened_anew, set_up),
        cmocka_unit_test_setup(an_answer_that_says_close_ends_the_connection_and_no_more, set_up),
        cmocka_unit_test_setup(an_end_in_the_body_is_told, set_up),
        cmocka_unit_test_setup(a_first_connection_that_ends_without_an_answer_is_told, set_up),
        cmocka_unit_test_setup(a_connection_that_does_not_come_up_and_silence_are_told, set_up),
        cmocka_unit_test_setup(a_connection_that_never_opens_is_waited_for_so_long_only, set_up),
        cmocka_unit_test_setup(a_user_that_has_seen_enough_gets_no_body, set_up),
        cmocka_unit_test_setup(more_than_the_length_is_no_part_of_the_body, set_up),
        cmocka_unit_test_setup(a_body_is_sent_behind_the_request, set_up),
        cmocka_unit_test_setup(a_reason_names_host_and_status, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
