/* JSON over jsmn: the checks that jsmn leaves out, paths, values, and the writer. */
#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

#include "codec/json.h"

#include <limits.h>
#include <string.h>

/* ---- Checking what jsmn has cut -------------------------------------------------------------- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Between two tokens stand blanks, the closing brackets of containers that end there (jsmn has
 * paired them), and last `separator`; 0 for none. */
static bool gap_is(const char *text, int from, int to, bool may_close, char separator)
{
    bool separated = false;
    for (int i = from; i < to; i++) {
        if (blank(text[i]))
            continue;
        const bool closes = text[i] == '}' || text[i] == ']';
        if (closes && may_close && !separated)
            continue;
        if (text[i] != separator || separated)
            return false;
        separated = true;
    }
    return separated == (separator != 0);
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && digit(*p))
        p++;
    return p;
}

/* RFC 8259 section 6. */
static bool number_valid(const char *p, const char *end)
{
    if (p < end && *p == '-')
        p++;
    const char *whole = p;
    p = skip_digits(p, end);
    if (p == whole || (*whole == '0' && p - whole > 1))
        return false;
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = skip_digits(p, end);
        if (p == fraction)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        const char *exponent = p;
        p = skip_digits(p, end);
        if (p == exponent)
            return false;
    }
    return p == end;
}

static bool token_is(const struct json *doc, int index, const char *expected)
{
    const jsmntok_t *t = &doc->tokens[index];
    const size_t length = (size_t)(t->end - t->start);
    return strlen(expected) == length && memcmp(doc->text + t->start, expected, length) == 0;
}

static bool primitive_valid(const struct json *doc, int index)
{
    const jsmntok_t *t = &doc->tokens[index];
    return token_is(doc, index, "true") || token_is(doc, index, "false") ||
           token_is(doc, index, "null") || number_valid(doc->text + t->start, doc->text + t->end);
}

static bool string_valid(const struct json *doc, int index)
{
    const jsmntok_t *t = &doc->tokens[index];
    for (int i = t->start; i < t->end; i++) {
        if ((unsigned char)doc->text[i] < 0x20)
            return false;
    }
    return true;
}

/* jsmn hangs a value below its name, and a name below its object. */
static bool is_name(const struct json *doc, int index)
{
    const int parent = doc->tokens[index].parent;
    return parent >= 0 && doc->tokens[parent].type == JSMN_OBJECT;
}

static bool token_valid(const struct json *doc, int index)
{
    const jsmntok_t *t = &doc->tokens[index];
    if ((t->parent < 0) != (index == 0))
        return false; /* a second root */
    if (is_name(doc, index))
        return t->type == JSMN_STRING && t->size == 1 && string_valid(doc, index);
    if (t->type == JSMN_STRING)
        return t->size == 0 && string_valid(doc, index);
    return t->type != JSMN_PRIMITIVE || (t->size == 0 && primitive_valid(doc, index));
}

/* The position before a token's first character, its quote included; and behind its last. */
static int outer_start(const jsmntok_t *t)
{
    return t->type == JSMN_STRING ? t->start - 1 : t->start;
}

static int outer_end(const jsmntok_t *t)
{
    return t->type == JSMN_STRING ? t->end + 1 : t->end;
}

/* What stands between token `index` and the one before it in the text. */
static bool separation_valid(const struct json *doc, int index)
{
    const jsmntok_t *t = &doc->tokens[index];
    const jsmntok_t *before = t - 1;
    const int start = outer_start(t);
    const bool container = before->type == JSMN_OBJECT || before->type == JSMN_ARRAY;
    if (container && t->start < before->end) /* the first in it */
        return gap_is(doc->text, before->start + 1, start, false, 0);
    if (is_name(doc, index - 1))
        return gap_is(doc->text, outer_end(before), start, false, ':');
    const int from = container ? before->start + 1 : outer_end(before); /* an empty container */
    return gap_is(doc->text, from, start, true, ',');
}

static bool document_valid(const struct json *doc, int length)
{
    const jsmntok_t *root = &doc->tokens[0];
    const jsmntok_t *last = &doc->tokens[doc->count - 1];
    if (root->type != JSMN_OBJECT && root->type != JSMN_ARRAY)
        return false;
    for (int i = 0; i < doc->count; i++) {
        if (!token_valid(doc, i) || (i > 0 && !separation_valid(doc, i)))
            return false;
    }
    const bool container = last->type == JSMN_OBJECT || last->type == JSMN_ARRAY;
    return gap_is(doc->text, 0, root->start, false, 0) &&
           gap_is(doc->text, container ? last->start + 1 : outer_end(last), root->end, true, 0) &&
           gap_is(doc->text, root->end, length, false, 0);
}

