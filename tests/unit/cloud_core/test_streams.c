/* Streams: which blocks a request brings, in both formats, and how it is refused. */
#define _GNU_SOURCE /* memmem */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/streams/streams.h"
#include "codec/cbor.h"

#define FILE_SIZE 150001u /* 586 blocks of 256, the last of 241 */

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 256);
}

static void put_object(struct fixture *f, size_t size)
{
    struct object object;
    struct answer answer = ANSWER_INIT;
    uint8_t *content = malloc(size);
    for (size_t i = 0; i < size; i++)
        content[i] = byte_at(i);
    struct object_upload upload = {
        .bucket = "firmware", .key = "app.bin", .content = content, .size = size};
    assert_int_equal(object_put(&f->cloud, &upload, &object, &answer), CORE_OK);
    answer_free(&answer);
    free(content);
}

static enum core_error create(struct fixture *f, const char *stream, const char *text)
{
    struct answer answer = ANSWER_INIT;
    json_t *m = members(text);
    enum core_error error = streams_create(&f->cloud, stream, m, &answer);
    answer_free(&answer);
    json_decref(m);
    return error;
}

#define ONE_FILE "{'files':[{'fileId':0,'s3Location':{'bucket':'firmware','key':'app.bin'}}]}"

static int setup(void **state)
{
    struct answer answer = ANSWER_INIT;
    fixture_setup(state);
    struct fixture *f = *state;
    fixture_thing(f, "t1");
    assert_int_equal(bucket_create(&f->cloud, "firmware", &answer), CORE_OK);
    answer_free(&answer);
    put_object(f, FILE_SIZE);
    assert_int_equal(create(f, "s", ONE_FILE), CORE_OK);
    return 0;
}

/* ---- asking --------------------------------------------------------------------------------- */

struct wish { /* a GetStream request; negative: left out */
    int64_t version, file, size, offset, count;
    const char *bitmap;
    size_t bitmap_length;
    const char *token;
};

/* Defaults, which a wish then overrides: meant. */
#pragma GCC diagnostic ignored "-Woverride-init"
#define WISH .version = -1, .file = 0, .size = 256, .offset = -1, .count = -1

static void take(void *context, struct reserved_blocks *blocks)
{
    *(struct reserved_blocks **)context = blocks;
}

/* NULL: not a request. */
static struct reserved_blocks *try_request(struct fixture *f, const char *rest, const void *payload,
                                           size_t length)
{
    char topic[256];
    struct reserved_blocks *blocks = NULL;
    const struct reserved_answers answers = {.blocks = take, .context = &blocks};
    snprintf(topic, sizeof topic, "$aws/things/t1/streams/%s", rest);
    bool taken =
        reserved_publish(&f->cloud, &(struct reserved_request){topic, payload, length}, &answers);
    assert_true(taken == (blocks != NULL));
    return blocks;
}

static struct reserved_blocks *send_request(struct fixture *f, const char *rest,
                                            const void *payload, size_t length)
{
    struct reserved_blocks *blocks = try_request(f, rest, payload, length);
    assert_non_null(blocks);
    return blocks;
}

static struct reserved_blocks *ask(struct fixture *f, const struct wish *wish)
{
    uint8_t request[16384];
    struct cbor_writer w;
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"s", wish->version},
                   {"f", wish->file},
                   {"l", wish->size},
                   {"o", wish->offset},
                   {"n", wish->count}};
    cbor_writer_init(&w, request, sizeof request);
    cbor_write_map_indefinite(&w);
    if (wish->token) {
        cbor_write_text(&w, "c");
        cbor_write_text(&w, wish->token);
    }
    for (size_t i = 0; i < 5; i++)
        if (numbers[i].value >= 0) {
            cbor_write_text(&w, numbers[i].key);
            cbor_write_int(&w, numbers[i].value);
        }
    if (wish->bitmap) {
        cbor_write_text(&w, "b");
        cbor_write_bytes(&w, wish->bitmap, wish->bitmap_length);
    }
    cbor_write_end(&w);
    assert_true(cbor_written(&w) > 0);
    return send_request(f, "s/get/cbor", request, (size_t)cbor_written(&w));
}

