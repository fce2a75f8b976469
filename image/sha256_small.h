/* SHA-256 as sha256_small.c has it in a struct image_sha256. For this room. */
#ifndef OTTER_IMAGE_SHA256_SMALL_H
#define OTTER_IMAGE_SHA256_SMALL_H

#include "image/crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

struct image_sha256_small {
    uint32_t hash[8];
    uint32_t block[16];
    uint64_t length; /* bytes so far */
};

#ifdef __cplusplus
}
#endif

#endif
