/* Compressed images: the payload is LZMA2 (compression.h), and protected TLVs say what it unpacks
 * to.
 *
 *   | TLV  | value |
 *   | ---- | ----- |
 *   | 0x70 | size of the program, u32 |
 *   | 0x71 | hash of the image as it would be without compression: its own header and protected
 * TLVs | | 0x72 | signature of that image, if there is a key | | 0x73 | encrypted images only:
 * bytes of the payload before they were padded to AES blocks, u32 |
 *
 * Hash and signature behind them cover the compressed image, like any other's. Otter's bootloader
 * refuses compressed images, and so does MCUboot as it is: they are for ports that unpack. */
#ifndef OTTER_TOOL_IMAGE_COMPRESSED_H
#define OTTER_TOOL_IMAGE_COMPRESSED_H

#include "tool/compression.h"
#include "tool/image_file.h"
#include "tool/image_view.h"

struct compression_report {
    size_t plain_size;
    size_t packed_size; /* of the stream */
    bool kept;          /* false: not smaller, so the image is not compressed */
};

/* As image_file_build; both forms of the image must fit the slot. */
otter_status image_compressed_build(const struct image_spec *spec, enum compression compression,
                                    const uint8_t *program, size_t size, struct image_file *file,
                                    struct compression_report *report, struct failure *failure);

/* Unpacks the payload in `verdict->plain` of an image whose hash is good into `verdict->program`,
 * and checks the TLVs above, the signature with `key` unless it is NULL. */
otter_status image_compressed_check(const struct image_view *view, const struct key *key,
                                    struct image_verdict *verdict, struct failure *failure);

#endif
