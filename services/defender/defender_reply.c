/* An answer's members, from JSON or CBOR. */
#include <string.h>

#include "codec/cbor.h"
#include "services/defender/defender.h"

/* Cuts what is too long, and makes the rest fit for a log. */
static void keep_text(char *to, size_t size, const char *from, size_t length)
{
    const size_t kept = length < size ? length : size - 1;
    for (size_t i = 0; i < kept; i++)
        to[i] = from[i] < ' ' || from[i] > '~' ? '?' : from[i];
    to[kept] = '\0';
}

/* ---- JSON ---- */

/* 0 when it is no whole number of up to 18 digits. */
static uint64_t read_number(const struct json *json, int index)
{
    const char *text;
    size_t length;
    uint64_t value = 0;
    if (json_type(json, index) != JSON_NUMBER ||
        json_get_raw(json, index, &text, &length) != OTTER_OK || length > 18)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    return value;
}

static void read_text(const struct json *json, const char *path, char *to, size_t size)
{
    const char *text;
    size_t length;
    const int index = json_find(json, 0, path);
    if (json_type(json, index) == JSON_STRING &&
        json_get_raw(json, index, &text, &length) == OTTER_OK)
        keep_text(to, size, text, length);
}

static otter_status read_json(struct defender_reply *reply, const uint8_t *data, size_t length,
                              jsmntok_t *tokens, size_t token_count)
{
    struct json json;
    const otter_status status = json_parse(&json, (const char *)data, length, tokens, token_count);
    if (status != OTTER_OK)
        return OTTER_E_MALFORMED;
    const uint64_t id = read_number(&json, json_find(&json, 0, "reportId"));
    reply->id = id <= UINT32_MAX ? (uint32_t)id : 0;
    reply->timestamp_ms = read_number(&json, json_find(&json, 0, "timestamp"));
    read_text(&json, "statusDetails.ErrorCode", reply->code, sizeof reply->code);
    read_text(&json, "statusDetails.ErrorMessage", reply->message, sizeof reply->message);
    return OTTER_OK;
}

/* ---- CBOR ---- */

static void take_text(struct cbor_reader *r, char *to, size_t size)
{
    const struct cbor_text text = cbor_read_text(r);
    if (text.data != NULL)
        keep_text(to, size, text.data, text.length);
}

static void read_details(struct cbor_reader *r, struct defender_reply *reply)
{
    struct cbor_container map;
    cbor_read_map(r, &map);
    while (cbor_next(r, &map)) {
        const struct cbor_text key = cbor_read_key(r);
        if (cbor_text_is(key, "ErrorCode"))
            take_text(r, reply->code, sizeof reply->code);
        else if (cbor_text_is(key, "ErrorMessage"))
            take_text(r, reply->message, sizeof reply->message);
        else
            cbor_skip(r);
    }
}

static otter_status read_cbor(struct defender_reply *reply, const uint8_t *data, size_t length)
{
    struct cbor_reader r;
    struct cbor_container map;
    cbor_reader_init(&r, data, length);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        const struct cbor_text key = cbor_read_key(&r);
        if (cbor_text_is(key, "reportId"))
            reply->id = (uint32_t)cbor_read_uint(&r, UINT32_MAX);
        else if (cbor_text_is(key, "timestamp"))
            reply->timestamp_ms = cbor_read_uint(&r, UINT64_MAX);
        else if (cbor_text_is(key, "statusDetails"))
            read_details(&r, reply);
        else
            cbor_skip(&r);
    }
    return cbor_finish(&r) == OTTER_OK ? OTTER_OK : OTTER_E_MALFORMED;
}

otter_status defender_reply_read(struct defender_reply *reply, bool json, const uint8_t *data,
                                 size_t length, jsmntok_t *tokens, size_t token_count)
{
    memset(reply, 0, sizeof *reply);
    return json ? read_json(reply, data, length, tokens, token_count)
                : read_cbor(reply, data, length);
}
