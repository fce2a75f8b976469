/* GetStream and DescribeStream requests as any device may send them; the first byte picks the
 * format. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "cloud/core/streams/streams_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stream_fields request;
    struct answer answer = ANSWER_INIT;
    if (size == 0)
        return 0;
    enum streams_format format = data[0] & 1 ? STREAMS_JSON : STREAMS_CBOR;
    enum core_error error = stream_fields_read(format, data + 1, size - 1, &request, &answer);
    if (error == CORE_OK && request.bitmap && request.bitmap_length >= STREAMS_BITMAP_MAX)
        abort();
    stream_fields_free(&request);
    answer_free(&answer);
    return 0;
}
