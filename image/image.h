/* MCUboot's image format: header, TLV areas, versions. (docs/formats.md sections 1.1 to 1.4)
 *
 *   | header + padding | payload | protected TLVs (may be absent) | TLVs | erased ... trailer |
 *
 * An image is read through a `struct flash_area` whose start is the start of the image. Nothing is
 * trusted: every length is checked against the limit that the caller gives before it is used, and
 * a read that fails makes the image invalid. Numbers are little-endian. */
#ifndef OTTER_IMAGE_IMAGE_H
#define OTTER_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMAGE_MAGIC       0x96f3b83du
#define IMAGE_HEADER_SIZE 32u
#define IMAGE_HASH_SIZE   32u

enum image_flag {
    IMAGE_FLAG_ENCRYPTED_AES128 = 0x4,
    IMAGE_FLAG_ENCRYPTED_AES256 = 0x8,
    IMAGE_FLAG_NON_BOOTABLE = 0x10,
    IMAGE_FLAG_RAM_LOAD = 0x20,
    IMAGE_FLAG_ROM_FIXED = 0x100, /* load_address is the flash address it was linked for */
    IMAGE_FLAG_COMPRESSED = 0xe00 /* any of the three compression flags; not supported */
};

enum image_tlv_type {
    IMAGE_TLV_KEYHASH = 0x01,
    IMAGE_TLV_SHA256 = 0x10,
    IMAGE_TLV_RSA2048_PSS = 0x20,
    IMAGE_TLV_ECDSA_SIG = 0x22,
    IMAGE_TLV_RSA3072_PSS = 0x23,
    IMAGE_TLV_ED25519 = 0x24,
    IMAGE_TLV_ENC_EC256 = 0x32,
    IMAGE_TLV_DEPENDENCY = 0x40,
    IMAGE_TLV_SECURITY_COUNTER = 0x50,
    IMAGE_TLV_UUID_CID = 0x75
};

struct image_version {
    uint8_t major;
    uint8_t minor;
    uint16_t revision;
    uint32_t build;
};

struct image_header {
    uint32_t load_address;
    uint16_t header_size;    /* header and its padding: where the payload starts */
    uint16_t protected_size; /* protected TLV area with its info header, or 0 */
    uint32_t payload_size;
    uint32_t flags;
    struct image_version version;
};

/* OTTER_E_NOT_FOUND if there is no image magic, OTTER_E_MALFORMED if the sizes overflow or the
 * header is shorter than itself, OTTER_E_UNSUPPORTED for a compressed image or two ciphers. */
otter_status image_header_parse(const uint8_t raw[IMAGE_HEADER_SIZE], struct image_header *header);
otter_status image_header_read(const struct flash_area *area, struct image_header *header);

/* < 0, 0, > 0 as `a` is older than, equal to, newer than `b`: major, minor, revision, build. */
int image_version_compare(const struct image_version *a, const struct image_version *b);

/* "255.255.65535+4294967295" and its end. */
#define IMAGE_VERSION_TEXT_SIZE 25u
/* Writes "1.2.3", and "+4" behind it when the build number is not 0. */
void image_version_format(const struct image_version *version, char text[IMAGE_VERSION_TEXT_SIZE]);
/* Reads "1", "1.2", "1.2.3" or "1.2.3+4", the whole of `text`; OTTER_E_MALFORMED otherwise. */
otter_status image_version_parse(const char *text, struct image_version *version);

/* An image whose header and TLV areas fit together and end within the limit. All offsets count
 * from the start of the area. */
struct image {
    const struct flash_area *area;
    struct image_header header;
    uint32_t hashed_end; /* header + payload + protected TLVs: what the hash covers */
    uint32_t end;        /* end of the unprotected TLVs */
};

/* Reads the header and both TLV info headers. `limit` is the largest `end` allowed.
 * Errors of image_header_parse; OTTER_E_MALFORMED when the TLV areas contradict the header,
 * OTTER_E_BOUNDS when the image ends beyond the limit. */
otter_status image_open(struct image *image, const struct flash_area *area, uint32_t limit);

struct image_tlv {
    uint16_t type;
    uint16_t length;
    uint32_t offset; /* of the data */
    bool is_protected;
};

/* Where a walk over the TLVs of one image is: zero before the first call. */
struct image_tlv_walk {
    uint32_t next;
};

/* 1 and the next TLV, 0 after the last, or an error: OTTER_E_MALFORMED when an entry runs over
 * the end of its area. Protected entries come first. */
int image_tlv_next(const struct image *image, struct image_tlv_walk *walk, struct image_tlv *tlv);
/* The first TLV of `type`: 1, or 0 if there is none, or an error. */
int image_tlv_find(const struct image *image, uint16_t type, struct image_tlv *tlv);
/* Reads the data of a TLV that must have exactly `size` bytes; OTTER_E_MALFORMED otherwise. */
otter_status image_tlv_read(const struct image *image, const struct image_tlv *tlv, void *data,
                            uint16_t size);

/* A DEPENDENCY TLV: image number `image` must be at least `version`. */
struct image_dependency {
    uint8_t image;
    struct image_version version;
};
otter_status image_dependency_read(const struct image *image, const struct image_tlv *tlv,
                                   struct image_dependency *dependency);
/* 1 and the counter of a *protected* SECURITY_COUNTER TLV, 0 if there is none, or an error. */
int image_security_counter(const struct image *image, uint32_t *counter);
/* Whether `next` may follow `running` on a device, by the class of device that each names in a
 * protected UUID_CID TLV (16 bytes): they are the same, or `running` names none. */
bool image_follows_class(const struct image *running, const struct image *next);

#ifdef __cplusplus
}
#endif

#endif
