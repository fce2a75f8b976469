/* otter keygen: makes a key pair. */
#include <stdio.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/file.h"
#include "tool/keys.h"

enum { OPTION_FORCE = 256 };

static const struct option options[] = {
    {'t', "type", "TYPE", KEY_TYPE_NAMES},
    {'k', "key", "FILE", "PEM file to write, readable by you alone"},
    {'p', "password", NULL,
     "ask for a pass phrase (4 to 1023 characters) and lock the file with it"},
    {OPTION_FORCE, "force", NULL, "replace a file that is there; its key is lost"},
    {0},
};

static const struct usage usage = {
    .command = "keygen",
    .operands = "-t TYPE -k FILE [OPTION]...",
    .summary =
        "Makes a key pair to sign images with, or to encrypt them for. X25519 keys encrypt only. "
        "Otter's own\nbootloader verifies P-256, and, built so, Ed25519 and RSA; P-384 is "
        "for MCUboot built with\nMCUBOOT_SIGN_EC384.",
    .options = options,
    .examples = "  otter keygen -t ecdsa-p256 -k signing.pem\n"
                "  otter getpub -k signing.pem > image_key.c   # the half that goes into devices\n",
};

struct request {
    const char *type_name;
    enum key_type type;
    const char *path;
    bool with_password;
    bool force;
};

static int read_arguments(struct request *request, int argc, char **argv)
{
    struct arguments arguments;
    int got;

    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        switch (got) {
        case 't':
            request->type_name = arguments.value;
            break;
        case 'k':
            request->path = arguments.value;
            break;
        case 'p':
            request->with_password = true;
            break;
        case OPTION_FORCE:
            request->force = true;
            break;
        case ARGUMENTS_OPERAND:
            usage_wrong(&usage, "what is '%s' for? the file is given with -k", arguments.value);
            return ARGUMENTS_WRONG;
        default:
            return got;
        }
    }
    return ARGUMENTS_END;
}

static int make_key(const struct request *request)
{
    struct failure failure;
    struct key key = {0};
    struct bytes pem = {0};
    otter_status status;

    if (file_exists(request->path) && !request->force) {
        failed(&failure, OTTER_E_STATE,
               "'%s' is there already and may hold a key that devices trust; choose another name, "
               "or give --force to replace it",
               request->path);
        return failure_print(&failure, usage.command);
    }
    status = key_generate(&key, request->type, &failure);
    if (status == OTTER_OK)
        status =
            key_private_pem(&key, request->with_password ? request->path : NULL, &pem, &failure);
    if (status == OTTER_OK)
        status = file_write(request->path, pem.data, pem.size, 0600, &failure);
    if (pem.data)
        OPENSSL_cleanse(pem.data, pem.size);
    bytes_free(&pem);
    key_free(&key);
    return status == OTTER_OK ? 0 : failure_print(&failure, usage.command);
}

int command_keygen(int argc, char **argv)
{
    struct request request = {0};
    int got = read_arguments(&request, argc, argv);

    if (got != ARGUMENTS_END)
        return got == ARGUMENTS_HELP ? 0 : 2;
    if (!request.type_name || !request.path)
        return usage_wrong(&usage, "%s is missing", request.type_name ? "-k FILE" : "-t TYPE");
    if (!key_type_parse(request.type_name, &request.type))
        return usage_wrong(&usage, "--type wants " KEY_TYPE_NAMES ", not '%s'", request.type_name);
    return make_key(&request);
}
