/* What BearSSL wants of a hash, over sha256_small.c; see sha256_class.h. */
#include "image/sha256_class.h"

#include <string.h>

#include "image/sha256_small.h"

/* How BearSSL has a running hash: behind what it is. */
struct context {
    const br_hash_class *class;
    struct image_sha256 sha;
};

_Static_assert(sizeof(struct context) <= sizeof(br_hash_compat_context), "BearSSL keeps room");

static struct image_sha256_small *small_of(const br_hash_class *const *ctx)
{
    return (struct image_sha256_small *)(uintptr_t)((const struct context *)(const void *)ctx)
        ->sha.state;
}

static struct image_sha256 *sha_of(const br_hash_class **ctx)
{
    return &((struct context *)(void *)ctx)->sha;
}

static void init(const br_hash_class **ctx)
{
    *ctx = &image_sha256_class;
    image_sha256_init(sha_of(ctx));
}

static void update(const br_hash_class **ctx, const void *data, size_t length)
{
    image_sha256_update(sha_of(ctx), data, length);
}

static void out(const br_hash_class *const *ctx, void *hash)
{
    struct image_sha256 copy = ((const struct context *)(const void *)ctx)->sha;
    image_sha256_finish(&copy, hash);
}

/* Between whole blocks; nobody but this class reads what it wrote. */
static uint64_t state(const br_hash_class *const *ctx, void *hash)
{
    const struct image_sha256_small *small = small_of(ctx);
    memcpy(hash, small->hash, sizeof small->hash);
    return small->length;
}

static void set_state(const br_hash_class **ctx, const void *hash, uint64_t length)
{
    struct image_sha256_small *small = small_of(ctx);
    memcpy(small->hash, hash, sizeof small->hash);
    small->length = length;
}

const br_hash_class image_sha256_class = {
    sizeof(struct context),
    BR_HASHDESC_ID(br_sha256_ID) | BR_HASHDESC_OUT(32) | BR_HASHDESC_STATE(32) |
        BR_HASHDESC_LBLEN(6) | BR_HASHDESC_MD_PADDING | BR_HASHDESC_MD_PADDING_BE,
    init,
    update,
    out,
    state,
    set_state,
};
