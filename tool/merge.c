/* otter merge: several files at their addresses become one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/board_map.h"
#include "tool/command.h"
#include "tool/file.h"
#include "tool/hex_file.h"
#include "tool/values.h"

enum { OPTION_SIZE = 256, OPTION_BOARD };

static const struct option options[] = {
    {'o', "output", "FILE", "binary, or Intel HEX if the name ends in .hex; required"},
    {'b', "base", "ADDRESS", "where a binary output begins (the lowest address of the inputs)"},
    {OPTION_SIZE, "size", "SIZE", "fill a binary output up to this size, at most 0x10000000"},
    {'R', "fill", "VALUE", "0 to 255: what gaps in a binary output are filled with (0xff)"},
    {OPTION_BOARD, "board", "BOARD",
     "@boot, @primary, @secondary: where that area of BOARD is mapped"},
    {0},
};

static const struct usage usage = {
    .command = "merge",
    .operands = "-o OUT FILE[@ADDRESS]...",
    .summary = "Puts several files into one, each at its address. A binary needs @ADDRESS; a HEX "
               "file has its\nown addresses, and @OFFSET moves it. Files that overlap are "
               "refused.",
    .options = options,
    .examples =
        "  otter merge -o factory.hex bootloader.bin@0x0 firmware.signed.bin@0x10000\n"
        "  otter merge --board mps2-an505 -o all.hex firmware.signed.bin@primary\n"
        "  otter merge -o chip.bin --base 0 --size 0x100000 boot.hex firmware.bin@0x10000\n",
};

/* One input, so that an overlap can be told by the names of both. */
struct input {
    char path[4096];
    uint32_t address;
    const char *area; /* of the board, in place of an address */
    bool has_address;
    struct memory_map map;
};

struct request {
    const char *output;
    const char *board;
    struct input *inputs;
    size_t count;
    uint32_t base;
    bool has_base;
    uint32_t size;
    uint32_t fill;
};

static bool is_area(const char *name)
{
    return strcmp(name, "boot") == 0 || strcmp(name, "primary") == 0 ||
           strcmp(name, "secondary") == 0;
}

static int add_input(struct request *request, const char *operand)
{
    const char *at = strrchr(operand, '@');
    struct input input = {0};
    size_t length = at ? (size_t)(at - operand) : strlen(operand);

    if (at && is_area(at + 1)) {
        input.area = at + 1;
    } else if (at && !value_number(at + 1, UINT32_MAX, &input.address)) {
        usage_wrong(&usage, "'%s' wants an address such as 0x10000 after the '@'", operand);
        return ARGUMENTS_WRONG;
    }
    if (length == 0 || length >= sizeof input.path) {
        usage_wrong(&usage, "'%s' names no file", operand);
        return ARGUMENTS_WRONG;
    }
    memcpy(input.path, operand, length);
    input.has_address = at != NULL;
    if (!at && !file_is_hex(input.path)) {
        usage_wrong(&usage, "'%s' is a binary: say where it goes, as in %s@0x10000", operand,
                    operand);
        return ARGUMENTS_WRONG;
    }
    request->inputs =
        memory_resize(request->inputs, (request->count + 1) * sizeof *request->inputs);
    request->inputs[request->count++] = input;
    return ARGUMENTS_END;
}

static int take_option(struct request *request, const struct arguments *arguments, int letter)
{
    const char *value = arguments->value;
    bool good = true;

    switch (letter) {
    case 'o':
        request->output = value;
        break;
    case 'b':
        request->has_base = true;
        good = value_number(value, UINT32_MAX, &request->base);
        break;
    case OPTION_SIZE:
        good = value_number(value, FILE_SIZE_MAX, &request->size);
        break;
    case OPTION_BOARD:
        request->board = value;
        break;
    case 'R':
        good = value_number(value, 0xff, &request->fill);
        break;
    default: /* ARGUMENTS_OPERAND */
        return add_input(request, value);
    }
    if (good)
        return ARGUMENTS_END;
    usage_wrong_value(&usage, letter, value);
    return ARGUMENTS_WRONG;
}

static int read_arguments(struct request *request, int argc, char **argv)
{
    struct arguments arguments;
    int got;

    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        if (got == ARGUMENTS_WRONG || got == ARGUMENTS_HELP)
            return got;
        got = take_option(request, &arguments, got);
        if (got != ARGUMENTS_END)
            return got;
    }
    if (!request->output || request->count == 0) {
        usage_wrong(&usage, request->output ? "which files?" : "-o OUT is missing");
        return ARGUMENTS_WRONG;
    }
    return ARGUMENTS_END;
}

static otter_status find_area(const struct board_map *board, struct input *input,
                              struct failure *failure)
{
    const struct board_area *area = strcmp(input->area, "boot") == 0      ? &board->boot
                                    : strcmp(input->area, "primary") == 0 ? &board->primary
                                                                          : &board->secondary;
    const struct board_device *device = &board->devices[area->device];

    if (area->size == 0 || !device->is_mapped)
        return failed(failure, OTTER_E_UNSUPPORTED,
                      "%s has no area '%s' that is mapped at an address", board->name, input->area);
    input->address = device->base + area->offset;
    return OTTER_OK;
}

static otter_status find_areas(struct request *request, struct failure *failure)
{
    struct board_map board;
    otter_status status = OTTER_OK;

    if (request->board)
        status = board_map_read(request->board, &board, failure);
    for (size_t i = 0; i < request->count && status == OTTER_OK; i++) {
        if (!request->inputs[i].area)
            continue;
        status = request->board ? find_area(&board, &request->inputs[i], failure)
                                : failed(failure, OTTER_E_ARGUMENT,
                                         "'@%s' is an area of a board: which --board?",
                                         request->inputs[i].area);
    }
    return status;
}

