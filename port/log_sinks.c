/* Where finished lines go besides the port, and what the port is shown: a bootloader, which has one
 * place for its lines, links none of it. */
#include "port/log.h"
#include "port/port.h"

static enum log_level shown = LOG_LEVEL_MAX;
static void (*around)(void *ctx, bool after);
static void *around_ctx;
static struct log_sink *sinks;

static void write_line(enum log_level level, char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) { /* a cloud's words must not move a terminal's cursor */
        if ((unsigned char)text[i] < ' ')
            text[i] = '?';
    }
    for (const struct log_sink *sink = sinks; sink != NULL; sink = sink->next) {
        if (level <= sink->level)
            sink->write(sink->ctx, level, text, length);
    }
    if (level > shown)
        return;
    if (around != NULL)
        around(around_ctx, false);
    port_log_write(text, length);
    if (around != NULL)
        around(around_ctx, true);
}

/* Lines that nobody wants are not even formatted. */
static void change_route(void)
{
    enum log_level highest = shown;
    for (const struct log_sink *sink = sinks; sink != NULL; sink = sink->next) {
        if (sink->level > highest)
            highest = sink->level;
    }
    log_set_route(write_line, highest);
}

void log_set_level(enum log_level level)
{
    shown = level;
    change_route();
}

enum log_level log_level(void)
{
    return shown;
}

void log_set_around(void (*function)(void *ctx, bool after), void *ctx)
{
    around = function;
    around_ctx = ctx;
    change_route();
}

void log_add_sink(struct log_sink *sink)
{
    for (const struct log_sink *other = sinks; other != NULL; other = other->next) {
        if (other == sink)
            return;
    }
    sink->next = sinks;
    sinks = sink;
    change_route();
}
