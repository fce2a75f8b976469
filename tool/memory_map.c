/* Bytes at addresses. */
#include "tool/memory_map.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tool/file.h"

#define ADDRESS_SPACE (1ull << 32)

static uint64_t part_end(const struct memory_part *part)
{
    return part->address + (uint64_t)part->bytes.size;
}

/* How many parts begin at or below the address: the place for a new one. */
static size_t parts_up_to(const struct memory_map *map, uint32_t address)
{
    size_t low = 0, high = map->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (map->parts[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct memory_part *memory_map_overlap(const struct memory_map *map, uint32_t address,
                                             uint64_t size)
{
    size_t place = parts_up_to(map, address);

    if (size == 0)
        return NULL;
    if (place > 0 && part_end(&map->parts[place - 1]) > address)
        return &map->parts[place - 1];
    if (place < map->count && map->parts[place].address < address + size)
        return &map->parts[place];
    return NULL;
}

static void insert_part(struct memory_map *map, size_t place, uint32_t address, const void *data,
                        size_t size)
{
    if (map->count == map->capacity) {
        map->capacity = map->capacity ? 2 * map->capacity : 8;
        map->parts = memory_resize(map->parts, map->capacity * sizeof *map->parts);
    }
    memmove(map->parts + place + 1, map->parts + place, (map->count - place) * sizeof *map->parts);
    map->parts[place] = (struct memory_part){.address = address};
    bytes_append(&map->parts[place].bytes, data, size);
    map->count++;
}

static void remove_part(struct memory_map *map, size_t place)
{
    bytes_free(&map->parts[place].bytes);
    map->count--;
    memmove(map->parts + place, map->parts + place + 1, (map->count - place) * sizeof *map->parts);
}

static void join_with_next(struct memory_map *map, size_t place)
{
    struct memory_part *part = &map->parts[place];

    if (place + 1 >= map->count || part_end(part) != part[1].address)
        return;
    bytes_append(&part->bytes, part[1].bytes.data, part[1].bytes.size);
    remove_part(map, place + 1);
}

otter_status memory_map_put(struct memory_map *map, uint32_t address, const void *data, size_t size,
                            struct failure *failure)
{
    const struct memory_part *other = memory_map_overlap(map, address, size);
    size_t place = parts_up_to(map, address);

    if (size == 0)
        return OTTER_OK;
    if (size > ADDRESS_SPACE - address)
        return failed(failure, OTTER_E_BOUNDS, "0x%zx bytes at 0x%08" PRIx32 " reach past 4 GiB",
                      size, address);
    if (other)
        return failed(failure, OTTER_E_REFUSED,
                      "0x%08" PRIx32 "-0x%08" PRIx64 " overlaps what already lies at 0x%08" PRIx32
                      "-0x%08" PRIx64,
                      address, address + (uint64_t)size - 1, other->address, part_end(other) - 1);
    if (place > 0 && part_end(&map->parts[place - 1]) == address)
        bytes_append(&map->parts[--place].bytes, data, size);
    else
        insert_part(map, place, address, data, size);
    join_with_next(map, place);
    return OTTER_OK;
}

void memory_map_overwrite(struct memory_map *map, uint32_t address, const void *data, size_t size)
{
    struct memory_part *part = &map->parts[parts_up_to(map, address) - 1];
    memcpy(part->bytes.data + (address - part->address), data, size);
}

otter_status memory_map_flatten(const struct memory_map *map, uint8_t fill, struct bytes *bytes,
                                struct failure *failure)
{
    uint64_t span;

    bytes_free(bytes);
    if (map->count == 0)
        return OTTER_OK;
    span = part_end(&map->parts[map->count - 1]) - map->parts[0].address;
    if (span > FILE_SIZE_MAX)
        return failed(failure, OTTER_E_TOO_LONG,
                      "the data span 0x%08" PRIx32 "-0x%08" PRIx64 ", more than %u MiB as one "
                      "binary; write Intel HEX, or leave out what lies far off",
                      map->parts[0].address, map->parts[0].address + span - 1, FILE_SIZE_MAX >> 20);
    for (size_t i = 0; i < map->count; i++) {
        size_t offset = map->parts[i].address - map->parts[0].address;
        bytes_fill(bytes, fill, offset - bytes->size);
        bytes_append(bytes, map->parts[i].bytes.data, map->parts[i].bytes.size);
    }
    return OTTER_OK;
}

void memory_map_free(struct memory_map *map)
{
    for (size_t i = 0; i < map->count; i++)
        bytes_free(&map->parts[i].bytes);
    free(map->parts);
    *map = (struct memory_map){0};
}
