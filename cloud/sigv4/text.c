/* A text that grows; see text.h. */
#include "cloud/sigv4/text.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct text *text, size_t more)
{
    size_t needed = text->length + more + 1;
    if (needed <= text->capacity)
        return;
    text->capacity = needed * 2;
    text->data = realloc(text->data, text->capacity);
    if (!text->data)
        abort(); /* nothing sensible can follow on the host */
}

void text_add_bytes(struct text *text, const void *bytes, size_t size)
{
    reserve(text, size);
    if (size)
        memcpy(text->data + text->length, bytes, size);
    text->length += size;
    text->data[text->length] = 0;
}

void text_add(struct text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

void text_format(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    reserve(text, (size_t)length);
    va_start(arguments, format);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

static int unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void text_add_encoded(struct text *text, const char *string, const char *keep)
{
    for (; *string; string++) {
        if (unreserved(*string) || strchr(keep, *string))
            text_add_bytes(text, string, 1);
        else
            text_format(text, "%%%02X", (unsigned char)*string);
    }
}

const char *text_get(const struct text *text)
{
    return text->data ? text->data : "";
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){NULL, 0, 0};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte at encoded[*at], moving *at behind it; -1 when it is broken. */
static int decode_one(const char *encoded, size_t size, size_t *at, int plus)
{
    char c = encoded[(*at)++];
    if (c == '+' && plus)
        return ' ';
    if (c != '%')
        return c ? (unsigned char)c : -1;
    if (size - *at < 2)
        return -1;
    int high = hex_digit(encoded[*at]), low = hex_digit(encoded[*at + 1]);
    *at += 2;
    return high < 0 || low < 0 || (high == 0 && low == 0) ? -1 : high << 4 | low;
}

bool text_lists(const char *list, const char *name)
{
    size_t size = strlen(name), word;
    for (list += strspn(list, " "); *list; list += word + strspn(list + word, " ")) {
        word = strcspn(list, " ");
        if (word == size && memcmp(list, name, size) == 0)
            return true;
    }
    return false;
}

static bool is_utf8(const char *text, size_t length)
{
    json_t *taken = json_stringn(text, length);
    json_decref(taken);
    return taken != NULL;
}

char *text_decode(const char *encoded, size_t size, int plus)
{
    char *decoded = malloc(size + 1);
    size_t length = 0;
    if (!decoded)
        abort();
    for (size_t at = 0; at < size;) {
        int byte = decode_one(encoded, size, &at, plus);
        if (byte < 0) {
            free(decoded);
            return NULL;
        }
        decoded[length++] = (char)byte;
    }
    decoded[length] = 0;
    if (is_utf8(decoded, length))
        return decoded;
    free(decoded);
    return NULL;
}
