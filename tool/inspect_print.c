/* What an inspection found, as a table for people. */
#include "tool/inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tool/compression.h"
#include "tool/tlv.h"
#include "tool/values.h"

const char *swap_type_name(enum swap_type type)
{
    switch (type) {
    case SWAP_TEST:
        return "test: swapped, and swapped back at the next boot unless it confirms itself";
    case SWAP_PERM:
        return "permanent: swapped for good";
    case SWAP_REVERT:
        return "revert: the image before comes back, since this one never confirmed itself";
    default:
        return "none: the primary image is started";
    }
}

static void print_flags(uint32_t flags)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {
        {IMAGE_FLAG_ENCRYPTED_AES128, "encrypted (AES-128)"},
        {IMAGE_FLAG_ENCRYPTED_AES256, "encrypted (AES-256)"},
        {IMAGE_FLAG_NON_BOOTABLE, "not bootable"},
        {IMAGE_FLAG_RAM_LOAD, "runs from RAM"},
        {IMAGE_FLAG_ROM_FIXED, "fixed flash address"},
        {IMAGE_FLAG_LZMA1, "compressed (LZMA1)"},
        {IMAGE_FLAG_LZMA2, "compressed (LZMA2)"},
        {IMAGE_FLAG_ARM_THUMB, "ARM Thumb filter"},
    };
    const char *separator = "";

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (flags & names[i].flag) {
            printf("%s%s", separator, names[i].name);
            separator = ", ";
        }
        flags &= ~names[i].flag;
    }
    if (flags)
        printf("%sunknown 0x%" PRIx32, separator, flags);
    else if (!*separator)
        printf("none");
    printf("\n");
}

static void print_header(const struct image_header *header, const char *indent)
{
    char version[VALUE_VERSION_TEXT_SIZE];

    value_version_text(&header->version, version);
    printf("%sVersion       %s\n", indent, version);
    printf("%sHeader        0x%x bytes with padding\n", indent, header->header_size);
    printf("%sPayload       0x%" PRIx32 " (%" PRIu32 ") bytes\n", indent, header->payload_size,
           header->payload_size);
    printf("%sFlags         ", indent);
    print_flags(header->flags);
    if (header->flags & (IMAGE_FLAG_RAM_LOAD | IMAGE_FLAG_ROM_FIXED))
        printf("%sAddress       0x%08" PRIx32 "\n", indent, header->load_address);
}

static void print_value(const struct image_view *view, const struct image_tlv *tlv)
{
    const uint8_t *data = image_view_tlv(view, tlv);
    struct image_dependency dependency;
    char version[VALUE_VERSION_TEXT_SIZE];
    uint32_t counter;

    if (tlv->type == IMAGE_TLV_DEPENDENCY &&
        image_dependency_read(&view->image, tlv, &dependency) == OTTER_OK) {
        value_version_text(&dependency.version, version);
        printf("image %u must be %s or newer\n", dependency.image, version);
        return;
    }
    if (tlv->type == IMAGE_TLV_SECURITY_COUNTER &&
        image_security_counter(&view->image, &counter) == 1) {
        printf("%" PRIu32 "\n", counter);
        return;
    }
    for (size_t i = 0; i < tlv->length && i < 32; i++)
        printf("%02x", data[i]);
    printf("%s\n", tlv->length > 32 ? "..." : "");
}

static void print_tlvs(const struct image_view *view, const char *indent)
{
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    int more;

    printf("%sTLVs          offset    type    name          length  value\n", indent);
    while ((more = image_tlv_next(&view->image, &walk, &tlv)) > 0) {
        const char *name = tlv_name(tlv.type);
        printf("%s  %-10s  0x%06" PRIx32 "  0x%04x  %-12s  %6u  ", indent,
               tlv.is_protected ? "protected" : "", tlv.offset, tlv.type, name ? name : "custom",
               tlv.length);
        print_value(view, &tlv);
    }
    if (more < 0)
        printf("%s  then one that runs over the end of its area\n", indent);
}

static void print_results(const struct inspection *inspection, const char *indent)
{
    static const char *const words[] = {"good", "BAD", "not checked"};
    const struct image_verdict *verdict = &inspection->verdict;

    printf("%sHash          %s", indent, words[inspection->hash]);
    if (inspection->hash == CHECKED_GOOD) {
        printf(": %s ", hash_name(verdict->hash_type));
        for (size_t i = 0; i < hash_size(verdict->hash_type); i++)
            printf("%02x", verdict->hash[i]);
    } else {
        printf(": %s", inspection->failure.text);
    }
    printf("\n%sSignature     %s", indent, words[inspection->signature]);
    if (inspection->signature == CHECKED_GOOD)
        printf(": made with the %s key given\n", key_type_name(inspection->key->type));
    else if (inspection->signature == CHECKED_BAD)
        printf(": %s\n", inspection->failure.text);
    else
        printf("%s\n", inspection->key ? ", since the hash is not good" : "; give a key with -k");
}

static const char *mark_text(enum trailer_mark mark, const char *set)
{
    return mark == TRAILER_SET ? set : mark == TRAILER_UNSET ? "not set" : "BAD";
}

void trailer_print(const struct trailer *trailer, const char *indent)
{
    printf("%sTrailer       magic %s, image_ok %s, copy_done %s", indent,
           mark_text(trailer->magic, "good"), mark_text(trailer->image_ok, "set"),
           mark_text(trailer->copy_done, "set"));
    if (trailer->swap_type != SWAP_NONE)
        printf(", swap type %s of image %u", swap_type_word(trailer->swap_type),
               trailer->image_number);
    if (trailer->swap_size != UINT32_MAX)
        printf(", swap size 0x%" PRIx32, trailer->swap_size);
    printf("\n");
}

static void print_range(const char *indent, uint32_t start, uint32_t end, const char *what)
{
    if (start < end)
        printf("%s  0x%06" PRIx32 "-0x%06" PRIx32 "  %8" PRIu32 "  %s\n", indent, start, end - 1,
               end - start, what);
}

static void print_layout(const struct inspection *inspection, const char *indent)
{
    const struct image *image = &inspection->view.image;
    uint32_t payload_end = image->header.header_size + image->header.payload_size;
    uint32_t size = inspection->slot_size;
    uint32_t align = inspection->max_align ? inspection->max_align : 8;
    uint32_t fields = size > trailer_info_size(align) ? size - trailer_info_size(align) : 0;

    printf("%s%-14soffsets              bytes\n", indent, size ? "In the slot" : "In the file");
    print_range(indent, 0, image->header.header_size, "header");
    print_range(indent, image->header.header_size, payload_end, "payload");
    print_range(indent, payload_end, image->hashed_end, "protected TLVs");
    print_range(indent, image->hashed_end, image->end, "TLVs");
    if (size == 0) {
        print_range(indent, image->end, inspection->size, "more, not part of the image");
    } else if (image->end <= fields) {
        print_range(indent, image->end, fields, "free, and swap status");
        print_range(indent, fields, size, "trailer fields");
    } else {
        printf("%s  the image leaves no room for the trailer of a slot of 0x%" PRIx32 " bytes\n",
               indent, size);
    }
}

void inspection_print(const struct inspection *inspection, const char *indent)
{
    if (inspection->has_image) {
        print_header(&inspection->view.image.header, indent);
        print_tlvs(&inspection->view, indent);
        print_results(inspection, indent);
    } else {
        printf("%sNo image      %s\n", indent, inspection->failure.text);
    }
    if (inspection->has_trailer)
        trailer_print(&inspection->trailer, indent);
    if (inspection->has_image)
        print_layout(inspection, indent);
}
