/* Bodies in aws-chunked framing. The first byte chooses signed or unsigned chunks. */
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "cloud/api/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sigv4_result sign = {.payload = SIGV4_PAYLOAD_CHUNKED,
                                .date = "20130524T000000Z",
                                .scope = "20130524/us-east-1/s3/aws4_request"};
    struct evkeyvalq trailers = TAILQ_HEAD_INITIALIZER(trailers);
    size_t decoded;
    if (size == 0)
        return 0;
    if (data[0] == 's')
        sign.payload = SIGV4_PAYLOAD_CHUNKED_SIGNED;
    memset(sign.signature, '0', 64);
    char *body = malloc(size - 1 ? size - 1 : 1); /* exactly: a read beyond it is seen */
    memcpy(body, data + 1, size - 1);
    if (chunked_decode(body, size - 1, &sign, &trailers, &decoded) == SIGV4_OK &&
        (decoded > size - 1 || sign.payload == SIGV4_PAYLOAD_CHUNKED_SIGNED))
        abort();
    evhttp_clear_headers(&trailers);
    free(body);
    return 0;
}