struct block {
    int64_t file, index, length;
    struct cbor_bytes data;
    char token[80];
};

static struct block decode(const struct reserved_message *message)
{
    struct block block = {.file = -1, .index = -1, .length = -1};
    struct cbor_reader r;
    struct cbor_container map;
    assert_string_equal(message->topic, "$aws/things/t1/streams/s/data/cbor");
    cbor_reader_init(&r, message->payload, message->length);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        struct cbor_text key = cbor_read_key(&r);
        if (cbor_text_is(key, "f"))
            block.file = cbor_read_int(&r, 0, 255);
        else if (cbor_text_is(key, "i"))
            block.index = cbor_read_int(&r, 0, 98303);
        else if (cbor_text_is(key, "l"))
            block.length = cbor_read_int(&r, 0, 131072);
        else if (cbor_text_is(key, "p"))
            block.data = cbor_read_bytes(&r);
        else if (cbor_text_is(key, "c")) {
            struct cbor_text token = cbor_read_text(&r);
            snprintf(block.token, sizeof block.token, "%.*s", (int)token.length, token.data);
        } else
            cbor_skip(&r);
    }
    assert_int_equal(cbor_finish(&r), OTTER_OK);
    return block;
}

/* Reads all blocks, checks their bytes, and writes their numbers to `text`, "0 1 2 ". */
static void collect(struct reserved_blocks *blocks, size_t block_size, char *text, size_t size)
{
    struct reserved_message message;
    *text = '\0';
    while (reserved_blocks_next(blocks, &message)) {
        struct block block = decode(&message);
        assert_int_equal(block.length, (int64_t)block.data.length);
        for (size_t i = 0; i < block.data.length; i++)
            assert_int_equal(block.data.data[i], byte_at((size_t)block.index * block_size + i));
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%d ", (int)block.index);
    }
    reserved_blocks_free(blocks);
}

static void assert_blocks(struct fixture *f, const struct wish *wish, const char *expected)
{
    char text[8192];
    collect(ask(f, wish), (size_t)wish->size, text, sizeof text);
    assert_string_equal(text, expected);
}

static void assert_refused(struct fixture *f, const struct wish *wish, const char *code)
{
    struct reserved_message message;
    struct cbor_reader r;
    struct cbor_container map;
    bool seen = false;
    struct reserved_blocks *blocks = ask(f, wish);
    assert_true(reserved_blocks_next(blocks, &message));
    assert_string_equal(message.topic, "$aws/things/t1/streams/s/rejected/cbor");
    cbor_reader_init(&r, message.payload, message.length);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        struct cbor_text key = cbor_read_key(&r);
        struct cbor_text value = cbor_read_text(&r);
        if (cbor_text_is(key, "o")) {
            assert_true(cbor_text_is(value, code));
            seen = true;
        }
    }
    assert_int_equal(cbor_finish(&r), OTTER_OK);
    assert_true(seen);
    assert_false(reserved_blocks_next(blocks, &message));
    reserved_blocks_free(blocks);
}

/* ---- which blocks --------------------------------------------------------------------------- */

static void a_count_brings_that_many_from_the_offset(void **state)
{
    assert_blocks(*state, &(struct wish){WISH, .offset = 10, .count = 3}, "10 11 12 ");
    assert_blocks(*state, &(struct wish){WISH, .count = 1}, "0 ");
}

static void the_bitmap_of_the_specification_names_its_blocks(void **state)
{
    assert_blocks(*state,
                  &(struct wish){WISH, .offset = 20, .bitmap = "\x13\x00\x80", .bitmap_length = 3},
                  "20 21 24 43 ");
}

static void the_count_caps_the_bitmap_lowest_first(void **state)
{
    assert_blocks(*state,
                  &(struct wish){WISH, .offset = 20, .count = 2, .bitmap = "\x13\x00\x80",
                                 .bitmap_length = 3},
                  "20 21 ");
}

