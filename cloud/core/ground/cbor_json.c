/* Trees of JSON in CBOR. */
#include "cloud/core/ground/cbor_json.h"

#include <math.h>
#include <string.h>

#include "codec/cbor.h"

/* ---- writing -------------------------------------------------------------------------------- */

static void write_value(struct cbor_writer *w, const json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        cbor_write_map(w, json_object_size(value));
        json_object_foreach((json_t *)value, key, member)
        {
            cbor_write_text(w, key);
            write_value(w, member);
        }
        break;
    case JSON_ARRAY:
        cbor_write_array(w, json_array_size(value));
        json_array_foreach(value, i, member) write_value(w, member);
        break;
    case JSON_STRING:
        cbor_write_text_view(w, json_string_value(value), json_string_length(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        cbor_write_bool(w, json_is_true(value));
        break;
    case JSON_NULL:
        cbor_write_null(w);
        break;
    default:
        cbor_write_int(w, json_integer_value(value));
        break;
    }
}

size_t cbor_from_json(const json_t *value, void *bytes, size_t size)
{
    struct cbor_writer w;
    cbor_writer_init(&w, bytes, size);
    write_value(&w, value);
    return cbor_written(&w) > 0 ? (size_t)cbor_written(&w) : 0;
}

/* ---- reading -------------------------------------------------------------------------------- */

static uint64_t big_endian(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* RFC 8949, appendix D */
static double half(uint16_t bits)
{
    int exponent = bits >> 10 & 0x1f;
    double mantissa = bits & 0x3ff;
    double value = exponent == 0   ? mantissa / (1 << 24)
                   : exponent < 25 ? (mantissa + 1024) / (1 << (25 - exponent))
                                   : (mantissa + 1024) * (1 << (exponent - 25));
    if (exponent == 31)
        value = mantissa == 0 ? HUGE_VAL : NAN;
    return bits & 0x8000 ? -value : value;
}

/* The device's reader only passes over these; their bytes are between where it was and is. */
static json_t *read_float(struct cbor_reader *r)
{
    const uint8_t *at = r->next;
    cbor_skip(r);
    if (r->error != OTTER_OK)
        return NULL;
    while (*at >> 5 == 6) /* tags */
        at += (*at & 0x1f) < 24 ? 1 : 1 + (1u << ((*at & 0x1f) - 24));
    double wide = 0;
    float single;
    uint64_t bits = big_endian(at + 1, (size_t)(r->next - at) - 1);
    uint32_t bits32 = (uint32_t)bits;
    if (*at == 0xfb)
        memcpy(&wide, &bits, sizeof wide);
    else if (*at == 0xfa)
        memcpy(&single, &bits32, sizeof single), wide = (double)single;
    else
        wide = half((uint16_t)bits);
    return json_real(wide); /* NULL when it is no number */
}

static json_t *read_value(struct cbor_reader *r, unsigned depth);

/* Takes over `object`. NULL when it could not be completed. */
static json_t *read_members(struct cbor_reader *r, json_t *object, unsigned depth)
{
    struct cbor_container map;
    bool good = true;
    cbor_read_map(r, &map);
    while (good && cbor_next(r, &map)) {
        struct cbor_text key = cbor_read_text(r);
        good = key.data &&
               json_object_setn_new(object, key.data, key.length, read_value(r, depth)) == 0;
    }
    if (good && r->error == OTTER_OK)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *read_items(struct cbor_reader *r, json_t *list, unsigned depth)
{
    struct cbor_container array;
    bool good = true;
    cbor_read_array(r, &array);
    while (good && cbor_next(r, &array))
        good = json_array_append_new(list, read_value(r, depth)) == 0;
    if (good && r->error == OTTER_OK)
        return list;
    json_decref(list);
    return NULL;
}

/* NULL when it is none of the kinds. */
static json_t *read_value(struct cbor_reader *r, unsigned depth)
{
    struct cbor_text text;
    if (depth == 0)
        return NULL;
    switch (cbor_peek(r)) {
    case CBOR_MAP:
        return read_members(r, json_object(), depth - 1);
    case CBOR_ARRAY:
        return read_items(r, json_array(), depth - 1);
    case CBOR_TEXT:
        text = cbor_read_text(r);
        return text.data ? json_stringn(text.data, text.length) : NULL;
    case CBOR_UINT:
    case CBOR_NEGATIVE:
        return json_integer(cbor_read_int(r, INT64_MIN, INT64_MAX));
    case CBOR_BOOL:
        return json_boolean(cbor_read_bool(r));
    case CBOR_NULL:
        cbor_read_null(r);
        return json_null();
    case CBOR_FLOAT:
        return read_float(r);
    default:
        return NULL;
    }
}

json_t *json_from_cbor(const void *bytes, size_t size)
{
    struct cbor_reader r;
    cbor_reader_init(&r, bytes, size);
    json_t *value = read_value(&r, CBOR_DEPTH_MAX);
    if (value && cbor_finish(&r) == OTTER_OK)
        return value;
    json_decref(value);
    return NULL;
}
