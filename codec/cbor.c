/* CBOR reader and writer. Section numbers are those of RFC 8949. */
#include "codec/cbor.h"

#include <string.h>

/* Major types, section 3.1. */
enum {
    MAJOR_UINT,
    MAJOR_NEGATIVE,
    MAJOR_BYTES,
    MAJOR_TEXT,
    MAJOR_ARRAY,
    MAJOR_MAP,
    MAJOR_TAG,
    MAJOR_SIMPLE
};

/* The five low bits of an initial byte: values below are the argument itself. */
enum { INFO_ONE_BYTE = 24, INFO_EIGHT_BYTES = 27, INFO_INDEFINITE = 31 };

enum { SIMPLE_FALSE = 20, SIMPLE_TRUE, SIMPLE_NULL, SIMPLE_UNDEFINED };

#define BREAK 0xffu

/* Entries left of a container without a count. A definite count cannot come near them: it is
 * checked against the input's length. A map that waits for a value may not end. */
#define OPEN       UINT64_MAX
#define OPEN_KEY   (UINT64_MAX - 1)
#define OPEN_VALUE (UINT64_MAX - 2)

struct head {
    unsigned major;
    unsigned info;
    uint64_t value; /* the argument: number, length, count, or simple value */
};

/* ---- Reader ---------------------------------------------------------------------------------- */

void cbor_reader_init(struct cbor_reader *r, const void *data, size_t length)
{
    r->next = data;
    r->end = r->next + length;
    r->error = OTTER_OK;
}

static void fail(struct cbor_reader *r, otter_status error)
{
    if (!r->error)
        r->error = error;
    r->next = r->end;
}

static size_t left(const struct cbor_reader *r)
{
    return (size_t)(r->end - r->next);
}

/* Appendix C: which combinations of an initial byte and its argument are well-formed. */
static bool head_valid(const struct head *head)
{
    if (head->info == INFO_INDEFINITE)
        return (head->major >= MAJOR_BYTES && head->major <= MAJOR_MAP) ||
               head->major == MAJOR_SIMPLE;
    if (head->info > INFO_EIGHT_BYTES)
        return false;
    return !(head->major == MAJOR_SIMPLE && head->info == INFO_ONE_BYTE && head->value < 32);
}

/* One initial byte with its argument. */
static bool take_one_head(struct cbor_reader *r, struct head *head)
{
    if (r->error || left(r) == 0) {
        fail(r, OTTER_E_MALFORMED);
        return false;
    }
    const uint8_t initial = *r->next++;
    *head = (struct head){initial >> 5, initial & 31, initial & 31};
    if (head->info >= INFO_ONE_BYTE && head->info <= INFO_EIGHT_BYTES) {
        const size_t bytes = (size_t)1 << (head->info - INFO_ONE_BYTE);
        head->value = 0;
        if (bytes > left(r)) {
            fail(r, OTTER_E_MALFORMED);
            return false;
        }
        for (size_t i = 0; i < bytes; i++)
            head->value = head->value << 8 | *r->next++;
    }
    if (!head_valid(head)) {
        fail(r, OTTER_E_MALFORMED);
        return false;
    }
    return true;
}

static bool is_break(const struct head *head)
{
    return head->major == MAJOR_SIMPLE && head->info == INFO_INDEFINITE;
}

/* The head of the next item, behind its tags. A break comes through if no tag stood before it. */
static bool take_head(struct cbor_reader *r, struct head *head)
{
    bool tagged = false;
    while (take_one_head(r, head)) {
        if (tagged && is_break(head))
            break;
        if (head->major != MAJOR_TAG)
            return true;
        tagged = true;
    }
    fail(r, OTTER_E_MALFORMED);
    return false;
}

/* The head of an item that must be of `major`. */
static bool expect(struct cbor_reader *r, unsigned major, struct head *head)
{
    if (!take_head(r, head))
        return false;
    if (head->major != major || is_break(head)) {
        fail(r, OTTER_E_MALFORMED);
        return false;
    }
    return true;
}

static enum cbor_type simple_type(const struct head *head)
{
    if (is_break(head))
        return CBOR_NOTHING;
    if (head->info > INFO_ONE_BYTE)
        return CBOR_FLOAT;
    if (head->value == SIMPLE_FALSE || head->value == SIMPLE_TRUE)
        return CBOR_BOOL;
    return head->value == SIMPLE_NULL || head->value == SIMPLE_UNDEFINED ? CBOR_NULL : CBOR_OTHER;
}

enum cbor_type cbor_peek(const struct cbor_reader *r)
{
    static const uint8_t types[] = {CBOR_UINT, CBOR_NEGATIVE, CBOR_BYTES,
                                    CBOR_TEXT, CBOR_ARRAY,    CBOR_MAP};
    struct cbor_reader ahead = *r;
    struct head head;
    if (!take_head(&ahead, &head))
        return CBOR_NOTHING;
    return head.major == MAJOR_SIMPLE ? simple_type(&head) : (enum cbor_type)types[head.major];
}