static void bits_past_the_end_are_ignored(void **state)
{
    assert_blocks(*state,
                  &(struct wish){WISH, .offset = 584, .bitmap = "\xff\xff", .bitmap_length = 2},
                  "584 585 ");
}

static void an_empty_bitmap_brings_nothing(void **state)
{
    assert_blocks(*state, &(struct wish){WISH, .bitmap = "", .bitmap_length = 0}, "");
    assert_blocks(*state, &(struct wish){WISH, .bitmap = "\0\0", .bitmap_length = 2}, "");
}

static void the_streams_library_gets_its_single_block(void **state)
{
    assert_blocks(
        *state, &(struct wish){WISH, .offset = 7, .count = 1, .bitmap = "MQ==", .bitmap_length = 4},
        "7 ");
}

static void one_request_brings_at_most_128_kib(void **state)
{
    assert_blocks(*state, &(struct wish){WISH, .size = 50000, .count = 100}, "0 1 ");
    assert_blocks(*state, &(struct wish){WISH, .size = 131072}, "0 ");
    char text[8192];
    collect(ask(*state, &(struct wish){WISH, .count = 98304}), 256, text, sizeof text);
    assert_non_null(strstr(text, " 511 "));
    assert_null(strstr(text, " 512 "));
}

static void the_last_block_is_shorter(void **state)
{
    struct reserved_message message;
    struct reserved_blocks *blocks =
        ask(*state, &(struct wish){WISH, .offset = 585, .count = 1, .token = "rdy"});
    assert_true(reserved_blocks_next(blocks, &message));
    struct block block = decode(&message);
    assert_int_equal(block.file, 0);
    assert_int_equal(block.length, FILE_SIZE % 256);
    assert_string_equal(block.token, "rdy");
    reserved_blocks_free(blocks);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void each_wrong_field_has_its_code(void **state)
{
    char bitmap[12288] = {0};
    assert_refused(*state, &(struct wish){WISH, .size = 255, .count = 1}, "BlockSizeOutOfBounds");
    assert_refused(*state, &(struct wish){WISH, .size = 131073, .count = 1},
                   "BlockSizeOutOfBounds");
    assert_refused(*state, &(struct wish){WISH, .size = -1, .count = 1}, "InvalidRequest");
    assert_refused(*state, &(struct wish){WISH, .file = -1, .count = 1}, "InvalidRequest");
    assert_refused(*state, &(struct wish){WISH, .file = 256, .count = 1}, "InvalidRequest");
    assert_refused(*state, &(struct wish){WISH, .file = 3, .count = 1}, "ResourceNotFound");
    assert_refused(*state, &(struct wish){WISH, .offset = 98305}, "OffsetOutOfBounds");
    assert_refused(*state, &(struct wish){WISH, .offset = 586, .count = 1}, "OffsetOutOfBounds");
    assert_refused(*state, &(struct wish){WISH, .count = 98305}, "BlockCountLimitExceeded");
    assert_refused(*state, &(struct wish){WISH, .bitmap = bitmap, .bitmap_length = sizeof bitmap},
                   "BlockBitmapLimitExceeded");
    assert_refused(*state, &(struct wish){WISH, .version = 2, .count = 1}, "VersionMismatch");
    assert_refused(*state,
                   &(struct wish){WISH, .token = "0123456789012345678901234567890123456789"
                                                 "0123456789012345678901234"},
                   "InvalidRequest");
}

static void what_does_not_parse_is_told_so(void **state)
{
    struct fixture *f = *state;
    struct reserved_message message;
    struct reserved_blocks *blocks = send_request(f, "s/get/cbor", "\xa1\x61", 2);
    assert_true(reserved_blocks_next(blocks, &message));
    assert_non_null(memmem(message.payload, message.length, "InvalidCbor", 11));
    reserved_blocks_free(blocks);
    blocks = send_request(f, "s/get/json", "{\"f\":", 5);
    assert_true(reserved_blocks_next(blocks, &message));
    assert_string_equal(message.topic, "$aws/things/t1/streams/s/rejected/json");
    assert_non_null(memmem(message.payload, message.length, "InvalidJson", 11));
    reserved_blocks_free(blocks);
}

static void an_object_replaced_without_versioning_is_not_sent(void **state)
{
    struct fixture *f = *state;
    f->now_ms += 5000;
    put_object(f, 1000);
    assert_refused(f, &(struct wish){WISH, .count = 1}, "ETagMismatch");
}

static void reply_topics_are_not_requests(void **state)
{
    struct fixture *f = *state;
    static const char *const topics[] = {
        "s/data/cbor",  "s/rejected/json", "s/get",     "s/get/xml",
        "s/get/cbor/x", "get/cbor",        "/get/cbor", ""};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        assert_null(try_request(f, topics[i], "", 0));
    }
}

