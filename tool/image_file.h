/* Makes a signed image out of a program, as MCUboot's imgtool does, byte for byte where nothing
 * random is in it. (docs/formats.md section 1)
 *
 *   struct image_spec spec = image_spec_default();
 *   spec.key = &key; spec.header_size = 4096; spec.pad_header = true; ...
 *   image_file_build(&spec, program, size, &file, &failure);
 *   image_file_pad(&spec, &file.image);     only for --pad and --confirm
 *   image_file_free(&file); */
#ifndef OTTER_TOOL_IMAGE_FILE_H
#define OTTER_TOOL_IMAGE_FILE_H

#include "image/image.h"
#include "tool/encryption.h"
#include "tool/signature.h"

#define IMAGE_SPEC_CUSTOM_MAX     256
#define IMAGE_SPEC_DEPENDENCY_MAX 256 /* one on each image there can be */
#define IMAGE_BOOT_RECORD_MAX     12

struct custom_tlv {
    uint16_t type;
    struct bytes value; /* owned by who fills in the spec */
};

struct image_spec {
    const struct key *key; /* NULL: hash only */
    bool full_public_key;  /* PUBKEY instead of KEYHASH */
    bool pad_signature;    /* zeros behind an ECDSA signature up to 72 (P-384: 103) bytes */
    const struct bytes *fixed_signature; /* made elsewhere with the private half of `key` */
    enum hash_type hash;                 /* hash_of_key says which goes with a key */
    bool pure; /* Ed25519 over the image itself; wants HASH_SHA512 as imgtool does */

    bool big_endian; /* for bootloaders on big-endian processors */

    struct image_version version;
    uint32_t header_size;
    bool pad_header; /* put the header before the program; else it begins with that many zeros */
    uint32_t flags;  /* of enum image_flag and compression_flag: not the encryption ones */
    uint32_t load_address;

    uint32_t slot_size; /* 0: do not check that the image fits */
    uint32_t align;     /* write size of the flash */
    uint32_t max_align; /* A of the trailer: 8, 16 or 32 */
    uint32_t max_sectors;
    bool overwrite_only;
    bool confirm; /* of image_file_pad: set image_ok */
    uint8_t erased_value;

    bool has_security_counter;
    uint32_t security_counter;
    const char *boot_record; /* at most IMAGE_BOOT_RECORD_MAX characters, or NULL */
    struct image_dependency dependencies[IMAGE_SPEC_DEPENDENCY_MAX];
    int dependency_count;
    const struct bytes *decompression_tlvs; /* entries that image_compressed.h makes, or NULL */
    const uint8_t *vendor_id;               /* 16 bytes or NULL */
    const uint8_t *class_id;
    struct custom_tlv custom[IMAGE_SPEC_CUSTOM_MAX];
    int custom_count;

    const struct key *encrypt_for; /* NULL: not encrypted */
    size_t cipher_key_size;        /* 16 or 32 */
    bool encrypt_sha512;
    bool payload_in_clear;    /* flag and ENC TLV only: the factory image of an encrypted product */
    bool save_enctlv;         /* the trailer keeps the TLV instead of the key */
    bool only_mark_encrypted; /* the flag alone, as the image is before compression */
};

/* imgtool's defaults: align 1, 128 sectors, erased 0xff, SHA-256, AES-128. */
struct image_spec image_spec_default(void);

struct image_file {
    struct bytes image; /* header to last TLV */
    uint8_t hash[HASH_SIZE_MAX];
    struct bytes plain; /* header, payload in clear, protected TLVs: what is hashed */
    struct bytes signature;
    size_t enc_tlv_size;
};

/* Builds `file` (zero before) and checks that it fits the slot with its trailer. On failure frees
 * what it began. */
otter_status image_file_build(const struct image_spec *spec, const uint8_t *program, size_t size,
                              struct image_file *file, struct failure *failure);

/* Bytes of the trailer that imgtool reserves at the end of the slot. */
size_t image_trailer_size(const struct image_spec *spec, size_t enc_tlv_size);

/* Fills an image that fits up to the end of the slot and puts the trailer there: magic, and
 * image_ok if `confirm`. */
void image_file_pad(const struct image_spec *spec, struct bytes *image);

/* The trailer fields alone, for the end of the slot: `size` bytes, erased but for magic and
 * image_ok. */
void image_trailer_append(const struct image_spec *spec, size_t size, struct bytes *bytes);

void image_file_free(struct image_file *file);

#endif
