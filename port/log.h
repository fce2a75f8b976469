/* The one log: `<INF>    15487 [OTA       ] text (file.c:123)`, milliseconds since boot.
 * A line is formatted on the stack, at most LOG_LINE_MAX bytes (longer text ends in "..."), and
 * handed to the port's `port_log_write`. LOG_LEVEL_MAX, set by the build, drops calls above it;
 * log_set_level, at run time, lines above another level. */
#ifndef OTTER_PORT_LOG_H
#define OTTER_PORT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOG_LINE_MAX 192u

enum log_level {
    LOG_LEVEL_NONE = -1, /* for log_set_level: no lines at all */
    LOG_LEVEL_ERR = 0,
    LOG_LEVEL_WRN = 1,
    LOG_LEVEL_INF = 2,
    LOG_LEVEL_DBG = 3
};

#ifndef LOG_LEVEL_MAX
#define LOG_LEVEL_MAX LOG_LEVEL_INF
#endif

#define LOG_AT(level, tag, ...)                                                                    \
    do {                                                                                           \
        if ((level) <= LOG_LEVEL_MAX)                                                              \
            log_line(LOG_PLACE((level), __LINE__), tag "\0" __FILE_NAME__, __VA_ARGS__);           \
    } while (0)

#ifndef __FILE_NAME__ /* GCC 12 has __FILE_NAME__, older compilers do not */
#define __FILE_NAME__ __FILE__
#endif

/* `tag` is the room in capitals, at most 10 characters, as a literal. */
#define LOG_ERR(tag, ...) LOG_AT(LOG_LEVEL_ERR, tag, __VA_ARGS__)
#define LOG_WRN(tag, ...) LOG_AT(LOG_LEVEL_WRN, tag, __VA_ARGS__)
#define LOG_INF(tag, ...) LOG_AT(LOG_LEVEL_INF, tag, __VA_ARGS__)
#define LOG_DBG(tag, ...) LOG_AT(LOG_LEVEL_DBG, tag, __VA_ARGS__)

/* The same without a place in the line, for those who log on behalf of others. */
#define LOG_PLAIN(level, tag, ...) log_line((level), tag "\0", __VA_ARGS__)

/* What the macros call; level and line in one number, tag and file in one text with a NUL between,
 * as each of some hundred calls costs flash. Not for use in interrupts. */
#define LOG_PLACE(level, line) ((unsigned)(level) | (unsigned)(line) << 2)
void log_line(unsigned place, const char *origin, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* LOG_LEVEL_MAX at first. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

/* Where each line up to `highest` goes instead of the port, for log_sinks.c, which may change it. */
typedef void log_route(enum log_level level, char *line, size_t length);
void log_set_route(log_route *route, enum log_level highest);

/* One more place for lines, beside the port's: a ring in flash, a service that uploads them. */
struct log_sink {
    /* `line` as the port gets it, valid during the call. Must not log. */
    void (*write)(void *ctx, enum log_level level, const char *line, size_t length);
    void *ctx;
    enum log_level level;  /* takes lines up to it, whatever log_set_level says */
    struct log_sink *next; /* private */
};

/* `sink` must live on; adding it again changes nothing. */
void log_add_sink(struct log_sink *sink);

/* For a program that shows the log where it shows other text: `around` is called before each line
 * and after it. NULL: nobody is. */
void log_set_around(void (*around)(void *ctx, bool after), void *ctx);

#ifdef __cplusplus
}
#endif

#endif
