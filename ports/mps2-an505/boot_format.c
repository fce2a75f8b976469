/* snprintf and vsnprintf for the bootloader, in a third of the C library's size: they know what the
 * bootloader's lines use. That is %s %d %u %x, l before the last three, a width with or without a -,
 * and a precision for strings. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct output {
    char *text;
    size_t size;
    size_t length; /* wanted so far; may exceed size */
};

struct field {
    bool left;
    size_t width;
    size_t precision;
};

static void put(struct output *out, char c)
{
    if (out->length + 1 < out->size)
        out->text[out->length] = c;
    out->length++;
}

static void put_field(struct output *out, const struct field *field, const char *text,
                      size_t length)
{
    size_t padding = field->width > length ? field->width - length : 0;
    if (!field->left)
        for (; padding > 0; padding--)
            put(out, ' ');
    while (length-- > 0)
        put(out, *text++);
    for (; padding > 0; padding--)
        put(out, ' ');
}

static void put_number(struct output *out, const struct field *field, uint32_t number,
                       uint32_t base, bool negative)
{
    char digits[12];
    char *first = digits + sizeof digits;
    do {
        *--first = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    if (negative)
        *--first = '-';
    put_field(out, field, first, (size_t)(digits + sizeof digits - first));
}

static size_t read_number(const char **format)
{
    size_t number = 0;
    for (; **format >= '0' && **format <= '9'; ++*format)
        number = number * 10 + (size_t)(**format - '0');
    return number;
}

static struct field read_field(const char **format)
{
    struct field field = {.left = **format == '-', .precision = SIZE_MAX};
    if (field.left)
        ++*format;
    field.width = read_number(format);
    if (**format == '.') {
        ++*format;
        field.precision = read_number(format);
    }
    while (**format == 'l')
        ++*format;
    return field;
}

/* int and long have the same size here, as have all pointers. */
static void put_conversion(struct output *out, const struct field *field, char kind,
                           uintptr_t value)
{
    if (kind == 's') {
        put_field(out, field, (const char *)value, strnlen((const char *)value, field->precision));
        return;
    }
    const bool negative = kind == 'd' && (int32_t)value < 0;
    put_number(out, field, negative ? -value : value, kind == 'x' ? 16 : 10, negative);
}

int vsnprintf(char *text, size_t size, const char *format, va_list args)
{
    struct output out = {text, size, 0};
    while (*format != '\0') {
        if (*format != '%') {
            put(&out, *format++);
            continue;
        }
        format++;
        const struct field field = read_field(&format);
        if (*format != '\0')
            put_conversion(&out, &field, *format++, va_arg(args, uintptr_t));
    }
    if (size > 0)
        text[out.length < size ? out.length : size - 1] = '\0';
    return (int)out.length;
}

int snprintf(char *text, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(text, size, format, args);
    va_end(args);
    return length;
}
