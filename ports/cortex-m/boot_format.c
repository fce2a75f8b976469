/* snprintf and vsnprintf for the bootloader, in a third of the C library's size: they know what the
 * bootloader's lines use. That is %s %d %u %x, l before the last three, a width with or without a
 * -, and a precision for strings. */
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

static void put(struct output *out, char c)
{
    if (out->length + 1 < out->size)
        out->text[out->length] = c;
    out->length++;
}

static void put_spaces(struct output *out, size_t length, size_t width)
{
    for (; length < width; length++)
        put(out, ' ');
}

static size_t read_number(const char **format)
{
    size_t number = 0;
    for (; **format >= '0' && **format <= '9'; ++*format)
        number = number * 10 + (size_t)(**format - '0');
    return number;
}

/* The digits of `number`, ending where `end` points. */
static char *digits_of(char *end, char kind, uint32_t number)
{
    const bool negative = kind == 'd' && (int32_t)number < 0;
    const uint32_t base = kind == 'x' ? 16 : 10;
    if (negative)
        number = -number;
    do {
        const uint32_t digit = number % base;
        *--end = (char)(digit < 10 ? '0' + digit : 'a' - 10 + digit);
        number /= base;
    } while (number > 0);
    if (negative)
        *--end = '-';
    return end;
}

/* Writes one conversion; returns what follows it in the format. int, long and pointers all have
 * the same size here. */
static const char *convert(struct output *out, const char *format, uintptr_t value)
{
    char digits[12];
    char *const end = digits + sizeof digits;
    const bool left = *format == '-';
    if (left)
        format++;
    const size_t width = read_number(&format);
    size_t length = SIZE_MAX;
    if (*format == '.') {
        format++;
        length = read_number(&format);
    }
    if (*format == 'l')
        format++;
    const char *text = (const char *)value;
    if (*format == 's') {
        length = strnlen(text, length);
    } else {
        text = digits_of(end, *format, value);
        length = (size_t)(end - text);
    }
    if (!left)
        put_spaces(out, length, width);
    for (size_t i = 0; i < length; i++)
        put(out, text[i]);
    if (left)
        put_spaces(out, length, width);
    return format + 1;
}

int vsnprintf(char *text, size_t size, const char *format, va_list args)
{
    struct output out = {text, size, 0};
    while (*format != '\0') {
        if (*format == '%')
            format = convert(&out, format + 1, va_arg(args, uintptr_t));
        else
            put(&out, *format++);
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