uint64_t cbor_read_uint(struct cbor_reader *r, uint64_t max)
{
    struct head head;
    if (!expect(r, MAJOR_UINT, &head))
        return 0;
    if (head.value <= max)
        return head.value;
    fail(r, OTTER_E_MALFORMED);
    return 0;
}

int64_t cbor_read_int(struct cbor_reader *r, int64_t min, int64_t max)
{
    struct head head;
    if (!take_head(r, &head))
        return 0;
    if (head.major <= MAJOR_NEGATIVE && head.value <= INT64_MAX) {
        const int64_t magnitude = (int64_t)head.value;
        const int64_t value = head.major == MAJOR_UINT ? magnitude : -1 - magnitude;
        if (value >= min && value <= max)
            return value;
    }
    fail(r, OTTER_E_MALFORMED);
    return 0;
}

bool cbor_read_bool(struct cbor_reader *r)
{
    struct head head;
    if (expect(r, MAJOR_SIMPLE, &head) && simple_type(&head) == CBOR_BOOL)
        return head.value == SIMPLE_TRUE;
    fail(r, OTTER_E_MALFORMED);
    return false;
}

void cbor_read_null(struct cbor_reader *r)
{
    struct head head;
    if (!expect(r, MAJOR_SIMPLE, &head) || simple_type(&head) != CBOR_NULL)
        fail(r, OTTER_E_MALFORMED);
}

/* The content of a string whose head has been read. */
static struct cbor_bytes take_content(struct cbor_reader *r, const struct head *head)
{
    if (head->info == INFO_INDEFINITE)
        fail(r, OTTER_E_UNSUPPORTED);
    else if (head->value > left(r))
        fail(r, OTTER_E_MALFORMED);
    if (r->error)
        return (struct cbor_bytes){NULL, 0};
    const struct cbor_bytes content = {r->next, (size_t)head->value};
    r->next += content.length;
    return content;
}

struct cbor_bytes cbor_read_bytes(struct cbor_reader *r)
{
    struct head head;
    if (!expect(r, MAJOR_BYTES, &head))
        return (struct cbor_bytes){NULL, 0};
    return take_content(r, &head);
}

struct cbor_text cbor_read_text(struct cbor_reader *r)
{
    struct head head;
    if (!expect(r, MAJOR_TEXT, &head))
        return (struct cbor_text){NULL, 0};
    const struct cbor_bytes content = take_content(r, &head);
    return (struct cbor_text){(const char *)content.data, content.length};
}

struct cbor_text cbor_read_key(struct cbor_reader *r)
{
    if (cbor_peek(r) == CBOR_TEXT)
        return cbor_read_text(r);
    cbor_skip(r);
    return (struct cbor_text){NULL, 0};
}

/* A count that the rest of the input cannot hold (each item has a byte at least) is refused at
 * once. */
static uint64_t container_entries(struct cbor_reader *r, const struct head *head)
{
    if (head->info == INFO_INDEFINITE)
        return OPEN;
    if (head->value > left(r) / (head->major == MAJOR_MAP ? 2 : 1))
        fail(r, OTTER_E_MALFORMED);
    return r->error ? 0 : head->value;
}

static void open_container(struct cbor_reader *r, unsigned major, struct cbor_container *container)
{
    struct head head;
    container->left = expect(r, major, &head) ? container_entries(r, &head) : 0;
}

void cbor_read_map(struct cbor_reader *r, struct cbor_container *map)
{
    open_container(r, MAJOR_MAP, map);
}

void cbor_read_array(struct cbor_reader *r, struct cbor_container *array)
{
    open_container(r, MAJOR_ARRAY, array);
}

bool cbor_next(struct cbor_reader *r, struct cbor_container *container)
{
    if (r->error || container->left == 0)
        return false;
    if (container->left != OPEN) {
        container->left--;
        return true;
    }
    if (left(r) == 0) {
        fail(r, OTTER_E_MALFORMED);
        return false;
    }
    if (*r->next != BREAK)
        return true;
    r->next++;
    container->left = 0;
    return false;
}

/* ---- Skipping: a stack of counts in place of recursion --------------------------------------- */

struct skipper {
    uint64_t items[CBOR_DEPTH_MAX]; /* still to come on each level; of a map, keys and values */
    unsigned depth;
};

/* One item of the innermost container has begun. */
static void count_item(struct skipper *s)
{
    if (s->depth == 0)
        return;
    uint64_t *items = &s->items[s->depth - 1];
    if (*items == OPEN_KEY)
        *items = OPEN_VALUE;
    else if (*items == OPEN_VALUE)
        *items = OPEN_KEY;
    else if (*items != OPEN)
        --*items;
}

static void push(struct cbor_reader *r, struct skipper *s, const struct head *head)
{
    const uint64_t entries = container_entries(r, head);
    if (s->depth == CBOR_DEPTH_MAX) {
        fail(r, OTTER_E_UNSUPPORTED);
        return;
    }
    const bool map = head->major == MAJOR_MAP;
    s->items[s->depth++] = entries == OPEN ? (map ? OPEN_KEY : OPEN) : map ? 2 * entries : entries;
}

