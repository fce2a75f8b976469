/* The image that may be started, and the ones that may not: each is made by `otter sign` and then
 * damaged as an attacker would who has no key but may choose every byte of the slot. */
#ifndef OTTER_TESTS_SIM_FAULT_INJECTION_IMAGES_H
#define OTTER_TESTS_SIM_FAULT_INJECTION_IMAGES_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_BYTES_MAX 0x4000u
#define HEADER_BYTES    0x1000u

enum image_kind {
    IMAGE_GOOD,
    IMAGE_WRONG_SIGNATURE, /* one bit of s is wrong */
    IMAGE_STRANGER,        /* signed with a key that is not trusted */
    IMAGE_IMPOSTOR,        /* the same, naming the trusted key */
    IMAGE_PATCHED,         /* one bit of the program is wrong */
    IMAGE_STALE,           /* a block is wrong that should equal the one before it */
    IMAGE_BORROWED,        /* another program with its right hash, and the good one's signature */
    IMAGE_ECHO,            /* r = s = x of the key: what a skipped multiplication would accept */
    IMAGE_UNSIGNED,        /* hash and key, no signature */
    IMAGE_TRUNCATED,       /* the last TLV runs over the end */
    IMAGE_SHUT,            /* signed by the trusted key, but marked as not to be booted */
    IMAGE_KINDS
};

extern const char *const image_kind_names[IMAGE_KINDS];

struct slot_image {
    uint8_t bytes[IMAGE_BYTES_MAX];
    size_t length;
};

/* Where all of them would be entered. */
#define IMAGE_ENTRY 0x80011100u

/* Makes all kinds with the program `otter`, the trusted `key` (PEM) and the x coordinate of its
 * public half, by files in `folder`. 0, or -1 with a line on stderr. */
int images_make(struct slot_image images[IMAGE_KINDS], const char *otter, const char *key,
                const uint8_t key_x[32], const char *folder);

#endif
