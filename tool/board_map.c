/* Reads the description line by line, each with its own check. */
#include "tool/board_map.h"

#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tool/child.h"
#include "tool/slot_limit.h"

static const struct {
    const char *name;
    const char *sign_mode;
} modes[] = {
    [UPDATE_SWAP_SCRATCH] = {"swap-scratch", "scratch"},
    [UPDATE_SWAP_MOVE] = {"swap-move", "move"},
    [UPDATE_SWAP_OFFSET] = {"swap-offset", "offset"},
    [UPDATE_OVERWRITE] = {"overwrite", "overwrite"},
    [UPDATE_DIRECT_XIP] = {"direct-xip", "direct-xip"},
    [UPDATE_BANK_SWAP] = {"bank-swap", "direct-xip"},
};

const char *board_map_update_name(enum update_mode mode)
{
    return modes[mode].name;
}

const char *board_map_sign_mode(enum update_mode mode)
{
    return modes[mode].sign_mode;
}

bool board_map_has_two_worlds(const struct board_map *map)
{
    return map->secure_primary.size > 0;
}

uint32_t board_map_address(const struct board_map *map, const struct board_area *area)
{
    return map->devices[area->device].base + area->offset;
}

struct flash_sector board_map_sector_at(const struct board_device *device, uint32_t offset)
{
    uint32_t start = 0;
    unsigned run = 0;
    while (run + 1 < device->run_count &&
           offset - start >= device->runs[run].count * device->runs[run].size) {
        start += device->runs[run].count * device->runs[run].size;
        run++;
    }
    const uint32_t size = device->runs[run].size;
    return (struct flash_sector){offset - (offset - start) % size, size};
}

/* --- where descriptions lie ------------------------------------------------------------------ */

/* "mps2-an505/move" has its files under the name mps2-an505-move. */
static void file_name_of(const char *board, char *name, size_t size)
{
    snprintf(name, size, "%s", board);
    for (char *c = name; *c != '\0'; c++)
        if (*c == '/')
            *c = '-';
}

/* A board of the tree is known by its name; else it is a folder, which has the name of its last
 * part. Returns whether it is one. */
static bool find(const char *board, char *path, size_t size, struct board_map *map)
{
    char name[256];
    struct stat info;
    file_name_of(board, name, sizeof name);
    snprintf(map->build, sizeof map->build, "%s/../../%s", program_directory(), name);
    snprintf(path, size, "%s/../boards/%s.json", program_directory(), name);
    char *folder = stat(path, &info) != 0 ? realpath(board, NULL) : NULL;
    if (folder == NULL)
        return false;
    snprintf(map->build, sizeof map->build, "%s/../../%s", program_directory(),
             strrchr(folder, '/') + 1);
    snprintf(path, size, "%s/board.json", map->build);
    free(folder);
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void board_map_names(char *text, size_t size)
{
    char folder[512];
    char *names[64];
    size_t count = 0, length = 0;
    const struct dirent *entry;
    snprintf(folder, sizeof folder, "%s/../boards", program_directory());
    DIR *listing = opendir(folder);
    while (listing != NULL && count < 64 && (entry = readdir(listing)) != NULL) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        json_t *json =
            strstr(entry->d_name, ".json") != NULL ? json_load_file(path, 0, NULL) : NULL;
        const char *name = json_string_value(json_object_get(json, "name"));
        if (name != NULL)
            names[count++] = strdup(name);
        json_decref(json);
    }
    if (listing != NULL)
        closedir(listing);
    qsort(names, count, sizeof *names, compare);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (length < size)
            length +=
                (size_t)snprintf(text + length, size - length, "%s%s", i > 0 ? ", " : "", names[i]);
        free(names[i]);
    }
}

/* --- reading one ----------------------------------------------------------------------------- */

static uint32_t number(const json_t *object, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(object, key));
}

static void read_device(const json_t *json, struct board_map *map)
{
    struct board_device *device = &map->devices[map->device_count++];
    const json_t *runs = json_object_get(json, "sectors");
    device->base = number(json, "base");
    /* 0 is an address of the first device, that of the programs, on many parts. */
    device->is_mapped = device->base != 0 || map->device_count == 1;
    device->write_size = number(json, "write_size");
    device->start = map->flash_size;
    while (device->run_count < BOARD_RUNS_MAX &&
           2u * device->run_count + 1 < json_array_size(runs)) {
        const size_t at = (size_t)device->run_count * 2u;
        device->runs[device->run_count].count =
            (uint32_t)json_integer_value(json_array_get(runs, at));
        device->runs[device->run_count].size =
            (uint32_t)json_integer_value(json_array_get(runs, at + 1));
        device->size +=
            device->runs[device->run_count].count * device->runs[device->run_count].size;
        device->run_count++;
    }
    map->flash_size += device->size;
}

