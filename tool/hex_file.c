/* Intel HEX, read and written. */
#include "tool/hex_file.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tool/file.h"

enum record_type {
    RECORD_DATA = 0,
    RECORD_END = 1,
    RECORD_SEGMENT = 2,
    RECORD_START_SEGMENT = 3,
    RECORD_LINEAR = 4,
    RECORD_START_LINEAR = 5,
};

struct record {
    uint8_t bytes[5 + 255]; /* length, address high and low, type, data, checksum */
    size_t size;
};

/* A data record as it was read. */
struct piece {
    uint32_t address;
    unsigned line;
    size_t offset; /* of its bytes in `data` */
    uint8_t length;
};

struct reader {
    const uint8_t *next;
    const uint8_t *end;
    unsigned line;
    uint32_t base; /* from the last record of type 02 or 04 */
    bool ended;
    /* All records, to be put into the map by address: in the order of the file a map that grows
     * downwards would be copied once for each. */
    struct piece *pieces;
    size_t count, capacity;
    struct bytes data;
};

static int digit(uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    character = (uint8_t)tolower(character);
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

static bool at_line_end(const struct reader *reader)
{
    return reader->next == reader->end || *reader->next == '\n' || *reader->next == '\r';
}

static void skip_blanks(struct reader *reader)
{
    while (reader->next < reader->end && (*reader->next == ' ' || *reader->next == '\t'))
        reader->next++;
}

static void next_line(struct reader *reader)
{
    if (reader->next < reader->end && *reader->next == '\r')
        reader->next++;
    if (reader->next < reader->end && *reader->next == '\n')
        reader->next++;
    reader->line++;
}

/* Reads ":" and the pairs of digits after it; NULL or what is wrong. */
static const char *read_record(struct reader *reader, struct record *record)
{
    uint8_t sum = 0;

    if (*reader->next++ != ':')
        return "does not begin with ':'";
    record->size = 0;
    while (!at_line_end(reader) && *reader->next != ' ' && *reader->next != '\t') {
        int high = digit(*reader->next++);
        int low = at_line_end(reader) ? -1 : digit(*reader->next++);
        if (high < 0 || low < 0)
            return "holds something else than pairs of hex digits";
        if (record->size == sizeof record->bytes)
            return "is too long";
        record->bytes[record->size++] = (uint8_t)(high << 4 | low);
        sum = (uint8_t)(sum + (high << 4 | low));
    }
    skip_blanks(reader);
    if (!at_line_end(reader))
        return "goes on after its record";
    if (record->size < 5 || record->size != 5u + record->bytes[0])
        return "has a wrong length; is the file cut off?";
    return sum == 0 ? NULL : "has a wrong checksum";
}

static uint16_t big_endian(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void keep_piece(struct reader *reader, uint32_t address, const uint8_t *data, uint8_t length)
{
    if (reader->count == reader->capacity) {
        reader->capacity = reader->capacity ? 2 * reader->capacity : 1024;
        reader->pieces = memory_resize(reader->pieces, reader->capacity * sizeof *reader->pieces);
    }
    reader->pieces[reader->count++] =
        (struct piece){address, reader->line, reader->data.size, length};
    bytes_append(&reader->data, data, length);
}

static otter_status take_record(struct reader *reader, const struct record *record,
                                struct failure *failure)
{
    const uint8_t *data = record->bytes + 4;
    uint8_t length = record->bytes[0];
    uint64_t address = reader->base + (uint64_t)big_endian(record->bytes + 1);
    static const uint8_t wanted[] = {0, 0, 2, 4, 2, 4}; /* bytes of data, by type */
    uint8_t type = record->bytes[3];

    if (type > RECORD_START_LINEAR)
        return failed(failure, OTTER_E_MALFORMED, "line %u has the unknown record type %02X",
                      reader->line, type);
    if (type != RECORD_DATA && length != wanted[type])
        return failed(failure, OTTER_E_MALFORMED,
                      "line %u: a record of type %02X has %u data bytes", reader->line, type,
                      wanted[type]);
    switch (type) {
    case RECORD_DATA:
        if (address + length > 1ull << 32)
            return failed(failure, OTTER_E_MALFORMED, "line %u reaches past 4 GiB", reader->line);
        if (length > 0)
            keep_piece(reader, (uint32_t)address, data, length);
        break;
    case RECORD_END:
        reader->ended = true;
        break;
    case RECORD_SEGMENT:
        reader->base = (uint32_t)big_endian(data) << 4;
        break;
    case RECORD_LINEAR:
        reader->base = (uint32_t)big_endian(data) << 16;
        break;
    default: /* start addresses */
        break;
    }
    return OTTER_OK;
}

static otter_status read_records(struct reader *reader, struct failure *failure)
{
    struct record record;

    while (reader->next < reader->end && !reader->ended) {
        skip_blanks(reader);
        if (!at_line_end(reader)) {
            const char *wrong = read_record(reader, &record);
            otter_status status;
            if (wrong)
                return failed(failure, OTTER_E_MALFORMED, "line %u %s", reader->line, wrong);
            status = take_record(reader, &record, failure);
            if (status != OTTER_OK)
                return status;
        }
        next_line(reader);
    }
    if (!reader->ended)
        return failed(failure, OTTER_E_MALFORMED,
                      "there is no end record; the HEX file is cut off after line %u",
                      reader->line - 1);
    return OTTER_OK;
}

static int by_address(const void *a, const void *b)
{
    const struct piece *left = a, *right = b;

    if (left->address != right->address)
        return left->address < right->address ? -1 : 1;
    return left->line < right->line ? -1 : left->line > right->line;
}

static otter_status put_pieces(struct reader *reader, struct memory_map *map,
                               struct failure *failure)
{
    struct failure reason;

    if (reader->count > 0)
        qsort(reader->pieces, reader->count, sizeof *reader->pieces, by_address);
    for (size_t i = 0; i < reader->count; i++) {
        const struct piece *piece = &reader->pieces[i];
        unsigned before = i > 0 ? piece[-1].line : 0;

        if (memory_map_put(map, piece->address, reader->data.data + piece->offset, piece->length,
                           &reason) != OTTER_OK)
            return failed(failure, OTTER_E_MALFORMED, "line %u: %.400s",
                          before > piece->line ? before : piece->line, reason.text);
    }
    return OTTER_OK;
}

otter_status hex_read(const uint8_t *text, size_t size, struct memory_map *map,
                      struct failure *failure)
{
    struct reader reader = {.next = text, .end = text + size, .line = 1};
    otter_status status = read_records(&reader, failure);

    if (status == OTTER_OK)
        status = put_pieces(&reader, map, failure);
    free(reader.pieces);
    bytes_free(&reader.data);
    return status;
}

static void write_record(struct bytes *text, uint8_t type, uint16_t address, const uint8_t *data,
                         uint8_t length)
{
    uint8_t sum = (uint8_t)(length + (address >> 8) + address + type);

    bytes_text(text, ":%02X%04X%02X", length, address, type);
    for (uint8_t i = 0; i < length; i++) {
        bytes_text(text, "%02X", data[i]);
        sum = (uint8_t)(sum + data[i]);
    }
    bytes_text(text, "%02X\n", (uint8_t)-sum);
}

static uint8_t record_length(uint32_t address, size_t left)
{
    uint32_t to_border = 0x10000 - (address & 0xffff);
    uint32_t length = to_border < 16 ? to_border : 16;
    return (uint8_t)(left < length ? left : length);
}

static bool needs_linear_records(const struct memory_map *map)
{
    const struct memory_part *last;

    if (map->count == 0)
        return false;
    last = &map->parts[map->count - 1];
    return last->address + (uint64_t)last->bytes.size > 0x10000;
}

void hex_write(const struct memory_map *map, struct bytes *text)
{
    bool linear = needs_linear_records(map);
    int32_t high = -1;

    bytes_free(text);
    for (size_t i = 0; i < map->count; i++) {
        const struct memory_part *part = &map->parts[i];
        uint8_t length;
        for (size_t done = 0; done < part->bytes.size; done += length) {
            uint32_t address = part->address + (uint32_t)done;
            if (linear && (int32_t)(address >> 16) != high) {
                uint8_t upper[2] = {(uint8_t)(address >> 24), (uint8_t)(address >> 16)};
                write_record(text, RECORD_LINEAR, 0, upper, sizeof upper);
                high = (int32_t)(address >> 16);
            }
            length = record_length(address, part->bytes.size - done);
            write_record(text, RECORD_DATA, (uint16_t)address, part->bytes.data + done, length);
        }
    }
    write_record(text, RECORD_END, 0, NULL, 0);
}

otter_status hex_or_binary_read(const char *path, uint8_t fill, struct bytes *content,
                                uint32_t *address, struct failure *failure)
{
    struct memory_map map = {0};
    struct failure reason;
    otter_status status = file_read(path, content, failure);

    *address = 0;
    if (status != OTTER_OK || !file_is_hex(path))
        return status;
    status = hex_read(content->data, content->size, &map, &reason);
    if (status == OTTER_OK)
        status = memory_map_flatten(&map, fill, content, &reason);
    if (status == OTTER_OK && map.count > 0)
        *address = map.parts[0].address;
    if (status != OTTER_OK)
        failed(failure, status, "'%s': %.400s", path, reason.text);
    memory_map_free(&map);
    return status;
}
