/* A growing run of bytes. */
#include "tool/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *memory_resize(void *memory, size_t size)
{
    void *resized = realloc(memory, size ? size : 1);

    if (!resized) {
        fprintf(stderr, "otter: out of memory (%zu bytes wanted)\n", size);
        exit(1);
    }
    return resized;
}

void *memory_new(size_t size)
{
    return memory_resize(NULL, size);
}

static uint8_t *make_room(struct bytes *bytes, size_t size)
{
    if (size > bytes->capacity - bytes->size) {
        size_t capacity = bytes->size + size;
        if (capacity < 2 * bytes->capacity)
            capacity = 2 * bytes->capacity;
        bytes->data = memory_resize(bytes->data, capacity);
        bytes->capacity = capacity;
    }
    return bytes->data + bytes->size;
}

void bytes_append(struct bytes *bytes, const void *data, size_t size)
{
    if (size == 0)
        return;
    memcpy(make_room(bytes, size), data, size);
    bytes->size += size;
}

void bytes_fill(struct bytes *bytes, uint8_t value, size_t count)
{
    if (count == 0)
        return;
    memset(make_room(bytes, count), value, count);
    bytes->size += count;
}

void bytes_text(struct bytes *bytes, const char *format, ...)
{
    char line[512];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length > 0)
        bytes_append(bytes, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

void bytes_u16(struct bytes *bytes, uint16_t value)
{
    uint8_t low = (uint8_t)value, high = (uint8_t)(value >> 8);
    uint8_t encoded[2] = {bytes->big_endian ? high : low, bytes->big_endian ? low : high};

    bytes_append(bytes, encoded, sizeof encoded);
}

void bytes_u32(struct bytes *bytes, uint32_t value)
{
    uint16_t low = (uint16_t)value, high = (uint16_t)(value >> 16);

    bytes_u16(bytes, bytes->big_endian ? high : low);
    bytes_u16(bytes, bytes->big_endian ? low : high);
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}
