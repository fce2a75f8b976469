/* An image that is there already, looked at and checked. */
#include "tool/image_view.h"

#include <string.h>

#include "tool/image_compressed.h"
#include "tool/tlv.h"

#define COMPRESSION_FLAGS_OFFSET 17u /* the second byte of the header's flags */

#define ENCRYPTED (IMAGE_FLAG_ENCRYPTED_AES128 | IMAGE_FLAG_ENCRYPTED_AES256)

/* The device's reader refuses compressed images: it is shown them without those flags. */
static otter_status open_any(struct image_view *view, uint8_t *data, uint32_t length)
{
    uint8_t *flags = data + COMPRESSION_FLAGS_OFFSET;
    const uint8_t kept = *flags;
    otter_status status;

    *flags &= (uint8_t) ~(IMAGE_FLAG_COMPRESSED >> 8);
    status = image_open(&view->image, &view->area, length);
    *flags = kept;
    view->image.header.flags |= (uint32_t)kept << 8 & IMAGE_FLAG_COMPRESSED;
    return status;
}

otter_status image_view_startable(const struct image_view *view, struct failure *failure)
{
    if (!(view->image.header.flags & IMAGE_FLAG_COMPRESSED))
        return OTTER_OK;
    return failed(failure, OTTER_E_UNSUPPORTED,
                  "it is compressed, which Otter's bootloader does not unpack");
}

otter_status image_view_open(struct image_view *view, uint8_t *data, size_t size,
                             struct failure *failure)
{
    static const uint8_t big_endian_magic[] = {0x96, 0xf3, 0xb8, 0x3d};
    uint32_t length = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
    otter_status status;

    ram_flash_init(&view->ram, data, length, length ? length : 1, 1, 0xff);
    view->area = ram_flash_area(&view->ram, 0, length);
    if (length < IMAGE_HEADER_SIZE)
        return failed(failure, OTTER_E_MALFORMED,
                      "%u bytes are too few for an image; is the file cut off?", length);
    status = open_any(view, data, length);
    switch (status) {
    case OTTER_OK:
        return OTTER_OK;
    case OTTER_E_NOT_FOUND:
        if (memcmp(data, big_endian_magic, sizeof big_endian_magic) == 0)
            return failed(failure, OTTER_E_UNSUPPORTED,
                          "this is a big-endian image (`-e big`); it is only made here, not read");
        return failed(failure, status, "Invalid image magic; is this an MCUboot image?");
    case OTTER_E_BOUNDS:
        return failed(failure, status,
                      "the image goes on after the end of the data (0x%x bytes); "
                      "is the file cut off?",
                      length);
    case OTTER_E_MALFORMED:
        return failed(
            failure, status,
            "Invalid TLV info magic; header and TLV areas do not fit together; is this an "
            "MCUboot image, and whole?");
    default:
        return failed(failure, status, "cannot read the image: %s", otter_status_text(status));
    }
}

bool image_view_is_signed(const struct image_view *view)
{
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;

    while (image_tlv_next(&view->image, &walk, &tlv) > 0)
        if (!tlv.is_protected && tlv_is_signature(tlv.type))
            return true;
    return false;
}

const uint8_t *image_view_tlv(const struct image_view *view, const struct image_tlv *tlv)
{
    return view->ram.data + tlv->offset;
}

static bool hash_of_tlv(uint16_t type, enum hash_type *hash)
{
    switch (type) {
    case IMAGE_TLV_SHA256:
        *hash = HASH_SHA256;
        return true;
    case TLV_SHA384:
        *hash = HASH_SHA384;
        return true;
    case TLV_SHA512:
        *hash = HASH_SHA512;
        return true;
    default:
        return false;
    }
}

static otter_status fail_walk(struct failure *failure)
{
    return failed(failure, OTTER_E_MALFORMED, "a TLV runs over the end of its area");
}