static void end_open(struct cbor_reader *r, struct skipper *s)
{
    const uint64_t items = s->depth > 0 ? s->items[s->depth - 1] : 0;
    if (items == OPEN || items == OPEN_KEY)
        s->items[s->depth - 1] = 0;
    else
        fail(r, OTTER_E_MALFORMED);
}

/* A string: its pieces, if its length is indefinite, are strings of the same kind with a length. */
static void skip_string(struct cbor_reader *r, const struct head *head)
{
    if (head->info != INFO_INDEFINITE) {
        take_content(r, head);
        return;
    }
    struct head piece;
    while (take_one_head(r, &piece) && !is_break(&piece)) {
        if (piece.major != head->major || piece.info == INFO_INDEFINITE)
            fail(r, OTTER_E_MALFORMED);
        else
            take_content(r, &piece);
    }
}

void cbor_skip(struct cbor_reader *r)
{
    struct skipper s = {.depth = 0};
    struct head head;
    do {
        if (!take_head(r, &head))
            return;
        if (is_break(&head)) {
            end_open(r, &s);
        } else {
            count_item(&s);
            if (head.major == MAJOR_ARRAY || head.major == MAJOR_MAP)
                push(r, &s, &head);
            else if (head.major == MAJOR_BYTES || head.major == MAJOR_TEXT)
                skip_string(r, &head);
        }
        while (s.depth > 0 && s.items[s.depth - 1] == 0)
            s.depth--;
    } while (s.depth > 0);
}

otter_status cbor_finish(const struct cbor_reader *r)
{
    if (r->error)
        return r->error;
    return left(r) == 0 ? OTTER_OK : OTTER_E_MALFORMED;
}

bool cbor_text_is(struct cbor_text text, const char *expected)
{
    return text.data && strlen(expected) == text.length &&
           memcmp(text.data, expected, text.length) == 0;
}

/* ---- Writer ---------------------------------------------------------------------------------- */

void cbor_writer_init(struct cbor_writer *w, void *data, size_t size)
{
    *w = (struct cbor_writer){data, size, 0, OTTER_OK};
}

static void put(struct cbor_writer *w, const void *data, size_t length)
{
    if (length > w->size - w->length)
        w->error = OTTER_E_TOO_LONG;
    if (w->error || length == 0)
        return;
    memcpy(w->data + w->length, data, length);
    w->length += length;
}

static void put_head(struct cbor_writer *w, unsigned major, uint64_t value)
{
    uint8_t head[9] = {(uint8_t)(major << 5)};
    if (value < INFO_ONE_BYTE) {
        head[0] |= (uint8_t)value;
        put(w, head, 1);
        return;
    }
    const unsigned power = value <= UINT8_MAX    ? 0
                           : value <= UINT16_MAX ? 1
                           : value <= UINT32_MAX ? 2
                                                 : 3;
    const unsigned bytes = 1u << power;
    head[0] |= (uint8_t)(INFO_ONE_BYTE + power);
    for (unsigned i = 0; i < bytes; i++)
        head[1 + i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    put(w, head, 1 + bytes);
}

static void put_byte(struct cbor_writer *w, unsigned byte)
{
    const uint8_t value = (uint8_t)byte;
    put(w, &value, 1);
}

void cbor_write_uint(struct cbor_writer *w, uint64_t value)
{
    put_head(w, MAJOR_UINT, value);
}

void cbor_write_int(struct cbor_writer *w, int64_t value)
{
    if (value < 0)
        put_head(w, MAJOR_NEGATIVE, ~(uint64_t)value); /* -1 - value */
    else
        put_head(w, MAJOR_UINT, (uint64_t)value);
}

void cbor_write_bool(struct cbor_writer *w, bool value)
{
    put_head(w, MAJOR_SIMPLE, value ? SIMPLE_TRUE : SIMPLE_FALSE);
}

void cbor_write_null(struct cbor_writer *w)
{
    put_head(w, MAJOR_SIMPLE, SIMPLE_NULL);
}

void cbor_write_bytes(struct cbor_writer *w, const void *data, size_t length)
{
    put_head(w, MAJOR_BYTES, length);
    put(w, data, length);
}

void cbor_write_text_view(struct cbor_writer *w, const char *text, size_t length)
{
    put_head(w, MAJOR_TEXT, length);
    put(w, text, length);
}

void cbor_write_text(struct cbor_writer *w, const char *text)
{
    cbor_write_text_view(w, text, strlen(text));
}

void cbor_write_map(struct cbor_writer *w, size_t pairs)
{
    put_head(w, MAJOR_MAP, pairs);
}

void cbor_write_array(struct cbor_writer *w, size_t items)
{
    put_head(w, MAJOR_ARRAY, items);
}

void cbor_write_map_indefinite(struct cbor_writer *w)
{
    put_byte(w, MAJOR_MAP << 5 | INFO_INDEFINITE);
}

void cbor_write_array_indefinite(struct cbor_writer *w)
{
    put_byte(w, MAJOR_ARRAY << 5 | INFO_INDEFINITE);
}

void cbor_write_end(struct cbor_writer *w)
{
    put_byte(w, BREAK);
}

int cbor_written(const struct cbor_writer *w)
{
    return w->error ? (int)w->error : (int)w->length;
}
