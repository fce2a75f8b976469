/* PEM; see pem.h. */
#include "pki/pem.h"

#include <string.h>

#include "codec/base64.h"

#define DASHES      "-----"
#define LINE_LENGTH 64u
#define LINE_BYTES  ((size_t)LINE_LENGTH / 4 * 3)

/* What is left of the text. */
struct cursor {
    const char *next;
    size_t left;
};

static void skip(struct cursor *cursor, size_t count)
{
    cursor->next += count;
    cursor->left -= count;
}

/* Passes over `mark` if it comes next. */
static bool take(struct cursor *cursor, const char *mark, size_t length)
{
    if (cursor->left < length || memcmp(cursor->next, mark, length) != 0)
        return false;
    skip(cursor, length);
    return true;
}

static bool take_text(struct cursor *cursor, const char *mark)
{
    return take(cursor, mark, strlen(mark));
}

static bool take_label(struct cursor *cursor, struct pem *pem)
{
    pem->label = cursor->next;
    while (cursor->left > 0 && *cursor->next >= ' ' && *cursor->next <= '~' && *cursor->next != '-')
        skip(cursor, 1);
    pem->label_length = (size_t)(cursor->next - pem->label);
    return take_text(cursor, DASHES);
}

static bool is_blank(char c)
{
    return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* A newline as JSON has it. */
static bool take_escape(struct cursor *cursor)
{
    if (cursor->left < 2 || cursor->next[0] != '\\' ||
        (cursor->next[1] != 'n' && cursor->next[1] != 'r'))
        return false;
    skip(cursor, 1); /* the loop of the caller passes over the letter */
    return true;
}

/* Everything up to the END line, four characters at a time: lines may have any length. */
static otter_status decode_body(struct cursor *cursor, struct pem *pem, uint8_t *der, size_t size)
{
    char group[4];
    size_t fill = 0;
    bool padded = false;
    for (; cursor->left > 0 && *cursor->next != '-'; skip(cursor, 1)) {
        if (is_blank(*cursor->next) || take_escape(cursor))
            continue;
        if (padded)
            return OTTER_E_MALFORMED;
        group[fill++] = *cursor->next;
        if (fill < sizeof group)
            continue;
        const int bytes = base64_decode(der + pem->length, size - pem->length, group, sizeof group);
        if (bytes < 0)
            return (otter_status)bytes;
        padded = bytes < 3;
        pem->length += (size_t)bytes;
        fill = 0;
    }
    return fill == 0 && pem->length > 0 ? OTTER_OK : OTTER_E_MALFORMED;
}

/* Passes over everything up to the next object, and its first mark. */
static bool find_begin(struct cursor *cursor)
{
    while (!take_text(cursor, DASHES "BEGIN ")) {
        if (cursor->left == 0)
            return false;
        skip(cursor, 1);
    }
    return true;
}

static otter_status decode_object(struct cursor *cursor, struct pem *pem, uint8_t *der, size_t size)
{
    *pem = (struct pem){0};
    if (!find_begin(cursor) || !take_label(cursor, pem))
        return OTTER_E_MALFORMED;
    const otter_status status = decode_body(cursor, pem, der, size);
    if (status != OTTER_OK)
        return status;
    if (!take_text(cursor, DASHES "END ") || !take(cursor, pem->label, pem->label_length) ||
        !take_text(cursor, DASHES))
        return OTTER_E_MALFORMED;
    return OTTER_OK;
}

otter_status pem_decode(struct pem *pem, uint8_t *der, size_t size, const char *text, size_t length)
{
    struct cursor cursor = {text, length};
    otter_status status = decode_object(&cursor, pem, der, size);
    if (status == OTTER_OK && pem_label_is(pem, "EC PARAMETERS"))
        status = decode_object(&cursor, pem, der, size);
    if (status == OTTER_OK)
        pem->more = find_begin(&cursor);
    return status;
}

bool pem_label_is(const struct pem *pem, const char *label)
{
    return strlen(label) == pem->label_length && memcmp(pem->label, label, pem->label_length) == 0;
}

/* Appends to a text of which *fill characters are there; keeps room for the NUL. */
static bool append(char *text, size_t size, size_t *fill, const char *part)
{
    const size_t length = strlen(part);
    if (length >= size - *fill)
        return false;
    memcpy(text + *fill, part, length + 1);
    *fill += length;
    return true;
}

static bool append_mark(char *text, size_t size, size_t *fill, const char *mark, const char *label)
{
    return append(text, size, fill, mark) && append(text, size, fill, label) &&
           append(text, size, fill, DASHES "\n");
}

otter_status pem_encode(char *text, size_t size, const char *label, const uint8_t *der,
                        size_t length)
{
    size_t fill = 0;
    if (size == 0 || !append_mark(text, size, &fill, DASHES "BEGIN ", label))
        return OTTER_E_TOO_LONG;
    for (size_t part; length > 0; der += part, length -= part) {
        char line[LINE_LENGTH + 1];
        part = length < LINE_BYTES ? length : LINE_BYTES;
        base64_encode(line, sizeof line, der, part);
        if (!append(text, size, &fill, line) || !append(text, size, &fill, "\n"))
            return OTTER_E_TOO_LONG;
    }
    return append_mark(text, size, &fill, DASHES "END ", label) ? OTTER_OK : OTTER_E_TOO_LONG;
}
