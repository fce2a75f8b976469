/* Reading and writing one record; see kv_record.h. */
#include "store/kv_record.h"

#include <string.h>

#include "codec/crc32.h"

#define CHUNK 32u /* bytes moved at a time: small on the stack, a multiple of every write unit */

/* A cell that reads 0 or 1 by chance is missed once in 2^31. */
#define STABLE_READS 32u
/* What has a wrong bit, and was written last, is rather torn than old: look longer for cells that
 * waver seldom. */
#define STABLE_READS_REPAIRED 4096u

uint32_t record_align(const struct kv *kv, uint32_t length)
{
    const uint32_t unit = kv->area->flash->write_size;
    return (length + unit - 1) & ~(unit - 1);
}

uint32_t record_size(const struct kv *kv, uint32_t key_length, uint32_t value_length)
{
    return record_align(kv, RECORD_HEADER_SIZE + key_length + value_length + RECORD_CRC_SIZE);
}

/* Reads a part of the record, with its wrong bit put right. `at` counts from its start. */
static otter_status read_part(const struct kv *kv, const struct record *record, uint32_t at,
                              void *data, uint32_t length)
{
    const otter_status status = flash_read(kv->area, record->offset + at, data, length);
    const uint32_t bit = record->flip - 1u;
    if (record->flip > 0 && bit / 8 >= at && bit / 8 - at < length)
        ((uint8_t *)data)[bit / 8 - at] ^= (uint8_t)(1u << bit % 8);
    return status;
}

static uint32_t body_length(const struct record *record)
{
    return RECORD_HEADER_SIZE + (uint32_t)record->key_length + record->value_length;
}

/* record_at, for a record of which the bit `flip` is known or guessed to be wrong. */
static bool parse(const struct kv *kv, uint32_t offset, uint32_t flip, struct record *record)
{
    const uint32_t left = kv->sector_size - offset % kv->sector_size;
    uint8_t header[RECORD_HEADER_SIZE];
    *record = (struct record){.offset = offset, .flip = (uint16_t)flip};
    /* left == sector_size: the record before this one ended with its sector */
    if (left == kv->sector_size || left < sizeof header ||
        read_part(kv, record, 0, header, sizeof header) != OTTER_OK)
        return false;
    record->kind = header[0];
    record->key_length = header[1];
    record->value_length = (uint16_t)(header[2] | header[3] << 8);
    const uint32_t size = record_size(kv, record->key_length, record->value_length);
    record->end = offset + size;
    const uint8_t kind = record->kind & (uint8_t)~RECORD_MORE;
    return (kind == RECORD_SET || kind == RECORD_DELETE) && record->key_length > 0 &&
           record->key_length <= KV_KEY_MAX && record->value_length <= KV_VALUE_MAX && size <= left;
}

bool record_at(const struct kv *kv, uint32_t offset, struct record *record)
{
    return parse(kv, offset, 0, record);
}

struct checksum {
    uint32_t computed;
    uint32_t stored;
};

static bool read_checksum(const struct kv *kv, const struct record *record, struct checksum *sum)
{
    const uint32_t length = body_length(record);
    uint8_t chunk[CHUNK];
    *sum = (struct checksum){0, 0};
    for (uint32_t at = 0, part; at < length; at += part) {
        part = length - at < CHUNK ? length - at : CHUNK;
        if (read_part(kv, record, at, chunk, part) != OTTER_OK)
            return false;
        sum->computed = crc32_update(sum->computed, chunk, part);
    }
    if (read_part(kv, record, length, chunk, RECORD_CRC_SIZE) != OTTER_OK)
        return false;
    for (uint32_t i = 0; i < RECORD_CRC_SIZE; i++)
        sum->stored |= (uint32_t)chunk[i] << 8 * i;
    return true;
}

bool record_valid(const struct kv *kv, const struct record *record)
{
    struct checksum sum;
    return read_checksum(kv, record, &sum) && sum.computed == sum.stored;
}

/* The bit behind the header that must flip to make the CRC right. A wrong bit changes the CRC by an
 * amount that depends only on its distance from the end: all of these are tried. */
static bool repair_body(const struct kv *kv, struct record *record)
{
    const uint32_t body_bits = 8 * body_length(record);
    const uint32_t erased = kv->area->flash->erased_value * 0x01010101u;
    struct checksum sum;
    if (!read_checksum(kv, record, &sum) || sum.stored == erased)
        return false; /* a write that a cut kept from reaching its CRC */
    const uint32_t wrong = sum.computed ^ sum.stored;
    for (uint32_t i = 0; i < 8 * RECORD_CRC_SIZE; i++) {
        if (wrong == 1u << i) {
            record->flip = (uint16_t)(body_bits + i + 1);
            return true;
        }
    }
    uint32_t effect = CRC32_POLYNOMIAL;
    for (uint32_t bit = body_bits; bit > 8 * RECORD_HEADER_SIZE; bit--) {
        if (wrong == effect) {
            record->flip = (uint16_t)bit;
            return true;
        }
        effect = effect >> 1 ^ (effect & 1u ? CRC32_POLYNOMIAL : 0);
    }
    return false;
}

