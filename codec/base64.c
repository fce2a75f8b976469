/* Base64, strict. */
#include "codec/base64.h"

#include <stdbool.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(char *out, size_t size, const void *data, size_t length)
{
    const uint8_t *in = data;
    if (length > (size_t)(INT32_MAX - 1) / 4 * 3 || BASE64_LENGTH(length) >= size)
        return OTTER_E_TOO_LONG;
    char *next = out;
    for (size_t i = 0; i < length; i += 3) {
        const size_t have = length - i < 3 ? length - i : 3;
        const uint32_t group = (uint32_t)in[i] << 16 | (have > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                               (have > 2 ? in[i + 2] : 0);
        *next++ = alphabet[group >> 18];
        *next++ = alphabet[group >> 12 & 63];
        *next++ = have > 1 ? alphabet[group >> 6 & 63] : '=';
        *next++ = have > 2 ? alphabet[group & 63] : '=';
    }
    *next = '\0';
    return (int)(next - out);
}

/* 0..63, or 64 for what is not in the alphabet. */
static unsigned value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Four characters of which the first `digits` count; false when one is foreign or when bits that
 * no byte takes are set. */
static bool decode_group(const char *text, unsigned digits, uint32_t *group)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < 4; i++) {
        const unsigned value = i < digits ? value_of(text[i]) : 0;
        if (value > 63)
            return false;
        bits = bits << 6 | value;
    }
    *group = bits;
    const unsigned unused_bits = digits == 4 ? 0 : digits == 3 ? 8 : 16;
    return (bits & ((1u << unused_bits) - 1)) == 0;
}

int base64_decode(void *out, size_t size, const char *text, size_t length)
{
    uint8_t *next = out;
    if (length % 4 != 0 || length > INT32_MAX)
        return OTTER_E_MALFORMED;
    for (size_t i = 0; i < length; i += 4) {
        unsigned digits = 4;
        if (i + 4 == length && text[i + 3] == '=')
            digits = text[i + 2] == '=' ? 2 : 3;
        uint32_t group;
        if (!decode_group(text + i, digits, &group))
            return OTTER_E_MALFORMED;
        const size_t bytes = digits - 1;
        if (bytes > size - (size_t)(next - (uint8_t *)out))
            return OTTER_E_TOO_LONG;
        for (size_t b = 0; b < bytes; b++)
            *next++ = (uint8_t)(group >> (16 - 8 * b));
    }
    return (int)(next - (uint8_t *)out);
}
