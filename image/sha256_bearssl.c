/* SHA-256 of images by BearSSL. */
#include <bearssl.h>

#include "image/crypto.h"

_Static_assert(sizeof(br_sha256_context) <= sizeof(struct image_sha256), "enlarge image_sha256");

static br_sha256_context *context_of(struct image_sha256 *sha)
{
    return (br_sha256_context *)(void *)sha->state;
}

void image_sha256_init(struct image_sha256 *sha)
{
    br_sha256_init(context_of(sha));
}

void image_sha256_update(struct image_sha256 *sha, const void *data, size_t length)
{
    br_sha256_update(context_of(sha), data, length);
}

void image_sha256_finish(struct image_sha256 *sha, uint8_t hash[32])
{
    br_sha256_out(context_of(sha), hash);
}
