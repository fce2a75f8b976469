/* Images for simulations: MCUboot's format, with the cryptography of sim_crypto.c. */
#ifndef OTTER_TESTS_SIM_BOOT_SIM_IMAGE_H
#define OTTER_TESTS_SIM_BOOT_SIM_IMAGE_H

#include "boot/boot.h"
#include "image/check.h"

#define SIM_KEY                 0x5a
#define SIM_IMAGE_MIN           192u /* smallest `end` of sim_image_make */
#define SIM_IMAGE_MIN_ENCRYPTED 310u /* the same of an encrypted image */

extern const struct image_policy sim_policy; /* trusts SIM_KEY */

void sim_sign(const uint8_t hash[32], uint8_t key, uint8_t signature[64]);

/* Makes the image of version `number`.0.0 that ends at `end`, signed with `key`; payloads of
 * different versions differ, and that of an odd version has a stretch of 0xff. */
void sim_image_make(uint8_t *image, uint32_t end, uint8_t number, uint8_t key);

/* The same with protected TLVs; those of value 0 are left out. */
struct sim_image_options {
    bool encrypted;        /* flag and wrapped key; the payload is still in clear */
    uint32_t counter;      /* security counter */
    uint8_t needs_image;   /* depends on this image ... */
    uint8_t needs_version; /* ... being at least this version */
    uint8_t device_class;  /* each byte of the UUID of its class of device */
    uint32_t rom_address;  /* it runs only from a slot at this address */
};
/* Fast, and of no strength: a key stream from key and offset. */
extern const struct boot_encryption sim_encryption;
/* Encrypts the payload, as the image travels. */
void sim_image_encrypt(uint8_t *image);
void sim_image_make_with(uint8_t *image, uint32_t end, uint8_t number, uint8_t key,
                         const struct sim_image_options *options);

#endif