static otter_status find_hash(const struct image_view *view, struct image_tlv *tlv,
                              enum hash_type *type, struct failure *failure)
{
    struct image_tlv_walk walk = {0};
    int more;

    while ((more = image_tlv_next(&view->image, &walk, tlv)) > 0)
        if (!tlv->is_protected && hash_of_tlv(tlv->type, type))
            break;
    if (more < 0)
        return fail_walk(failure);
    if (more == 0)
        return failed(failure, OTTER_E_HASH,
                      "Image has no hash TLV; it was not made by `otter sign`");
    if (tlv->length != hash_size(*type))
        return failed(failure, OTTER_E_MALFORMED, "the %s TLV has %u bytes instead of %zu",
                      hash_name(*type), tlv->length, hash_size(*type));
    return OTTER_OK;
}

static otter_status hash_plain(struct image_verdict *verdict, const uint8_t *expected,
                               struct failure *failure)
{
    otter_status status = hash_bytes(verdict->hash_type, verdict->plain.data, verdict->plain.size,
                                     verdict->hash, failure);

    if (status == OTTER_OK)
        verdict->hash_good = memcmp(verdict->hash, expected, hash_size(verdict->hash_type)) == 0;
    return status;
}

static otter_status find_enc_tlv(const struct image_view *view, struct image_tlv *tlv,
                                 struct failure *failure)
{
    struct image_tlv_walk walk = {0};
    int more;

    while ((more = image_tlv_next(&view->image, &walk, tlv)) > 0)
        if (!tlv->is_protected && tlv_is_encryption(tlv->type))
            return OTTER_OK;
    if (more < 0)
        return fail_walk(failure);
    return failed(failure, OTTER_E_MALFORMED,
                  "the header says encrypted, but there is no TLV with the wrapped key");
}

static otter_status decrypt(const struct image_view *view, const struct key *decrypt_key,
                            struct image_verdict *verdict, struct failure *failure)
{
    const struct image_header *header = &view->image.header;
    struct image_cipher_key key;
    struct image_tlv tlv;
    otter_status status = find_enc_tlv(view, &tlv, failure);

    if (status == OTTER_OK)
        status = image_key_unwrap(&key, decrypt_key, tlv.type, image_view_tlv(view, &tlv),
                                  tlv.length, failure);
    if (status != OTTER_OK)
        return status;
    if ((key.size == 32) != ((header->flags & IMAGE_FLAG_ENCRYPTED_AES256) != 0))
        return failed(failure, OTTER_E_MALFORMED,
                      "the wrapped key has %zu bits, which the header's flags deny", key.size * 8);
    verdict->decrypted = true;
    return image_key_crypt(&key, verdict->plain.data + header->header_size, header->payload_size,
                           failure);
}

/* The factory image of an encrypted product has flag and TLV but its payload in clear: then the
 * hash is good as it is. */
static otter_status check_hash(const struct image_view *view, const struct key *decrypt_key,
                               struct image_verdict *verdict, struct failure *failure)
{
    struct image_tlv tlv;
    otter_status status = find_hash(view, &tlv, &verdict->hash_type, failure);
    const uint8_t *expected;

    if (status != OTTER_OK)
        return status;
    expected = image_view_tlv(view, &tlv);
    bytes_append(&verdict->plain, view->ram.data, view->image.hashed_end);
    status = hash_plain(verdict, expected, failure);
    if (status == OTTER_OK && !verdict->hash_good && (view->image.header.flags & ENCRYPTED)) {
        if (!decrypt_key)
            return failed(failure, OTTER_E_KEY,
                          "the image is encrypted; give the device's private "
                          "key with --decrypt-key");
        status = decrypt(view, decrypt_key, verdict, failure);
        if (status == OTTER_OK)
            status = hash_plain(verdict, expected, failure);
    }
    if (status == OTTER_OK && !verdict->hash_good)
        return failed(failure, OTTER_E_HASH,
                      "Image has an invalid hash; it was changed after "
                      "signing, or is not whole");
    return status;
}

