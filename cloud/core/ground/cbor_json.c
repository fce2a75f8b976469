/* Trees of JSON in CBOR. */
#include "cloud/core/ground/cbor_json.h"

#include "codec/cbor.h"

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
