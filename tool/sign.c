/* otter sign: a program in, a signed image out. */
#include "tool/sign.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/trailer.h"
#include "tool/command.h"
#include "tool/file.h"
#include "tool/hex_file.h"

static otter_status read_fixed_signature(struct sign_request *request, struct failure *failure)
{
    struct bytes text = {0};
    EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
    otter_status status = file_read(request->fixed_signature_path, &text, failure);
    uint8_t *decoded;
    int size = 0, rest = 0;
    bool good;

    if (status == OTTER_OK) {
        decoded = memory_new(text.size + 64);
        EVP_DecodeInit(context);
        good = EVP_DecodeUpdate(context, decoded, &size, text.data, (int)text.size) >= 0 &&
               EVP_DecodeFinal(context, decoded + size, &rest) == 1;
        if (good)
            bytes_append(&request->fixed_signature, decoded, (size_t)size + (size_t)rest);
        else
            status = failed(failure, OTTER_E_MALFORMED, "'%s' is not a signature in base64",
                            request->fixed_signature_path);
        free(decoded);
    }
    EVP_ENCODE_CTX_free(context);
    bytes_free(&text);
    return status;
}

static otter_status read_keys(struct sign_request *request, struct failure *failure)
{
    otter_status status = OTTER_OK;

    if (request->fixed_signature_path) {
        request->key_path = request->fixed_signature_key_path;
        request->spec.fixed_signature = &request->fixed_signature;
        status = read_fixed_signature(request, failure);
    }
    if (status == OTTER_OK && request->key_path) {
        request->spec.key = &request->key;
        status = key_read(&request->key, request->key_path, failure);
        if (!request->hash_given && !request->spec.pure)
            request->spec.hash = hash_of_key(request->key.type);
    }
    if (status == OTTER_OK && request->encrypt_path) {
        request->spec.encrypt_for = &request->encrypt_key;
        status = key_read(&request->encrypt_key, request->encrypt_path, failure);
    }
    return status;
}

/* A bootloader that swaps counts sectors, and was built for so many. */
static otter_status check_sectors(const struct slot_layout *layout, struct failure *failure)
{
    uint32_t sectors = layout->slot_size / layout->sector_size;

    if (layout->mode == SLOT_OVERWRITE || sectors <= layout->max_sectors)
        return OTTER_OK;
    return failed(failure, OTTER_E_NO_SPACE,
                  "the slot has %" PRIu32 " sectors of 0x%" PRIx32
                  ", but the bootloader is built for %" PRIu32
                  " and will not update it; give --max-sectors and --sector-size as they are there",
                  sectors, layout->sector_size, layout->max_sectors);
}

static otter_status check_limit(struct sign_request *request, const struct image_file *file,
                                struct failure *failure)
{
    const struct image_spec *spec = &request->spec;
    struct slot_layout *layout = &request->layout;
    otter_status status;
    uint32_t limit;

    if (layout->mode == SLOT_UNCHECKED)
        return OTTER_OK;
    layout->slot_size = spec->slot_size;
    layout->write_size = spec->align;
    layout->max_align = spec->max_align;
    layout->max_sectors = spec->max_sectors;
    if (spec->encrypt_for)
        layout->saved_key_size =
            spec->save_enctlv ? (uint32_t)file->enc_tlv_size : (uint32_t)spec->cipher_key_size;
    status = check_sectors(layout, failure);
    limit = slot_limit(layout);
    if (status != OTTER_OK || file->image.size <= limit)
        return status;
    return failed(
        failure, OTTER_E_NO_SPACE,
        "the image has 0x%zx bytes, but in this update mode the bootloader accepts at most "
        "0x%" PRIx32 " in the slot 0x%" PRIx32
        ": 0x%zx (%zu) bytes too many; make the program smaller or the slot larger",
        file->image.size, limit, spec->slot_size, file->image.size - limit,
        file->image.size - limit);
}

/* In HEX only what is not erased is written, image, magic and image_ok; but the image_ok that
 * --test leaves erased is written too, as imgtool does. */
static otter_status hex_output(const struct sign_request *request, uint32_t address, bool pad,
                               const struct bytes *image, struct bytes *text,
                               struct failure *failure)
{
    const struct image_spec *spec = &request->spec;
    struct memory_map map = {0};
    struct bytes trailer = {0};
    uint32_t size = trailer_info_size(spec->max_align);
    uint32_t magic = trailer_magic_offset(size);
    uint32_t ok = trailer_field_offset(size, spec->max_align, TRAILER_IMAGE_OK);
    uint32_t base = address + spec->slot_size - size;
    otter_status status = memory_map_put(&map, address, image->data, image->size, failure);

    if (pad && status == OTTER_OK && spec->slot_size > (1ull << 32) - address)
        status = failed(failure, OTTER_E_BOUNDS,
                        "a slot of 0x%" PRIx32 " bytes at 0x%" PRIx32 " reaches past 4 GiB; is "
                        "--hex-addr right?",
                        spec->slot_size, address);
    if (pad) {
        image_trailer_append(spec, size, &trailer);
        if (status == OTTER_OK && (spec->confirm || request->test) && !spec->overwrite_only)
            status = memory_map_put(&map, base + ok, trailer.data + ok, spec->max_align, failure);
        if (status == OTTER_OK)
            status = memory_map_put(&map, base + magic, trailer.data + magic, TRAILER_MAGIC_SIZE,
                                    failure);
    }
    if (status == OTTER_OK)
        hex_write(&map, text);
    memory_map_free(&map);
    bytes_free(&trailer);
    return status;
}

