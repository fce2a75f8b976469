/* Reading GetStream and DescribeStream requests: the same one-letter keys in CBOR and JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/streams/streams_internal.h"
#include "codec/cbor.h"

/* Where an integer key goes; NULL: not an integer key. */
static int64_t *number_slot(struct stream_fields *request, char key)
{
    switch (key) {
    case 's':
        request->has_version = true;
        return &request->version;
    case 'f':
        request->has_file = true;
        return &request->file;
    case 'l':
        request->has_size = true;
        return &request->size;
    case 'o':
        request->has_offset = true;
        return &request->offset;
    case 'n':
        request->has_count = true;
        return &request->count;
    default:
        return NULL;
    }
}

static bool take_token(struct stream_fields *request, const char *text, size_t length)
{
    if (length > STREAMS_TOKEN_MAX || memchr(text, '\0', length))
        return false;
    memcpy(request->token, text, length);
    request->token[length] = '\0';
    request->has_token = true;
    return true;
}

/* Makes room for the bitmap; one that is too long is remembered by its length alone. */
static bool take_bitmap(struct stream_fields *request, size_t length)
{
    free(request->bitmap);
    request->has_bitmap = true;
    request->bitmap_length = length;
    request->bitmap = length < STREAMS_BITMAP_MAX ? calloc(1, length + 1) : NULL;
    return request->bitmap || length >= STREAMS_BITMAP_MAX;
}

/* ---- CBOR ----------------------------------------------------------------------------------- */

/* One value of a known key; false if it is of the wrong type (and passed over). */
static bool read_cbor_value(struct cbor_reader *r, char key, struct stream_fields *request)
{
    enum cbor_type type = cbor_peek(r);
    if (key == 'c' && type == CBOR_TEXT) {
        struct cbor_text text = cbor_read_text(r);
        return text.data && take_token(request, text.data, text.length);
    }
    if (key == 'b' && type == CBOR_BYTES) {
        struct cbor_bytes bytes = cbor_read_bytes(r);
        if (!bytes.data || !take_bitmap(request, bytes.length))
            return false;
        if (request->bitmap)
            memcpy(request->bitmap, bytes.data, bytes.length);
        return true;
    }
    if (key != 'c' && key != 'b' && (type == CBOR_UINT || type == CBOR_NEGATIVE)) {
        *number_slot(request, key) = cbor_read_int(r, INT64_MIN, INT64_MAX);
        return true;
    }
    cbor_skip(r);
    return false;
}

static bool known_key(const char *key, size_t length)
{
    return length == 1 && strchr("csflonb", key[0]) && key[0];
}

static enum core_error read_cbor(const void *payload, size_t length, struct stream_fields *request,
                                 struct answer *answer)
{
    struct cbor_reader r;
    struct cbor_container map;
    char wrong = '\0';

    cbor_reader_init(&r, payload, length);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        struct cbor_text key = cbor_read_key(&r);
        if (!key.data || !known_key(key.data, key.length))
            cbor_skip(&r);
        else if (!read_cbor_value(&r, key.data[0], request))
            wrong = key.data[0];
    }
    if (cbor_finish(&r) != OTTER_OK)
        return answer_refuse(answer, CORE_INVALID_CBOR, "the request is not a CBOR map");
    if (wrong)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "'%c' has a wrong type or is too long",
                             wrong);
    return CORE_OK;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    return c && at ? (int)(at - digits) : -1;
}

/* "0x130080" */
static bool read_hex(const char *text, struct stream_fields *request)
{
    if (strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0)
        text += 2;
    size_t length = strlen(text);
    if (length % 2 || !take_bitmap(request, length / 2))
        return false;
    for (size_t i = 0; i < length; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0)
            return false;
        if (request->bitmap)
            request->bitmap[i / 2] |= (uint8_t)(i % 2 ? digit : digit << 4);
    }
    return true;
}

static bool read_json_value(const char *key, const json_t *value, struct stream_fields *request)
{
    const char *text = json_string_value(value);
    if (key[0] == 'c')
        return text && take_token(request, text, json_string_length(value));
    if (key[0] == 'b')
        return text && read_hex(text, request);
    if (!json_is_integer(value))
        return false;
    *number_slot(request, key[0]) = json_integer_value(value);
    return true;
}

static enum core_error read_json(const void *payload, size_t length, struct stream_fields *request,
                                 struct answer *answer)
{
    const char *key;
    json_t *value;
    char wrong = '\0';
    json_error_t error;
    json_t *root = json_loadb(payload, length, 0, &error);

    if (!json_is_object(root)) {
        json_decref(root);
        return answer_refuse(answer, CORE_INVALID_JSON, "the request is not a JSON object");
    }
    json_object_foreach(root, key, value) if (known_key(key, strlen(key)) &&
                                              !read_json_value(key, value, request)) wrong = key[0];
    json_decref(root);
    if (wrong)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "'%c' has a wrong type or is too long",
                             wrong);
    return CORE_OK;
}

enum core_error stream_fields_read(enum streams_format format, const void *payload, size_t length,
                                   struct stream_fields *request, struct answer *answer)
{
    *request = (struct stream_fields){0};
    return format == STREAMS_CBOR ? read_cbor(payload, length, request, answer)
                                  : read_json(payload, length, request, answer);
}

void stream_fields_free(struct stream_fields *request)
{
    free(request->bitmap);
    request->bitmap = NULL;
}
