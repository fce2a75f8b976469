/* JSON text into a caller's buffer. One byte is always kept for the NUL. */
#include <string.h>

#include "codec/json.h"

static void put(struct json_writer *w, const char *text, size_t length)
{
    if (!w->error && length >= w->size - w->length)
        w->error = OTTER_E_TOO_LONG;
    if (w->error || length == 0)
        return;
    memcpy(w->data + w->length, text, length);
    w->length += length;
    w->data[w->length] = '\0';
}

static void put_char(struct json_writer *w, char c)
{
    put(w, &c, 1);
}

static void put_escaped(struct json_writer *w, char c)
{
    static const char escapes[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    static const char digits[] = "0123456789abcdef";
    const char *escape = escapes;
    while (*escape && *escape != c)
        escape += 2;
    if (c && *escape) {
        put(w, (const char[]){'\\', escape[1]}, 2);
    } else if ((unsigned char)c < 0x20) {
        put(w, "\\u00", 4);
        put(w, (const char[]){digits[(unsigned char)c >> 4], digits[c & 15]}, 2);
    } else {
        put_char(w, c);
    }
}

static void put_string(struct json_writer *w, const char *text, size_t length)
{
    put_char(w, '"');
    for (size_t i = 0; i < length && !w->error; i++)
        put_escaped(w, text[i]);
    put_char(w, '"');
}

/* What stands before a value: a comma, and its name. */
static void begin_value(struct json_writer *w, const char *name)
{
    if (w->comma)
        put_char(w, ',');
    w->comma = true;
    if (name) {
        put_string(w, name, strlen(name));
        put_char(w, ':');
    }
}

void json_writer_init(struct json_writer *w, char *data, size_t size)
{
    *w = (struct json_writer){data, size, 0, false, size > 0 ? OTTER_OK : OTTER_E_TOO_LONG};
    if (size > 0)
        data[0] = '\0';
}

static void open_container(struct json_writer *w, const char *name, char bracket)
{
    begin_value(w, name);
    put_char(w, bracket);
    w->comma = false;
}

static void close_container(struct json_writer *w, char bracket)
{
    put_char(w, bracket);
    w->comma = true;
}

void json_write_object(struct json_writer *w, const char *name)
{
    open_container(w, name, '{');
}

void json_write_object_end(struct json_writer *w)
{
    close_container(w, '}');
}

void json_write_array(struct json_writer *w, const char *name)
{
    open_container(w, name, '[');
}

void json_write_array_end(struct json_writer *w)
{
    close_container(w, ']');
}

void json_write_string_view(struct json_writer *w, const char *name, const char *value,
                            size_t length)
{
    begin_value(w, name);
    put_string(w, value, length);
}

void json_write_string(struct json_writer *w, const char *name, const char *value)
{
    json_write_string_view(w, name, value, strlen(value));
}

void json_write_int(struct json_writer *w, const char *name, int64_t value)
{
    char digits[20]; /* of 2^63, and the sign */
    char *next = digits + sizeof digits;
    uint64_t magnitude = value < 0 ? ~(uint64_t)value + 1 : (uint64_t)value;
    do {
        *--next = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    if (value < 0)
        *--next = '-';
    json_write_raw(w, name, next, (size_t)(digits + sizeof digits - next));
}

void json_write_bool(struct json_writer *w, const char *name, bool value)
{
    json_write_raw(w, name, value ? "true" : "false", value ? 4 : 5);
}

void json_write_null(struct json_writer *w, const char *name)
{
    json_write_raw(w, name, "null", 4);
}

void json_write_raw(struct json_writer *w, const char *name, const char *json, size_t length)
{
    begin_value(w, name);
    put(w, json, length);
}

int json_written(const struct json_writer *w)
{
    return w->error ? (int)w->error : (int)w->length;
}
