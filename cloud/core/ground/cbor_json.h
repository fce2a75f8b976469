/* Requests and answers in CBOR instead of JSON: the same tree, in other bytes. */
#ifndef OTTER_CLOUD_CORE_GROUND_CBOR_JSON_H
#define OTTER_CLOUD_CORE_GROUND_CBOR_JSON_H

#include <jansson.h>
#include <stddef.h>

/* Writes objects, arrays, texts, integers, booleans and null (no other numbers); members keep their
 * order. Returns the bytes written, 0 when `size` is too small. */
size_t cbor_from_json(const json_t *value, void *bytes, size_t size);

/* Reads one item of CBOR: maps with texts as keys, arrays, texts, numbers, booleans, null; of
 * definite or indefinite length, nested CBOR_DEPTH_MAX deep at most. Of two equal keys the last
 * one counts. NULL for anything else, such as byte strings, texts in pieces or that are no UTF-8,
 * and when bytes are left over. Freed by the caller. */
json_t *json_from_cbor(const void *bytes, size_t size);

#endif
