/* Blocks by MQTT file streams: requests, data and error messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "codec/cbor.h"
#include "port/log.h"
#include "port/port.h"
#include "services/ota/source_stream.h"

#define BLOCK 1024u

static struct ota_file file;
static uint8_t image[BLOCK + 1];

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static int read_block(const char *hex_key, uint32_t id, uint32_t number, uint32_t stated,
                      uint32_t length)
{
    uint8_t raw[BLOCK + 64];
    struct cbor_writer w;
    struct ota_block block;
    cbor_writer_init(&w, raw, sizeof raw);
    cbor_write_map(&w, 5);
    cbor_write_text(&w, "c");
    cbor_write_text(&w, "rdy");
    cbor_write_text(&w, hex_key);
    cbor_write_bytes(&w, image, length);
    cbor_write_text(&w, "f");
    cbor_write_uint(&w, id);
    cbor_write_text(&w, "l");
    cbor_write_uint(&w, stated);
    cbor_write_text(&w, "i");
    cbor_write_uint(&w, number);
    const int size = cbor_written(&w);
    assert_true(size > 0);
    return ota_block_read(&file, raw, (size_t)size, &block);
}

static void only_whole_blocks_of_the_file_are_read(void **state)
{
    (void)state;
    file = (struct ota_file){.size = 3 * BLOCK + 10, .block_size = BLOCK, .id = 5};
    assert_int_equal(read_block("p", 5, 0, BLOCK, BLOCK), OTTER_OK);
    assert_int_equal(read_block("p", 5, 3, 10, 10), OTTER_OK);
    assert_int_equal(read_block("p", 6, 0, BLOCK, BLOCK), OTTER_E_REFUSED);
    assert_int_equal(read_block("p", 5, 4, BLOCK, BLOCK), OTTER_E_REFUSED);
    assert_int_equal(read_block("p", 5, 4, 0, 0), OTTER_E_REFUSED);
    assert_int_equal(read_block("p", 5, 3, BLOCK, BLOCK), OTTER_E_REFUSED);
    assert_int_equal(read_block("p", 5, 1, BLOCK, BLOCK - 1), OTTER_E_REFUSED);
    assert_int_equal(read_block("p", 5, 1, BLOCK - 1, BLOCK - 1), OTTER_E_REFUSED);
    assert_int_equal(read_block("q", 5, 0, BLOCK, BLOCK), OTTER_E_MALFORMED);
    struct ota_block block;
    assert_int_equal(ota_block_read(&file, (const uint8_t *)"", 0, &block), OTTER_E_MALFORMED);
    assert_int_equal(ota_block_read(&file, (const uint8_t *)"\xa1\x61p", 3, &block),
                     OTTER_E_MALFORMED);
}

struct request {
    uint32_t first;
    uint32_t count;
    uint8_t bitmap[OTA_BLOCKS_MAX / 8];
    size_t bitmap_length;
};

static struct request read_request(const uint8_t *raw, int length)
{
    struct request request = {0};
    struct cbor_reader r;
    struct cbor_container map;
    assert_true(length > 0);
    cbor_reader_init(&r, raw, (size_t)length);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        const struct cbor_text name = cbor_read_key(&r);
        if (cbor_text_is(name, "o")) {
            request.first = (uint32_t)cbor_read_uint(&r, UINT32_MAX);
        } else if (cbor_text_is(name, "n")) {
            request.count = (uint32_t)cbor_read_uint(&r, UINT32_MAX);
        } else if (cbor_text_is(name, "f")) {
            assert_int_equal(cbor_read_uint(&r, UINT32_MAX), file.id);
        } else if (cbor_text_is(name, "l")) {
            assert_int_equal(cbor_read_uint(&r, UINT32_MAX), file.block_size);
        } else if (cbor_text_is(name, "b")) {
            const struct cbor_bytes bits = cbor_read_bytes(&r);
            assert_in_range(bits.length, 1, sizeof request.bitmap);
            memcpy(request.bitmap, bits.data, bits.length);
            request.bitmap_length = bits.length;
        } else {
            assert_true(cbor_text_is(name, "c"));
            assert_true(cbor_text_is(cbor_read_text(&r), "rdy"));
        }
    }
    assert_int_equal(cbor_finish(&r), OTTER_OK);
    return request;
}

static void a_request_names_its_blocks_by_a_bitmap_from_the_first(void **state)
{
    (void)state;
    static const uint16_t blocks[] = {3, 4, 11, 12};
    static const uint16_t ends[] = {0, OTA_BLOCKS_MAX - 1u};
    uint8_t raw[OTA_REQUEST_CBOR_MAX];
    file = (struct ota_file){.size = 40 * BLOCK, .block_size = BLOCK, .id = 200};
    struct request request =
        read_request(raw, ota_request_write(&file, blocks, 4, raw, sizeof raw));
    assert_int_equal(request.first, 3);
    assert_int_equal(request.count, 4);
    assert_int_equal(request.bitmap_length, 2);
    assert_int_equal(request.bitmap[0], 0x03);
    assert_int_equal(request.bitmap[1], 0x03);
    request = read_request(raw, ota_request_write(&file, ends, 2, raw, sizeof raw));
    assert_int_equal(request.first, 0);
    assert_int_equal(request.count, 2);
    assert_int_equal(request.bitmap_length, OTA_BLOCKS_MAX / 8);
    assert_int_equal(request.bitmap[0], 0x01);
    assert_int_equal(request.bitmap[OTA_BLOCKS_MAX / 8 - 1], 0x80);
    assert_int_equal(ota_request_write(&file, ends, 2, raw, 40), OTTER_E_TOO_LONG);
}

static bool stream_error(const char *code_key, const char *code, char text[64])
{
    uint8_t raw[128];
    struct cbor_writer w;
    cbor_writer_init(&w, raw, sizeof raw);
    cbor_write_map(&w, 2);
    cbor_write_text(&w, code_key);
    cbor_write_text(&w, code);
    cbor_write_text(&w, "m");
    cbor_write_text(&w, "it \"is\" so");
    return ota_stream_refused(raw, (size_t)cbor_written(&w), text, 64);
}

static void stream_errors_that_last_are_told_from_those_that_pass(void **state)
{
    (void)state;
    char text[64];
    assert_true(stream_error("o", "ResourceNotFound", text));
    assert_string_equal(text, "ResourceNotFound: it ?is? so");
    assert_true(stream_error("code", "ETagMismatch", text));
    assert_false(stream_error("o", "InternalError", text));
    assert_false(stream_error("o", "RequestThrottled", text));
    assert_false(ota_stream_refused((const uint8_t *)"\xff", 1, text, sizeof text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_whole_blocks_of_the_file_are_read),
        cmocka_unit_test(a_request_names_its_blocks_by_a_bitmap_from_the_first),
        cmocka_unit_test(stream_errors_that_last_are_told_from_those_that_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
