/* A growing run of bytes on the heap, for host programs. Zero-initialised it is empty and
 * little-endian.
 *
 * A host program that has no memory left can do nothing but say so: then these end it. */
#ifndef OTTER_TOOL_BYTES_H
#define OTTER_TOOL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
    bool big_endian; /* how bytes_u16 and bytes_u32 write; bytes_free makes it false again */
};

void bytes_append(struct bytes *bytes, const void *data, size_t size);
void bytes_fill(struct bytes *bytes, uint8_t value, size_t count);
void bytes_text(struct bytes *bytes, const char *format, ...) __attribute__((format(printf, 2, 3)));

void bytes_u16(struct bytes *bytes, uint16_t value);
void bytes_u32(struct bytes *bytes, uint32_t value);

/* Frees the memory and makes it empty again. */
void bytes_free(struct bytes *bytes);

/* malloc and realloc that do not return NULL. */
void *memory_new(size_t size);
void *memory_resize(void *memory, size_t size);

#endif
