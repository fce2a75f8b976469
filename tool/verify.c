/* otter verify: is this image whole, and signed by that key? */
#include <stdio.h>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/file.h"
#include "tool/hex_file.h"
#include "tool/image_view.h"
#include "tool/values.h"

enum { OPTION_DECRYPT_KEY = 256, OPTION_PAYLOAD };

static const struct option options[] = {
    {'k', "key", "FILE",
     "PEM file with the signer's key, public or private; without it only the "
     "hash is checked"},
    {OPTION_DECRYPT_KEY, "decrypt-key", "FILE", "the device's private key, for encrypted images"},
    {OPTION_PAYLOAD, "payload", "FILE",
     "write the program, decrypted and unpacked, if the image is good"},
    {0},
};

static const struct usage usage = {
    .command = "verify",
    .operands = "[-k KEY] [OPTION]... IMAGE",
    .summary = "Checks an image's structure, hash and signature. IMAGE is Intel HEX if its name "
               "ends in .hex.",
    .options = options,
    .examples = "  otter verify -k signing-pub.pem firmware.signed.bin\n"
                "  otter verify -k signing.pem --decrypt-key device.pem --payload plain.bin "
                "update.bin\n",
};

struct request {
    const char *image;
    const char *key;
    const char *decrypt_key;
    const char *payload;
};

static int read_arguments(struct request *request, int argc, char **argv)
{
    struct arguments arguments;
    int got;

    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        switch (got) {
        case 'k':
            request->key = arguments.value;
            break;
        case OPTION_DECRYPT_KEY:
            request->decrypt_key = arguments.value;
            break;
        case OPTION_PAYLOAD:
            request->payload = arguments.value;
            break;
        case ARGUMENTS_OPERAND:
            if (request->image) {
                usage_wrong(&usage, "one image at a time: what is '%s' for?", arguments.value);
                return ARGUMENTS_WRONG;
            }
            request->image = arguments.value;
            break;
        default:
            return got;
        }
    }
    return ARGUMENTS_END;
}

static void print_hex(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        printf("%02x", data[i]);
    printf("\n");
}

/* imgtool's words, for scripts that look for them. */
static void print_verdict(const struct image_view *view, const struct image_verdict *verdict)
{
    char version[VALUE_VERSION_TEXT_SIZE];

    value_version_text(&view->image.header.version, version);
    printf("Image was correctly validated\nImage version: %s\n", version);
    if (verdict->pure && verdict->signature) {
        printf("Image signature over image: ");
        print_hex(verdict->signature, verdict->signature_size);
        return;
    }
    printf("Image digest: ");
    print_hex(verdict->hash, hash_size(verdict->hash_type));
}

static otter_status read_key(const char *path, struct key *key, struct failure *failure)
{
    return path ? key_read(key, path, failure) : OTTER_OK;
}

static otter_status write_payload(const char *path, const struct image_view *view,
                                  const struct image_verdict *verdict, struct failure *failure)
{
    const struct image_header *header = &view->image.header;

    if (header->flags & IMAGE_FLAG_COMPRESSED)
        return file_write(path, verdict->program.data, verdict->program.size, 0666, failure);
    return file_write(path, verdict->plain.data + header->header_size, header->payload_size, 0666,
                      failure);
}

static otter_status check_image(const struct request *request, const struct key *key,
                                const struct key *decrypt_key, struct bytes *content,
                                struct failure *failure)
{
    struct image_view view;
    struct image_verdict verdict = {0};
    struct failure reason;
    otter_status status = image_view_open(&view, content->data, content->size, &reason);

    if (status == OTTER_OK)
        status = image_view_check(&view, key->pkey ? key : NULL,
                                  decrypt_key->pkey ? decrypt_key : NULL, &verdict, &reason);
    if (status != OTTER_OK)
        failed(failure, status, "'%s': %.400s", request->image, reason.text);
    if (status == OTTER_OK && request->payload)
        status = write_payload(request->payload, &view, &verdict, failure);
    if (status == OTTER_OK)
        print_verdict(&view, &verdict);
    image_verdict_free(&verdict);
    return status;
}

static int verify(const struct request *request)
{
    struct failure failure;
    struct key key = {0};
    struct key decrypt_key = {0};
    struct bytes content = {0};
    uint32_t address;
    otter_status status = read_key(request->key, &key, &failure);

    if (status == OTTER_OK)
        status = read_key(request->decrypt_key, &decrypt_key, &failure);
    if (status == OTTER_OK)
        status = hex_or_binary_read(request->image, 0xff, &content, &address, &failure);
    if (status == OTTER_OK)
        status = check_image(request, &key, &decrypt_key, &content, &failure);
    key_free(&key);
    key_free(&decrypt_key);
    bytes_free(&content);
    return status == OTTER_OK ? 0 : failure_print(&failure, usage.command);
}

int command_verify(int argc, char **argv)
{
    struct request request = {0};
    int got = read_arguments(&request, argc, argv);

    if (got != ARGUMENTS_END)
        return got == ARGUMENTS_HELP ? 0 : 2;
    if (!request.image)
        return usage_wrong(&usage, "which image?");
    return verify(&request);
}
