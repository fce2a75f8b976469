/* SMP frames: whole packets byte for byte, long packets, broken lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/smp_frame.h"
#include "port/port.h"

static uint8_t buffer[600];
static struct smp_receiver receiver;

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static const struct {
    const char *packet;
    uint16_t crc;
    const char *line;
} vectors[] = {
    {"0200000600000000a16164626869", 0x0917, "ABACAAAGAAAAAKFhZGJoaQkX"},
    {"0300000700000000bf6172626869ff", 0xf97c, "ABEDAAAHAAAAAL9hcmJoaf/5fA=="},
    {"0200000100000005a0", 0xc9d8, "AAsCAAABAAAABaDJ2A=="},
    {"0300000600000005bf62726300ff", 0x15d6, "ABADAAAGAAAABb9icmMA/xXW"},
    {"0000000100010000a0", 0x86fe, "AAsAAAABAAEAAKCG/g=="},
    {"0200001500010101a364646174614401020304636c656e04636f666600", 0x03f5,
     "AB8CAAAVAAEBAaNkZGF0YUQBAgMEY2xlbgRjb2ZmAAP1"},
    {"0300000b00010101bf62726300636f666604ff", 0x9ee4, "ABUDAAALAAEBAb9icmMAY29mZgT/nuQ="},
};
#define VECTORS (sizeof vectors / sizeof vectors[0])

static size_t from_hex(const char *hex, uint8_t *bytes)
{
    size_t length = 0;
    for (; hex[2 * length] != '\0'; length++) {
        unsigned value;
        assert_int_equal(sscanf(hex + 2 * length, "%2x", &value), 1);
        bytes[length] = (uint8_t)value;
    }
    return length;
}

static size_t feed(const void *data, size_t length)
{
    const uint8_t *bytes = data;
    size_t size = 0;
    for (size_t i = 0; i < length; i++) {
        const size_t got = smp_receive(&receiver, bytes[i]);
        if (got > 0) {
            assert_int_equal(size, 0); /* one packet at most */
            size = got;
        }
    }
    return size;
}

static size_t feed_text(const char *text)
{
    return feed(text, strlen(text));
}

static int start(void **state)
{
    (void)state;
    memset(buffer, 0, sizeof buffer);
    smp_receiver_init(&receiver, buffer, sizeof buffer);
    return 0;
}

static void crc_has_its_check_value(void **state)
{
    (void)state;
    assert_int_equal(smp_crc16(0, "123456789", 9), 0x31c3);
    assert_int_equal(smp_crc16(smp_crc16(0, "1234", 4), "56789", 5), 0x31c3);
}

static void packets_become_the_lines_of_the_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        uint8_t frame[64];
        char line[SMP_LINE_MAX + 1];
        char expected[SMP_LINE_MAX + 1];
        const size_t packet = from_hex(vectors[i].packet, frame + SMP_FRAME_HEAD);
        assert_int_equal(smp_crc16(0, frame + SMP_FRAME_HEAD, packet), vectors[i].crc);
        const size_t size = smp_frame_seal(frame, packet);
        const size_t length = smp_frame_line(frame, size, 0, line);
        snprintf(expected, sizeof expected, "\x06\x09%s\n", vectors[i].line);
        assert_int_equal(length, strlen(expected));
        assert_memory_equal(line, expected, length);
    }
}

static void lines_of_the_vectors_become_packets(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        uint8_t packet[64];
        char line[160];
        const size_t size = from_hex(vectors[i].packet, packet);
        snprintf(line, sizeof line, "noise\x06\x09%s\r\nmore noise\n", vectors[i].line);
        assert_int_equal(feed_text(line), size);
        assert_memory_equal(buffer + SMP_FRAME_HEAD, packet, size);
    }
}

/* Makes a frame of a packet of `size` counted bytes; returns its lines in `text`. */
static size_t make_lines(size_t size, char *text)
{
    static uint8_t frame[sizeof buffer + 100];
    size_t length = 0;
    for (size_t i = 0; i < size; i++)
        frame[SMP_FRAME_HEAD + i] = (uint8_t)(i * 7);
    const size_t total = smp_frame_seal(frame, size);
    for (size_t at = 0; at < total; at += SMP_LINE_DATA) {
        char line[SMP_LINE_MAX + 1];
        const size_t part = smp_frame_line(frame, total, at, line);
        assert_in_range(part, 4, SMP_LINE_MAX);
        memcpy(text + length, line, part);
        length += part;
    }
    return length;
}

