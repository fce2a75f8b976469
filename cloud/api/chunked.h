/* aws-chunked: a body in chunks, each `SIZE[;chunk-signature=HEX]\r\n DATA \r\n`, closed by a chunk
 * of size 0 and trailing headers. It lies inside of HTTP's own framing. */
#ifndef OTTER_CLOUD_API_CHUNKED_H
#define OTTER_CLOUD_API_CHUNKED_H

#include "cloud/sigv4/sigv4.h"

/* Decodes `size` bytes in place. Checks every chunk's signature when `sign` says that they are
 * signed. Trailing headers are added to `trailers`. *decoded is the length of the content.
 * SIGV4_INCOMPLETE when the framing is broken, SIGV4_MISMATCH when a signature is wrong. */
enum sigv4_verdict chunked_decode(char *body, size_t size, const struct sigv4_result *sign,
                                  struct evkeyvalq *trailers, size_t *decoded);

#endif