/* A wrong bit in the header may move the end, and with it the CRC: so each bit is tried. */
static bool repair_header(const struct kv *kv, uint32_t offset, uint32_t end, struct record *record)
{
    for (uint32_t bit = 1; bit <= 8 * RECORD_HEADER_SIZE; bit++) {
        if (parse(kv, offset, bit, record) && record->end <= end && record_valid(kv, record))
            return true;
    }
    return false;
}

/* A record begins there and can be read. */
static bool record_whole(const struct kv *kv, uint32_t offset, uint32_t end, struct record *record)
{
    if (record_at(kv, offset, record) && record->end <= end &&
        (record_valid(kv, record) || repair_body(kv, record)))
        return true;
    return repair_header(kv, offset, end, record);
}

/* A record, or nothing at all, follows where the header says that this one ends. */
static bool ends_as_said(const struct kv *kv, const struct record *record, uint32_t end)
{
    struct record behind;
    if (record->end >= end)
        return record->end == end;
    return flash_is_erased(kv->area, record->end, end - record->end) == 1 ||
           record_whole(kv, record->end, end, &behind);
}

static bool begins_sound_record(const struct kv *kv, uint32_t offset, uint32_t end)
{
    struct record record;
    return record_at(kv, offset, &record) && record.end <= end && record_valid(kv, &record);
}

/* When the header cannot be trusted to tell the end, the next sound record is looked for. */
static void measure_damage(const struct kv *kv, uint32_t offset, uint32_t end,
                           struct record *record)
{
    const bool readable = record_at(kv, offset, record);
    record->damaged = true;
    if (readable && ends_as_said(kv, record, end))
        return;
    if (!readable)
        record->key_length = record->kind = 0;
    do
        offset += kv->area->flash->write_size;
    while (offset < end && !begins_sound_record(kv, offset, end));
    record->end = offset < end ? offset : end;
}

bool record_examine(const struct kv *kv, uint32_t offset, uint32_t end, struct record *record)
{
    if (offset >= end || flash_is_erased(kv->area, offset, end - offset) == 1)
        return false;
    if (!record_whole(kv, offset, end, record))
        measure_damage(kv, offset, end, record);
    return true;
}

bool flash_is_stable(const struct flash_area *area, uint32_t offset, uint32_t length, bool repaired)
{
    const uint32_t reads = repaired ? STABLE_READS_REPAIRED : STABLE_READS;
    uint8_t first[2 * FLASH_WRITE_SIZE_MAX];
    uint8_t again[sizeof first];
    if (length > sizeof first || flash_read(area, offset, first, length) != OTTER_OK)
        return false;
    for (uint32_t i = 1; i < reads; i++) {
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
    const uint32_t crc = record->offset + body_length(record);
    const uint32_t start = crc - crc % kv->area->flash->write_size;
    return flash_is_stable(kv->area, start, record->end - start, record->flip > 0);
}

static bool part_equals(const struct kv *kv, const struct record *record, uint32_t at,
                        const void *data, uint32_t length)
{
    const uint8_t *expected = data;
    uint8_t chunk[CHUNK];
    for (uint32_t part; length > 0; at += part, expected += part, length -= part) {
        part = length < CHUNK ? length : CHUNK;
        if (read_part(kv, record, at, chunk, part) != OTTER_OK ||
            memcmp(chunk, expected, part) != 0)
            return false;
    }
    return true;
}

bool record_has_key(const struct kv *kv, const struct record *record, struct record_key key)
{
    return record->key_length == key.length &&
           part_equals(kv, record, RECORD_HEADER_SIZE, key.text, key.length);
}

bool record_has_value(const struct kv *kv, const struct record *record, const void *value,
                      uint32_t length)
{
    return record->value_length == length &&
           part_equals(kv, record, RECORD_HEADER_SIZE + record->key_length, value, length);
}

otter_status record_read_key(const struct kv *kv, const struct record *record,
                             char key[KV_KEY_MAX + 1])
{
    key[record->key_length] = '\0';
    return read_part(kv, record, RECORD_HEADER_SIZE, key, record->key_length);
}

otter_status record_read_value(const struct kv *kv, const struct record *record, void *value)
{
    return read_part(kv, record, RECORD_HEADER_SIZE + record->key_length, value,
                     record->value_length);
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
    const uint32_t length = body_length(record);
    uint8_t chunk[CHUNK];
    for (uint32_t at = RECORD_HEADER_SIZE, part; at < length; at += part) {
        part = length - at < CHUNK ? length - at : CHUNK;
        const otter_status status = read_part(kv, record, at, chunk, part);
        if (status != OTTER_OK)
            return status;
        writer_put(&writer, chunk, part);
    }
    return writer_end(&writer, offset);
}
