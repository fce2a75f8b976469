/* Makes and checks compressed images. */
#include "tool/image_compressed.h"

#include <string.h>

#include "image/bytes.h"
#include "tool/tlv.h"

/* --- making ---------------------------------------------------------------------------------- */

static void append_number(struct bytes *entries, uint16_t type, size_t number)
{
    struct bytes value = {.big_endian = entries->big_endian};

    bytes_u32(&value, (uint32_t)number);
    tlv_append(entries, type, value.data, value.size);
    bytes_free(&value);
}

static void describe_plain(const struct image_spec *spec, const struct image_file *plain,
                           size_t plain_size, size_t payload_size, struct bytes *entries)
{
    entries->big_endian = spec->big_endian;
    append_number(entries, TLV_DECOMP_SIZE, plain_size);
    tlv_append(entries, TLV_DECOMP_SHA, plain->hash, hash_size(spec->hash));
    if (spec->key)
        tlv_append(entries, TLV_DECOMP_SIGNATURE, plain->signature.data, plain->signature.size);
    if (spec->encrypt_for)
        append_number(entries, TLV_COMP_DEC_SIZE, payload_size);
}

static otter_status build_packed(const struct image_spec *spec, enum compression compression,
                                 const struct bytes *packed, const struct bytes *entries,
                                 struct image_file *file, struct failure *failure)
{
    struct image_spec packed_spec = *spec;
    struct bytes body = {0};
    otter_status status;

    packed_spec.flags |= IMAGE_FLAG_LZMA2;
    if (compression == COMPRESSION_LZMA2_ARM_THUMB)
        packed_spec.flags |= IMAGE_FLAG_ARM_THUMB;
    packed_spec.decompression_tlvs = entries;
    if (!spec->pad_header)
        bytes_fill(&body, 0, spec->header_size);
    bytes_append(&body, packed->data, packed->size);
    status = image_file_build(&packed_spec, body.data, body.size, file, failure);
    bytes_free(&body);
    return status;
}

otter_status image_compressed_build(const struct image_spec *spec, enum compression compression,
                                    const uint8_t *program, size_t size, struct image_file *file,
                                    struct compression_report *report, struct failure *failure)
{
    size_t room = spec->pad_header ? 0 : spec->header_size; /* that the program has for a header */
    struct image_spec plain_spec = *spec;
    struct image_file plain = {0};
    struct bytes packed = {0}, entries = {0};
    otter_status status;

    plain_spec.only_mark_encrypted = true;
    status = image_file_build(&plain_spec, program, size, &plain, failure);
    if (status == OTTER_OK)
        status = lzma2_compress(compression == COMPRESSION_LZMA2_ARM_THUMB, program + room,
                                size - room, &packed, failure);
    if (status == OTTER_OK) {
        report->plain_size = size - room;
        report->packed_size = packed.size - COMPRESSION_HEADER_SIZE;
        report->kept =
            report->packed_size + sizeof(uint32_t) + hash_size(spec->hash) + plain.signature.size <
            report->plain_size;
        describe_plain(spec, &plain, report->plain_size, packed.size, &entries);
        status = report->kept ? build_packed(spec, compression, &packed, &entries, file, failure)
                              : image_file_build(spec, program, size, file, failure);
    }
    image_file_free(&plain);
    bytes_free(&packed);
    bytes_free(&entries);
    return status;
}

/* --- checking -------------------------------------------------------------------------------- */

/* What the TLVs say. */
struct description {
    uint32_t plain_size;
    uint32_t payload_size; /* 0: not said */
    const uint8_t *hash;
    const uint8_t *signature;
    size_t signature_size;
};

static bool take_tlv(const struct image_view *view, const struct image_tlv *tlv, size_t hash_length,
                     struct description *description)
{
    const uint8_t *data = image_view_tlv(view, tlv);

    switch (tlv->type) {
    case TLV_DECOMP_SIZE:
        description->plain_size = tlv->length == 4 ? get_le32(data) : 0;
        return tlv->length == 4;
    case TLV_COMP_DEC_SIZE:
        description->payload_size = tlv->length == 4 ? get_le32(data) : 0;
        return tlv->length == 4;
    case TLV_DECOMP_SHA:
        description->hash = data;
        return tlv->length == hash_length;
    case TLV_DECOMP_SIGNATURE:
        description->signature = data;
        description->signature_size = tlv->length;
        return true;
    default:
        return true;
    }
}

static bool is_description(uint16_t type)
{
    return type >= TLV_DECOMP_SIZE && type <= TLV_COMP_DEC_SIZE;
}

