/* Formats a log line and hands it to the port; see log.h. */
#include "port/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "port/port.h"

static const char *const level_names[] = {"ERR", "WRN", "INF", "DBG"};

static enum log_level highest = LOG_LEVEL_MAX;
static void (*around)(void *ctx, bool after);
static void *around_ctx;

void log_set_level(enum log_level level)
{
    highest = level;
}

enum log_level log_level(void)
{
    return highest;
}

void log_set_around(void (*function)(void *ctx, bool after), void *ctx)
{
    around = function;
    around_ctx = ctx;
}

static void write_line(const char *text, size_t length)
{
    if (around != NULL)
        around(around_ctx, false);
    port_log_write(text, length);
    if (around != NULL)
        around(around_ctx, true);
}

void log_line(enum log_level level, const char *tag, const char *file, int line, const char *format,
              ...)
{
    char text[LOG_LINE_MAX];
    if (level > highest)
        return;
    int length = snprintf(text, sizeof text, "<%s> %8lu [%-10.10s] ", level_names[level & 3],
                          (unsigned long)port_now(), tag);
    va_list args;
    va_start(args, format);
    length += vsnprintf(text + length, sizeof text - (size_t)length, format, args);
    va_end(args);
    if ((size_t)length < sizeof text && file != NULL)
        length += snprintf(text + length, sizeof text - (size_t)length, " (%s:%d)", file, line);
    if ((size_t)length >= sizeof text) {
        length = (int)sizeof text - 1;
        text[length - 3] = text[length - 2] = text[length - 1] = '.';
    }
    write_line(text, (size_t)length);
}