otter_status json_parse(struct json *doc, const char *text, size_t length, jsmntok_t *tokens,
                        size_t token_count)
{
    *doc = (struct json){text, tokens, 0};
    if (length > INT_MAX || token_count > INT_MAX)
        return OTTER_E_ARGUMENT;
    jsmn_parser parser;
    jsmn_init(&parser);
    const int count = jsmn_parse(&parser, text, length, tokens, (unsigned)token_count);
    if (count == JSMN_ERROR_NOMEM)
        return OTTER_E_NO_SPACE;
    /* jsmn takes a NUL for the end of the text. */
    if (count <= 0 || parser.pos != length)
        return OTTER_E_MALFORMED;
    doc->count = count;
    if (document_valid(doc, (int)length))
        return OTTER_OK;
    doc->count = 0;
    return OTTER_E_MALFORMED;
}

/* ---- Finding --------------------------------------------------------------------------------- */

static const jsmntok_t *token_at(const struct json *doc, int index)
{
    return index >= 0 && index < doc->count ? &doc->tokens[index] : NULL;
}

enum json_type json_type(const struct json *doc, int index)
{
    const jsmntok_t *t = token_at(doc, index);
    if (!t)
        return JSON_NONE;
    if (t->type != JSMN_PRIMITIVE)
        return t->type == JSMN_OBJECT  ? JSON_OBJECT
               : t->type == JSMN_ARRAY ? JSON_ARRAY
                                       : JSON_STRING;
    const char first = doc->text[t->start];
    return first == 'n' ? JSON_NULL : first == 't' || first == 'f' ? JSON_BOOL : JSON_NUMBER;
}

int json_count(const struct json *doc, int container)
{
    const enum json_type type = json_type(doc, container);
    return type == JSON_OBJECT || type == JSON_ARRAY ? doc->tokens[container].size : 0;
}

int json_first(const struct json *doc, int container)
{
    return json_count(doc, container) > 0 ? container + 1 : OTTER_E_NOT_FOUND;
}

int json_next(const struct json *doc, int index)
{
    const jsmntok_t *t = token_at(doc, index);
    if (!t)
        return OTTER_E_NOT_FOUND;
    /* A name is followed by its value, which may be as short as "". */
    const int last = is_name(doc, index) ? index + 1 : index;
    const int end = doc->tokens[last].end;
    int next = last + 1;
    while (next < doc->count && doc->tokens[next].start < end)
        next++;
    const bool sibling = next < doc->count && doc->tokens[next].parent == t->parent;
    return sibling ? next : OTTER_E_NOT_FOUND;
}

static int find_name(const struct json *doc, int object, const char *name, size_t length)
{
    if (json_type(doc, object) != JSON_OBJECT)
        return OTTER_E_NOT_FOUND;
    for (int i = json_first(doc, object); i >= 0; i = json_next(doc, i)) {
        const jsmntok_t *t = &doc->tokens[i];
        if ((size_t)(t->end - t->start) == length &&
            memcmp(doc->text + t->start, name, length) == 0)
            return i + 1;
    }
    return OTTER_E_NOT_FOUND;
}

static int find_element(const struct json *doc, int array, unsigned position)
{
    if (json_type(doc, array) != JSON_ARRAY)
        return OTTER_E_NOT_FOUND;
    int i = json_first(doc, array);
    while (position-- > 0 && i >= 0)
        i = json_next(doc, i);
    return i;
}

/* "[12]": its number, and *path moves behind it. A path is the program's own text, so what cannot
 * be read is simply not found. */
static unsigned take_position(const char **path)
{
    unsigned position = 0;
    for (++*path; digit(**path); ++*path)
        position = position * 10 + (unsigned)(**path - '0');
    if (**path == ']')
        ++*path;
    return position;
}