/* The protected TLVs that describe are left out of `others`, which has no area's head yet. */
static otter_status read_description(const struct image_view *view, size_t hash_length,
                                     struct description *description, struct bytes *others,
                                     struct failure *failure)
{
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;

    while (image_tlv_next(&view->image, &walk, &tlv) > 0) {
        if (!tlv.is_protected)
            continue;
        if (!take_tlv(view, &tlv, hash_length, description))
            return failed(failure, OTTER_E_MALFORMED, "the %s TLV has a wrong length (%u bytes)",
                          tlv_name(tlv.type), tlv.length);
        if (!is_description(tlv.type))
            tlv_append(others, tlv.type, image_view_tlv(view, &tlv), tlv.length);
    }
    if (description->hash && description->plain_size > 0)
        return OTTER_OK;
    return failed(failure, OTTER_E_MALFORMED,
                  "the image is compressed, but has no TLVs with size and hash of the program");
}

/* The image as it was before compression: with the sizes and flags of its own. */
static void rebuild_plain(const struct image_view *view, const struct image_verdict *verdict,
                          const struct bytes *others, struct bytes *plain)
{
    const struct image_header *header = &view->image.header;
    size_t area_size = others->size ? TLV_INFO_SIZE + others->size : 0;

    bytes_append(plain, verdict->plain.data, header->header_size);
    plain->data[10] = (uint8_t)area_size;
    plain->data[11] = (uint8_t)(area_size >> 8);
    put_le32(plain->data + 12, (uint32_t)verdict->program.size);
    put_le32(plain->data + 16, header->flags & ~(uint32_t)IMAGE_FLAG_COMPRESSED);
    bytes_append(plain, verdict->program.data, verdict->program.size);
    if (area_size == 0)
        return;
    bytes_u16(plain, TLV_PROTECTED_INFO_MAGIC);
    bytes_u16(plain, (uint16_t)area_size);
    bytes_append(plain, others->data, others->size);
}

static otter_status check_plain(const struct image_view *view, const struct key *key,
                                const struct description *description, const struct bytes *others,
                                const struct image_verdict *verdict, struct failure *failure)
{
    size_t size = hash_size(verdict->hash_type);
    uint8_t hash[HASH_SIZE_MAX];
    struct bytes plain = {0};
    otter_status status;

    rebuild_plain(view, verdict, others, &plain);
    status = hash_bytes(verdict->hash_type, plain.data, plain.size, hash, failure);
    if (status == OTTER_OK && memcmp(hash, description->hash, size) != 0)
        status = failed(failure, OTTER_E_HASH,
                        "the program that it unpacks to has another hash than its TLV says");
    if (status == OTTER_OK && key &&
        (!description->signature ||
         signature_verify(key, verdict->pure ? plain.data : hash, verdict->pure ? plain.size : size,
                          description->signature, description->signature_size) != OTTER_OK))
        status = failed(failure, OTTER_E_SIGNATURE,
                        "the signature of the program that it unpacks to is wrong or missing");
    bytes_free(&plain);
    return status;
}

static otter_status unpack(const struct image_view *view, const struct description *description,
                           struct image_verdict *verdict, struct failure *failure)
{
    const struct image_header *header = &view->image.header;
    size_t said = description->payload_size ? description->payload_size : header->payload_size;
    size_t used = 0;
    otter_status status;

    if (!(header->flags & IMAGE_FLAG_LZMA2) || (header->flags & IMAGE_FLAG_LZMA1))
        return failed(failure, OTTER_E_UNSUPPORTED,
                      "of compressed images only LZMA2 is known here");
    status = lzma2_decompress(header->flags & IMAGE_FLAG_ARM_THUMB,
                              verdict->plain.data + header->header_size, header->payload_size,
                              description->plain_size, &verdict->program, &used, failure);
    if (status == OTTER_OK && used != said)
        status = failed(failure, OTTER_E_MALFORMED,
                        "the compressed payload ends after %zu bytes, not %zu", used, said);
    return status;
}

otter_status image_compressed_check(const struct image_view *view, const struct key *key,
                                    struct image_verdict *verdict, struct failure *failure)
{
    struct description description = {0};
    struct bytes others = {0};
    otter_status status =
        read_description(view, hash_size(verdict->hash_type), &description, &others, failure);

    if (status == OTTER_OK)
        status = unpack(view, &description, verdict, failure);
    if (status == OTTER_OK)
        status = check_plain(view, key, &description, &others, verdict, failure);
    bytes_free(&others);
    return status;
}
