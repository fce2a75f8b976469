/* LZMA2, by liblzma. */
#include "tool/compression.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "tool/file.h"

#define PRESET           9u
#define DICTIONARY_SIZE  (128u * 1024u)
#define DICTIONARY_CODE  10u /* (2 + 0) << 16 */
#define DICTIONARY_LAST  40u
#define LITERAL_CONTEXT  3u
#define LITERAL_POSITION 1u
#define POSITION_BITS    2u
#define PROPERTIES       ((POSITION_BITS * 5u + LITERAL_POSITION) * 9u + LITERAL_CONTEXT)

bool compression_parse(const char *text, enum compression *compression)
{
    static const char *const names[] = {"disabled", "lzma2", "lzma2armthumb"};

    for (int i = COMPRESSION_NONE; i <= COMPRESSION_LZMA2_ARM_THUMB; i++) {
        if (strcmp(text, names[i]) == 0) {
            *compression = (enum compression)i;
            return true;
        }
    }
    return false;
}

/* The chain that ends at LZMA2. */
static void make_filters(bool arm_thumb, lzma_options_lzma *options, lzma_filter filters[3])
{
    size_t count = 0;

    if (arm_thumb)
        filters[count++] = (lzma_filter){.id = LZMA_FILTER_ARMTHUMB};
    filters[count++] = (lzma_filter){.id = LZMA_FILTER_LZMA2, .options = options};
    filters[count] = (lzma_filter){.id = LZMA_VLI_UNKNOWN};
}

otter_status lzma2_compress(bool arm_thumb, const uint8_t *data, size_t size, struct bytes *packed,
                            struct failure *failure)
{
    static const uint8_t header[COMPRESSION_HEADER_SIZE] = {DICTIONARY_CODE, PROPERTIES};
    lzma_options_lzma options;
    lzma_filter filters[3];
    size_t room = lzma_stream_buffer_bound(size);
    uint8_t *out = memory_new(room);
    size_t made = 0;
    lzma_ret result;

    lzma_lzma_preset(&options, PRESET);
    options.dict_size = DICTIONARY_SIZE;
    options.lc = LITERAL_CONTEXT;
    options.lp = LITERAL_POSITION;
    options.pb = POSITION_BITS;
    make_filters(arm_thumb, &options, filters);
    result = lzma_raw_buffer_encode(filters, NULL, data, size, out, &made, room);
    if (result == LZMA_OK) {
        bytes_append(packed, header, sizeof header);
        bytes_append(packed, out, made);
    }
    free(out);
    return result == LZMA_OK ? OTTER_OK
                             : failed(failure, OTTER_E_INTERNAL,
                                      "liblzma cannot compress the program (error %d)", result);
}

otter_status lzma2_decompress(bool arm_thumb, const uint8_t *packed, size_t size, size_t plain_size,
                              struct bytes *plain, size_t *packed_size, struct failure *failure)
{
    lzma_options_lzma options = {0};
    lzma_filter filters[3];
    size_t made = 0, used = COMPRESSION_HEADER_SIZE;
    uint8_t *out;
    lzma_ret result;

    if (size <= COMPRESSION_HEADER_SIZE || packed[0] > DICTIONARY_LAST ||
        plain_size > FILE_SIZE_MAX)
        return failed(failure, OTTER_E_MALFORMED, "the compressed payload is none");
    options.dict_size =
        packed[0] == DICTIONARY_LAST ? UINT32_MAX : (2u | (packed[0] & 1u)) << (packed[0] / 2 + 11);
    if (options.dict_size > plain_size) /* no more can be looked back at */
        options.dict_size =
            plain_size > LZMA_DICT_SIZE_MIN ? (uint32_t)plain_size : LZMA_DICT_SIZE_MIN;
    out = memory_new(plain_size);
    make_filters(arm_thumb, &options, filters);
    result = lzma_raw_buffer_decode(filters, NULL, packed, &used, size, out, &made, plain_size);
    if (result == LZMA_OK && made == plain_size)
        bytes_append(plain, out, made);
    free(out);
    *packed_size = used;
    if (result == LZMA_OK && made == plain_size)
        return OTTER_OK;
    return failed(failure, OTTER_E_MALFORMED,
                  "the compressed payload does not unpack to the %zu bytes it says", plain_size);
}
