/* Frames of WebSockets, with the examples of RFC 6455, and heads of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "cloud/gateway/request.h"
#include "cloud/gateway/websocket.h"

static struct websocket socket_;
static char said[256]; /* "data(Hel)ping(x)close()wrong(1002)" */

static void say(const struct websocket_piece *piece)
{
    static const char *const names[] = {"", "data", "ping", "close", "wrong"};
    size_t used = strlen(said);
    if (piece->found == WEBSOCKET_WRONG)
        snprintf(said + used, sizeof said - used, "wrong(%d)", piece->code);
    else if (piece->found != WEBSOCKET_NOTHING)
        snprintf(said + used, sizeof said - used, "%s(%.*s)", names[piece->found], (int)piece->size,
                 (const char *)piece->bytes);
}

/* Feeds `bytes` in pieces of at most `step`; gives what was found. */
static const char *feed(const void *bytes, size_t size, size_t step)
{
    uint8_t copy[512];
    struct websocket_piece piece;
    socket_ = (struct websocket){.left = 0};
    said[0] = 0;
    memcpy(copy, bytes, size);
    for (size_t at = 0; at < size;) {
        size_t part = size - at < step ? size - at : step, end = at + part;
        do {
            at += websocket_take(&socket_, copy + at, end - at, &piece);
            say(&piece);
            if (piece.found == WEBSOCKET_WRONG)
                return said;
        } while (piece.found != WEBSOCKET_NOTHING);
    }
    return said;
}

/* Leaves of what was said the bytes of data. */
static void gathered(void)
{
    char *out = said;
    for (const char *at = said; (at = strstr(at, "data("));)
        for (at += 5; *at != ')'; at++)
            *out++ = *at;
    *out = 0;
}

#define FEED(literal, step) feed(literal, sizeof(literal) - 1, step)
#define MASK                "\x37\xfa\x21\x3d"
#define HELLO               "\x7f\x9f\x4d\x51\x58" /* masked */

static void a_masked_frame_is_read(void **state)
{
    (void)state;
    assert_string_equal(FEED("\x82\x85" MASK HELLO, 100), "data(Hello)");
}

static void a_frame_may_be_split_at_any_byte(void **state)
{
    (void)state;
    assert_string_equal(FEED("\x82\x85" MASK HELLO "\x82\x80" MASK "\x82\x85" MASK HELLO, 1),
                        "data(H)data(e)data(l)data(l)data(o)data(H)data(e)data(l)data(l)data(o)");
    for (size_t step = 2; step < 12; step++) {
        feed("\x82\x85" MASK HELLO, 11, step);
        gathered();
        assert_string_equal(said, "Hello");
    }
}

static void a_message_in_fragments_is_one_stream_and_control_frames_go_between(void **state)
{
    (void)state;
    assert_string_equal(FEED("\x02\x83" MASK "\x7f\x9f\x4d"
                             "\x89\x81" MASK "\x4f"
                             "\x80\x82" MASK "\x5b\x95"
                             "\x88\x82" MASK "\x34\x12",
                             100),
                        "data(Hel)ping(x)data(lo)close(\x03\xe8)");
}

static void a_long_frame_has_its_length_in_two_or_eight_bytes(void **state)
{
    uint8_t frame[8 + 300] = {0x82, 0xfe, 1, 44, 0, 0, 0, 0};
    uint8_t longer[14 + 300] = {0x82, 0xff, 0, 0, 0, 0, 0, 0, 1, 44, 0, 0, 0, 0};
    struct websocket_piece piece;
    (void)state;
    socket_ = (struct websocket){.left = 0};
    assert_int_equal(websocket_take(&socket_, frame, sizeof frame, &piece), sizeof frame);
    assert_int_equal(piece.size, 300);
    socket_ = (struct websocket){.left = 0};
    assert_int_equal(websocket_take(&socket_, longer, sizeof longer, &piece), sizeof longer);
    assert_int_equal(piece.size, 300);
}

static void text_is_refused(void **state)
{
    (void)state;
    assert_string_equal(FEED("\x81\x85" MASK HELLO, 1), "wrong(1003)");
}

