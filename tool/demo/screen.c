#include "tool/demo/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH 30

static bool terminal;
static bool bar_open; /* the cursor is behind a bar that is drawn again and again */
static unsigned tenths_shown;

void screen_start(void)
{
    terminal = isatty(STDOUT_FILENO) != 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
}

static const char *style(const char *code)
{
    return terminal ? code : "";
}

static void leave_bar(void)
{
    if (bar_open)
        putchar('\n');
    bar_open = false;
}

static void line(const char *before, const char *format, va_list args)
{
    leave_bar();
    fputs(before, stdout);
    vprintf(format, args);
    printf("%s\n", style("\033[0m"));
}

#define LINE(before)                                                                               \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        line(before, format, args);                                                                \
        va_end(args);                                                                              \
    } while (0)

void screen_heading(const char *format, ...)
{
    leave_bar();
    putchar('\n');
    LINE(terminal ? "\033[1;36m== " : "== ");
}

void screen_say(const char *format, ...)
{
    LINE("   ");
}

void screen_result(const char *format, ...)
{
    LINE(terminal ? "\033[2m   -> " : "   -> ");
}

void screen_error(const char *format, ...)
{
    LINE(terminal ? "\033[1;31m   FAILED: " : "   FAILED: ");
}

void screen_event(const char *format, ...)
{
    LINE(terminal ? "\033[1;35m   !! " : "   !! ");
}

void screen_good(const char *format, ...)
{
    LINE(terminal ? "\033[1;32m   " : "   ");
}

void screen_command(const char *command)
{
    leave_bar();
    printf("   %s$ %s%s\n", style("\033[1m"), command, style("\033[0m"));
}

void screen_device(const char *text)
{
    leave_bar();
    printf("   %sdevice |%s %s\n", style("\033[33m"), style("\033[0m"), text);
}

void screen_cloud(const char *text)
{
    leave_bar();
    printf("   %scloud  |%s %s\n", style("\033[34m"), style("\033[0m"), text);
}

static void bar_text(char *text, size_t size, const struct screen_progress *p)
{
    char bar[BAR_WIDTH + 1];
    const unsigned filled =
        p->bytes_total > 0 ? (unsigned)((uint64_t)p->bytes_done * BAR_WIDTH / p->bytes_total) : 0;
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', filled);
    bar[BAR_WIDTH] = '\0';
    const double rate = p->seconds > 0.05 ? p->bytes_done / p->seconds : 0;
    const double left = rate > 0 ? (p->bytes_total - p->bytes_done) / rate : 0;
    snprintf(text, size, "[%s] block %u/%u  %u of %u KiB  %.0f KiB/s  %.1f s left", bar,
             p->blocks_done, p->blocks_total, p->bytes_done / 1024, p->bytes_total / 1024,
             rate / 1024, left);
}

void screen_progress(const struct screen_progress *p)
{
    char text[160];
    bar_text(text, sizeof text, p);
    if (terminal) {
        printf("\r   %s\033[K", text);
        bar_open = true;
        if (p->blocks_done == p->blocks_total)
            leave_bar();
        fflush(stdout);
        return;
    }
    const unsigned tenth = p->blocks_total > 0 ? p->blocks_done * 10 / p->blocks_total : 0;
    if (tenth == tenths_shown)
        return;
    tenths_shown = tenth;
    printf("   %s\n", text);
}

void screen_row(const char *name, const char *format, ...)
{
    char before[80];
    snprintf(before, sizeof before, "   %-26s ", name);
    LINE(before);
}