static void read_area(const json_t *areas, const char *name, const struct board_map *map,
                      struct board_area *area)
{
    const json_t *json = json_object_get(areas, name);
    area->device = number(json, "device");
    area->offset = number(json, "offset");
    area->size = number(json, "size");
    if (area->device < map->device_count)
        area->start = map->devices[area->device].start + area->offset;
}

static bool read_update(const char *name, enum update_mode *update)
{
    for (size_t i = 0; name != NULL && i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(name, modes[i].name) == 0) {
            *update = (enum update_mode)i;
            return true;
        }
    }
    return false;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* As boards/board.c has it, which the bootloader goes by. */
static void derive(struct board_map *map)
{
    const struct board_device *device = &map->devices[map->primary.device];
    const uint32_t sector =
        board_map_sector_at(device, map->primary.offset + map->primary.size - 1).size;
    const uint32_t slot =
        map->primary.size < map->secondary.size ? map->primary.size : map->secondary.size;
    const uint32_t write =
        map->update == UPDATE_SWAP_SCRATCH
            ? max_u32(device->write_size, map->devices[map->scratch.device].write_size)
            : device->write_size;
    map->image_size_max = LAYOUT_IMAGE_SIZE_MAX(map->update, slot, sector, write, map->max_align,
                                                map->max_sectors, 0u);
    map->candidate = map->secondary;
    if (map->update == UPDATE_SWAP_OFFSET) {
        map->candidate.offset += sector;
        map->candidate.start += sector;
        map->candidate.size -= sector;
    }
}

static bool read_map(const json_t *json, struct board_map *map)
{
    const json_t *areas = json_object_get(json, "areas");
    const json_t *devices = json_object_get(json, "devices");
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *port = json_string_value(json_object_get(json, "port"));
    if (name == NULL || port == NULL || json_array_size(devices) == 0 ||
        json_array_size(devices) > BOARD_DEVICES_MAX ||
        !read_update(json_string_value(json_object_get(json, "update")), &map->update))
        return false;
    snprintf(map->name, sizeof map->name, "%s", name);
    snprintf(map->port, sizeof map->port, "%s", port);
    const char *network = json_string_value(json_object_get(json, "network"));
    snprintf(map->network, sizeof map->network, "%s", network != NULL ? network : "");
    map->header_size = number(json, "header_size");
    map->max_sectors = number(json, "max_sectors");
    map->max_align = number(json, "max_align");
    for (size_t i = 0; i < json_array_size(devices); i++)
        read_device(json_array_get(devices, i), map);
    read_area(areas, "boot", map, &map->boot);
    read_area(areas, "primary", map, &map->primary);
    read_area(areas, "secondary", map, &map->secondary);
    read_area(areas, "scratch", map, &map->scratch);
    read_area(areas, "store", map, &map->store);
    read_area(areas, "progress", map, &map->progress);
    read_area(areas, "seed", map, &map->seed);
    read_area(areas, "vault", map, &map->vault);
    read_area(areas, "secure_primary", map, &map->secure_primary);
    read_area(areas, "secure_secondary", map, &map->secure_secondary);
    derive(map);
    return true;
}

static otter_status not_there(const char *board, bool is_folder, const char *path,
                              struct failure *failure)
{
    char names[512];
    board_map_names(names, sizeof names);
    if (is_folder)
        return failed(failure, OTTER_E_NOT_FOUND,
                      "there is no board in '%.100s', or it has not been built (no %.200s)", board,
                      path);
    return failed(failure, OTTER_E_NOT_FOUND, "there is no board '%.60s'; there are %s", board,
                  names);
}

otter_status board_map_read(const char *board, struct board_map *map, struct failure *failure)
{
    char path[1024];
    struct stat info;
    *map = (struct board_map){0};
    const bool is_folder = find(board, path, sizeof path, map);
    if (board[0] == '\0' || stat(path, &info) != 0)
        return not_there(board, is_folder, path, failure);
    json_t *json = json_load_file(path, 0, NULL);
    const bool read = json != NULL && read_map(json, map);
    json_decref(json);
    /* The host process is built with this program. */
    if (read && strcmp(map->port, "posix") == 0 && strcmp(map->name, "posix") == 0)
        snprintf(map->build, sizeof map->build, "%s/..", program_directory());
    return read ? OTTER_OK
                : failed(failure, OTTER_E_MALFORMED, "the board's description %s cannot be read",
                         path);
}
