/* One way to JSON and CBOR; see document.h. */
#include "codec/document.h"

#include <string.h>

#define DIGITS_MAX 18u

/* ---- Writing ---- */

void document_write(struct document_writer *w, bool cbor, void *data, size_t size)
{
    w->cbor = cbor;
    if (cbor)
        cbor_writer_init(&w->as_cbor, data, size);
    else
        json_writer_init(&w->as_json, data, size);
}

static void put_name(struct document_writer *w, const char *name)
{
    if (w->cbor && name != NULL)
        cbor_write_text(&w->as_cbor, name);
}

void document_open_map(struct document_writer *w, const char *name)
{
    put_name(w, name);
    if (w->cbor)
        cbor_write_map_indefinite(&w->as_cbor);
    else
        json_write_object(&w->as_json, name);
}

void document_open_list(struct document_writer *w, const char *name)
{
    put_name(w, name);
    if (w->cbor)
        cbor_write_array_indefinite(&w->as_cbor);
    else
        json_write_array(&w->as_json, name);
}

void document_close_map(struct document_writer *w)
{
    if (w->cbor)
        cbor_write_end(&w->as_cbor);
    else
        json_write_object_end(&w->as_json);
}

void document_close_list(struct document_writer *w)
{
    if (w->cbor)
        cbor_write_end(&w->as_cbor);
    else
        json_write_array_end(&w->as_json);
}

void document_put_number(struct document_writer *w, const char *name, uint32_t value)
{
    put_name(w, name);
    if (w->cbor)
        cbor_write_uint(&w->as_cbor, value);
    else
        json_write_int(&w->as_json, name, value);
}

void document_put_text(struct document_writer *w, const char *name, const char *value)
{
    put_name(w, name);
    if (w->cbor)
        cbor_write_text(&w->as_cbor, value);
    else
        json_write_string(&w->as_json, name, value);
}

int document_written(const struct document_writer *w)
{
    return w->cbor ? cbor_written(&w->as_cbor) : json_written(&w->as_json);
}

/* ---- Reading ---- */

otter_status document_read(struct document *doc, bool cbor, const void *message, size_t length,
                           jsmntok_t *tokens, size_t token_count)
{
    struct cbor_reader r;
    doc->cbor = cbor;
    doc->message = (struct cbor_bytes){message, length};
    if (!cbor)
        return json_parse(&doc->json, message, length, tokens, token_count);
    cbor_reader_init(&r, message, length);
    if (cbor_peek(&r) != CBOR_MAP)
        return OTTER_E_MALFORMED;
    cbor_skip(&r);
    return cbor_finish(&r);
}

/* Leaves `r` before the value at `path`. All is known to be well-formed. */
static bool find(const struct document *doc, const char *path, struct cbor_reader *r)
{
    cbor_reader_init(r, doc->message.data, doc->message.length);
    for (;;) {
        struct cbor_container map;
        const size_t name = strcspn(path, ".");
        bool found = false;
        cbor_read_map(r, &map);
        while (!found && cbor_next(r, &map)) {
            const struct cbor_text key = cbor_read_key(r);
            found = key.length == name && memcmp(key.data, path, name) == 0;
            if (!found)
                cbor_skip(r);
        }
        if (!found || path[name] == '\0')
            return found;
        path += name + 1;
    }
}

otter_status document_raw_text(const struct document *doc, const char *path, const char **text,
                               size_t *length)
{
    struct cbor_reader r;
    if (!doc->cbor) {
        const int index = json_find(&doc->json, 0, path);
        if (index >= 0 && json_type(&doc->json, index) != JSON_STRING)
            return OTTER_E_MALFORMED;
        return json_get_raw(&doc->json, index, text, length);
    }
    if (!find(doc, path, &r))
        return OTTER_E_NOT_FOUND;
    const struct cbor_text found = cbor_read_text(&r);
    *text = found.data;
    *length = found.length;
    return r.error;
}

otter_status document_text(const struct document *doc, const char *path, char *out, size_t size)
{
    const char *text;
    size_t length;
    *out = '\0';
    if (!doc->cbor)
        return json_get_string(&doc->json, json_find(&doc->json, 0, path), out, size);
    const otter_status status = document_raw_text(doc, path, &text, &length);
    if (status != OTTER_OK)
        return status;
    if (length >= size)
        return OTTER_E_TOO_LONG;
    if (memchr(text, 0, length) != NULL)
        return OTTER_E_MALFORMED;
    memcpy(out, text, length);
    out[length] = '\0';
    return OTTER_OK;
}

static uint64_t digits(const char *text, size_t length)
{
    uint64_t value = 0;
    if (length > DIGITS_MAX)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    return value;
}

uint64_t document_number(const struct document *doc, const char *path)
{
    struct cbor_reader r;
    const char *text;
    size_t length;
    if (doc->cbor)
        return find(doc, path, &r) ? cbor_read_uint(&r, 999999999999999999u) : 0;
    const int index = json_find(&doc->json, 0, path);
    if (json_type(&doc->json, index) != JSON_NUMBER ||
        json_get_raw(&doc->json, index, &text, &length) != OTTER_OK)
        return 0;
    return digits(text, length);
}
