/* Bytes at addresses: what a HEX file holds, and what `otter merge` puts together.
 *
 * Parts are kept in order of address; parts that touch become one; parts that overlap are refused.
 * Addresses are 32 bits wide. Zero-initialised it is empty. */
#ifndef OTTER_TOOL_MEMORY_MAP_H
#define OTTER_TOOL_MEMORY_MAP_H

#include <stdint.h>

#include "tool/bytes.h"
#include "tool/failure.h"

struct memory_part {
    uint32_t address;
    struct bytes bytes; /* never empty */
};

struct memory_map {
    struct memory_part *parts;
    size_t count;
    size_t capacity;
};

/* OTTER_E_REFUSED with a sentence when a byte of the range is there already, OTTER_E_BOUNDS when
 * the range goes past 4 GiB. An empty range adds nothing. */
otter_status memory_map_put(struct memory_map *map, uint32_t address, const void *data, size_t size,
                            struct failure *failure);

/* Writes over what is there already instead of refusing it. The range must lie in one part. */
void memory_map_overwrite(struct memory_map *map, uint32_t address, const void *data, size_t size);

/* The first part that shares an address with the range, or NULL. */
const struct memory_part *memory_map_overlap(const struct memory_map *map, uint32_t address,
                                             uint64_t size);

/* All parts as one run that starts at the lowest address, gaps filled with `fill`. Refused when it
 * would be larger than a file may be. An empty map gives an empty run. */
otter_status memory_map_flatten(const struct memory_map *map, uint8_t fill, struct bytes *bytes,
                                struct failure *failure);

void memory_map_free(struct memory_map *map);

#endif
