/* The parts of a dump, and its form as text. */
#include "tool/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "image/bytes.h"
#include "image/trailer.h"
#include "tool/compression.h"
#include "tool/tlv.h"

#define LINE_LENGTH 60
#define INDENT      (LINE_LENGTH / 8)

/* --- parts ----------------------------------------------------------------------------------- */

otter_status dump_check(const struct dump *dump, struct failure *failure)
{
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    int more;

    while ((more = image_tlv_next(&dump->view.image, &walk, &tlv)) > 0)
        ;
    return more == 0 ? OTTER_OK
                     : failed(failure, OTTER_E_MALFORMED, "a TLV runs over the end of its area");
}

void dump_find_trailer(struct dump *dump, const uint8_t *data, size_t size)
{
    uint8_t magic[TRAILER_MAGIC_SIZE];

    if (size == dump->view.image.end || size < TRAILER_MAGIC_SIZE)
        return;
    dump->trailer = data + size - TRAILER_MAGIC_SIZE;
    for (uint32_t align = 8; align <= 32; align *= 2) {
        trailer_magic_bytes(align, magic);
        if (memcmp(dump->trailer, magic, sizeof magic) == 0 && trailer_info_size(align) <= size)
            dump->max_align = align;
    }
}

/* Fields are counted from the end of the slot. */
static const uint8_t *field_of(const struct dump *dump, uint32_t field)
{
    uint32_t info = trailer_info_size(dump->max_align);
    uint32_t offset = trailer_field_offset(info, dump->max_align, field);

    return dump->trailer + TRAILER_MAGIC_SIZE - (info - offset);
}

uint8_t dump_flag(const struct dump *dump, uint32_t field)
{
    return *field_of(dump, field);
}

uint32_t dump_swap_size(const struct dump *dump)
{
    return get_le32(field_of(dump, TRAILER_SWAP_SIZE));
}

uint32_t dump_key_field_size(const struct dump *dump)
{
    const uint32_t encrypted = IMAGE_FLAG_ENCRYPTED_AES128 | IMAGE_FLAG_ENCRYPTED_AES256;

    if (dump->max_align == 0 || !(dump->view.image.header.flags & encrypted))
        return 0;
    return 2 * round_up(16, dump->max_align);
}

/* --- text ------------------------------------------------------------------------------------ */

static void repeat(struct bytes *text, char character, size_t count)
{
    bytes_fill(text, (uint8_t)character, count);
}

static void row(struct bytes *text, const char *title)
{
    size_t used = strlen(title) + 6;

    bytes_text(text, "#### %s ", title);
    repeat(text, '#', used < LINE_LENGTH ? LINE_LENGTH - used : 0);
    bytes_text(text, "\n");
}

static void end_row(struct bytes *text)
{
    repeat(text, '#', LINE_LENGTH);
    bytes_text(text, "\n");
}

static void item(struct bytes *text, const char *name, const char *value)
{
    bytes_text(text, "%s:", name);
    repeat(text, ' ', 19 - strlen(name));
    bytes_text(text, "%s\n", value);
}

static void number_item(struct bytes *text, const char *name, uint32_t number)
{
    char value[16];

    snprintf(value, sizeof value, "0x%" PRIx32, number);
    item(text, name, value);
}

static void flags_item(struct bytes *text, uint32_t flags)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {
        {0x1, "PIC"},
        {IMAGE_FLAG_ENCRYPTED_AES128, "ENCRYPTED_AES128"},
        {IMAGE_FLAG_ENCRYPTED_AES256, "ENCRYPTED_AES256"},
        {IMAGE_FLAG_NON_BOOTABLE, "NON_BOOTABLE"},
        {IMAGE_FLAG_RAM_LOAD, "RAM_LOAD"},
        {IMAGE_FLAG_ROM_FIXED, "ROM_FIXED"},
        {IMAGE_FLAG_LZMA1, "COMPRESSED_LZMA1"},
        {IMAGE_FLAG_LZMA2, "COMPRESSED_LZMA2"},
        {IMAGE_FLAG_ARM_THUMB, "COMPRESSED_ARM_THUMB"},
    };
    char value[512] = "";
    size_t used = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(flags & names[i].flag))
            continue;
        if (used > 0) /* under the first */
            used += (size_t)snprintf(value + used, sizeof value - used, "\n%20s", "");
        used += (size_t)snprintf(value + used, sizeof value - used, "%s (0x%" PRIx32 ")",
                                 names[i].name, names[i].flag);
    }
    item(text, "flags", flags ? value : "0x0");
}

static void header_text(const struct image_header *header, struct bytes *text)
{
    char version[IMAGE_VERSION_TEXT_SIZE];

    snprintf(version, sizeof version, "%u.%u.%u+%" PRIu32, header->version.major,
             header->version.minor, header->version.revision, header->version.build);
    row(text, "Image header (offset: 0x0)");
    number_item(text, "magic", IMAGE_MAGIC);
    number_item(text, "load_addr", header->load_address);
    number_item(text, "hdr_size", header->header_size);
    number_item(text, "protected_tlv_size", header->protected_size);
    number_item(text, "img_size", header->payload_size);
    flags_item(text, header->flags);
    item(text, "version", version);
    end_row(text);
}

