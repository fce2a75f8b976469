/* A message that is JSON or CBOR by choice, as AWS IoT takes Device Defender's and fleet
 * provisioning's: written and read by the same calls. What is particular to a form is in json.h and
 * cbor.h. Texts are NUL-terminated; maps and lists of CBOR have indefinite length. */
#ifndef OTTER_CODEC_DOCUMENT_H
#define OTTER_CODEC_DOCUMENT_H

#include "codec/cbor.h"
#include "codec/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Writing: `name` is NULL for entries of a list and for the root; the first error sticks. ----
 */

struct document_writer {
    bool cbor;
    union {
        struct cbor_writer as_cbor;
        struct json_writer as_json;
    };
};

void document_write(struct document_writer *w, bool cbor, void *data, size_t size);
void document_open_map(struct document_writer *w, const char *name);
void document_close_map(struct document_writer *w);
void document_open_list(struct document_writer *w, const char *name);
void document_close_list(struct document_writer *w);
void document_put_number(struct document_writer *w, const char *name, uint32_t value);
void document_put_text(struct document_writer *w, const char *name, const char *value);
/* Length, or the first error (OTTER_E_TOO_LONG). */
int document_written(const struct document_writer *w);

/* ---- Reading: views go into the message. ---- */

struct document {
    bool cbor;
    struct cbor_bytes message;
    struct json json;
};

/* Checks all of it, which is one map (CBOR), or one object or list. `tokens` are for JSON alone.
 * OTTER_E_MALFORMED, OTTER_E_NO_SPACE, OTTER_E_UNSUPPORTED: it cannot be read. */
otter_status document_read(struct document *doc, bool cbor, const void *message, size_t length,
                           jsmntok_t *tokens, size_t token_count);
/* `path` is names of maps joined by dots: "statusDetails.ErrorCode". OTTER_E_NOT_FOUND without one,
 * OTTER_E_MALFORMED for a value of another type.
 *
 * Where a text lies; in JSON with its escapes. */
otter_status document_raw_text(const struct document *doc, const char *path, const char **text,
                               size_t *length);
/* The text unescaped and NUL-terminated, or "" after an error: OTTER_E_TOO_LONG, or
 * OTTER_E_MALFORMED for one with a NUL in it, too. */
otter_status document_text(const struct document *doc, const char *path, char *out, size_t size);
/* A whole number from 0 up to 10^18 - 1; 0 when there is none. */
uint64_t document_number(const struct document *doc, const char *path);

#ifdef __cplusplus
}
#endif

#endif
