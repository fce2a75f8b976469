/* Checksums of S3; see checksum.h. */
#include "cloud/api/checksum.h"

#include <event2/http.h>
#include <lzma.h> /* every object has a CRC-32; this one takes many bytes at a time */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/call.h"
#include "cloud/core/ground/names.h"

/* A reflected CRC, bit by bit: for the kinds that few clients use. */
static uint64_t crc_reflected(uint64_t polynomial, uint64_t ones, const unsigned char *bytes,
                              size_t size)
{
    uint64_t crc = ones;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
    }
    return crc ^ ones;
}

static size_t big_endian(uint64_t value, size_t size, unsigned char *bytes)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> 8 * (size - 1 - i));
    return size;
}

static size_t digest(const char *name, const void *bytes, size_t size, unsigned char *result)
{
    size_t length = 0;
    EVP_Q_digest(NULL, name, NULL, bytes, size, result, &length);
    return length;
}

static size_t compute(enum checksum kind, const void *bytes, size_t size, unsigned char *result)
{
    switch (kind) {
    case CHECKSUM_CRC32:
        return big_endian(lzma_crc32(bytes, size, 0), 4, result);
    case CHECKSUM_CRC32C:
        return big_endian(crc_reflected(0x82f63b78u, 0xffffffffu, bytes, size), 4, result);
    case CHECKSUM_CRC64NVME:
        return big_endian(crc_reflected(0x9a6c9329ac4bc9b5u, UINT64_MAX, bytes, size), 8, result);
    case CHECKSUM_SHA1:
        return digest("SHA1", bytes, size, result);
    case CHECKSUM_SHA256:
        return digest("SHA256", bytes, size, result);
    case CHECKSUM_MD5:
        break;
    }
    return digest("MD5", bytes, size, result);
}

void checksum_text(enum checksum kind, const void *bytes, size_t size, char *text, size_t text_size)
{
    unsigned char result[EVP_MAX_MD_SIZE];
    char *encoded = base64_new(result, compute(kind, bytes, size, result));
    snprintf(text, text_size, "%s", encoded);
    free(encoded);
}

bool checksum_headers_match(const struct evkeyvalq *headers, const void *bytes, size_t size,
                            char *wrong, size_t wrong_size)
{
    static const char *const names[] = {
        [CHECKSUM_CRC32] = "x-amz-checksum-crc32",
        [CHECKSUM_CRC32C] = "x-amz-checksum-crc32c",
        [CHECKSUM_CRC64NVME] = "x-amz-checksum-crc64nvme",
        [CHECKSUM_SHA1] = "x-amz-checksum-sha1",
        [CHECKSUM_SHA256] = "x-amz-checksum-sha256",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *given = evhttp_find_header(headers, names[i]);
        char actual[CHECKSUM_TEXT_MAX];
        if (!given)
            continue;
        checksum_text((enum checksum)i, bytes, size, actual, sizeof actual);
        if (strcmp(given, actual) != 0) {
            snprintf(wrong, wrong_size, "%s", names[i]);
            return false;
        }
    }
    return true;
}

void checksum_facts(struct call *call)
{
    struct body_facts *facts = &call->facts;
    unsigned char md5[EVP_MAX_MD_SIZE];
    size_t size = compute(CHECKSUM_MD5, call->body, call->body_size, md5);
    char *encoded = base64_new(md5, size);
    hex_encode(facts->md5, md5, size);
    snprintf(facts->md5_base64, sizeof facts->md5_base64, "%s", encoded);
    free(encoded);
    checksum_text(CHECKSUM_CRC32, call->body, call->body_size, facts->crc32, sizeof facts->crc32);
    if (checksum_headers_match(call->headers, call->body, call->body_size, facts->wrong,
                               sizeof facts->wrong))
        facts->wrong[0] = '\0';
    facts->known = true;
}
