/* JSON (RFC 8259) without a heap: reading over jsmn into the caller's tokens, and a writer.
 *
 * Reading: json_parse cuts the text into tokens and checks what jsmn leaves unchecked (commas,
 * colons, keys, numbers, control characters), so that a parsed document is a valid one. The root
 * must be an object or an array. Values are named by their token's index; 0 is the root. Text and
 * tokens are the caller's and must outlive the `json`.
 *
 *   jsmntok_t tokens[96];
 *   struct json doc;
 *   uint32_t size;
 *   status = json_parse(&doc, text, length, tokens, 96);
 *   file = json_find(&doc, 0, "execution.jobDocument.afr_ota.files[0]");
 *   status = json_get_uint(&doc, json_find(&doc, file, "filesize"), UINT32_MAX, &size);
 *
 * Every reader takes the result of json_find as it is: a negative index comes back as its error. */
#ifndef OTTER_CODEC_JSON_H
#define OTTER_CODEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One shape of jsmntok_t everywhere; the implementation is compiled into json.c only. */
#ifndef JSMN_H
#define JSMN_HEADER
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>
#endif

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json {
    const char *text;
    const jsmntok_t *tokens;
    int count;
};

/* OTTER_E_NO_SPACE when `tokens` is too short, OTTER_E_MALFORMED when `text` is anything but one
 * object or array with blanks around it. */
otter_status json_parse(struct json *doc, const char *text, size_t length, jsmntok_t *tokens,
                        size_t token_count);

enum json_type {
    JSON_NONE, /* no such value */
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_BOOL,
    JSON_NULL
};
enum json_type json_type(const struct json *doc, int index);

/* Index of the value at `path` below `from`, or OTTER_E_NOT_FOUND. A path is names joined by dots,
 * each may be followed by [number]s: "files[0].filesize", "[2]". Of equal names the first counts;
 * a name with a dot, bracket or escape in it cannot be named: walk with json_first. */
int json_find(const struct json *doc, int from, const char *path);

/* Walks over an array's values or an object's names (the value is at index + 1):
 *   for (int i = json_first(&doc, list); i >= 0; i = json_next(&doc, i)) ...
 * The end, and anything that is no container, is OTTER_E_NOT_FOUND. */
int json_first(const struct json *doc, int container);
int json_next(const struct json *doc, int index);
/* Number of values in an array or of pairs in an object; 0 for everything else. */
int json_count(const struct json *doc, int container);

/* Whole numbers only: OTTER_E_MALFORMED for anything else, OTTER_E_ARGUMENT above `max`. */
otter_status json_get_uint(const struct json *doc, int index, uint32_t max, uint32_t *value);
otter_status json_get_bool(const struct json *doc, int index, bool *value);
/* The unescaped string, NUL-terminated, into `out`. OTTER_E_TOO_LONG when it does not fit (nothing
 * is cut silently), OTTER_E_MALFORMED when it is no string or has a NUL in it. */
otter_status json_get_string(const struct json *doc, int index, char *out, size_t size);
/* True for a string that is `expected` after unescaping. */
bool json_equals(const struct json *doc, int index, const char *expected);
/* The value's own text: of a string what is between its quotes, still escaped. */
otter_status json_get_raw(const struct json *doc, int index, const char **text, size_t *length);

/* Writing: commas, quotes and escapes are the writer's business; balance is the caller's. The first
 * error sticks. `name` is NULL for values of an array and for the root. Texts must be UTF-8. */
struct json_writer {
    char *data;
    size_t size;
    size_t length; /* without the NUL */
    bool comma;    /* private: a value went before on this level */
    otter_status error;
};

void json_writer_init(struct json_writer *w, char *data, size_t size);
void json_write_object(struct json_writer *w, const char *name);
void json_write_object_end(struct json_writer *w);
void json_write_array(struct json_writer *w, const char *name);
void json_write_array_end(struct json_writer *w);
void json_write_string(struct json_writer *w, const char *name, const char *value);
void json_write_string_view(struct json_writer *w, const char *name, const char *value,
                            size_t length);
void json_write_int(struct json_writer *w, const char *name, int64_t value);
void json_write_bool(struct json_writer *w, const char *name, bool value);
void json_write_null(struct json_writer *w, const char *name);
/* `json` is one finished value, copied as it is. */
void json_write_raw(struct json_writer *w, const char *name, const char *json, size_t length);

/* Length of the text, which is NUL-terminated, or the first error (OTTER_E_TOO_LONG). */
int json_written(const struct json_writer *w);

#ifdef __cplusplus
}
#endif

#endif