/* ---- JSON, describe, operators -------------------------------------------------------------- */

static void a_json_block_fits_into_a_message(void **state)
{
    struct fixture *f = *state;
    struct reserved_message message;
    const char *largest = "{\"f\":0,\"l\":98112,\"o\":0,\"n\":1}";
    const char *larger = "{\"f\":0,\"l\":98113,\"o\":0,\"n\":1}";
    struct reserved_blocks *blocks = send_request(f, "s/get/json", largest, strlen(largest));
    assert_true(reserved_blocks_next(blocks, &message));
    assert_string_equal(message.topic, "$aws/things/t1/streams/s/data/json");
    assert_in_range(message.length, 98112, 131072);
    reserved_blocks_free(blocks);
    blocks = send_request(f, "s/get/json", larger, strlen(larger));
    assert_true(reserved_blocks_next(blocks, &message));
    assert_string_equal(message.topic, "$aws/things/t1/streams/s/rejected/json");
    assert_non_null(memmem(message.payload, message.length, "BlockSizeOutOfBounds", 20));
    reserved_blocks_free(blocks);
}

static void json_requests_get_json_blocks(void **state)
{
    struct fixture *f = *state;
    struct reserved_message message;
    const char *request = "{\"s\":1,\"f\":0,\"l\":256,\"o\":20,\"b\":\"0x130080\",\"c\":\"k\"}";
    struct reserved_blocks *blocks = send_request(f, "s/get/json", request, strlen(request));
    int expected[] = {20, 21, 24, 43}, count = 0;
    while (reserved_blocks_next(blocks, &message)) {
        json_t *json = json_loadb((const char *)message.payload, message.length, 0, NULL);
        assert_string_equal(message.topic, "$aws/things/t1/streams/s/data/json");
        assert_int_equal(json_integer_value(json_object_get(json, "i")), expected[count++]);
        assert_int_equal(json_integer_value(json_object_get(json, "l")), 256);
        assert_int_equal(json_string_length(json_object_get(json, "p")), 344);
        assert_string_equal(json_string_value(json_object_get(json, "c")), "k");
        json_decref(json);
    }
    assert_int_equal(count, 4);
    reserved_blocks_free(blocks);
}

static void a_description_names_files_and_sizes(void **state)
{
    struct fixture *f = *state;
    struct reserved_message message;
    struct reserved_blocks *blocks = send_request(f, "s/describe/json", "{\"c\":\"x\"}", 9);
    assert_true(reserved_blocks_next(blocks, &message));
    assert_string_equal(message.topic, "$aws/things/t1/streams/s/description/json");
    json_t *json = json_loadb((const char *)message.payload, message.length, 0, NULL);
    json_t *wanted = members("{'c':'x','s':1,'d':'','r':[{'f':0,'z':150001}]}");
    assert_true(json_equal(json, wanted));
    json_decref(json);
    json_decref(wanted);
    reserved_blocks_free(blocks);
}

