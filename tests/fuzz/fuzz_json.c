/* JSON from the wire: parsing ends within the input, and what is accepted can be walked, read,
 * written again, and is then accepted again with the same shape. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TOKENS 64

static void read_everything(const struct json *doc)
{
    char text[32];
    for (int i = 0; i < doc->count; i++) {
        uint32_t number;
        bool flag;
        const char *raw;
        size_t length;
        assert(json_type(doc, i) != JSON_NONE);
        (void)json_get_uint(doc, i, 1000, &number);
        (void)json_get_bool(doc, i, &flag);
        assert(json_get_raw(doc, i, &raw, &length) == OTTER_OK);
        if (json_get_string(doc, i, text, sizeof text) == OTTER_OK)
            assert(json_equals(doc, i, text));
    }
    const int found = json_find(doc, 0, "execution.jobDocument.afr_ota.files[0].filesize");
    assert(found == OTTER_E_NOT_FOUND || (found > 0 && found < doc->count));
}

/* Copies the first level, its values as they are. */
static void copy(const struct json *doc, struct json_writer *w)
{
    const bool object = json_type(doc, 0) == JSON_OBJECT;
    int entries = 0;
    if (object)
        json_write_object(w, NULL);
    else
        json_write_array(w, NULL);
    for (int i = json_first(doc, 0); i >= 0; i = json_next(doc, i)) {
        const int value = object ? i + 1 : i;
        const char *raw;
        size_t length;
        json_get_raw(doc, value, &raw, &length);
        if (json_type(doc, value) == JSON_STRING)
            json_write_string_view(w, object ? "n" : NULL, raw, length);
        else
            json_write_raw(w, object ? "n" : NULL, raw, length);
        entries++;
    }
    if (object)
        json_write_object_end(w);
    else
        json_write_array_end(w);
    assert(entries == json_count(doc, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    jsmntok_t tokens[TOKENS];
    struct json doc, again;
    char *text = malloc(size ? size : 1); /* no NUL behind it */
    memcpy(text, data, size);
    if (json_parse(&doc, text, size, tokens, TOKENS) == OTTER_OK) {
        read_everything(&doc);
        const size_t room = 6 * size + 6 * TOKENS;
        char *out = malloc(room);
        struct json_writer w;
        jsmntok_t tokens_again[TOKENS];
        json_writer_init(&w, out, room);
        copy(&doc, &w);
        assert(json_written(&w) > 0);
        assert(json_parse(&again, out, (size_t)json_written(&w), tokens_again, TOKENS) == OTTER_OK);
        assert(again.count == doc.count);
        free(out);
    }
    free(text);
    return 0;
}