static otter_status move_parts(struct memory_map *map, uint32_t offset, struct failure *failure)
{
    for (size_t i = map->count; i-- > 0;) {
        struct memory_part *part = &map->parts[i];
        if (part->address + (uint64_t)part->bytes.size + offset > 1ull << 32)
            return failed(failure, OTTER_E_BOUNDS, "moved by 0x%" PRIx32 " it reaches past 4 GiB",
                          offset);
        part->address += offset;
    }
    return OTTER_OK;
}

static otter_status read_input(struct input *input, struct failure *failure)
{
    struct bytes content = {0};
    struct failure reason;
    otter_status status = file_read(input->path, &content, failure);

    if (status != OTTER_OK)
        return status;
    if (file_is_hex(input->path)) {
        status = hex_read(content.data, content.size, &input->map, &reason);
        if (status == OTTER_OK && input->has_address)
            status = move_parts(&input->map, input->address, &reason);
    } else {
        status = memory_map_put(&input->map, input->address, content.data, content.size, &reason);
    }
    bytes_free(&content);
    if (status != OTTER_OK)
        failed(failure, status, "'%.200s': %.250s", input->path, reason.text);
    return status;
}

static otter_status fail_overlap(const struct request *request, size_t later,
                                 const struct memory_part *part, struct failure *failure)
{
    uint32_t first = part->address;
    uint32_t last = first + (uint32_t)(part->bytes.size - 1);

    for (size_t i = 0; i < later; i++) {
        if (!memory_map_overlap(&request->inputs[i].map, first, part->bytes.size))
            continue;
        return failed(failure, OTTER_E_REFUSED,
                      "'%.150s' at 0x%08" PRIx32 "-0x%08" PRIx32 " overlaps '%.150s'; give it "
                      "another address",
                      request->inputs[later].path, first, last, request->inputs[i].path);
    }
    return failed(failure, OTTER_E_INTERNAL, "'%.150s' does not fit in",
                  request->inputs[later].path);
}

static otter_status add_to_all(const struct request *request, size_t which, struct memory_map *all,
                               struct failure *failure)
{
    const struct memory_map *map = &request->inputs[which].map;

    for (size_t i = 0; i < map->count; i++) {
        const struct memory_part *part = &map->parts[i];
        if (memory_map_put(all, part->address, part->bytes.data, part->bytes.size, failure) !=
            OTTER_OK)
            return fail_overlap(request, which, part, failure);
    }
    return OTTER_OK;
}

/* Flattened, with what --base and --size ask for in front and behind. */
static otter_status binary_output(const struct request *request, const struct memory_map *all,
                                  struct bytes *out, struct failure *failure)
{
    uint32_t lowest = all->count > 0 ? all->parts[0].address : request->base;
    uint32_t base = request->has_base ? request->base : lowest;
    struct bytes body = {0};
    otter_status status = memory_map_flatten(all, (uint8_t)request->fill, &body, failure);

    if (status == OTTER_OK && lowest < base)
        status =
            failed(failure, OTTER_E_BOUNDS,
                   "there are data at 0x%08" PRIx32 ", below --base 0x%08" PRIx32, lowest, base);
    if (status == OTTER_OK && lowest - base > FILE_SIZE_MAX)
        status = failed(failure, OTTER_E_TOO_LONG,
                        "--base 0x%08" PRIx32 " is too far below the first data at 0x%08" PRIx32,
                        base, lowest);
    if (status == OTTER_OK) {
        bytes_fill(out, (uint8_t)request->fill, lowest - base);
        bytes_append(out, body.data, body.size);
    }
    bytes_free(&body);
    if (status != OTTER_OK || request->size == 0)
        return status;
    if (out->size > request->size)
        return failed(failure, OTTER_E_NO_SPACE,
                      "the data take 0x%zx bytes, 0x%zx more than --size 0x%" PRIx32, out->size,
                      out->size - request->size, request->size);
    bytes_fill(out, (uint8_t)request->fill, request->size - out->size);
    return OTTER_OK;
}

static otter_status merge(struct request *request, struct failure *failure)
{
    struct memory_map all = {0};
    struct bytes out = {0};
    otter_status status = find_areas(request, failure);

    for (size_t i = 0; i < request->count && status == OTTER_OK; i++) {
        status = read_input(&request->inputs[i], failure);
        if (status == OTTER_OK)
            status = add_to_all(request, i, &all, failure);
    }
    if (status == OTTER_OK && file_is_hex(request->output))
        hex_write(&all, &out);
    else if (status == OTTER_OK)
        status = binary_output(request, &all, &out, failure);
    if (status == OTTER_OK)
        status = file_write(request->output, out.data, out.size, 0666, failure);
    memory_map_free(&all);
    bytes_free(&out);
    return status;
}

static void free_request(struct request *request)
{
    for (size_t i = 0; i < request->count; i++)
        memory_map_free(&request->inputs[i].map);
    free(request->inputs);
}

int command_merge(int argc, char **argv)
{
    struct request request = {.fill = 0xff};
    struct failure failure;
    int got = read_arguments(&request, argc, argv);
    int code = got == ARGUMENTS_HELP ? 0 : 2;

    if (got == ARGUMENTS_END)
        code = merge(&request, &failure) == OTTER_OK ? 0 : failure_print(&failure, "merge");
    free_request(&request);
    return code;
}
