/* Encrypted images inside the bootloader. */
#include <string.h>

#include "boot/mode.h"

static void decrypt(const struct image_cipher *image, uint32_t offset, uint8_t *data,
                    uint32_t length)
{
    /* `image` is the first member */
    const struct boot_cipher *cipher = (const struct boot_cipher *)(const void *)image;
    cipher->encryption->crypt(cipher->key, offset, data, length);
}

static void set_range(const struct boot_state *state, const struct image_header *header,
                      struct boot_cipher *cipher)
{
    cipher->image.decrypt = decrypt;
    cipher->encryption = state->config->encryption;
    cipher->start = header->header_size;
    cipher->end = header->header_size + header->payload_size;
}

otter_status boot_cipher_open(const struct boot_state *state, const struct image *image,
                              struct boot_cipher *cipher)
{
    const struct boot_encryption *encryption = state->config->encryption;
    struct image_tlv tlv;
    uint8_t raw[IMAGE_ENC_EC256_SIZE];
    cipher->end = 0;
    if (encryption == NULL || (image->header.flags & IMAGE_FLAG_ENCRYPTED_AES128) == 0)
        return OTTER_OK;
    const int found = image_tlv_find(image, IMAGE_TLV_ENC_EC256, &tlv);
    if (found <= 0)
        return (otter_status)found;
    otter_status status = image_tlv_read(image, &tlv, raw, sizeof raw);
    if (status == OTTER_OK)
        status = encryption->unwrap(encryption->secret, raw, cipher->key);
    if (status == OTTER_OK)
        set_range(state, &image->header, cipher);
    return status;
}

void boot_cipher_resume(const struct boot_state *state, const struct flash_area *area,
                        const uint8_t key[IMAGE_AES_KEY_SIZE], struct boot_cipher *cipher)
{
    struct image_header header;
    cipher->end = 0;
    if (image_header_read(area, &header) != OTTER_OK ||
        (header.flags & IMAGE_FLAG_ENCRYPTED_AES128) == 0)
        return;
    memcpy(cipher->key, key, sizeof cipher->key);
    set_range(state, &header, cipher);
}

void boot_cipher_apply(const struct boot_cipher *cipher, uint32_t image_offset, uint8_t *data,
                       uint32_t length)
{
    uint32_t end = image_offset + length;
    uint32_t start = image_offset;
    if (start < cipher->start)
        start = cipher->start;
    if (end > cipher->end)
        end = cipher->end;
    if (start < end)
        cipher->encryption->crypt(cipher->key, start - cipher->start, data + (start - image_offset),
                                  end - start);
}
