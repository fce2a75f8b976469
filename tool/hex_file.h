/* Intel HEX, read and written.
 *
 * Read: record types 00, 01, 02 and 04; start addresses (03, 05) are checked and dropped, since an
 * image has none. Lines may end in LF, CR LF or CR. An address given twice is refused.
 * Written: 16 bytes a record, none across a 64 KiB border, type 04 records from the first on if
 * any address needs one, capitals, LF: what imgtool writes. */
#ifndef OTTER_TOOL_HEX_FILE_H
#define OTTER_TOOL_HEX_FILE_H

#include "tool/memory_map.h"

/* Adds the records to the map. OTTER_E_MALFORMED with the number of the line. */
otter_status hex_read(const uint8_t *text, size_t size, struct memory_map *map,
                      struct failure *failure);

/* Replaces `text`. */
void hex_write(const struct memory_map *map, struct bytes *text);

/* A file of either form by its name: a HEX file flattened over `fill` with `*address` its lowest
 * address; a binary with `*address` 0. */
otter_status hex_or_binary_read(const char *path, uint8_t fill, struct bytes *content,
                                uint32_t *address, struct failure *failure);

#endif
