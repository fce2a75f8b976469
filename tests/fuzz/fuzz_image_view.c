/* The image tool's view of images: structure, hash and, of compressed images, the stream and what
 * its TLVs say of it; and its dump. The hash is mended first, so that the input gets past it. */
#include <stdlib.h>
#include <string.h>

#include "tool/dump.h"

static void mend_hash(struct image_view *view, uint8_t *data)
{
    struct image_tlv tlv;
    struct failure failure;
    uint8_t hash[HASH_SIZE_MAX];

    if (image_tlv_find(&view->image, IMAGE_TLV_SHA256, &tlv) != 1 || tlv.is_protected ||
        tlv.length != 32)
        return;
    if (hash_bytes(HASH_SHA256, data, view->image.hashed_end, hash, &failure) == OTTER_OK)
        memcpy(data + tlv.offset, hash, 32);
}

static void dump_all(struct dump *dump, const uint8_t *data, size_t size)
{
    struct bytes text = {0};
    struct failure failure;

    if (dump_check(dump, &failure) != OTTER_OK)
        return;
    dump_find_trailer(dump, data, size);
    dump_human(dump, &text);
    dump_yaml(dump, &text);
    dump_json(dump, &text);
    bytes_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    uint8_t *data = malloc(size ? size : 1);
    struct dump dump = {.name = "image.bin"};
    struct image_verdict verdict = {0};
    struct failure failure;

    memcpy(data, input, size);
    if (image_view_open(&dump.view, data, size, &failure) == OTTER_OK) {
        mend_hash(&dump.view, data);
        (void)image_view_check(&dump.view, NULL, NULL, &verdict, &failure);
        (void)image_view_is_signed(&dump.view);
        dump_all(&dump, data, size);
    }
    image_verdict_free(&verdict);
    free(data);
    return 0;
}
