/* otter dumpinfo: header, TLVs and trailer of an image in imgtool's words, for scripts that read
 * them. For people, and with a verdict, there is `otter inspect`. */
#include <stdio.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/dump.h"
#include "tool/file.h"
#include "tool/hex_file.h"

static const struct option options[] = {
    {'o', "outfile", "FILE", "write there instead of to stdout"},
    {'f', "format", "FORM", "human, yaml or json (human; with --outfile yaml)"},
    {'s', "silent", NULL, "print nothing: only write --outfile"},
    {0},
};

static const struct usage usage = {
    .command = "dumpinfo",
    .operands = "[OPTION]... IMAGE",
    .summary = "Prints an image's header, TLVs and trailer as imgtool's dumpinfo does. IMAGE is "
               "Intel HEX if its\nname ends in .hex. Nothing is verified: that is for `otter "
               "verify` and `otter inspect`.",
    .options = options,
    .examples = "  otter dumpinfo firmware.signed.bin\n"
                "  otter dumpinfo -f json firmware.signed.bin\n"
                "  otter dumpinfo -s -o firmware.yaml firmware.signed.hex\n",
};

struct request {
    const char *image;
    const char *output;
    enum { FORMAT_DEFAULT, FORMAT_HUMAN, FORMAT_YAML, FORMAT_JSON } format;
    bool silent;
};

static bool take_format(const char *text, struct request *request)
{
    request->format = strcmp(text, "human") == 0  ? FORMAT_HUMAN
                      : strcmp(text, "yaml") == 0 ? FORMAT_YAML
                      : strcmp(text, "json") == 0 ? FORMAT_JSON
                                                  : FORMAT_DEFAULT;
    return request->format != FORMAT_DEFAULT;
}

static int take_option(struct request *request, int letter, const char *value)
{
    switch (letter) {
    case 'o':
        request->output = value;
        return ARGUMENTS_END;
    case 's':
        request->silent = true;
        return ARGUMENTS_END;
    case 'f':
        if (take_format(value, request))
            return ARGUMENTS_END;
        usage_wrong_value(&usage, letter, value);
        return ARGUMENTS_WRONG;
    default: /* ARGUMENTS_OPERAND */
        if (request->image) {
            usage_wrong(&usage, "one image at a time: what is '%s' for?", value);
            return ARGUMENTS_WRONG;
        }
        request->image = value;
        return ARGUMENTS_END;
    }
}

static int read_arguments(struct request *request, int argc, char **argv)
{
    struct arguments arguments;
    int got;

    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        if (got != ARGUMENTS_HELP && got != ARGUMENTS_WRONG)
            got = take_option(request, got, arguments.value);
        if (got != ARGUMENTS_END)
            return got;
    }
    if (!request->image) {
        usage_wrong(&usage, "which image?");
        return ARGUMENTS_WRONG;
    }
    if (request->format == FORMAT_DEFAULT)
        request->format = request->output ? FORMAT_YAML : FORMAT_HUMAN;
    return ARGUMENTS_END;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static otter_status dump(const struct request *request, struct failure *failure)
{
    struct dump dump = {.name = base_name(request->image)};
    struct bytes content = {0}, text = {0};
    struct failure reason;
    uint32_t address;
    otter_status status = hex_or_binary_read(request->image, 0xff, &content, &address, failure);

    if (status != OTTER_OK)
        return status;
    status = image_view_open(&dump.view, content.data, content.size, &reason);
    if (status == OTTER_OK)
        status = dump_check(&dump, &reason);
    if (status != OTTER_OK)
        failed(failure, status, "'%s': %.400s", request->image, reason.text);
    if (status == OTTER_OK) {
        dump_find_trailer(&dump, content.data, content.size);
        if (dump.trailer && dump.max_align == 0)
            fprintf(stderr, "Warning: the trailer magic value is invalid!\n");
        if (request->format == FORMAT_HUMAN)
            dump_human(&dump, &text);
        else if (request->format == FORMAT_YAML)
            dump_yaml(&dump, &text);
        else
            dump_json(&dump, &text);
    }
    if (status == OTTER_OK && !(request->silent && !request->output))
        status = file_write_or_print(request->output, &text, failure);
    bytes_free(&content);
    bytes_free(&text);
    return status;
}

int command_dumpinfo(int argc, char **argv)
{
    struct request request = {0};
    struct failure failure;
    int got = read_arguments(&request, argc, argv);

    if (got != ARGUMENTS_END)
        return got == ARGUMENTS_HELP ? 0 : 2;
    return dump(&request, &failure) == OTTER_OK ? 0 : failure_print(&failure, usage.command);
}
