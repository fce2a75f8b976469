/* ARNs, ids and encodings; see names.h. */
#include "cloud/core/ground/names.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/store/db.h"
#include "codec/base64.h"

struct arn arn_make(const struct cloud *cloud, const char *service, const char *format, ...)
{
    struct arn arn;
    int length = snprintf(arn.text, sizeof arn.text, "arn:aws:%s:%s:%s:", service, cloud->region,
                          cloud->account);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(arn.text + length, sizeof arn.text - (size_t)length, format, arguments);
    va_end(arguments);
    return arn;
}

const char *arn_name(const struct cloud *cloud, const char *arn, const char *service,
                     const char *type)
{
    struct arn prefix = arn_make(cloud, service, "%s/", type);
    size_t length = strlen(prefix.text);
    if (!arn || strncmp(arn, prefix.text, length) != 0 || !arn[length])
        return NULL;
    return arn + length;
}

static void random_bytes(void *bytes, size_t size)
{
    if (RAND_bytes(bytes, (int)size) != 1)
        abort(); /* without entropy no key and no id may be made */
}

void uuid_make(char text[UUID_SIZE])
{
    unsigned char b[16];
    random_bytes(b, sizeof b);
    b[6] = (b[6] & 0x0f) | 0x40; /* RFC 4122, version 4 */
    b[8] = (b[8] & 0x3f) | 0x80;
    snprintf(text, UUID_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}

void random_text(char *text, size_t count, const char *alphabet)
{
    size_t letters = strlen(alphabet);
    for (size_t i = 0; i < count; i++) {
        uint32_t number;
        random_bytes(&number, sizeof number);
        text[i] = alphabet[number % letters];
    }
    text[count] = 0;
}

static bool alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_valid(const char *text, size_t longest, const char *others)
{
    size_t length = text ? strlen(text) : 0;
    if (length == 0 || length > longest)
        return false;
    for (const char *c = text; *c; c++) {
        if (!alphanumeric(*c) && !strchr(others, *c))
            return false;
    }
    return true;
}

enum core_error check_filter(const char *name, const char *value, const char *known,
                             struct answer *answer)
{
    size_t size = value ? strlen(value) : 0;
    for (const char *at = size ? strstr(known, value) : NULL; at; at = strstr(at + 1, value)) {
        if ((at == known || at[-1] == ' ') && (at[size] == ' ' || !at[size]))
            return CORE_OK;
    }
    return !value ? CORE_OK
                  : answer_refuse(answer, CORE_INVALID_REQUEST, "%s must be one of %s, not '%.60s'",
                                  name, known, value);
}

enum core_error answer_db_failed(struct cloud *cloud, struct answer *answer)
{
    return answer_refuse(answer, CORE_INTERNAL,
                         "The change could not be stored, nothing was done: %s",
                         db_error(cloud->db));
}

/* ---- JSON and encodings ---- */

const char *json_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

json_t *json_stored(const char *text, const char *fallback)
{
    json_t *value = json_loads(text ? text : fallback, JSON_DECODE_ANY, NULL);
    return value ? value : json_loads(fallback, JSON_DECODE_ANY, NULL);
}

void hex_encode(char *text, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *b = bytes;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[b[i] >> 4];
        text[2 * i + 1] = digits[b[i] & 15];
    }
    text[2 * size] = 0;
}

static unsigned nibble(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = digit ? strchr(digits, digit | 0x20) : NULL;
    return at ? (unsigned)(at - digits) : 0;
}

void hex_decode(void *bytes, const char *text, size_t size)
{
    for (size_t i = 0; i < size && text[2 * i] && text[2 * i + 1]; i++)
        ((unsigned char *)bytes)[i] =
            (unsigned char)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
}

char *base64_new(const void *bytes, size_t size)
{
    const size_t room = (size + 2) / 3 * 4 + 1;
    char *text = malloc(room);
    if (!text || base64_encode(text, room, bytes, size) < 0)
        abort();
    return text;
}

void *base64_bytes(const char *text, size_t *size)
{
    const size_t length = strlen(text);
    const size_t room = length / 4 * 3 + 1;
    unsigned char *bytes = malloc(room);
    if (!bytes)
        abort();
    const int decoded = base64_decode(bytes, room, text, length);
    if (decoded >= 0) {
        *size = (size_t)decoded;
        bytes[decoded] = 0; /* for callers that know it is text */
        return bytes;
    }
    free(bytes);
    return NULL;
}
