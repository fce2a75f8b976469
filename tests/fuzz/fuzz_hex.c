/* Intel HEX from anywhere: what is accepted must come back the same from what we write. */
#include <stdlib.h>
#include <string.h>

#include "tool/hex_file.h"

static void check_round_trip(const struct memory_map *map)
{
    struct memory_map back = {0};
    struct bytes text = {0};
    struct failure failure;

    hex_write(map, &text);
    if (hex_read(text.data, text.size, &back, &failure) != OTTER_OK || back.count != map->count)
        abort();
    for (size_t i = 0; i < map->count; i++)
        if (back.parts[i].address != map->parts[i].address ||
            back.parts[i].bytes.size != map->parts[i].bytes.size ||
            memcmp(back.parts[i].bytes.data, map->parts[i].bytes.data, map->parts[i].bytes.size) !=
                0)
            abort();
    bytes_free(&text);
    memory_map_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_map map = {0};
    struct failure failure = {""};

    if (hex_read(data, size, &map, &failure) == OTTER_OK)
        check_round_trip(&map);
    else if (failure.text[0] == '\0')
        abort();
    memory_map_free(&map);
    return 0;
}
