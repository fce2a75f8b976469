/* Decryption of images with BearSSL: the content key out of its TLV, then AES-CTR piece by piece.
 * See encrypted.h. */
#include <bearssl.h>
#include <stdbool.h>
#include <string.h>

#include "image/encrypted.h"

#define POINT_SIZE 65u
#define TAG_SIZE   32u

void image_payload_crypt(const uint8_t key[IMAGE_AES_KEY_SIZE], uint32_t offset, uint8_t *data,
                         uint32_t length)
{
    static const uint8_t nonce[12];
    br_aes_ct_ctr_keys context;
    const uint32_t skipped = offset % 16;
    br_aes_ct_ctr_init(&context, key, IMAGE_AES_KEY_SIZE);
    if (skipped != 0) { /* the rest of a block that an earlier call began */
        uint8_t block[16] = {0};
        const uint32_t rest = length < 16 - skipped ? length : 16 - skipped;
        br_aes_ct_ctr_run(&context, nonce, offset / 16, block, sizeof block);
        for (uint32_t i = 0; i < rest; i++)
            data[i] ^= block[skipped + i];
        offset += rest;
        data += rest;
        length -= rest;
    }
    br_aes_ct_ctr_run(&context, nonce, offset / 16, data, length);
}

/* The x coordinate that both sides can compute; false if the point is none. */
static bool shared_secret(const uint8_t secret[32], const uint8_t *ephemeral, uint8_t x[32])
{
    uint8_t point[POINT_SIZE];
    memcpy(point, ephemeral, sizeof point);
    if (br_ec_prime_i15.mul(point, sizeof point, secret, 32, BR_EC_secp256r1) != 1)
        return false;
    memcpy(x, point + 1, 32);
    return true;
}

/* K = HKDF(x): the key that wraps, then the key of the tag. */
static void derive(const uint8_t x[32], uint8_t keys[IMAGE_AES_KEY_SIZE + TAG_SIZE])
{
    static const char info[16] = "MCUBoot_ECIES_v1"; /* no terminating zero */
    br_hkdf_context context;
    br_hkdf_init(&context, &br_sha256_vtable, BR_HKDF_NO_SALT, 0);
    br_hkdf_inject(&context, x, 32);
    br_hkdf_flip(&context);
    br_hkdf_produce(&context, info, sizeof info, keys, IMAGE_AES_KEY_SIZE + TAG_SIZE);
}

static bool tag_is_right(const uint8_t mac_key[TAG_SIZE], const uint8_t *wrapped,
                         const uint8_t *tag)
{
    br_hmac_key_context key;
    br_hmac_context context;
    uint8_t expected[TAG_SIZE];
    uint8_t difference = 0;
    br_hmac_key_init(&key, &br_sha256_vtable, mac_key, TAG_SIZE);
    br_hmac_init(&context, &key, 0);
    br_hmac_update(&context, wrapped, IMAGE_AES_KEY_SIZE);
    br_hmac_out(&context, expected);
    for (unsigned i = 0; i < TAG_SIZE; i++)
        difference |= expected[i] ^ tag[i];
    return difference == 0;
}

otter_status image_key_unwrap(const uint8_t secret[32], const uint8_t tlv[IMAGE_ENC_EC256_SIZE],
                              uint8_t key[IMAGE_AES_KEY_SIZE])
{
    const uint8_t *tag = tlv + POINT_SIZE;
    const uint8_t *wrapped = tag + TAG_SIZE;
    uint8_t x[32];
    uint8_t keys[IMAGE_AES_KEY_SIZE + TAG_SIZE];
    if (!shared_secret(secret, tlv, x))
        return OTTER_E_KEY;
    derive(x, keys);
    if (!tag_is_right(keys + IMAGE_AES_KEY_SIZE, wrapped, tag))
        return OTTER_E_KEY;
    memcpy(key, wrapped, IMAGE_AES_KEY_SIZE);
    image_payload_crypt(keys, 0, key, IMAGE_AES_KEY_SIZE);
    return OTTER_OK;
}
