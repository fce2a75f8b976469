/* Checking heads; see head.h. */
#include "cloud/api/head.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define LENGTH_DIGITS 18 /* more do not fit 64 bits */

struct framing {
    int lengths, codings, hosts;
};

static bool is_token(const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (!c || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return size > 0;
}

static bool is(const char *text, size_t size, const char *wanted)
{
    return size == strlen(wanted) && strncasecmp(text, wanted, size) == 0;
}

static bool is_number(const char *value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
    }
    return size > 0 && size <= LENGTH_DIGITS;
}

/* A line without its end. */
static const char *line_fault(const char *line, size_t size, struct framing *framing)
{
    const char *colon = memchr(line, ':', size);
    size_t name = colon ? (size_t)(colon - line) : 0;
    if (*line == ' ' || *line == '\t')
        return "a header must not go on in the next line";
    if (!colon || !is_token(line, name))
        return "the name of a header must be a token, its colon right behind it";
    const char *value = colon + 1;
    size_t length = size - name - 1;
    for (; length > 0 && (*value == ' ' || *value == '\t'); value++)
        length--;
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
        length--;
    framing->hosts += is(line, name, "Host");
    if (is(line, name, "Content-Length") && framing->lengths++ >= 0 && !is_number(value, length))
        return "Content-Length must be a number in digits alone";
    if (is(line, name, "Transfer-Encoding") && framing->codings++ >= 0 &&
        !is(value, length, "chunked"))
        return "Transfer-Encoding must be chunked";
    return NULL;
}

/* Where the line ends, without LF or CR LF; *next is where the one behind it begins. */
static size_t line_size(const char *line, const char *end, const char **next)
{
    const char *feed = memchr(line, '\n', (size_t)(end - line));
    const char *stop = feed ? feed : end;
    *next = feed ? feed + 1 : end;
    return (size_t)(stop - line) - (stop > line && stop[-1] == '\r');
}

const char *head_fault(const char *head, size_t size)
{
    const char *end = head + size, *next, *fault = NULL;
    struct framing framing = {0};
    if (memchr(head, 0, size))
        return "a head must not hold a NUL";
    line_size(head, end, &next); /* the request line is for evhttp to check */
    for (const char *line = next; line < end && !fault; line = next) {
        size_t length = line_size(line, end, &next);
        if (length == 0)
            break;
        fault = line_fault(line, length, &framing);
    }
    if (fault)
        return fault;
    if (framing.lengths + framing.codings > 1)
        return "a request has one Content-Length or one Transfer-Encoding, not several";
    return framing.hosts > 1 ? "a request has one Host" : NULL;
}
