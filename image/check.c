/* The checks of an image, in pieces while it is hashed, then over its TLVs; a verdict that no
 * single fault can make (each check adds its share). See check.h. */
#include "image/check.h"

#include <string.h>

/* What stands where the hash will be. Were its end skipped by a fault, this would be checked: not
 * the hash of an image before, nor zero, for which anyone can make a signature. */
#define POISON 0x5a

/* Each check that is passed adds its own share to the verdict; together they make IMAGE_ACCEPTED.
 */
#define SHARE_HASH      0x1f0b6a35u
#define SHARE_SIGNATURE 0x2c9d1876u
#define SHARE_COUNTER   (IMAGE_ACCEPTED - SHARE_HASH - SHARE_SIGNATURE)

otter_status image_check_init(struct image_check *check, const struct flash_area *area,
                              uint32_t limit, const struct image_policy *policy)
{
    check->policy = policy;
    check->cipher = NULL;
    check->hashed = 0;
    check->verdict = 0;
    memset(check->hash, POISON, sizeof check->hash);
    image_sha256_init(&check->sha);
    return image_open(&check->image, area, limit);
}

void image_check_set_cipher(struct image_check *check, const struct image_cipher *cipher)
{
    check->cipher = cipher;
}

/* What is hashed was read twice: a fault in one read must not have a block hashed that lies
 * elsewhere in the image in place of one that was tampered with. */
static otter_status hash_some(struct image_check *check, uint8_t *buffer, uint32_t size)
{
    const struct image_header *header = &check->image.header;
    const uint32_t payload_end = header->header_size + header->payload_size;
    const uint32_t at = check->hashed;
    const bool in_payload = at >= header->header_size && at < payload_end;
    const uint32_t end = in_payload                 ? payload_end
                         : at < header->header_size ? header->header_size
                                                    : check->image.hashed_end;
    const uint32_t length = end - at < size ? end - at : size;
    otter_status status = flash_read(check->image.area, at, buffer, length);
    if (status == OTTER_OK)
        status = flash_compare(check->image.area, at, buffer, length);
    if (status != OTTER_OK)
        return status;
    if (in_payload && check->cipher != NULL)
        check->cipher->decrypt(check->cipher, at - header->header_size, buffer, length);
    image_sha256_update(&check->sha, buffer, length);
    check->hashed = at + length;
    return OTTER_OK;
}

/* The key whose hash the TLV holds, or NULL. */
static const struct image_key *key_of_hash(const struct image_check *check,
                                           const uint8_t wanted[IMAGE_HASH_SIZE])
{
    const struct image_policy *policy = check->policy;
    for (unsigned i = 0; i < policy->key_count; i++) {
        const struct image_key *key = &policy->keys[i];
        struct image_sha256 sha;
        uint8_t hash[IMAGE_HASH_SIZE];
        if (key->retired_at != 0 && policy->security_counter >= key->retired_at)
            continue;
        image_sha256_init(&sha);
        image_sha256_update(&sha, key->der, key->der_length);
        image_sha256_finish(&sha, hash);
        if (memcmp(hash, wanted, sizeof hash) == 0)
            return key;
    }
    return NULL;
}

static otter_status verify_signature(const struct image_check *check, const struct image_tlv *tlv,
                                     const struct image_key *key, uint8_t *buffer)
{
    if (tlv->length == 0 || tlv->length > key->scheme->signature_max)
        return OTTER_E_SIGNATURE;
    const otter_status status = flash_read(check->image.area, tlv->offset, buffer, tlv->length);
    return status == OTTER_OK ? key->scheme->verify(key, check->hash, buffer, tlv->length) : status;
}

/* What may stand outside of the protected area: hashes, keys, signatures, wrapped keys. */
static bool may_be_unprotected(uint16_t type)
{
    return (type >= 0x01 && type <= 0x02) || (type >= 0x10 && type <= 0x12) ||
           (type >= 0x20 && type <= 0x25) || (type >= 0x30 && type <= 0x34);
}

/* What the walk over the TLVs has found so far. */
struct evidence {
    const struct image_key *key; /* of the last KEYHASH; NULL if it is not ours */
    otter_status hash;           /* OTTER_OK once a matching hash was seen */
    otter_status signature;
};

static otter_status check_tlv(struct image_check *check, const struct image_tlv *tlv,
                              struct evidence *evidence, uint8_t *buffer)
{
    otter_status status = OTTER_OK;
    if (!tlv->is_protected && !may_be_unprotected(tlv->type))
        return OTTER_E_MALFORMED;
    if (tlv->type == IMAGE_TLV_SHA256) {
        status = image_tlv_read(&check->image, tlv, buffer, IMAGE_HASH_SIZE);
        if (status == OTTER_OK && memcmp(buffer, check->hash, IMAGE_HASH_SIZE) != 0)
            status = OTTER_E_HASH;
        evidence->hash = status;
    } else if (tlv->type == IMAGE_TLV_KEYHASH) {
        status = image_tlv_read(&check->image, tlv, buffer, IMAGE_HASH_SIZE);
        evidence->key = status == OTTER_OK ? key_of_hash(check, buffer) : NULL;
    } else if (evidence->key != NULL && tlv->type == evidence->key->scheme->tlv &&
               evidence->hash == OTTER_OK && evidence->signature != OTTER_OK) {
        evidence->signature = verify_signature(check, tlv, evidence->key, buffer);
    }
    return status;
}

/* An image must not be older, in security terms, than what this device has seen. */
static otter_status check_counter(struct image_check *check)
{
    check->counter = 0;
    const int found = image_security_counter(&check->image, &check->counter);
    if (found < 0)
        return (otter_status)found;
    return check->counter >= check->policy->security_counter ? OTTER_OK : OTTER_E_VERSION;
}

static otter_status check_tlvs(struct image_check *check, uint8_t *buffer)
{
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    struct evidence evidence = {NULL, OTTER_E_HASH, OTTER_E_KEY};
    int found = 0;
    while ((found = image_tlv_next(&check->image, &walk, &tlv)) > 0) {
        const otter_status status = check_tlv(check, &tlv, &evidence, buffer);
        if (status != OTTER_OK)
            return status;
    }
    if (found < 0)
        return (otter_status)found;
    if (evidence.hash != OTTER_OK)
        return evidence.hash;
    check->verdict += SHARE_HASH;
    if (evidence.signature != OTTER_OK)
        return evidence.signature;
    check->verdict += SHARE_SIGNATURE;
    const otter_status status = check_counter(check);
    if (status == OTTER_OK)
        check->verdict += SHARE_COUNTER;
    return status;
}

otter_status image_check_step(struct image_check *check, uint8_t *buffer, uint32_t size)
{
    if (check->hashed < check->image.hashed_end) {
        const otter_status status = hash_some(check, buffer, size);
        return status == OTTER_OK ? OTTER_E_AGAIN : status;
    }
    image_sha256_finish(&check->sha, check->hash);
    check->verdict = 0;
    return check_tlvs(check, buffer);
}

otter_status image_check_again(struct image_check *check, uint8_t *buffer)
{
    struct image_header header;
    const otter_status status = image_header_read(check->image.area, &header);
    if (status != OTTER_OK)
        return status;
    if (memcmp(&header, &check->image.header, sizeof header) != 0)
        return OTTER_E_FLASH;
    return check_tlvs(check, buffer);
}