static void payload_text(const struct image_header *header, struct bytes *text)
{
    char line[64];
    size_t before;

    snprintf(line, sizeof line, "Payload (offset: 0x%x)", header->header_size);
    row(text, line);
    snprintf(line, sizeof line, "FW image (size: 0x%" PRIx32 " Bytes)", header->payload_size);
    before = (LINE_LENGTH - strlen(line)) / 2;
    bytes_text(text, "|%*s|\n|%*s%s%*s|\n|%*s|\n", LINE_LENGTH - 2, "", (int)before - 1, "", line,
               (int)(LINE_LENGTH - before - strlen(line) - 1), "", LINE_LENGTH - 2, "");
    end_row(text);
}

static void tlv_text(const struct dump *dump, const struct image_tlv *tlv, struct bytes *text)
{
    const uint8_t *data = image_view_tlv(&dump->view, tlv);
    const char *name = tlv_name(tlv->type);

    repeat(text, ' ', INDENT + 1);
    repeat(text, '-', 45);
    bytes_text(text, "\n%*s type: %s (0x%x)\n", INDENT, "", name ? name : "UNKNOWN", tlv->type);
    bytes_text(text, "%*s len:  0x%x\n%*s data: ", INDENT, "", tlv->length, INDENT, "");
    for (uint32_t i = 0; i < tlv->length; i++) {
        bytes_text(text, "0x%02x ", data[i]);
        if ((i + 1) % 8 == 0 && i + 1 != tlv->length)
            bytes_text(text, "\n%*s", INDENT + 7, "");
    }
    bytes_text(text, "\n");
}

static void area_text(const struct dump *dump, bool is_protected, uint32_t offset, uint32_t size,
                      struct bytes *text)
{
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    char title[64];

    snprintf(title, sizeof title, "%s (offset: 0x%" PRIx32 ")",
             is_protected ? "Protected TLV area" : "TLV area", offset);
    row(text, title);
    bytes_text(text, "magic:     0x%x\narea size: 0x%" PRIx32 "\n",
               is_protected ? TLV_PROTECTED_INFO_MAGIC : TLV_INFO_MAGIC, size);
    while (image_tlv_next(&dump->view.image, &walk, &tlv) > 0)
        if (tlv.is_protected == is_protected)
            tlv_text(dump, &tlv, text);
    end_row(text);
}

static void status_text(struct bytes *text, const char *name, uint8_t value)
{
    static const char *const words[] = {"INVALID", "SET", "BAD", "UNSET", "ANY"};

    bytes_text(text, "%-12s %s (0x%x)\n", name, words[value <= 4 ? value : 0], value);
}

static void trailer_text(const struct dump *dump, struct bytes *text)
{
    uint32_t keys = dump_key_field_size(dump);

    row(text, "Image trailer (offset: unknown)");
    bytes_text(text, "(Note: some fields may not be used, depending on the update \n"
                     "strategy)\n\nswap status: (len: unknown)\n");
    if (keys > 0)
        bytes_text(text, "enc. keys:   (len: 0x%" PRIx32 ", if BOOT_SWAP_SAVE_ENCTLV is unset)\n",
                   keys);
    else
        bytes_text(text, "enc. keys:   Image not encrypted\n");
    if (dump->max_align > 0) {
        uint32_t size = dump_swap_size(dump);
        if (size == UINT32_MAX)
            bytes_text(text, "swap size:   unknown\n");
        else
            bytes_text(text, "swap size:   0x%" PRIx32 " octal: %" PRIu32 "\n", size, size);
        status_text(text, "swap_info:", dump_flag(dump, TRAILER_SWAP_INFO));
        status_text(text, "copy_done:", dump_flag(dump, TRAILER_COPY_DONE));
        status_text(text, "image_ok:", dump_flag(dump, TRAILER_IMAGE_OK));
    }
    bytes_text(text, "boot magic:  ");
    for (size_t i = 0; i < TRAILER_MAGIC_SIZE; i++)
        bytes_text(text, "0x%02x %s", dump->trailer[i],
                   i + 1 == TRAILER_MAGIC_SIZE / 2 ? "\n             " : "");
    bytes_text(text, "\n\n");
}

void dump_human(const struct dump *dump, struct bytes *text)
{
    const struct image *image = &dump->view.image;
    const struct image_header *header = &image->header;
    uint32_t payload_end = header->header_size + header->payload_size;

    bytes_text(text, "Printing content of signed image: %.400s \n\n", dump->name);
    header_text(header, text);
    payload_text(header, text);
    if (header->protected_size > 0)
        area_text(dump, true, payload_end, header->protected_size, text);
    area_text(dump, false, image->hashed_end, image->end - image->hashed_end, text);
    if (dump->trailer)
        trailer_text(dump, text);
    row(text, "End of Image ");
}
