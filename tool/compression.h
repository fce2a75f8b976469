/* LZMA2 as compressed images carry it: two bytes that say how it was made, then a raw stream, by
 * liblzma with imgtool's settings (dictionary 128 KiB, lc 3, lp 1, pb 2, preset 9).
 *
 *   | offset | size | what |
 *   | ------ | ---- | ---- |
 *   | 0      | 1    | dictionary size: (2 + code % 2) << (code / 2 + 11), code at most 40 |
 *   | 1      | 1    | (pb * 5 + lp) * 9 + lc |
 *   | 2      |      | LZMA2 chunks up to their end mark, which is a zero byte |
 *
 * With the ARM Thumb filter, branch targets are made absolute before, which compresses code better.
 */
#ifndef OTTER_TOOL_COMPRESSION_H
#define OTTER_TOOL_COMPRESSION_H

#include <stdbool.h>

#include "tool/bytes.h"
#include "tool/failure.h"

enum compression { COMPRESSION_NONE, COMPRESSION_LZMA2, COMPRESSION_LZMA2_ARM_THUMB };

/* In the flags of an image's header. */
enum compression_flag {
    IMAGE_FLAG_LZMA1 = 0x200,
    IMAGE_FLAG_LZMA2 = 0x400,
    IMAGE_FLAG_ARM_THUMB = 0x800,
};

#define COMPRESSION_HEADER_SIZE 2u

/* "disabled", "lzma2" or "lzma2armthumb". */
bool compression_parse(const char *text, enum compression *compression);

/* Appends header and stream. */
otter_status lzma2_compress(bool arm_thumb, const uint8_t *data, size_t size, struct bytes *packed,
                            struct failure *failure);

/* Appends the `plain_size` bytes that a payload unpacks to; `packed_size` is set to what of it was
 * used, header included. OTTER_E_MALFORMED when it is no such stream or unpacks to another size. */
otter_status lzma2_decompress(bool arm_thumb, const uint8_t *packed, size_t size, size_t plain_size,
                              struct bytes *plain, size_t *packed_size, struct failure *failure);

#endif
