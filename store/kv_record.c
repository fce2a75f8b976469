/* Reading and writing one record; see kv_record.h. */
#include "store/kv_record.h"

#include <string.h>

#include "codec/crc32.h"

#define CHUNK 32u /* bytes moved at a time: small on the stack, a multiple of every write unit */

/* A cell that reads 0 or 1 by chance is missed once in 2^31. */
#define STABLE_READS 32u

uint32_t record_align(const struct kv *kv, uint32_t length)
{
    const uint32_t unit = kv->area->flash->write_size;
    return (length + unit - 1) & ~(unit - 1);
}

uint32_t record_size(const struct kv *kv, uint32_t key_length, uint32_t value_length)
{
    return record_align(kv, RECORD_HEADER_SIZE + key_length + value_length + RECORD_CRC_SIZE);
}

bool record_at(const struct kv *kv, uint32_t offset, struct record *record)
{
    const uint32_t left = kv->sector_size - offset % kv->sector_size;
    uint8_t header[RECORD_HEADER_SIZE];
    /* left == sector_size: the record before this one ended with its sector */
    if (left == kv->sector_size || left < sizeof header ||
        flash_read(kv->area, offset, header, sizeof header) != OTTER_OK)
        return false;
    record->offset = offset;
    record->kind = header[0];
    record->key_length = header[1];
    record->value_length = (uint16_t)(header[2] | header[3] << 8);
    const uint32_t size = record_size(kv, record->key_length, record->value_length);
    record->end = offset + size;
    const uint8_t kind = record->kind & (uint8_t)~RECORD_MORE;
    return (kind == RECORD_SET || kind == RECORD_DELETE) && record->key_length > 0 &&
           record->key_length <= KV_KEY_MAX && record->value_length <= KV_VALUE_MAX && size <= left;
}

bool record_valid(const struct kv *kv, const struct record *record)
{
    uint32_t left = RECORD_HEADER_SIZE + (uint32_t)record->key_length + record->value_length;
    uint32_t offset = record->offset;
    uint32_t crc = 0;
    uint8_t chunk[CHUNK];
    for (uint32_t part; left > 0; offset += part, left -= part) {
        part = left < CHUNK ? left : CHUNK;
        if (flash_read(kv->area, offset, chunk, part) != OTTER_OK)
            return false;
        crc = crc32_update(crc, chunk, part);
    }
    if (flash_read(kv->area, offset, chunk, RECORD_CRC_SIZE) != OTTER_OK)
        return false;
    for (uint32_t i = 0; i < RECORD_CRC_SIZE; i++) {
        if (chunk[i] != (uint8_t)(crc >> 8 * i))
            return false;
    }
    return true;
}

bool flash_is_stable(const struct flash_area *area, uint32_t offset, uint32_t length)
{
    uint8_t first[2 * FLASH_WRITE_SIZE_MAX];
    uint8_t again[sizeof first];
    if (length > sizeof first || flash_read(area, offset, first, length) != OTTER_OK)
        return false;
    for (uint32_t i = 1; i < STABLE_READS; i++) {
        if (flash_read(area, offset, again, length) != OTTER_OK ||
            memcmp(first, again, length) != 0)
            return false;
    }
    return true;
}

bool record_is_stable(const struct kv *kv, const struct record *record)
{
    /* The CRC comes last and is not erased bytes (but once in 2^32), so when it was right every
     * unit before those that hold it was finished. */
    const uint32_t crc = record_value_offset(record) + record->value_length;
    const uint32_t start = crc - crc % kv->area->flash->write_size;
    return flash_is_stable(kv->area, start, record->end - start);
}

static bool flash_equals(const struct kv *kv, uint32_t offset, const void *data, uint32_t length)
{
    const uint8_t *expected = data;
    uint8_t chunk[CHUNK];
    for (uint32_t part; length > 0; offset += part, expected += part, length -= part) {
        part = length < CHUNK ? length : CHUNK;
        if (flash_read(kv->area, offset, chunk, part) != OTTER_OK ||
            memcmp(chunk, expected, part) != 0)
            return false;
    }
    return true;
}

