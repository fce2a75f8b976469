/* otter keyinfo: of what kind is this key? */
#include <stdio.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/keys.h"

enum { OPTION_REQUIRE = 256 };

static const struct option options[] = {
    {'k', "key", "FILE", "PEM file with a key pair or a public key"},
    {OPTION_REQUIRE, "require", "HALF", "private or public: fail if the file holds the other"},
    {0},
};

static const struct usage usage = {
    .command = "keyinfo",
    .operands = "-k FILE [OPTION]...",
    .summary = "Prints the kind of a key as imgtool names it: what signatures with it are.",
    .options = options,
    .examples = "  otter keyinfo -k signing.pem\n"
                "  otter keyinfo -k signing-pub.pem --require public\n",
};

struct request {
    const char *path;
    enum { ANY, PRIVATE, PUBLIC } required;
};

static bool take_half(const char *text, struct request *request)
{
    request->required = strcmp(text, "private") == 0  ? PRIVATE
                        : strcmp(text, "public") == 0 ? PUBLIC
                                                      : ANY;
    return request->required != ANY;
}

static int read_arguments(struct request *request, int argc, char **argv)
{
    struct arguments arguments;
    int got;

    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        if (got == 'k') {
            request->path = arguments.value;
        } else if (got == OPTION_REQUIRE) {
            if (!take_half(arguments.value, request)) {
                usage_wrong_value(&usage, got, arguments.value);
                return ARGUMENTS_WRONG;
            }
        } else if (got == ARGUMENTS_OPERAND) {
            usage_wrong(&usage, "what is '%s' for? the key is given with -k", arguments.value);
            return ARGUMENTS_WRONG;
        } else {
            return got;
        }
    }
    if (request->path)
        return ARGUMENTS_END;
    usage_wrong(&usage, "-k FILE is missing");
    return ARGUMENTS_WRONG;
}

static otter_status keyinfo(const struct request *request, struct failure *failure)
{
    struct key key;
    otter_status status = key_read(&key, request->path, failure);

    if (status != OTTER_OK)
        return status;
    if (request->required != ANY && key.is_private != (request->required == PRIVATE))
        status =
            failed(failure, OTTER_E_KEY, "'%s' holds a %s key, not a %s one", request->path,
                   key.is_private ? "private" : "public", key.is_private ? "public" : "private");
    else
        printf("Key type: %s\n", key_signature_name(key.type));
    key_free(&key);
    return status;
}

int command_keyinfo(int argc, char **argv)
{
    struct request request = {0};
    struct failure failure;
    int got = read_arguments(&request, argc, argv);

    if (got != ARGUMENTS_END)
        return got == ARGUMENTS_HELP ? 0 : 2;
    return keyinfo(&request, &failure) == OTTER_OK ? 0 : failure_print(&failure, usage.command);
}
