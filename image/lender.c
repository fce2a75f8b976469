/* The bootloader's side of lent.h: what it verifies with itself. */
#include "image/lent.h"

static void no_turn(void)
{
}

static otter_status check(otter_status (*read)(void *ctx, uint32_t offset, void *data,
                                               uint32_t length),
                          void *ctx, uint32_t size, uint32_t limit)
{
    const struct flash_ops ops = {.read = read};
    const struct flash flash = {.ops = &ops, .ctx = ctx, .size = size};
    const struct flash_area area = {.flash = &flash, .size = size};
    const struct image_policy policy = {.keys = image_keys, .key_count = image_key_count};
    return image_check_whole(&area, limit, &policy, no_turn);
}

const struct image_lent image_lent = {
    .magic = IMAGE_LENT_MAGIC,
    .count = IMAGE_LENT_COUNT,
    .sha256_init = image_sha256_init,
    .sha256_update = image_sha256_update,
    .sha256_finish = image_sha256_finish,
    .p256_verify = image_p256_verify,
    .check = check,
};
