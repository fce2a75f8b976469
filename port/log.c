/* Formats a log line and hands it to the port; see log.h. */
#include "port/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "port/port.h"

static const char level_names[][4] = {"ERR", "WRN", "INF", "DBG"};

static enum log_level highest = LOG_LEVEL_MAX;
static log_route *route; /* NULL: to the port */

void log_set_route(log_route *function, enum log_level level)
{
    route = function;
    highest = level;
}

void log_line(unsigned place, const char *origin, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    const enum log_level level = (enum log_level)(place & 3u);
    const char *file = origin + strlen(origin) + 1;
    if (level > highest)
        return;
    int length = snprintf(text, sizeof text, "<%s> %8lu [%-10.10s] ", level_names[level],
                          (unsigned long)port_now(), origin);
    va_list args;
    va_start(args, format);
    length += vsnprintf(text + length, sizeof text - (size_t)length, format, args);
    va_end(args);
    if ((size_t)length < sizeof text && *file != '\0')
        length +=
            snprintf(text + length, sizeof text - (size_t)length, " (%s:%u)", file, place >> 2);
    if ((size_t)length >= sizeof text) {
        length = (int)sizeof text - 1;
        text[length - 3] = text[length - 2] = text[length - 1] = '.';
    }
    if (route != NULL)
        route(level, text, (size_t)length);
    else
        port_log_write(text, (size_t)length);
}
