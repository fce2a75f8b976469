/* otter create-trailer: the end of a slot alone, to be programmed beside an image that was signed
 * without --pad. */
#include <stdio.h>

#include "image/trailer.h"
#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/file.h"
#include "tool/hex_file.h"
#include "tool/image_file.h"
#include "tool/values.h"

enum { OPTION_ALIGN = 256, OPTION_MAX_ALIGN, OPTION_OVERWRITE_ONLY, OPTION_TEST, OPTION_CONFIRM };

static const struct option options[] = {
    {'S', "slot-size", "SIZE", "required, at most 0x7fffffff"},
    {OPTION_ALIGN, "align", "1|2|4|8|16|32", "write size of the flash (1)"},
    {OPTION_MAX_ALIGN, "max-align", "8|16|32", "size of a trailer field (8, or --align if larger)"},
    {'M', "max-sectors", "N", "sectors the bootloader is built for, up to 65536 (128)"},
    {OPTION_OVERWRITE_ONLY, "overwrite-only", NULL, "for a bootloader that copies, not swaps"},
    {OPTION_TEST, "test", NULL, "ask for a swap on trial (the default)"},
    {OPTION_CONFIRM, "confirm", NULL, "ask for a swap for good"},
    {'R', "erased-val", "0|0xff", "what erased flash reads as (0xff)"},
    {'x', "hex-addr", "ADDRESS", "where the *slot* begins; needed for a HEX output"},
    {0},
};

static const struct usage usage = {
    .command = "create-trailer",
    .operands = "-S SIZE [OPTION]... OUT",
    .summary =
        "Writes the trailer that ends a slot: what `otter sign --pad` puts behind an image. In a "
        "slot\nalready programmed with an image it asks the bootloader for the swap. A HEX file "
        "has "
        "only the\nfields that are set, a binary all of the trailer.",
    .options = options,
    .examples = "  otter create-trailer -S 0x73000 --align 4 --hex-addr 0x83000 request.hex\n"
                "  otter create-trailer -S 0x73000 --align 4 --confirm trailer.bin   # for the "
                "slot's end\n",
};

struct request {
    struct image_spec spec;
    const char *output;
    uint32_t address;
    bool has_address;
    bool has_max_align;
};

static bool take_power(const char *text, uint32_t least, uint32_t *number)
{
    return value_number(text, 32, number) && *number >= least && (*number & (*number - 1)) == 0;
}

static bool take_option(struct request *request, int letter, const char *value)
{
    struct image_spec *spec = &request->spec;
    uint32_t erased;

    switch (letter) {
    case 'S':
        return value_number(value, INT32_MAX, &spec->slot_size);
    case OPTION_ALIGN:
        return take_power(value, 1, &spec->align);
    case OPTION_MAX_ALIGN:
        request->has_max_align = true;
        return take_power(value, 8, &spec->max_align);
    case 'M':
        return value_number(value, 65536, &spec->max_sectors);
    case OPTION_OVERWRITE_ONLY:
        spec->overwrite_only = true;
        return true;
    case OPTION_TEST:
    case OPTION_CONFIRM:
        spec->confirm = letter == OPTION_CONFIRM;
        return true;
    case 'R':
        if (!value_number(value, 0xff, &erased) || (erased != 0 && erased != 0xff))
            return false;
        spec->erased_value = (uint8_t)erased;
        return true;
    case 'x':
        request->has_address = true;
        return value_number(value, UINT32_MAX, &request->address);
    default: /* ARGUMENTS_OPERAND */
        if (request->output)
            return false;
        request->output = value;
        return true;
    }
}

static int check_together(struct request *request)
{
    struct image_spec *spec = &request->spec;

    if (!request->has_max_align && spec->align > spec->max_align)
        spec->max_align = spec->align;
    if (!request->output || spec->slot_size == 0)
        return usage_wrong(&usage, "%s is missing", request->output ? "-S SIZE" : "OUT");
    if (spec->max_align < spec->align)
        return usage_wrong(&usage, "--max-align must not be below --align");
    if (file_is_hex(request->output) && !request->has_address)
        return usage_wrong(&usage, "a HEX output wants --hex-addr, where the slot begins");
    if (request->has_address && spec->slot_size > (1ull << 32) - request->address)
        return usage_wrong(&usage,
                           "a slot of 0x%x bytes at 0x%x reaches past 4 GiB; is --hex-addr right?",
                           spec->slot_size, request->address);
    if (image_trailer_size(spec, 0) > spec->slot_size)
        return usage_wrong(&usage,
                           "a trailer of 0x%zx bytes does not fit a slot of 0x%x; is "
                           "--max-sectors right?",
                           image_trailer_size(spec, 0), spec->slot_size);
    return 0;
}

static int read_arguments(struct request *request, int argc, char **argv)
{
    struct arguments arguments;
    int got;

    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        if (got == ARGUMENTS_HELP || got == ARGUMENTS_WRONG)
            return got;
        if (take_option(request, got, arguments.value))
            continue;
        if (got == ARGUMENTS_OPERAND)
            usage_wrong(&usage, "only OUT is wanted: what is '%s' for?", arguments.value);
        else
            usage_wrong_value(&usage, got, arguments.value);
        return ARGUMENTS_WRONG;
    }
    return check_together(request) == 0 ? ARGUMENTS_END : ARGUMENTS_WRONG;
}

/* Field by field, but for those that stay erased: flash that is written once would never take them
 * from the bootloader if a programmer had written them. */
static otter_status put_fields(const struct request *request, const struct bytes *trailer,
                               struct memory_map *map, struct failure *failure)
{
    const struct image_spec *spec = &request->spec;
    const uint32_t end = request->address + spec->slot_size;
    otter_status status = OTTER_OK;

    for (size_t left = trailer->size; left > 0 && status == OTTER_OK;) {
        const size_t size = left % spec->max_align ? left % spec->max_align : spec->max_align;
        const uint8_t *field = trailer->data + trailer->size - left;
        size_t i = 0;
        while (i < size && field[i] == spec->erased_value)
            i++;
        if (i < size)
            status = memory_map_put(map, end - (uint32_t)left, field, size, failure);
        left -= size;
    }
    return status;
}

static otter_status create(const struct request *request, struct failure *failure)
{
    const struct image_spec *spec = &request->spec;
    size_t size = image_trailer_size(spec, 0);
    struct memory_map map = {0};
    struct bytes trailer = {0};
    struct bytes text = {0};
    otter_status status = OTTER_OK;

    image_trailer_append(spec, size, &trailer);
    if (file_is_hex(request->output)) {
        status = put_fields(request, &trailer, &map, failure);
        if (status == OTTER_OK)
            hex_write(&map, &text);
    }
    if (status == OTTER_OK)
        status = file_write(request->output, text.size ? text.data : trailer.data,
                            text.size ? text.size : trailer.size, 0666, failure);
    memory_map_free(&map);
    bytes_free(&trailer);
    bytes_free(&text);
    return status;
}

int command_create_trailer(int argc, char **argv)
{
    struct request request = {.spec = image_spec_default()};
    struct failure failure;
    int got = read_arguments(&request, argc, argv);

    if (got != ARGUMENTS_END)
        return got == ARGUMENTS_HELP ? 0 : 2;
    return create(&request, &failure) == OTTER_OK ? 0 : failure_print(&failure, usage.command);
}