/* Where the image goes in memory: said by -x, or by a HEX input. */
static otter_status image_address(const struct sign_request *request, uint32_t input_address,
                                  uint32_t *address, struct failure *failure)
{
    const struct image_spec *spec = &request->spec;

    if (request->has_hex_address) {
        *address = request->hex_address;
        return OTTER_OK;
    }
    if (!file_is_hex(request->input))
        return failed(failure, OTTER_E_ARGUMENT,
                      "'%s' is to be Intel HEX, but a binary has no address; give it with "
                      "--hex-addr ADDRESS",
                      request->output);
    if (spec->pad_header && input_address < spec->header_size)
        return failed(failure, OTTER_E_BOUNDS,
                      "the program begins at 0x%" PRIx32 ", which leaves no room for a header of "
                      "0x%" PRIx32
                      " bytes below it; link the program higher, or leave --pad-header "
                      "out",
                      input_address, spec->header_size);
    *address = input_address - (spec->pad_header ? spec->header_size : 0);
    return OTTER_OK;
}

/* `pad`: with the slot's trailer behind it. */
static otter_status write_output(const struct sign_request *request, uint32_t input_address,
                                 struct bytes *content, bool pad, struct failure *failure)
{
    struct bytes text = {0};
    uint32_t address = 0;
    otter_status status;

    if (!file_is_hex(request->output)) {
        if (pad)
            image_file_pad(&request->spec, content);
        return file_write(request->output, content->data, content->size, 0666, failure);
    }
    status = image_address(request, input_address, &address, failure);
    if (status == OTTER_OK)
        status = hex_output(request, address, pad, content, &text, failure);
    if (status == OTTER_OK)
        status = file_write(request->output, text.data, text.size, 0666, failure);
    bytes_free(&text);
    return status;
}

static otter_status write_signature(const struct sign_request *request,
                                    const struct image_file *file, struct failure *failure)
{
    uint8_t text[1024];
    int size;

    if (file->signature.size == 0)
        return failed(failure, OTTER_E_ARGUMENT, "--sig-out: without a key there is no signature");
    size = EVP_EncodeBlock(text, file->signature.data, (int)file->signature.size);
    return file_write(request->signature_output, text, (size_t)size, 0666, failure);
}

/* What another signer must sign; never padded, since the padding is not signed. */
static otter_status write_vector(const struct sign_request *request, uint32_t input_address,
                                 struct image_file *file, struct failure *failure)
{
    struct bytes digest = {0};
    otter_status status;

    if (request->vector == VECTOR_PAYLOAD)
        return write_output(request, input_address, &file->plain, false, failure);
    bytes_append(&digest, file->hash, hash_size(request->spec.hash));
    status = write_output(request, input_address, &digest, false, failure);
    bytes_free(&digest);
    return status;
}

/* imgtool lets such an image pass; the bootloader does not. */
static void warn_of_overwrite_limit(const struct sign_request *request,
                                    const struct image_file *file)
{
    struct slot_layout layout = {.mode = SLOT_OVERWRITE,
                                 .slot_size = request->spec.slot_size,
                                 .max_align = request->spec.max_align};

    if (request->spec.overwrite_only && layout.slot_size != 0 &&
        file->image.size > slot_limit(&layout))
        fprintf(stderr,
                "otter sign: warning: the image has %zu bytes; bootloaders in overwrite mode "
                "refuse more than %" PRIu32 " in this slot\n",
                file->image.size, slot_limit(&layout));
}

/* imgtool's words about a compression, for scripts that look for them. */
static otter_status build(const struct sign_request *request, const struct bytes *program,
                          struct image_file *file, struct failure *failure)
{
    struct compression_report report;
    otter_status status;

    if (request->compression == COMPRESSION_NONE)
        return image_file_build(&request->spec, program->data, program->size, file, failure);
    status = image_compressed_build(&request->spec, request->compression, program->data,
                                    program->size, file, &report, failure);
    if (status != OTTER_OK)
        return status;
    printf("compressed image size: %zu bytes\noriginal image size: %zu bytes\n", report.packed_size,
           report.plain_size);
    if (!report.kept)
        fprintf(stderr,
                "otter sign: warning: compression makes '%s' no smaller; the image is not "
                "compressed\n",
                request->input);
    return OTTER_OK;
}

static otter_status sign(struct sign_request *request, struct failure *failure)
{
    struct bytes program = {0};
    struct image_file file = {0};
    struct failure reason;
    uint32_t address = 0;
    otter_status status = read_keys(request, failure);

    if (status == OTTER_OK)
        /* imgtool fills gaps of HEX with 0xff, whatever erased flash reads as. */
        status = hex_or_binary_read(request->input, 0xff, &program, &address, failure);
    if (status == OTTER_OK) {
        status = build(request, &program, &file, &reason);
        if (status != OTTER_OK)
            failed(failure, status, "'%.200s': %.300s", request->input, reason.text);
    }
    if (status == OTTER_OK)
        status = check_limit(request, &file, failure);
    if (status == OTTER_OK && request->vector != VECTOR_NONE) {
        status = write_vector(request, address, &file, failure);
    } else if (status == OTTER_OK) {
        warn_of_overwrite_limit(request, &file);
        if (request->signature_output)
            status = write_signature(request, &file, failure);
        if (status == OTTER_OK)
            status = write_output(request, address, &file.image, request->pad, failure);
    }
    image_file_free(&file);
    bytes_free(&program);
    return status;
}

int command_sign(int argc, char **argv)
{
    struct sign_request request;
    struct failure failure;
    int got = sign_read_arguments(&request, argc, argv);
    int code = got == ARGUMENTS_HELP ? 0 : 2;

    if (got == ARGUMENTS_END)
        code = sign(&request, &failure) == OTTER_OK ? 0 : failure_print(&failure, "sign");
    sign_request_free(&request);
    return code;
}
