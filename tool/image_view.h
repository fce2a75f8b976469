/* An image that is there already, in memory: its parts, and whether hash and signature are good.
 * Structure is read by image/image.h, the device's own reader. */
#ifndef OTTER_TOOL_IMAGE_VIEW_H
#define OTTER_TOOL_IMAGE_VIEW_H

#include "tool/encryption.h"
#include "tool/ram_flash.h"
#include "tool/signature.h"
#include "image/image.h"

struct image_view {
    struct ram_flash ram; /* points into itself: do not move */
    struct flash_area area;
    struct image image;
};

/* `data` begins with a header, stays the caller's and must outlive the view. OTTER_E_NOT_FOUND when
 * there is no image magic, OTTER_E_MALFORMED and so on as image_open; compressed images are opened.
 */
otter_status image_view_open(struct image_view *view, uint8_t *data, size_t size,
                             struct failure *failure);

/* OTTER_E_UNSUPPORTED for an image that Otter's bootloader refuses although it is good: a
 * compressed one. */
otter_status image_view_startable(const struct image_view *view, struct failure *failure);

/* There is a signature, good or not. */
bool image_view_is_signed(const struct image_view *view);

/* The data of a TLV, in place. */
const uint8_t *image_view_tlv(const struct image_view *view, const struct image_tlv *tlv);

struct image_verdict {
    enum hash_type hash_type;
    uint8_t hash[HASH_SIZE_MAX]; /* as computed */
    bool hash_good;
    bool signature_good;
    bool pure;                /* the signature is over the image itself */
    const uint8_t *signature; /* the good one, in place; NULL: none */
    size_t signature_size;
    bool decrypted;       /* the payload is stored encrypted and `plain` holds it in clear */
    struct bytes plain;   /* the bytes that are hashed, in clear as far as possible */
    struct bytes program; /* of a compressed image: what its payload unpacks to */
};

/* Fills `verdict` (zero before; free it in any case) and says OTTER_OK only if the hash is good
 * and, with a `key`, that key signed the image; of a compressed image, what it unpacks to as well.
 * `decrypt_key` may be NULL; an encrypted payload is then OTTER_E_KEY. */
otter_status image_view_check(const struct image_view *view, const struct key *key,
                              const struct key *decrypt_key, struct image_verdict *verdict,
                              struct failure *failure);

void image_verdict_free(struct image_verdict *verdict);

#endif
