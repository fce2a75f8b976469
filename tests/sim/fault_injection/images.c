/* Makes the images: one with `otter sign`, the others from it. */
#include "tests/sim/fault_injection/images.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"
#include "image/image.h"

#define PROGRAM_BYTES  0x800u
#define STALE_OFFSET   0xa00u /* padding of the header, in the third block that is hashed */
#define PROGRAM_STACK  0x38008000u
#define BRANCH_TO_SELF 0xe7fe

const char *const image_kind_names[IMAGE_KINDS] = {
    [IMAGE_GOOD] = "good",         [IMAGE_WRONG_SIGNATURE] = "wrong-signature",
    [IMAGE_STRANGER] = "stranger", [IMAGE_IMPOSTOR] = "impostor",
    [IMAGE_PATCHED] = "patched",   [IMAGE_STALE] = "stale-block",
    [IMAGE_BORROWED] = "borrowed", [IMAGE_ECHO] = "echo",
    [IMAGE_UNSIGNED] = "unsigned", [IMAGE_TRUNCATED] = "truncated",
    [IMAGE_SHUT] = "shut",
};

static void put_le16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static int run(const char *format, const char *a, const char *b, const char *c, const char *d)
{
    char line[1200];
    snprintf(line, sizeof line, format, a, b, c, d);
    if (system(line) == 0)
        return 0;
    fprintf(stderr, "failed: %s\n", line);
    return -1;
}

/* Vectors, then branches to themselves: wherever the core enters it, there it stays. */
static int write_program(const char *folder, uint8_t mark)
{
    char path[300];
    uint8_t program[PROGRAM_BYTES];
    for (size_t i = 0; i < sizeof program; i += 2)
        put_le16(program + i, BRANCH_TO_SELF);
    put_le32(program, PROGRAM_STACK);
    put_le32(program + 4, IMAGE_ENTRY | 1);
    program[8] = mark;
    snprintf(path, sizeof path, "%s/program.bin", folder);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return -1;
    const bool written = fwrite(program, sizeof program, 1, file) == 1;
    return fclose(file) == 0 && written ? 0 : -1;
}

static int load(struct slot_image *image, const char *folder)
{
    char path[300];
    snprintf(path, sizeof path, "%s/image.bin", folder);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    image->length = fread(image->bytes, 1, sizeof image->bytes, file);
    fclose(file);
    return image->length > HEADER_BYTES ? 0 : -1;
}

static int sign(struct slot_image *image, const char *otter, const char *key, const char *folder,
                uint8_t mark)
{
    if (write_program(folder, mark) != 0 ||
        run("'%s' sign -k '%s' --align 4 -v 1.0.0 --header-size 4096 --pad-header -S 0x73000 "
            "'%s/program.bin' '%s/image.bin' >/dev/null",
            otter, key, folder, folder) != 0)
        return -1;
    return load(image, folder);
}

/* The data of a TLV of the unprotected area, which starts behind the program. */
static uint8_t *tlv(struct slot_image *image, uint16_t type, uint16_t *length)
{
    uint8_t *at = image->bytes + HEADER_BYTES + PROGRAM_BYTES + 4;
    while (at + 4 < image->bytes + image->length) {
        *length = get_le16(at + 2);
        if (get_le16(at) == type)
            return at + 4;
        at += 4 + *length;
    }
    fprintf(stderr, "a signed image lacks TLV 0x%x\n", type);
    exit(2);
}

/* Replaces the image's TLV by that of another image; both are made the same way. */
static void copy_tlv(struct slot_image *to, const struct slot_image *from, uint16_t type)
{
    struct slot_image source = *from;
    uint16_t length = 0;
    uint16_t length_from = 0;
    const uint8_t *data = tlv(&source, type, &length_from);
    uint8_t *at = tlv(to, type, &length);
    if (type == IMAGE_TLV_ECDSA_SIG) { /* the last one, and of any length */
        uint8_t *info = to->bytes + HEADER_BYTES + PROGRAM_BYTES;
        put_le16(at - 2, length_from);
        put_le16(info + 2, (uint16_t)(get_le16(info + 2) + length_from - length));
        to->length = (size_t)(at + length_from - to->bytes);
    }
    memcpy(at, data, length_from);
}

