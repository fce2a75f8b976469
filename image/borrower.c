/* The functions of crypto.h, borrowed of the bootloader; see lent.h. */
#include "image/lent.h"

void image_sha256_init(struct image_sha256 *sha)
{
    image_lent_vector->sha256_init(sha);
}

void image_sha256_update(struct image_sha256 *sha, const void *data, size_t length)
{
    image_lent_vector->sha256_update(sha, data, length);
}

void image_sha256_finish(struct image_sha256 *sha, uint8_t hash[32])
{
    image_lent_vector->sha256_finish(sha, hash);
}

bool image_p256_verify(const uint8_t point[65], const uint8_t hash[32], const uint8_t signature[64])
{
    return image_lent_vector->p256_verify(point, hash, signature);
}
