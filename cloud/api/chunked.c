/* Decoding aws-chunked bodies; see chunked.h. */
#include "cloud/api/chunked.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/sigv4/text.h"
#include "cloud/core/ground/names.h"

#define LINE_MAX_BYTES   512
#define SIGNATURE_LENGTH 64

struct reader {
    const char *body;
    size_t size, at;
    const struct sigv4_result *sign; /* NULL when chunks are not signed */
    char previous[SIGNATURE_LENGTH + 1];
};

/* Copies a line without its CR LF; false when there is none of a bearable length. */
static bool read_line(struct reader *reader, char line[LINE_MAX_BYTES])
{
    size_t left = reader->size - reader->at;
    const char *begin = reader->body + reader->at;
    const char *end = memchr(begin, '\n', left < LINE_MAX_BYTES ? left : LINE_MAX_BYTES);
    if (!end || end == begin || end[-1] != '\r')
        return false;
    size_t length = (size_t)(end - begin) - 1;
    memcpy(line, begin, length);
    line[length] = 0;
    reader->at += length + 2;
    return strlen(line) == length;
}

/* "SIZE" or "SIZE;chunk-signature=HEX" */
static bool read_size(const char *line, size_t *size, const char **signature)
{
    static const char mark[] = ";chunk-signature=";
    size_t digits = strspn(line, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > 8)
        return false;
    *size = strtoul(line, NULL, 16);
    *signature = NULL;
    if (!line[digits])
        return true;
    if (strncmp(line + digits, mark, sizeof mark - 1) != 0)
        return false;
    *signature = line + digits + sizeof mark - 1;
    return strlen(*signature) == SIGNATURE_LENGTH;
}

/* The next signature of the chain over `data`; false when `given` differs. */
static bool chain(struct reader *reader, const char *kind, const char *given, const void *data,
                  size_t size)
{
    char empty[65], hash[65];
    unsigned char mac[32];
    struct text text = {0};
    if (!reader->sign)
        return true;
    if (!given)
        return false;
    sigv4_hash("", 0, empty);
    sigv4_hash(data, size, hash);
    text_format(&text, "AWS4-HMAC-SHA256-%s\n%s\n%s\n%s", kind, reader->sign->date,
                reader->sign->scope, reader->previous);
    if (strcmp(kind, "PAYLOAD") == 0)
        text_format(&text, "\n%s", empty);
    text_format(&text, "\n%s", hash);
    sigv4_hmac(reader->sign->key, 32, text.data, text.length, mac);
    hex_encode(reader->previous, mac, sizeof mac);
    text_free(&text);
    return CRYPTO_memcmp(reader->previous, given, SIGNATURE_LENGTH) == 0;
}

/* One chunk: its data is moved to body[*decoded]. *last is set by the chunk of size 0. */
static enum sigv4_verdict read_chunk(struct reader *reader, char *body, size_t *decoded, bool *last)
{
    char line[LINE_MAX_BYTES];
    const char *signature;
    size_t size;
    if (!read_line(reader, line) || !read_size(line, &size, &signature))
        return SIGV4_INCOMPLETE;
    *last = size == 0;
    if (!chain(reader, "PAYLOAD", signature, reader->body + reader->at,
               size <= reader->size - reader->at ? size : 0))
        return SIGV4_MISMATCH;
    if (*last)
        return SIGV4_OK;
    if (reader->size - reader->at < 2 || size > reader->size - reader->at - 2 ||
        memcmp(reader->body + reader->at + size, "\r\n", 2) != 0)
        return SIGV4_INCOMPLETE;
    memmove(body + *decoded, reader->body + reader->at, size);
    *decoded += size;
    reader->at += size + 2;
    return SIGV4_OK;
}

/* Trailing headers up to an empty line or the end. With signed chunks the last of them signs the
 * others. */
static enum sigv4_verdict read_trailers(struct reader *reader, struct evkeyvalq *trailers)
{
    char line[LINE_MAX_BYTES];
    struct text covered = {0};
    enum sigv4_verdict verdict = SIGV4_OK;
    bool sealed = false;
    while (verdict == SIGV4_OK && reader->at < reader->size) {
        char *colon = NULL;
        bool read = read_line(reader, line);
        if (read && !*line)
            break;
        if (!read || !(colon = strchr(line, ':'))) {
            verdict = SIGV4_INCOMPLETE;
            break;
        }
        *colon = 0;
        const char *value = colon + 1 + strspn(colon + 1, " ");
        if (strcasecmp(line, "x-amz-trailer-signature") == 0) {
            sealed = strlen(value) == SIGNATURE_LENGTH &&
                     chain(reader, "TRAILER", value, text_get(&covered), covered.length);
            verdict = sealed ? SIGV4_OK : SIGV4_MISMATCH;
        } else {
            text_format(&covered, "%s:%s\n", line, value);
            evhttp_add_header(trailers, line, value);
        }
    }
    if (verdict == SIGV4_OK && reader->sign && covered.length > 0 && !sealed)
        verdict = SIGV4_MISMATCH;
    text_free(&covered);
    return verdict;
}

enum sigv4_verdict chunked_decode(char *body, size_t size, const struct sigv4_result *sign,
                                  struct evkeyvalq *trailers, size_t *decoded)
{
    bool last = false;
    enum sigv4_verdict verdict = SIGV4_OK;
    struct reader reader = {.body = body, .size = size};
    if (sign->payload == SIGV4_PAYLOAD_CHUNKED_SIGNED) {
        reader.sign = sign;
        memcpy(reader.previous, sign->signature, sizeof reader.previous);
    }
    *decoded = 0;
    while (verdict == SIGV4_OK && !last)
        verdict = read_chunk(&reader, body, decoded, &last);
    return verdict == SIGV4_OK ? read_trailers(&reader, trailers) : verdict;
}
