/* The functions of crypto.h and the check of an image, borrowed of the bootloader; see lent.h. */
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

struct reader {
    const struct flash_area *area;
    void (*turn)(void);
};

static otter_status read_slot(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    const struct reader *reader = ctx;
    reader->turn();
    return flash_read(reader->area, offset, data, length);
}

otter_status image_check_whole(const struct flash_area *area, uint32_t limit,
                               const struct image_policy *policy, void (*turn)(void))
{
    struct reader reader = {area, turn};
    (void)policy;
    return image_lent_vector->check(read_slot, &reader, area->size, limit);
}