static void what_breaks_the_protocol_is_refused(void **state)
{
    (void)state;
    assert_string_equal(FEED("\x82\x05Hello", 100), "wrong(1002)");         /* not masked */
    assert_string_equal(FEED("\xc2\x85" MASK HELLO, 100), "wrong(1002)");   /* reserved bit */
    assert_string_equal(FEED("\x80\x85" MASK HELLO, 100), "wrong(1002)");   /* goes on */
    assert_string_equal(FEED("\x09\x85" MASK HELLO, 100), "wrong(1002)");   /* a ping in parts */
    assert_string_equal(FEED("\x89\xfe\x00\x7e" MASK, 100), "wrong(1002)"); /* a long ping */
    assert_string_equal(FEED("\x83\x80" MASK, 100), "wrong(1002)");         /* no such kind */
    assert_string_equal(FEED("\x8b\x80" MASK, 100), "wrong(1002)");         /* no such kind */
    assert_string_equal(FEED("\x82\xff\x80\0\0\0\0\0\0\0" MASK, 100), "wrong(1002)");
    assert_string_equal(FEED("\x02\x81" MASK "\x4f\x82\x81" MASK "\x4f", 100),
                        "data(x)wrong(1002)"); /* within another */
}

static void heads_of_the_server_are_short_where_they_can_be(void **state)
{
    uint8_t head[WEBSOCKET_HEAD_MAX];
    (void)state;
    assert_int_equal(websocket_head(head, WEBSOCKET_BINARY, 125), 2);
    assert_memory_equal(head, "\x82\x7d", 2);
    assert_int_equal(websocket_head(head, WEBSOCKET_BINARY, 126), 4);
    assert_memory_equal(head, "\x82\x7e\x00\x7e", 4);
    assert_int_equal(websocket_head(head, WEBSOCKET_BINARY, 65536), 10);
    assert_memory_equal(head, "\x82\x7f\0\0\0\0\0\1\0\0", 10);
}

static void the_published_key_is_accepted(void **state)
{
    char accept[WEBSOCKET_ACCEPT_SIZE];
    (void)state;
    assert_true(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==", accept));
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_false(websocket_accept("dGhlIHNhbXBsZQ==", accept));
    assert_false(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=!", accept));
}

static const char *fault(const char *head)
{
    struct request request;
    const char *why = request_read(&request, head, strlen(head));
    if (!why)
        request_free(&request);
    return why;
}

static void heads_of_requests_are_read_strictly(void **state)
{
    struct request request;
    static const char good[] = "GET /mqtt?a=b HTTP/1.1\r\nHost: h:1\r\nConnection: keep-alive, "
                               "Upgrade \r\n\r\n";
    (void)state;
    assert_int_equal(request_head_size(good, sizeof good - 1), sizeof good - 1);
    assert_int_equal(request_head_size(good, sizeof good - 2), 0);
    assert_null(request_read(&request, good, sizeof good - 1));
    assert_string_equal(request.method, "GET");
    assert_string_equal(request.target, "/mqtt?a=b");
    assert_string_equal(request_header(&request, "host"), "h:1");
    assert_true(request_names(&request, "Connection", "upgrade"));
    assert_false(request_names(&request, "Connection", "close"));
    request_free(&request);
    assert_non_null(fault("GET /mqtt HTTP/1.0\r\n\r\n"));
    assert_non_null(fault("GET mqtt HTTP/1.1\r\n\r\n"));
    assert_non_null(fault("GET /a b HTTP/1.1\r\n\r\n"));
    assert_non_null(fault("GET /a HTTP/1.1\r\nName : x\r\n\r\n"));
    assert_non_null(fault("GET /a HTTP/1.1\r\n folded\r\n\r\n"));
    assert_non_null(fault("GET /a HTTP/1.1\r\nName: a\nb\r\n\r\n"));
    assert_non_null(fault("\x16\x03\x01"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_masked_frame_is_read),
        cmocka_unit_test(a_frame_may_be_split_at_any_byte),
        cmocka_unit_test(a_message_in_fragments_is_one_stream_and_control_frames_go_between),
        cmocka_unit_test(a_long_frame_has_its_length_in_two_or_eight_bytes),
        cmocka_unit_test(text_is_refused),
        cmocka_unit_test(what_breaks_the_protocol_is_refused),
        cmocka_unit_test(heads_of_the_server_are_short_where_they_can_be),
        cmocka_unit_test(the_published_key_is_accepted),
        cmocka_unit_test(heads_of_requests_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
