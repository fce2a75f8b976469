/* A text that grows: canonical requests, XML. Zero-initialised is empty; ends with text_free. */
#ifndef OTTER_CLOUD_SIGV4_TEXT_H
#define OTTER_CLOUD_SIGV4_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data; /* NUL-terminated once anything was added */
    size_t length, capacity;
};

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t size);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Percent-encodes all but A-Z a-z 0-9 - . _ ~ and the characters of `keep`. */
void text_add_encoded(struct text *text, const char *string, const char *keep);
/* Never NULL. */
const char *text_get(const struct text *text);
void text_free(struct text *text);

/* Whether `name` is one of the words of `list`, which blanks divide. */
bool text_lists(const char *list, const char *name);

/* Percent-decodes `size` bytes into a new string; `plus` also turns + into a blank. NULL when the
 * encoding is broken, hides a NUL, or is of no UTF-8. */
char *text_decode(const char *encoded, size_t size, int plus);

#endif
