/* Checksums that S3's clients send: Content-MD5 and x-amz-checksum-*. */
#ifndef OTTER_CLOUD_API_CHECKSUM_H
#define OTTER_CLOUD_API_CHECKSUM_H

#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stddef.h>

enum checksum {
    CHECKSUM_CRC32,
    CHECKSUM_CRC32C,
    CHECKSUM_CRC64NVME,
    CHECKSUM_SHA1,
    CHECKSUM_SHA256,
    CHECKSUM_MD5
};

#define CHECKSUM_TEXT_MAX 48

/* Base64 of the checksum, big-endian, with a NUL. */
void checksum_text(enum checksum kind, const void *bytes, size_t size, char *text,
                   size_t text_size);

/* Whether each x-amz-checksum-* among the headers is right; else the name of the wrong one. */
bool checksum_headers_match(const struct evkeyvalq *headers, const void *bytes, size_t size,
                            char *wrong, size_t wrong_size);

struct call;
/* Fills call->facts from body and headers. */
void checksum_facts(struct call *call);

#endif
