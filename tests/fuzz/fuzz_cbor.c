/* CBOR from the wire: skipping, walking and reading a stream block end within the input, agree on
 * what is well-formed, and never hand out a view outside of it. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_inside(const void *view, size_t length, const uint8_t *data, size_t size)
{
    const uint8_t *start = view;
    assert(length == 0 || (start >= data && start + length <= data + size));
}

static void read_block(const uint8_t *data, size_t size)
{
    struct cbor_reader r;
    struct cbor_container map;
    cbor_reader_init(&r, data, size);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        const struct cbor_text key = cbor_read_key(&r);
        assert_inside(key.data, key.length, data, size);
        if (cbor_text_is(key, "p")) {
            const struct cbor_bytes payload = cbor_read_bytes(&r);
            assert_inside(payload.data, payload.length, data, size);
        } else if (cbor_text_is(key, "i")) {
            assert(cbor_read_uint(&r, 1000) <= 1000);
        } else if (cbor_text_is(key, "n")) {
            const int64_t value = cbor_read_int(&r, -5, 5);
            assert(value >= -5 && value <= 5);
        } else {
            cbor_skip(&r);
        }
    }
    (void)cbor_finish(&r);
}

/* Copies one item, definite containers of a single level only; what was read must be written the
 * same when it was in its shortest form, and at least be read again the same when it was not. */
static void copy_scalar(const uint8_t *data, size_t size)
{
    uint8_t out[16];
    struct cbor_reader r;
    struct cbor_writer w;
    cbor_reader_init(&r, data, size);
    cbor_writer_init(&w, out, sizeof out);
    if (cbor_peek(&r) != CBOR_UINT && cbor_peek(&r) != CBOR_NEGATIVE)
        return;
    const int64_t value = cbor_read_int(&r, INT64_MIN, INT64_MAX);
    if (r.error)
        return;
    cbor_write_int(&w, value);
    assert(cbor_written(&w) > 0);
    cbor_reader_init(&r, out, (size_t)cbor_written(&w));
    assert(cbor_read_int(&r, INT64_MIN, INT64_MAX) == value);
    assert(cbor_finish(&r) == OTTER_OK);
}

/* Skipping an item in one go, or entry by entry, is the same. */
static void skip_both_ways(const uint8_t *data, size_t size)
{
    struct cbor_reader whole, parts;
    struct cbor_container container;
    cbor_reader_init(&whole, data, size);
    cbor_reader_init(&parts, data, size);
    const enum cbor_type type = cbor_peek(&whole);
    cbor_skip(&whole);
    assert(whole.next <= data + size);
    if (type != CBOR_ARRAY && type != CBOR_MAP)
        return;
    if (type == CBOR_ARRAY)
        cbor_read_array(&parts, &container);
    else
        cbor_read_map(&parts, &container);
    while (cbor_next(&parts, &container)) {
        cbor_skip(&parts);
        if (type == CBOR_MAP)
            cbor_skip(&parts);
    }
    if (whole.error != OTTER_E_UNSUPPORTED) { /* one level more fits when the outer is open */
        assert(whole.error == parts.error);
        assert(whole.next == parts.next);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1); /* of exactly this size, so that the sanitizer sees its end */
    copy = realloc(copy, size ? size : 1);
    memcpy(copy, data, size);
    read_block(copy, size);
    copy_scalar(copy, size);
    skip_both_ways(copy, size);
    free(copy);
    return 0;
}