/* SEQUENCE { INTEGER x, INTEGER x } in place of the signature. */
static void echo_signature(struct slot_image *image, const uint8_t x[32])
{
    struct slot_image source = *image;
    uint16_t length = 0;
    uint8_t *at = tlv(&source, IMAGE_TLV_ECDSA_SIG, &length);
    const uint8_t zero = x[0] >> 7; /* a leading zero keeps the number positive */
    uint8_t *der = at;
    *der++ = 0x30;
    *der++ = (uint8_t)(2 * (2 + 32 + zero));
    for (unsigned i = 0; i < 2; i++) {
        *der++ = 0x02;
        *der++ = (uint8_t)(32 + zero);
        *der = 0;
        memcpy(der + zero, x, 32);
        der += 32 + zero;
    }
    put_le16(at - 2, (uint16_t)(der - at));
    source.length = (size_t)(der - source.bytes);
    copy_tlv(image, &source, IMAGE_TLV_ECDSA_SIG);
}

/* The TLV area ends before the signature, or in the middle of it. */
static void cut_signature(struct slot_image *image, bool whole)
{
    uint16_t length = 0;
    uint8_t *at = tlv(image, IMAGE_TLV_ECDSA_SIG, &length);
    uint8_t *info = image->bytes + HEADER_BYTES + PROGRAM_BYTES;
    const size_t end = (size_t)(at - info) + (whole ? (size_t)0 : 30u) - (whole ? 4u : 0u);
    put_le16(info + 2, (uint16_t)end);
    if (whole)
        image->length = (size_t)(info + end - image->bytes);
}

int images_make(struct slot_image images[IMAGE_KINDS], const char *otter, const char *key,
                const uint8_t key_x[32], const char *folder)
{
    static struct slot_image other;
    char stranger[300];
    snprintf(stranger, sizeof stranger, "%s/stranger.pem", folder);
    struct slot_image *good = &images[IMAGE_GOOD];
    if (run("'%s' keygen -t ecdsa-p256 -k '%s' >/dev/null%s%s", otter, stranger, "", "") != 0 ||
        sign(good, otter, key, folder, 1) != 0 || sign(&other, otter, key, folder, 2) != 0 ||
        sign(&images[IMAGE_STRANGER], otter, stranger, folder, 1) != 0)
        return -1;
    for (unsigned i = 1; i < IMAGE_KINDS; i++) {
        if (i != IMAGE_STRANGER)
            images[i] = *good;
    }
    images[IMAGE_WRONG_SIGNATURE].bytes[good->length - 1] ^= 1;
    images[IMAGE_IMPOSTOR] = images[IMAGE_STRANGER];
    copy_tlv(&images[IMAGE_IMPOSTOR], good, IMAGE_TLV_KEYHASH);
    images[IMAGE_PATCHED].bytes[HEADER_BYTES + PROGRAM_BYTES / 2] ^= 4;
    images[IMAGE_STALE].bytes[STALE_OFFSET] ^= 4;
    images[IMAGE_BORROWED] = other;
    copy_tlv(&images[IMAGE_BORROWED], good, IMAGE_TLV_ECDSA_SIG);
    echo_signature(&images[IMAGE_ECHO], key_x);
    cut_signature(&images[IMAGE_UNSIGNED], true);
    cut_signature(&images[IMAGE_TRUNCATED], false);
    return run("'%s' sign -k '%s' --align 4 -v 1.0.0 --header-size 4096 --pad-header -S 0x73000 "
               "--non-bootable '%s/program.bin' '%s/image.bin' >/dev/null",
               otter, key, folder, folder) == 0
               ? load(&images[IMAGE_SHUT], folder)
               : -1;
}
