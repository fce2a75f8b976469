/* Headings, lines and the bar, by what the terminal can do. */
#include "tool/demo/screen.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TEXT_MAX   2048
#define BAR_MAX    30
#define NARROWEST  24u
#define UNLIMITED  100000u
#define WORD_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-"

static bool terminal; /* lines must fit */
static bool moves;    /* the cursor can go back to the start of a line */
static bool colours;
static bool quiet;
static bool line_open;         /* the cursor is behind something that is drawn again and again */
static char passing[TEXT_MAX]; /* the last passing line, where it cannot be drawn over */
static unsigned tenths_shown;

void screen_start(bool be_quiet)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    quiet = be_quiet;
    terminal = isatty(STDOUT_FILENO) != 0;
    moves = terminal && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
    colours = moves && (no_color == NULL || no_color[0] == '\0');
    setvbuf(stdout, NULL, _IOLBF, 0);
}

/* Asked each time: a window may be resized while the demo runs. */
static unsigned columns(void)
{
    struct winsize window;
    const char *text = getenv("COLUMNS");
    unsigned long width = 80;
    if (!terminal)
        return UNLIMITED;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        width = window.ws_col;
    else if (text != NULL && strtoul(text, NULL, 10) > 0)
        width = strtoul(text, NULL, 10);
    return width < NARROWEST ? NARROWEST : (unsigned)width;
}

static const char *style(const char *code)
{
    return colours ? code : "";
}

static void print_lines(const char *colour, const char *before, const char *text);

static void leave_line(void)
{
    if (line_open)
        putchar('\n');
    line_open = false;
    if (passing[0] == '\0')
        return;
    char text[TEXT_MAX];
    memcpy(text, passing, sizeof text);
    passing[0] = '\0';
    print_lines("\033[33m", "   device | ", text);
}

/* How much of the text goes into `room` columns: up to a space, unless a word is longer. */
static size_t fitting(const char *text, size_t room)
{
    const size_t length = strlen(text);
    if (length <= room)
        return length;
    for (size_t at = room; at > room / 3; at--)
        if (text[at] == ' ')
            return at;
    return room;
}

/* `before` stands in front of the first line and the rest is indented to it. It has the colour; or
 * the whole text, where there is nothing but blanks in it. */
static void print_lines(const char *colour, const char *before, const char *text)
{
    const unsigned indent = (unsigned)strlen(before) < columns() / 2 ? (unsigned)strlen(before) : 4;
    const bool all = before[strspn(before, " ")] == '\0';
    printf("%s%s%s", style(colour), before, all ? "" : style("\033[0m"));
    size_t room = columns() - strlen(before);
    for (;;) {
        const size_t length = fitting(text, room);
        printf("%.*s", (int)length, text);
        text += length;
        text += strspn(text, " ");
        if (*text == '\0')
            break;
        printf("\n%*s", (int)indent, "");
        room = columns() - indent;
    }
    printf("%s\n", style("\033[0m"));
}

static void show(const char *colour, const char *before, const char *format, va_list args)
{
    char text[TEXT_MAX];
    vsnprintf(text, sizeof text, format, args);
    leave_line();
    print_lines(colour, before, text);
}

#define SHOW(colour, before)                                                                       \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        show(colour, before, format, args);                                                        \
        va_end(args);                                                                              \
    } while (0)

void screen_heading(const char *format, ...)
{
    leave_line();
    putchar('\n');
    SHOW("\033[1;36m", "== ");
}

void screen_say(const char *format, ...)
{
    if (!quiet)
        SHOW("", "   ");
}

void screen_result(const char *format, ...)
{
    if (!quiet)
        SHOW("\033[2m", "   -> ");
}

void screen_error(const char *format, ...)
{
    SHOW("\033[1;31m", "   FAILED: ");
}

void screen_event(const char *format, ...)
{
    SHOW("\033[1;35m", "   !! ");
}

void screen_good(const char *format, ...)
{
    SHOW("\033[1;32m", "   ");
}

void screen_row(const char *name, const char *format, ...)
{
    char before[80];
    snprintf(before, sizeof before, "   %-26s ", name);
    SHOW("\033[1m", before);
}

void screen_device(const char *text)
{
    if (quiet)
        return;
    leave_line();
    print_lines("\033[33m", "   device | ", text);
}

void screen_cloud(const char *text)
{
    if (quiet)
        return;
    leave_line();
    print_lines("\033[34m", "   cloud  | ", text);
}

/* Draws over what was drawn so before. */
static void draw(const char *text)
{
    printf("\r%.*s\033[K", (int)columns() - 1, text);
    line_open = true;
    fflush(stdout);
}

void screen_device_passing(const char *text)
{
    char line[TEXT_MAX];
    if (quiet)
        return;
    if (moves) {
        snprintf(line, sizeof line, "   device | %s", text);
        draw(line);
    } else
        snprintf(passing, sizeof passing, "%s", text);
}

