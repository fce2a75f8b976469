/* Makes images and puts them into slots, with what a fault wants of them. */
#include "tests/sim/boot/sim_image.h"

#include <string.h>

#include "image/bytes.h"
#include "image/encrypted.h"

#define HEADER_SIZE  32u
#define TLV_SIZE     (4u + 36u + 36u + 4u + 70u)
#define ENC_TLV_SIZE (4u + 113u)

static const uint8_t spki[91] = {[26] = 0x04, [27] = SIM_KEY};
const struct image_key image_keys[] = {{spki, sizeof spki, 0, &image_ecdsa_p256}};
const unsigned image_key_count = 1;
const struct image_policy sim_policy = {image_keys, 1, 0};

static void put_le16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static uint8_t *put_tlv(uint8_t *at, uint32_t type, const uint8_t *data, uint32_t length)
{
    put_le16(at, type);
    put_le16(at + 2, length);
    memcpy(at + 4, data, length);
    return at + 4 + length;
}

static void hash_of(const void *data, size_t length, uint8_t hash[32])
{
    struct image_sha256 sha;
    image_sha256_init(&sha);
    image_sha256_update(&sha, data, length);
    image_sha256_finish(&sha, hash);
}

static void sign_der(const uint8_t hash[32], uint8_t key, uint8_t der[70])
{
    uint8_t signature[64];
    sim_sign(hash, key, signature);
    const uint8_t head[4] = {0x30, 68, 0x02, 32};
    memcpy(der, head, 4);
    memcpy(der + 4, signature, 32);
    memcpy(der + 36, head + 2, 2);
    memcpy(der + 38, signature + 32, 32);
}

static void fill_payload(uint8_t *payload, uint32_t size, uint8_t number)
{
    for (uint32_t i = 0; i < size; i++)
        payload[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + number * 37);
    if (number % 2 == 1) /* a stretch that reads as erased flash */
        memset(payload + size / 2, 0xff, size / 3);
}

static uint32_t protected_size(const struct sim_image_options *options)
{
    const uint32_t entries = (options->counter != 0 ? 8u : 0) +
                             (options->needs_version != 0 ? 16u : 0) +
                             (options->device_class != 0 ? 20u : 0);
    return entries != 0 ? entries + 4 : 0;
}

static uint8_t *put_protected(uint8_t *at, const struct sim_image_options *options)
{
    if (protected_size(options) == 0)
        return at;
    put_le16(at, 0x6908);
    put_le16(at + 2, protected_size(options));
    at += 4;
    if (options->counter != 0) {
        uint8_t counter[4];
        put_le32(counter, options->counter);
        at = put_tlv(at, IMAGE_TLV_SECURITY_COUNTER, counter, sizeof counter);
    }
    if (options->needs_version != 0) {
        const uint8_t dependency[12] = {options->needs_image, 0, 0, 0, options->needs_version};
        at = put_tlv(at, IMAGE_TLV_DEPENDENCY, dependency, sizeof dependency);
    }
    if (options->device_class != 0) {
        uint8_t id[16];
        memset(id, options->device_class, sizeof id);
        at = put_tlv(at, IMAGE_TLV_UUID_CID, id, sizeof id);
    }
    return at;
}

static uint32_t unprotected_size(const struct sim_image_options *options)
{
    return TLV_SIZE + (options->encrypted ? ENC_TLV_SIZE : 0);
}

#define WRAPPED_SIZE 113u /* of it the end is the sum of the rest */
#define SUM_SIZE     4u

/* Stands for the tag, which covers all of a real wrapped key. */
static uint32_t checksum(const uint8_t *tlv)
{
    uint32_t sum = 0x811c9dc5u;
    for (unsigned i = 0; i < WRAPPED_SIZE - SUM_SIZE; i++)
        sum = (sum ^ tlv[i]) * 0x01000193u;
    return sum;
}

static void put_unprotected(uint8_t *at, const uint8_t hash[32], uint8_t key,
                            const struct sim_image_options *options)
{
    uint8_t key_hash[32];
    uint8_t der[70];
    put_le16(at, 0x6907);
    put_le16(at + 2, unprotected_size(options));
    hash_of(spki, sizeof spki, key_hash);
    sign_der(hash, key, der);
    at = put_tlv(at + 4, IMAGE_TLV_SHA256, hash, 32);
    at = put_tlv(at, IMAGE_TLV_KEYHASH, key_hash, sizeof key_hash);
    at = put_tlv(at, IMAGE_TLV_ECDSA_SIG, der, sizeof der);
    if (options->encrypted) {
        uint8_t wrapped[WRAPPED_SIZE] = {SIM_KEY};
        memcpy(wrapped + 1, hash, 32); /* each image has a key of its own */
        put_le32(wrapped + WRAPPED_SIZE - SUM_SIZE, checksum(wrapped));
        put_tlv(at, IMAGE_TLV_ENC_EC256, wrapped, sizeof wrapped);
    }
}

static otter_status unwrap(const uint8_t *secret, const uint8_t *tlv, uint8_t *key)
{
    if (tlv[0] != *secret || get_le32(tlv + WRAPPED_SIZE - SUM_SIZE) != checksum(tlv))
        return OTTER_E_KEY;
    memcpy(key, tlv + 1, IMAGE_AES_KEY_SIZE);
    return OTTER_OK;
}

static void crypt(const uint8_t *key, uint32_t offset, uint8_t *data, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        const uint32_t at = offset + i;
        data[i] ^= (uint8_t)(key[at % IMAGE_AES_KEY_SIZE] + (at >> 4) * 29u);
    }
}

static const uint8_t secret = SIM_KEY;
const struct boot_encryption sim_encryption = {&secret, unwrap, crypt};

void sim_image_encrypt(uint8_t *image)
{
    struct image_header header;
    image_header_parse(image, &header);
    const uint8_t *tlvs = image + header.header_size + header.payload_size + header.protected_size;
    crypt(tlvs + TLV_SIZE + 5, 0, image + header.header_size, header.payload_size);
}

void sim_image_make_with(uint8_t *image, uint32_t end, uint8_t number, uint8_t key,
                         const struct sim_image_options *options)
{
    const uint32_t payload_size =
        end - HEADER_SIZE - unprotected_size(options) - protected_size(options);
    uint8_t hash[32];
    memset(image, 0, HEADER_SIZE);
    put_le32(image, IMAGE_MAGIC);
    put_le16(image + 8, HEADER_SIZE);
    put_le16(image + 10, protected_size(options));
    put_le32(image + 12, payload_size);
    image[16] = options->encrypted ? IMAGE_FLAG_ENCRYPTED_AES128 : 0;
    if (options->rom_address != 0) {
        put_le32(image + 4, options->rom_address);
        put_le32(image + 16, IMAGE_FLAG_ROM_FIXED);
    }
    image[20] = number;
    fill_payload(image + HEADER_SIZE, payload_size, number);
    uint8_t *at = put_protected(image + HEADER_SIZE + payload_size, options);
    hash_of(image, (size_t)(at - image), hash);
    put_unprotected(at, hash, key, options);
}

void sim_image_make(uint8_t *image, uint32_t end, uint8_t number, uint8_t key)
{
    const struct sim_image_options none = {0};
    sim_image_make_with(image, end, number, key, &none);
}
