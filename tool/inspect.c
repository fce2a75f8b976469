/* otter inspect: what is in an image, or in a whole flash file. */
#include "tool/inspect.h"

#include <stdio.h>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/file.h"
#include "tool/hex_file.h"
#include "tool/values.h"

enum { OPTION_BOARD = 256, OPTION_JSON, OPTION_DECRYPT_KEY, OPTION_MAX_ALIGN };

static const struct option options[] = {
    {'k', "key", "FILE", "check the signature with this key, PEM, public or private"},
    {OPTION_DECRYPT_KEY, "decrypt-key", "FILE", "the device's private key, for encrypted images"},
    {'S', "slot-size", "SIZE", "show where the image lies in a slot of this size"},
    {OPTION_MAX_ALIGN, "max-align", "8|16|32", "size of a trailer field (told by the magic)"},
    {OPTION_BOARD, "board", "BOARD", "FILE is the whole flash of this board (boards/README.md)"},
    {OPTION_JSON, "json", NULL, "JSON instead of a table"},
    {0},
};

static const struct usage usage = {
    .command = "inspect",
    .operands = "[OPTION]... FILE",
    .summary =
        "Shows an image's header, TLVs, hash, signature, trailer and place in its slot; or all of "
        "that for\nthe flash file of a board. Exit code 1 if the image is not one or not good.",
    .options = options,
    .examples = "  otter inspect -k signing-pub.pem firmware.signed.bin\n"
                "  otter inspect --json -S 0x73000 firmware.signed.hex\n"
                "  otter inspect --board mps2-an505 flash.img\n",
};

struct paths {
    const char *key;
    const char *decrypt_key;
};

static int take_option(struct inspect_request *request, struct paths *paths,
                       const struct arguments *arguments, int letter)
{
    const char *value = arguments->value;
    bool good = true;

    switch (letter) {
    case 'k':
        paths->key = value;
        break;
    case OPTION_DECRYPT_KEY:
        paths->decrypt_key = value;
        break;
    case 'S':
        good = value_number(value, INT32_MAX, &request->slot_size);
        break;
    case OPTION_MAX_ALIGN:
        good = value_number(value, 32, &request->max_align) &&
               (request->max_align == 8 || request->max_align == 16 || request->max_align == 32);
        break;
    case OPTION_BOARD:
        request->board = value;
        break;
    case OPTION_JSON:
        request->json = true;
        break;
    default: /* ARGUMENTS_OPERAND */
        good = !request->file;
        request->file = value;
        break;
    }
    if (good)
        return ARGUMENTS_END;
    if (letter == ARGUMENTS_OPERAND)
        usage_wrong(&usage, "one file at a time: what is '%s' for?", value);
    else
        usage_wrong_value(&usage, letter, value);
    return ARGUMENTS_WRONG;
}

static int read_arguments(struct inspect_request *request, struct paths *paths, int argc,
                          char **argv)
{
    struct arguments arguments;
    int got;

    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        if (got != ARGUMENTS_HELP && got != ARGUMENTS_WRONG)
            got = take_option(request, paths, &arguments, got);
        if (got != ARGUMENTS_END)
            return got;
    }
    if (!request->file) {
        usage_wrong(&usage, "which file?");
        return ARGUMENTS_WRONG;
    }
    return ARGUMENTS_END;
}

static void print_image(const struct inspection *inspection)
{
    struct trailer none = {.magic = TRAILER_UNSET,
                           .copy_done = TRAILER_UNSET,
                           .image_ok = TRAILER_UNSET,
                           .swap_type = SWAP_NONE};

    inspection_print(inspection, "");
    if (inspection->has_trailer)
        printf("As candidate  %s\n",
               swap_type_name(trailer_next_swap(&none, &inspection->trailer)));
}

static otter_status inspect_image(const struct inspect_request *request, struct bytes *content,
                                  struct failure *failure)
{
    struct inspection inspection = {
        .data = content->data,
        .size = (uint32_t)content->size,
        .slot_size = request->slot_size,
        .max_align = request->max_align,
        .key = request->key,
        .decrypt_key = request->decrypt_key,
    };
    otter_status status = OTTER_OK;

    inspection_run(&inspection);
    if (request->json)
        json_print(inspection_json(&inspection));
    else if (inspection.has_image)
        print_image(&inspection);
    if (inspection_is_bad(&inspection))
        status = failed(failure, OTTER_E_MALFORMED, "'%s': %.400s", request->file,
                        inspection.failure.text);
    inspection_free(&inspection);
    return status;
}

static otter_status inspect(struct inspect_request *request, const struct paths *paths,
                            struct failure *failure)
{
    struct key key = {0};
    struct key decrypt_key = {0};
    struct bytes content = {0};
    uint32_t address;
    otter_status status = OTTER_OK;

    if (paths->key) {
        status = key_read(&key, paths->key, failure);
        request->key = &key;
    }
    if (status == OTTER_OK && paths->decrypt_key) {
        status = key_read(&decrypt_key, paths->decrypt_key, failure);
        request->decrypt_key = &decrypt_key;
    }
    if (status == OTTER_OK)
        status = hex_or_binary_read(request->file, 0xff, &content, &address, failure);
    if (status == OTTER_OK)
        status = request->board ? inspect_flash(request, &content, failure)
                                : inspect_image(request, &content, failure);
    key_free(&key);
    key_free(&decrypt_key);
    bytes_free(&content);
    return status;
}

int command_inspect(int argc, char **argv)
{
    struct inspect_request request = {0};
    struct paths paths = {0};
    struct failure failure;
    int got = read_arguments(&request, &paths, argc, argv);

    if (got != ARGUMENTS_END)
        return got == ARGUMENTS_HELP ? 0 : 2;
    return inspect(&request, &paths, &failure) == OTTER_OK ? 0 : failure_print(&failure, "inspect");
}
