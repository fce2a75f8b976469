/* What an immutable bootloader lends the secure program that it starts, so that it is on the chip
 * once: the hash and the verification of image/crypto.h, and the check of an image.
 *
 * The bootloader's vectors hold the table's address where exception 8 would be, which there is not:
 * 32 bytes behind its start, for good. A table is only ever made longer. What is lent keeps no
 * state of its own; all is read and called in the secure world, and only the secure world can write
 * it. */
#ifndef OTTER_IMAGE_LENT_H
#define OTTER_IMAGE_LENT_H

#include "image/check.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMAGE_LENT_MAGIC  0x544e454cu /* "LENT" */
#define IMAGE_LENT_COUNT  5u
#define IMAGE_LENT_VECTOR 8u

struct image_lent {
    uint32_t magic;
    uint32_t count; /* of the functions that follow */
    /* Of sha256_small.c: a running hash is struct image_sha256_small. */
    void (*sha256_init)(struct image_sha256 *sha);
    void (*sha256_update)(struct image_sha256 *sha, const void *data, size_t length);
    void (*sha256_finish)(struct image_sha256 *sha, uint8_t hash[32]);
    bool (*p256_verify)(const uint8_t point[65], const uint8_t hash[32],
                        const uint8_t signature[64]);
    /* image_check_whole of what `read` reads, a slot of `size` bytes, with the bootloader's keys.
     */
    otter_status (*check)(otter_status (*read)(void *ctx, uint32_t offset, void *data,
                                               uint32_t length),
                          void *ctx, uint32_t size, uint32_t limit);
};

/* The bootloader's (lender.c). */
extern const struct image_lent image_lent;

/* The borrower (room_image_lent) has crypto.h and image_check_whole by these functions; the linker
 * says where the vector is. Before it calls any it asks whether they are there: an older
 * bootloader's vector is 0. */
extern const struct image_lent *const image_lent_vector;
static inline bool image_lends(const struct image_lent *lent)
{
    return lent != NULL && lent->magic == IMAGE_LENT_MAGIC && lent->count >= IMAGE_LENT_COUNT;
}

#ifdef __cplusplus
}
#endif

#endif