static void packets_of_every_size_come_through(void **state)
{
    char text[2000];
    (void)state;
    for (size_t size = 1; size <= sizeof buffer - SMP_FRAME_OVERHEAD; size++) {
        const size_t length = make_lines(size, text);
        assert_int_equal(feed(text, length), size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(buffer[SMP_FRAME_HEAD + i], (uint8_t)(i * 7));
    }
}

static void a_packet_larger_than_the_buffer_is_dropped(void **state)
{
    char text[2000];
    (void)state;
    const size_t length = make_lines(sizeof buffer - SMP_FRAME_OVERHEAD + 1, text);
    assert_int_equal(feed(text, length), 0);
    assert_int_equal(feed_text("\x06\x09"
                               "AAsCAAABAAAABaDJ2A==\n"),
                     9);
}

static void text_between_the_lines_of_a_frame_is_passed_over(void **state)
{
    char text[2000];
    (void)state;
    const size_t length = make_lines(200, text);
    assert_int_equal(feed(text, SMP_LINE_MAX), 0);
    assert_int_equal(feed_text("<INF> 12 [BOOT] a line of the log\r\n"), 0);
    assert_int_equal(feed(text + SMP_LINE_MAX, length - SMP_LINE_MAX), 200);
}

/* The next frame arrives whatever came before it. */
static void expect_dropped(const char *text)
{
    if (feed_text(text) != 0)
        fail_msg("accepted: %s", text);
    assert_int_equal(feed_text("\x06\x09"
                               "AAsCAAABAAAABaDJ2A==\n"),
                     9);
}

static void broken_lines_are_dropped_and_the_next_frame_arrives(void **state)
{
    char too_long[300];
    (void)state;
    expect_dropped("\x06\x09"
                   "AAsCAAABAAAABaDJ2B==\n"); /* base64: unused bits */
    expect_dropped("\x06\x09"
                   "AAsCAAABAAAABqDJ2A==\n"); /* another byte: CRC */
    expect_dropped("\x06\x09"
                   "AAsCAAABAAAABaDJ2A=\n"); /* a character is missing */
    expect_dropped("\x06\x09"
                   "AAsC*AABAAAABaDJ2A==\n"); /* a foreign one */
    expect_dropped("\x06\x09"
                   "AAoCAAABAAAABaDJ2A==\n"); /* longer than it says */
    expect_dropped("\x06\x09"
                   "AAwCAAABAAAABaDJ2A==\n"); /* shorter */
    expect_dropped("\x06\x09"
                   "AAsCAAABAAAABaDJ2A=="); /* no end of line */
    expect_dropped("\x06\x09\n");
    expect_dropped("\x06\x09"
                   "AAAA\n");
    expect_dropped("\x06\x09"
                   "AAEAAAA=\n");
    expect_dropped("\x06\x06\x06\x04\x14\x06");
    expect_dropped("\x04\x14"
                   "AAsCAAABAAAABaDJ2A==\n"); /* goes on with nothing */
    expect_dropped("\x07\x09"
                   "AAsCAAABAAAABaDJ2A==\n");
    memset(too_long, 'A', sizeof too_long - 1);
    memcpy(too_long, "\x06\x09", 2);
    strcpy(too_long + sizeof too_long - 2, "\n");
    expect_dropped(too_long);
}

static void a_frame_is_accepted_only_once(void **state)
{
    (void)state;
    assert_int_equal(feed_text("\x06\x09"
                               "AAsCAAABAAAABaDJ2A==\n"),
                     9);
    assert_int_equal(feed_text("\x04\x14"
                               "AAAA\n"),
                     0);
    assert_int_equal(feed_text("\n\n"), 0);
}

static void a_start_line_begins_anew(void **state)
{
    char text[2000];
    (void)state;
    make_lines(200, text);
    assert_int_equal(feed(text, SMP_LINE_MAX), 0);
    assert_int_equal(feed_text("\x06\x09"
                               "AAsCAAABAAAABaDJ2A==\n"),
                     9);
}

static void a_header_is_read_and_written(void **state)
{
    uint8_t packet[SMP_HEADER_SIZE];
    const uint8_t raw[] = {0x0a, 0, 0, 2, 0x12, 0x34, 7, 8, 0xbf, 0xff};
    struct smp_header header;
    (void)state;
    assert_true(smp_header_read(raw, sizeof raw, &header));
    assert_int_equal(header.op, SMP_WRITE);
    assert_int_equal(header.version, 1);
    assert_int_equal(header.length, 2);
    assert_int_equal(header.group, 0x1234);
    assert_int_equal(header.sequence, 7);
    assert_int_equal(header.command, 8);
    smp_header_write(packet, &header);
    assert_memory_equal(packet, raw, sizeof packet);
}

static void a_header_that_lies_about_its_payload_is_refused(void **state)
{
    const uint8_t raw[] = {2, 0, 0, 2, 0, 0, 0, 5, 0xbf, 0xff, 0};
    struct smp_header header;
    (void)state;
    assert_true(smp_header_read(raw, 10, &header));
    assert_false(smp_header_read(raw, 11, &header));
    assert_false(smp_header_read(raw, 9, &header));
    assert_false(smp_header_read(raw, 7, &header));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(crc_has_its_check_value, start),
        cmocka_unit_test_setup(packets_become_the_lines_of_the_vectors, start),
        cmocka_unit_test_setup(lines_of_the_vectors_become_packets, start),
        cmocka_unit_test_setup(packets_of_every_size_come_through, start),
        cmocka_unit_test_setup(a_packet_larger_than_the_buffer_is_dropped, start),
        cmocka_unit_test_setup(text_between_the_lines_of_a_frame_is_passed_over, start),
        cmocka_unit_test_setup(broken_lines_are_dropped_and_the_next_frame_arrives, start),
        cmocka_unit_test_setup(a_frame_is_accepted_only_once, start),
        cmocka_unit_test_setup(a_start_line_begins_anew, start),
        cmocka_unit_test_setup(a_header_is_read_and_written, start),
        cmocka_unit_test_setup(a_header_that_lies_about_its_payload_is_refused, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