static void a_stream_is_created_once_and_completely(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    assert_int_equal(create(f, "s", ONE_FILE), CORE_EXISTS);
    assert_int_equal(create(f, "bad id", ONE_FILE), CORE_INVALID_REQUEST);
    assert_int_equal(create(f, "n", "{'files':[]}"), CORE_INVALID_REQUEST);
    assert_int_equal(
        create(f, "n",
               "{'files':[{'fileId':0,'s3Location':{'bucket':'firmware','key':'app.bin'}},"
               "{'fileId':1,'s3Location':{'bucket':'firmware','key':'none'}}]}"),
        CORE_NOT_FOUND);
    assert_int_equal(streams_describe(&f->cloud, "n", &answer), CORE_NOT_FOUND);
    answer_free(&answer);
}

static void an_update_raises_the_version(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    json_t *m = members("{'description':'new'}");
    assert_int_equal(streams_update(&f->cloud, "s", m, &answer), CORE_OK);
    assert_int_equal(json_integer_value(json_object_get(answer.body, "streamVersion")), 2);
    answer_free(&answer);
    json_decref(m);
    assert_blocks(f, &(struct wish){WISH, .version = 2, .count = 1}, "0 ");
}

/* Large objects are read through windows of 256 KiB; 100000 is no divisor of that. */
static void blocks_that_lie_across_windows_are_whole(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    char text[64];
    json_t *m = members(ONE_FILE);
    put_object(f, 700001);
    assert_int_equal(streams_update(&f->cloud, "s", m, &answer), CORE_OK);
    answer_free(&answer);
    json_decref(m);
    for (int i = 7; i >= 0; i--) {
        char expected[8];
        struct wish wish = {WISH, .size = 100000, .offset = i, .count = 1};
        collect(ask(f, &wish), 100000, text, sizeof text);
        snprintf(expected, sizeof expected, "%d ", i & 7);
        assert_string_equal(text, expected);
    }
}

static void a_deleted_stream_is_gone(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    assert_int_equal(streams_delete(&f->cloud, "s", &answer), CORE_OK);
    assert_int_equal(streams_delete(&f->cloud, "s", &answer), CORE_NOT_FOUND);
    answer_free(&answer);
    assert_refused(f, &(struct wish){WISH, .count = 1}, "ResourceNotFound");
}

static void a_single_block_can_be_read(void **state)
{
    struct wish last = {WISH, .size = 4096, .offset = 36, .count = 1};
    struct wish beyond = {WISH, .size = 4096, .offset = 37, .count = 1};
    struct reserved_message message;
    struct reserved_blocks *blocks = ask(*state, &last);
    assert_true(reserved_blocks_next(blocks, &message));
    struct block block = decode(&message);
    assert_int_equal(block.length, FILE_SIZE - 36 * 4096);
    assert_int_equal(block.data.data[0], byte_at(36 * 4096));
    reserved_blocks_free(blocks);
    assert_refused(*state, &beyond, "OffsetOutOfBounds");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_count_brings_that_many_from_the_offset),
        TEST(the_bitmap_of_the_specification_names_its_blocks),
        TEST(the_count_caps_the_bitmap_lowest_first),
        TEST(bits_past_the_end_are_ignored),
        TEST(an_empty_bitmap_brings_nothing),
        TEST(the_streams_library_gets_its_single_block),
        TEST(one_request_brings_at_most_128_kib),
        TEST(the_last_block_is_shorter),
        TEST(each_wrong_field_has_its_code),
        TEST(what_does_not_parse_is_told_so),
        TEST(an_object_replaced_without_versioning_is_not_sent),
        TEST(reply_topics_are_not_requests),
        TEST(a_json_block_fits_into_a_message),
        TEST(json_requests_get_json_blocks),
        TEST(a_description_names_files_and_sizes),
        TEST(a_stream_is_created_once_and_completely),
        TEST(an_update_raises_the_version),
        TEST(blocks_that_lie_across_windows_are_whole),
        TEST(a_deleted_stream_is_gone),
        TEST(a_single_block_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