/* As devices do it: a signature counts only behind a TLV that names its key. */
struct signature_walk {
    const struct key *key;
    struct bytes public_key;
    uint8_t key_hash[HASH_SIZE_MAX];
    bool claimed;     /* by the last TLV that named a key: ours */
    bool key_claimed; /* by any of them */
    bool pure;
};

static bool equals(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    return a_size == b_size && memcmp(a, b, a_size) == 0;
}

static void take_tlv(const struct image_view *view, const struct image_tlv *tlv,
                     struct signature_walk *walk, struct image_verdict *verdict)
{
    const uint8_t *data = image_view_tlv(view, tlv);
    bool ours;

    switch (tlv->type) {
    case IMAGE_TLV_KEYHASH:
    case TLV_PUBKEY:
        ours = tlv->type == TLV_PUBKEY
                   ? equals(data, tlv->length, walk->public_key.data, walk->public_key.size)
                   : equals(data, tlv->length, walk->key_hash, hash_size(verdict->hash_type));
        walk->claimed = ours;
        walk->key_claimed |= ours;
        return;
    case TLV_SIG_PURE:
        walk->pure = tlv->length == 1 && data[0] == 1;
        return;
    default:
        break;
    }
    if (tlv->type != signature_tlv(walk->key->type) || !walk->claimed)
        return;
    verdict->pure = walk->pure;
    verdict->signature_good =
        signature_verify(walk->key, walk->pure ? verdict->plain.data : verdict->hash,
                         walk->pure ? verdict->plain.size : hash_size(verdict->hash_type), data,
                         tlv->length) == OTTER_OK;
    if (verdict->signature_good) {
        verdict->signature = data;
        verdict->signature_size = tlv->length;
    }
}

static otter_status walk_signatures(const struct image_view *view, struct signature_walk *walk,
                                    struct image_verdict *verdict, struct failure *failure)
{
    struct image_tlv_walk position = {0};
    struct image_tlv tlv;
    int more;

    while ((more = image_tlv_next(&view->image, &position, &tlv)) > 0)
        if (!tlv.is_protected && !verdict->signature_good)
            take_tlv(view, &tlv, walk, verdict);
    if (more < 0)
        return fail_walk(failure);
    if (verdict->signature_good)
        return OTTER_OK;
    if (walk->key_claimed)
        return failed(failure, OTTER_E_SIGNATURE,
                      "the image names this key, but its signature is wrong or missing");
    return failed(failure, OTTER_E_SIGNATURE,
                  "No signature found for the given key; another key signed it, or none");
}

static otter_status check_signature(const struct image_view *view, const struct key *key,
                                    struct image_verdict *verdict, struct failure *failure)
{
    struct signature_walk walk = {.key = key};
    otter_status status = key_public_der(key, &walk.public_key, failure);

    if (status == OTTER_OK)
        status = hash_bytes(verdict->hash_type, walk.public_key.data, walk.public_key.size,
                            walk.key_hash, failure);
    if (status == OTTER_OK)
        status = walk_signatures(view, &walk, verdict, failure);
    bytes_free(&walk.public_key);
    return status;
}

otter_status image_view_check(const struct image_view *view, const struct key *key,
                              const struct key *decrypt_key, struct image_verdict *verdict,
                              struct failure *failure)
{
    otter_status status = check_hash(view, decrypt_key, verdict, failure);

    if (status == OTTER_OK && key)
        status = check_signature(view, key, verdict, failure);
    if (status == OTTER_OK && (view->image.header.flags & IMAGE_FLAG_COMPRESSED))
        status = image_compressed_check(view, key, verdict, failure);
    return status;
}

void image_verdict_free(struct image_verdict *verdict)
{
    bytes_free(&verdict->plain);
    bytes_free(&verdict->program);
}
