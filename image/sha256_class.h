/* The small SHA-256 as BearSSL's functions take a hash, for programs that sign with them
 * (room_image_signing). */
#ifndef OTTER_IMAGE_SHA256_CLASS_H
#define OTTER_IMAGE_SHA256_CLASS_H

#include <bearssl.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const br_hash_class image_sha256_class;

#ifdef __cplusplus
}
#endif

#endif
