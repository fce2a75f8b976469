/* Requests written and replies read, in JSON and CBOR; see enrol.h. */
#include <string.h>

#include "codec/cbor.h"
#include "services/fleet/enrol.h"

/* ---- Requests -------------------------------------------------------------------------------- */

/* A map of texts, or of one more map, in the form that is wanted. */
struct writer {
    bool cbor;
    struct cbor_writer as_cbor;
    struct json_writer as_json;
};

static void put_map(struct writer *w, const char *name, size_t pairs)
{
    if (!w->cbor) {
        json_write_object(&w->as_json, name);
        return;
    }
    if (name != NULL)
        cbor_write_text(&w->as_cbor, name);
    cbor_write_map(&w->as_cbor, pairs);
}

static void put_text(struct writer *w, const char *name, const char *text)
{
    if (!w->cbor) {
        json_write_string(&w->as_json, name, text);
        return;
    }
    cbor_write_text(&w->as_cbor, name);
    cbor_write_text(&w->as_cbor, text);
}

static void begin(struct writer *w, bool cbor, char *out, size_t size, size_t pairs)
{
    w->cbor = cbor;
    if (cbor)
        cbor_writer_init(&w->as_cbor, out, size);
    else
        json_writer_init(&w->as_json, out, size);
    put_map(w, NULL, pairs);
}

static int end(struct writer *w, unsigned maps)
{
    if (w->cbor)
        return cbor_written(&w->as_cbor);
    while (maps-- > 0)
        json_write_object_end(&w->as_json);
    return json_written(&w->as_json);
}

int enrol_write_request(bool cbor, const char *csr, char *out, size_t size)
{
    struct writer w;
    begin(&w, cbor, out, size, 1);
    put_text(&w, "certificateSigningRequest", csr);
    return end(&w, 1);
}

int enrol_write_registration(bool cbor, const char *token, const char *serial, char *out,
                             size_t size)
{
    struct writer w;
    begin(&w, cbor, out, size, 2);
    put_text(&w, "certificateOwnershipToken", token);
    put_map(&w, "parameters", 1);
    put_text(&w, "SerialNumber", serial);
    return end(&w, 2);
}

/* ---- Replies --------------------------------------------------------------------------------- */

/* The text under `name` in a map; all of the map is read, so that a broken one is found out. */
static otter_status find_text(const struct enrol_reply *reply, const char *name,
                              struct cbor_text *found)
{
    struct cbor_reader r;
    struct cbor_container map;
    *found = (struct cbor_text){NULL, 0};
    cbor_reader_init(&r, reply->payload, reply->length);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        const struct cbor_text key = cbor_read_key(&r);
        if (cbor_text_is(key, name) && cbor_peek(&r) == CBOR_TEXT)
            *found = cbor_read_text(&r);
        else
            cbor_skip(&r);
    }
    return cbor_finish(&r);
}

otter_status enrol_reply_read(struct enrol_reply *reply, bool cbor, const uint8_t *payload,
                              size_t length, jsmntok_t *tokens, size_t token_count)
{
    struct cbor_text none;
    *reply = (struct enrol_reply){.cbor = cbor, .payload = payload, .length = length};
    if (cbor)
        return find_text(reply, "", &none);
    return json_parse(&reply->json, (const char *)payload, length, tokens, token_count);
}

otter_status enrol_reply_raw(const struct enrol_reply *reply, const char *name, const char **text,
                             size_t *length)
{
    struct cbor_text found;
    if (!reply->cbor)
        return json_get_raw(&reply->json, json_find(&reply->json, 0, name), text, length);
    const otter_status status = find_text(reply, name, &found);
    *text = found.data;
    *length = found.length;
    return status == OTTER_OK && found.data == NULL ? OTTER_E_NOT_FOUND : status;
}

otter_status enrol_reply_text(const struct enrol_reply *reply, const char *name, char *out,
                              size_t size)
{
    const char *text;
    size_t length;
    *out = '\0';
    if (!reply->cbor)
        return json_get_string(&reply->json, json_find(&reply->json, 0, name), out, size);
    const otter_status status = enrol_reply_raw(reply, name, &text, &length);
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
