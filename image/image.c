/* Reads header and TLV areas of an image on flash; nothing in them is believed before it is
 * checked. */
#include "image/image.h"

#include <string.h>

#include "image/bytes.h"

#define TLV_INFO_SIZE       4u
#define TLV_ENTRY_SIZE      4u
#define TLV_MAGIC           0x6907u
#define TLV_MAGIC_PROTECTED 0x6908u

static void version_read(const uint8_t raw[8], struct image_version *version)
{
    version->major = raw[0];
    version->minor = raw[1];
    version->revision = get_le16(raw + 2);
    version->build = get_le32(raw + 4);
}

otter_status image_header_parse(const uint8_t raw[IMAGE_HEADER_SIZE], struct image_header *header)
{
    if (get_le32(raw) != IMAGE_MAGIC)
        return OTTER_E_NOT_FOUND;
    header->load_address = get_le32(raw + 4);
    header->header_size = get_le16(raw + 8);
    header->protected_size = get_le16(raw + 10);
    header->payload_size = get_le32(raw + 12);
    header->flags = get_le32(raw + 16);
    version_read(raw + 20, &header->version);
    const uint32_t others = (uint32_t)header->header_size + header->protected_size;
    if (header->header_size < IMAGE_HEADER_SIZE || header->payload_size > UINT32_MAX - others)
        return OTTER_E_MALFORMED;
    const uint32_t both = IMAGE_FLAG_ENCRYPTED_AES128 | IMAGE_FLAG_ENCRYPTED_AES256;
    if ((header->flags & IMAGE_FLAG_COMPRESSED) != 0 || (header->flags & both) == both)
        return OTTER_E_UNSUPPORTED;
    return OTTER_OK;
}

otter_status image_header_read(const struct flash_area *area, struct image_header *header)
{
    uint8_t raw[IMAGE_HEADER_SIZE];
    const otter_status status = flash_read(area, 0, raw, sizeof raw);
    return status != OTTER_OK ? status : image_header_parse(raw, header);
}

/* The info header of a TLV area at `offset`: its magic and its size. */
static otter_status tlv_info_read(const struct flash_area *area, uint32_t offset, uint16_t *magic,
                                  uint16_t *total)
{
    uint8_t raw[TLV_INFO_SIZE];
    const otter_status status = flash_read(area, offset, raw, sizeof raw);
    if (status != OTTER_OK)
        return status;
    *magic = get_le16(raw);
    *total = get_le16(raw + 2);
    return OTTER_OK;
}

/* Finds the TLV areas behind the payload; `payload_end` is within the limit. */
static otter_status tlv_areas_read(struct image *image, uint32_t payload_end, uint32_t limit)
{
    const uint16_t protected_size = image->header.protected_size;
    uint16_t magic = 0;
    uint16_t total = 0;
    otter_status status = tlv_info_read(image->area, payload_end, &magic, &total);
    if (status == OTTER_OK && protected_size != 0) {
        if (magic != TLV_MAGIC_PROTECTED || total != protected_size)
            return OTTER_E_MALFORMED;
        status = tlv_info_read(image->area, image->hashed_end, &magic, &total);
    }
    if (status != OTTER_OK)
        return status;
    if (magic != TLV_MAGIC || total < TLV_INFO_SIZE)
        return OTTER_E_MALFORMED;
    if (total > limit - image->hashed_end)
        return OTTER_E_BOUNDS;
    image->end = image->hashed_end + total;
    return OTTER_OK;
}

otter_status image_open(struct image *image, const struct flash_area *area, uint32_t limit)
{
    image->area = area;
    const otter_status status = image_header_read(area, &image->header);
    if (status != OTTER_OK)
        return status;
    const uint32_t payload_end = image->header.header_size + image->header.payload_size;
    image->hashed_end = payload_end + image->header.protected_size;
    if (limit > area->size || image->hashed_end > limit)
        return OTTER_E_BOUNDS;
    return tlv_areas_read(image, payload_end, limit);
}

int image_tlv_next(const struct image *image, struct image_tlv_walk *walk, struct image_tlv *tlv)
{
    uint32_t offset = walk->next;
    if (offset == 0) {
        offset = image->hashed_end - image->header.protected_size;
        if (image->header.protected_size != 0)
            offset += TLV_INFO_SIZE;
    }
    if (offset == image->hashed_end)
        offset += TLV_INFO_SIZE;
    if (offset == image->end)
        return 0;
    tlv->is_protected = offset < image->hashed_end;
    const uint32_t left = (tlv->is_protected ? image->hashed_end : image->end) - offset;
    if (left < TLV_ENTRY_SIZE)
        return OTTER_E_MALFORMED;
    const otter_status status = tlv_info_read(image->area, offset, &tlv->type, &tlv->length);
    if (status != OTTER_OK)
        return status;
    if (tlv->length > left - TLV_ENTRY_SIZE)
        return OTTER_E_MALFORMED;
    tlv->offset = offset + TLV_ENTRY_SIZE;
    walk->next = tlv->offset + tlv->length;
    return 1;
}

int image_tlv_find(const struct image *image, uint16_t type, struct image_tlv *tlv)
{
    struct image_tlv_walk walk = {0};
    int found = 0;
    do
        found = image_tlv_next(image, &walk, tlv);
    while (found > 0 && tlv->type != type);
    return found;
}

otter_status image_tlv_read(const struct image *image, const struct image_tlv *tlv, void *data,
                            uint16_t size)
{
    if (tlv->length != size)
        return OTTER_E_MALFORMED;
    return flash_read(image->area, tlv->offset, data, size);
}

otter_status image_dependency_read(const struct image *image, const struct image_tlv *tlv,
                                   struct image_dependency *dependency)
{
    uint8_t raw[12];
    const otter_status status = image_tlv_read(image, tlv, raw, sizeof raw);
    if (status != OTTER_OK)
        return status;
    dependency->image = raw[0];
    version_read(raw + 4, &dependency->version);
    return OTTER_OK;
}

int image_security_counter(const struct image *image, uint32_t *counter)
{
    struct image_tlv tlv;
    uint8_t raw[4];
    const int found = image_tlv_find(image, IMAGE_TLV_SECURITY_COUNTER, &tlv);
    if (found <= 0)
        return found;
    if (!tlv.is_protected)
        return OTTER_E_MALFORMED;
    const otter_status status = image_tlv_read(image, &tlv, raw, sizeof raw);
    if (status != OTTER_OK)
        return status;
    *counter = get_le32(raw);
    return 1;
}

#define CLASS_SIZE 16u

static bool read_class(const struct image *image, uint8_t class[CLASS_SIZE])
{
    struct image_tlv tlv;
    return image_tlv_find(image, IMAGE_TLV_UUID_CID, &tlv) == 1 && tlv.is_protected &&
           image_tlv_read(image, &tlv, class, CLASS_SIZE) == OTTER_OK;
}

bool image_follows_class(const struct image *running, const struct image *next)
{
    uint8_t ours[CLASS_SIZE], theirs[CLASS_SIZE];
    if (!read_class(running, ours))
        return true;
    return read_class(next, theirs) && memcmp(ours, theirs, sizeof ours) == 0;
}