int json_find(const struct json *doc, int from, const char *path)
{
    int index = from;
    while (*path && index >= 0) {
        if (*path == '[') {
            index = find_element(doc, index, take_position(&path));
            continue;
        }
        if (*path == '.')
            path++;
        const size_t length = strcspn(path, ".[");
        index = find_name(doc, index, path, length);
        path += length;
    }
    return index;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* The token, or NULL with the reason in *status. */
static const jsmntok_t *value_at(const struct json *doc, int index, otter_status *status)
{
    const jsmntok_t *t = token_at(doc, index);
    *status = t ? OTTER_OK : index < 0 ? (otter_status)index : OTTER_E_NOT_FOUND;
    return t;
}

otter_status json_get_uint(const struct json *doc, int index, uint32_t max, uint32_t *value)
{
    otter_status status;
    const jsmntok_t *t = value_at(doc, index, &status);
    if (!t)
        return status;
    if (t->type != JSMN_PRIMITIVE)
        return OTTER_E_MALFORMED;
    uint32_t sum = 0;
    for (int i = t->start; i < t->end; i++) {
        if (!digit(doc->text[i]))
            return OTTER_E_MALFORMED;
        const uint32_t last = (uint32_t)(doc->text[i] - '0');
        if (last > max || sum > max / 10 || sum * 10 > max - last)
            return OTTER_E_ARGUMENT;
        sum = sum * 10 + last;
    }
    *value = sum;
    return OTTER_OK;
}

otter_status json_get_bool(const struct json *doc, int index, bool *value)
{
    otter_status status;
    if (!value_at(doc, index, &status))
        return status;
    if (json_type(doc, index) != JSON_BOOL)
        return OTTER_E_MALFORMED;
    *value = token_is(doc, index, "true");
    return OTTER_OK;
}

otter_status json_get_raw(const struct json *doc, int index, const char **text, size_t *length)
{
    otter_status status;
    const jsmntok_t *t = value_at(doc, index, &status);
    if (!t)
        return status;
    *text = doc->text + t->start;
    *length = (size_t)(t->end - t->start);
    return OTTER_OK;
}

/* ---- Unescaping: section 7 of RFC 8259 ------------------------------------------------------- */

struct unescaper {
    const char *next;
    const char *end;
};

/* Four hexadecimal digits, which jsmn has checked to be there. */
static uint32_t take_hex(struct unescaper *u)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        const char c = *u->next++;
        const int digit_value = digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
        value = value << 4 | (uint32_t)digit_value;
    }
    return value;
}

/* The code point behind "\u"; 0 for a NUL or half of a surrogate pair. */
static uint32_t take_code_point(struct unescaper *u)
{
    const uint32_t first = take_hex(u);
    if (first < 0xd800 || first > 0xdfff)
        return first;
    if (first > 0xdbff || u->end - u->next < 6 || u->next[0] != '\\' || u->next[1] != 'u')
        return 0;
    u->next += 2;
    const uint32_t second = take_hex(u);
    if (second < 0xdc00 || second > 0xdfff)
        return 0;
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

static size_t put_utf8(uint32_t code, char out[4])
{
    const size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(marks[length] | code);
    return length;
}

/* The next character's bytes, 1 to 4; 0 when it is not one that a C string can hold. */
static size_t take_character(struct unescaper *u, char out[4])
{
    static const char escapes[] = "b\bf\fn\nr\rt\t";
    out[0] = *u->next++;
    if (out[0] != '\\')
        return 1;
    out[0] = *u->next++;
    if (out[0] == 'u') {
        const uint32_t code = take_code_point(u);
        return code ? put_utf8(code, out) : 0;
    }
    for (size_t i = 0; escapes[i]; i += 2) {
        if (escapes[i] == out[0]) {
            out[0] = escapes[i + 1];
            break;
        }
    }
    return 1;
}

otter_status json_get_string(const struct json *doc, int index, char *out, size_t size)
{
    otter_status status;
    const jsmntok_t *t = value_at(doc, index, &status);
    if (!t)
        return status;
    if (t->type != JSMN_STRING)
        return OTTER_E_MALFORMED;
    struct unescaper u = {doc->text + t->start, doc->text + t->end};
    size_t used = 0;
    while (u.next < u.end) {
        char character[4];
        const size_t length = take_character(&u, character);
        if (length == 0)
            return OTTER_E_MALFORMED;
        if (used + length >= size)
            return OTTER_E_TOO_LONG;
        memcpy(out + used, character, length);
        used += length;
    }
    if (used >= size)
        return OTTER_E_TOO_LONG;
    out[used] = '\0';
    return OTTER_OK;
}

bool json_equals(const struct json *doc, int index, const char *expected)
{
    const jsmntok_t *t = token_at(doc, index);
    if (!t || t->type != JSMN_STRING)
        return false;
    struct unescaper u = {doc->text + t->start, doc->text + t->end};
    while (u.next < u.end) {
        char character[4];
        const size_t length = take_character(&u, character);
        if (length == 0 || strncmp(character, expected, length) != 0)
            return false;
        expected += length;
    }
    return *expected == '\0';
}