bool record_has_key(const struct kv *kv, const struct record *record, struct record_key key)
{
    return record->key_length == key.length &&
           flash_equals(kv, record->offset + RECORD_HEADER_SIZE, key.text, key.length);
}

uint32_t record_value_offset(const struct record *record)
{
    return record->offset + RECORD_HEADER_SIZE + record->key_length;
}

bool record_has_value(const struct kv *kv, const struct record *record, const void *value,
                      uint32_t length)
{
    return record->value_length == length &&
           flash_equals(kv, record_value_offset(record), value, length);
}

otter_status record_read_key(const struct kv *kv, const struct record *record,
                             char key[KV_KEY_MAX + 1])
{
    key[record->key_length] = '\0';
    return flash_read(kv->area, record->offset + RECORD_HEADER_SIZE, key, record->key_length);
}

/* Collects bytes into whole write units. The first failure sticks and is told at the end. */
struct writer {
    const struct kv *kv;
    uint32_t start;
    uint32_t offset;
    uint32_t crc;
    uint32_t fill;
    otter_status status;
    uint8_t chunk[CHUNK];
};

static void writer_flush(struct writer *writer)
{
    if (writer->status == OTTER_OK)
        writer->status =
            flash_program(writer->kv->area, writer->offset, writer->chunk, writer->fill);
    writer->offset += writer->fill;
    writer->fill = 0;
}

static void writer_put(struct writer *writer, const void *data, uint32_t length)
{
    const uint8_t *next = data;
    writer->crc = crc32_update(writer->crc, data, length);
    for (; length > 0; length--) {
        writer->chunk[writer->fill++] = *next++;
        if (writer->fill == CHUNK)
            writer_flush(writer);
    }
}

static struct writer writer_begin(const struct kv *kv, uint32_t offset, uint8_t kind,
                                  uint32_t key_length, uint32_t value_length)
{
    struct writer writer = {.kv = kv, .start = offset, .offset = offset};
    const uint8_t header[RECORD_HEADER_SIZE] = {kind, (uint8_t)key_length, (uint8_t)value_length,
                                                (uint8_t)(value_length >> 8)};
    writer_put(&writer, header, sizeof header);
    return writer;
}

/* Adds the CRC, pads to a whole unit, and reads back: a worn cell shows here, while there still is
 * somewhere else to write. */
static otter_status writer_end(struct writer *writer, uint32_t *offset)
{
    const uint32_t crc = writer->crc;
    const uint8_t bytes[RECORD_CRC_SIZE] = {(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16),
                                            (uint8_t)(crc >> 24)};
    writer_put(writer, bytes, sizeof bytes);
    const uint8_t erased = writer->kv->area->flash->erased_value;
    while (writer->fill % writer->kv->area->flash->write_size != 0)
        writer->chunk[writer->fill++] = erased;
    if (writer->fill > 0)
        writer_flush(writer);
    struct record written;
    if (writer->status == OTTER_OK &&
        (!record_at(writer->kv, writer->start, &written) || !record_valid(writer->kv, &written)))
        writer->status = OTTER_E_FLASH;
    *offset = writer->offset;
    return writer->status;
}

otter_status record_write(const struct kv *kv, uint32_t *offset, uint8_t kind,
                          struct record_key key, const void *value, uint32_t length)
{
    struct writer writer = writer_begin(kv, *offset, kind, key.length, length);
    writer_put(&writer, key.text, key.length);
    writer_put(&writer, value, length);
    return writer_end(&writer, offset);
}

otter_status record_copy(const struct kv *kv, uint32_t *offset, const struct record *record)
{
    struct writer writer =
        writer_begin(kv, *offset, RECORD_SET, record->key_length, record->value_length);
    uint32_t from = record->offset + RECORD_HEADER_SIZE;
    uint32_t left = (uint32_t)record->key_length + record->value_length;
    uint8_t chunk[CHUNK];
    for (uint32_t part; left > 0; from += part, left -= part) {
        part = left < CHUNK ? left : CHUNK;
        const otter_status status = flash_read(kv->area, from, chunk, part);
        if (status != OTTER_OK)
            return status;
        writer_put(&writer, chunk, part);
    }
    return writer_end(&writer, offset);
}