/* ---- commands ---------------------------------------------------------------------------------
 */

/* A word as a shell reads it. */
static void quote(char *out, size_t size, const char *word)
{
    size_t length = 0;
    if (word[0] != '\0' && word[strspn(word, WORD_CHARS)] == '\0') {
        snprintf(out, size, "%s", word);
        return;
    }
    out[length++] = '\'';
    for (; *word != '\0' && length + 6 < size; word++) {
        if (*word == '\'')
            length += (size_t)snprintf(out + length, size - length, "'\\''");
        else
            out[length++] = *word;
    }
    memcpy(out + length, "'", 2);
}

/* Writes a word at column `at` and returns the column behind it. A plain word that no line can hold
 * goes on at the start of the next, where a shell puts it together again. */
static unsigned print_word(const char *word, bool first, unsigned at, unsigned width)
{
    size_t length = strlen(word);
    if (at > 9 && at + 1 + length + 2 > width) {
        printf(" \\\n         ");
        at = 9;
    } else if (!first) {
        putchar(' ');
        at++;
    }
    while (word[0] != '\'' && at + length + 2 > width) {
        const unsigned room = width - at - 1;
        printf("%.*s\\\n", (int)room, word);
        word += room;
        length -= room;
        at = 0;
    }
    fputs(word, stdout);
    return at + (unsigned)length;
}

void screen_command(const char *const words[], const char *behind)
{
    char word[TEXT_MAX];
    const unsigned width = columns();
    unsigned at = 5;
    if (quiet)
        return;
    leave_line();
    printf("   %s$ ", style("\033[1m"));
    for (unsigned i = 0; words[i] != NULL; i++) {
        quote(word, sizeof word, words[i]);
        at = print_word(word, i == 0, at, width);
    }
    if (behind[0] != '\0')
        print_word(behind, false, at, width);
    printf("%s\n", style("\033[0m"));
}

void screen_shell(const char *text)
{
    const unsigned width = columns();
    unsigned at = 5;
    char quoted = '\0'; /* the quote that is open: a line cannot be broken there */
    if (quiet)
        return;
    leave_line();
    printf("   %s$ ", style("\033[1m"));
    while (*text != '\0') {
        const size_t length = strcspn(text, " ");
        if (at > 9 && quoted == '\0' && at + length + 2 > width) {
            printf("\\\n         ");
            at = 9;
        }
        for (size_t i = 0; i < length; i++) {
            if (text[i] == '\\')
                i++;
            else if (quoted == '\0' && (text[i] == '\'' || text[i] == '"'))
                quoted = text[i];
            else if (text[i] == quoted)
                quoted = '\0';
        }
        printf("%.*s%s", (int)length, text, text[length] == ' ' ? " " : "");
        at += (unsigned)length + 1;
        text += length + (text[length] == ' ');
    }
    printf("%s\n", style("\033[0m"));
}

/* ---- the download's bar -----------------------------------------------------------------------
 */

/* The bar takes what the figures leave; where that is nothing, there are only figures. */
static void bar_text(char *text, size_t size, const struct screen_progress *p)
{
    char figures[128], bar[BAR_MAX + 1];
    const double rate = p->seconds > 0.05 ? p->bytes_done / p->seconds : 0;
    const double left = rate > 0 ? (p->bytes_total - p->bytes_done) / rate : 0;
    const int length =
        snprintf(figures, sizeof figures, "block %u/%u  %u of %u KiB  %.0f KiB/s  %.1f s left",
                 p->blocks_done, p->blocks_total, p->bytes_done / 1024, p->bytes_total / 1024,
                 rate / 1024, left);
    const int room = (int)columns() - length - 8;
    const unsigned width = room > BAR_MAX ? BAR_MAX : room > 4 ? (unsigned)room : 0;
    if (width == 0) {
        snprintf(text, size, "   %s", figures);
        return;
    }
    const unsigned filled =
        p->bytes_total > 0 ? (unsigned)((uint64_t)p->bytes_done * width / p->bytes_total) : 0;
    memset(bar, '.', width);
    memset(bar, '#', filled < width ? filled : width);
    bar[width] = '\0';
    snprintf(text, size, "   [%s] %s", bar, figures);
}

void screen_progress(const struct screen_progress *p)
{
    char text[256];
    if (quiet)
        return;
    bar_text(text, sizeof text, p);
    if (moves) {
        draw(text);
        if (p->blocks_done == p->blocks_total)
            leave_line();
        return;
    }
    const unsigned tenth = p->blocks_total > 0 ? p->blocks_done * 10 / p->blocks_total : 0;
    if (tenth == tenths_shown)
        return;
    tenths_shown = tenth;
    printf("%.*s\n", (int)columns() - 1, text);
}
