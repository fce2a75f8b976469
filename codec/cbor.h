/* CBOR (RFC 8949), small: a reader over a view and a writer into a caller's buffer.
 *
 * Both carry their first error and do nothing after it, so that a message is read or written as a
 * straight list of calls with one check at the end:
 *
 *   struct cbor_reader r;
 *   struct cbor_container map;
 *   cbor_reader_init(&r, payload, length);
 *   cbor_read_map(&r, &map);
 *   while (cbor_next(&r, &map)) {
 *       struct cbor_text key = cbor_read_key(&r);
 *       if (cbor_text_is(key, "f"))
 *           file_id = (uint8_t)cbor_read_uint(&r, UINT8_MAX);
 *       else if (cbor_text_is(key, "p"))
 *           block = cbor_read_bytes(&r);
 *       else
 *           cbor_skip(&r);
 *   }
 *   status = cbor_finish(&r);
 *
 * Bytes and text come as views into the input. Maps and arrays may have definite or indefinite
 * length. Strings of indefinite length are skipped where skipping is asked for; reading one is
 * OTTER_E_UNSUPPORTED, because a view cannot join its pieces. Tags are passed over. Floating-point
 * numbers can be told (cbor_peek) and skipped, not read. Whether text is UTF-8 is not checked. */
#ifndef OTTER_CODEC_CBOR_H
#define OTTER_CODEC_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CBOR_DEPTH_MAX 16u /* nesting that cbor_skip goes into; deeper is OTTER_E_UNSUPPORTED */

struct cbor_text {
    const char *data; /* not NUL-terminated */
    size_t length;
};

struct cbor_bytes {
    const uint8_t *data;
    size_t length;
};

struct cbor_reader {
    const uint8_t *next;
    const uint8_t *end;
    otter_status error; /* the first one; OTTER_OK so far */
};

/* What is left of an opened map or array; one per level, owned by the caller. */
struct cbor_container {
    uint64_t left; /* private: entries still to come; of a map, pairs */
};

enum cbor_type {
    CBOR_UINT,
    CBOR_NEGATIVE,
    CBOR_BYTES,
    CBOR_TEXT,
    CBOR_ARRAY,
    CBOR_MAP,
    CBOR_BOOL,
    CBOR_NULL, /* also undefined */
    CBOR_FLOAT,
    CBOR_OTHER,  /* simple values without a meaning here */
    CBOR_NOTHING /* end of input, end of an indefinite container, or an earlier error */
};

void cbor_reader_init(struct cbor_reader *r, const void *data, size_t length);

/* Type of the item that a read would take next (behind any tags). Moves nothing, sets no error. */
enum cbor_type cbor_peek(const struct cbor_reader *r);

/* Each read takes one item. On an item of another type, a value out of range or input that ends
 * too early it sets OTTER_E_MALFORMED and returns 0, false, or an empty view with NULL. */
uint64_t cbor_read_uint(struct cbor_reader *r, uint64_t max);
int64_t cbor_read_int(struct cbor_reader *r, int64_t min, int64_t max);
bool cbor_read_bool(struct cbor_reader *r);
void cbor_read_null(struct cbor_reader *r);
struct cbor_bytes cbor_read_bytes(struct cbor_reader *r);
struct cbor_text cbor_read_text(struct cbor_reader *r);

void cbor_read_map(struct cbor_reader *r, struct cbor_container *map);
void cbor_read_array(struct cbor_reader *r, struct cbor_container *array);
/* True when an entry follows; the caller then reads or skips exactly one item of an array, or one
 * key and one value of a map. False at the container's end and after an error. */
bool cbor_next(struct cbor_reader *r, struct cbor_container *container);

/* A map's key: as cbor_read_text, but a key of another type is skipped and gives an empty view, so
 * that unknown keys are passed over whatever they are. */
struct cbor_text cbor_read_key(struct cbor_reader *r);

/* Passes over one item with all that is in it, checking that it is well-formed. */
void cbor_skip(struct cbor_reader *r);

/* The first error; OTTER_E_MALFORMED when input is left behind the last item read. */
otter_status cbor_finish(const struct cbor_reader *r);

bool cbor_text_is(struct cbor_text text, const char *expected);

struct cbor_writer {
    uint8_t *data;
    size_t size;
    size_t length; /* written so far */
    otter_status error;
};

void cbor_writer_init(struct cbor_writer *w, void *data, size_t size);

/* Every item in its shortest form. OTTER_E_TOO_LONG (sticky) when the buffer is full. */
void cbor_write_uint(struct cbor_writer *w, uint64_t value);
void cbor_write_int(struct cbor_writer *w, int64_t value);
void cbor_write_bool(struct cbor_writer *w, bool value);
void cbor_write_null(struct cbor_writer *w);
void cbor_write_bytes(struct cbor_writer *w, const void *data, size_t length);
void cbor_write_text(struct cbor_writer *w, const char *text); /* NUL-terminated */
void cbor_write_text_view(struct cbor_writer *w, const char *text, size_t length);
/* The caller writes `pairs` keys and values, or `items` items, after it. */
void cbor_write_map(struct cbor_writer *w, size_t pairs);
void cbor_write_array(struct cbor_writer *w, size_t items);
/* When the count is not known beforehand: ended by cbor_write_end. */
void cbor_write_map_indefinite(struct cbor_writer *w);
void cbor_write_array_indefinite(struct cbor_writer *w);
void cbor_write_end(struct cbor_writer *w);

/* Bytes written, or the first error. */
int cbor_written(const struct cbor_writer *w);

#ifdef __cplusplus
}
#endif

#endif
