/* Answers in CBOR instead of JSON: the same tree, in other bytes. */
#ifndef OTTER_CLOUD_CORE_GROUND_CBOR_JSON_H
#define OTTER_CLOUD_CORE_GROUND_CBOR_JSON_H

#include <jansson.h>
#include <stddef.h>

/* Writes objects, arrays, texts, integers, booleans and null (no other numbers); members keep their
 * order. Returns the bytes written, 0 when `size` is too small. */
size_t cbor_from_json(const json_t *value, void *bytes, size_t size);

#endif
