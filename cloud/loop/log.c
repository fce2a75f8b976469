/* The cloud's log on stdout: its own lines, and those of rooms that log through port/log.h.
 *
 * Whoever reads stdout may be slow or asleep, and no device may wait for that: lines go through a
 * buffer, from there as far as they are taken without waiting, and what finds no room is counted
 * and said in its place. */
#include "cloud/loop/log.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cloud/core/ground/log.h"
#include "port/port.h"

#define BUFFER_SIZE 262144u
#define LINE_SIZE   1280u
#define WRITE_MAX   4096u /* a pipe that is ready takes PIPE_BUF bytes at least */

static struct {
    char bytes[BUFFER_SIZE];
    size_t first, used; /* a ring */
    unsigned long lost; /* lines since the last that found room */
    struct event *writable;
} waiting;

/* ---- the buffer ---- */

static bool stdout_takes(void)
{
    struct pollfd fd = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&fd, 1, 0) == 1;
}

static void drain(void)
{
    while (waiting.used > 0 && stdout_takes()) {
        size_t piece = BUFFER_SIZE - waiting.first;
        piece = piece < waiting.used ? piece : waiting.used;
        piece = piece < WRITE_MAX ? piece : WRITE_MAX;
        ssize_t written = write(STDOUT_FILENO, waiting.bytes + waiting.first, piece);
        if (written < 0 && (errno == EINTR || errno == EAGAIN))
            break;
        if (written < 0) /* nobody is there to read it, ever */
            written = (ssize_t)piece;
        waiting.first = (waiting.first + (size_t)written) % BUFFER_SIZE;
        waiting.used -= (size_t)written;
    }
    if (waiting.used > 0 && waiting.writable)
        event_add(waiting.writable, NULL);
}

static bool keep(const char *line, size_t length)
{
    if (length > BUFFER_SIZE - waiting.used)
        return false;
    for (size_t i = 0; i < length; i++)
        waiting.bytes[(waiting.first + waiting.used + i) % BUFFER_SIZE] = line[i];
    waiting.used += length;
    return true;
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what, (void)context;
    drain();
    if (waiting.lost > 0 && waiting.used == 0)
        cloud_log("log", "is read again");
}

/* ---- lines ---- */

/* Bytes of the character at `text`; 0: it is none of UTF-8. */
static size_t utf8_length(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t length = c[0] < 0x80 ? 1 : c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] >= 0x80 && (c[0] < 0xc2 || c[0] > 0xf4))
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
        (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    return length;
}

static enum loop_log_format line_format;

void loop_log_format(enum loop_log_format format)
{
    line_format = format;
}

/* As a text of JSON, without its quotes. Bytes that are no UTF-8 become U+FFFD: strangers choose
 * some of what is logged. */
static size_t escape(char *to, size_t size, const char *text)
{
    size_t used = 0;
    for (const char *c = text; *c && used + 8 < size;) {
        size_t length = utf8_length(c);
        if (length == 0) {
            used += (size_t)snprintf(to + used, size - used, "\\ufffd");
            c++;
        } else if (length == 1 && (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20)) {
            used += (size_t)snprintf(to + used, size - used, "\\u%04x", *c);
            c++;
        } else {
            memcpy(to + used, c, length);
            used += length;
            c += length;
        }
    }
    return used;
}

static size_t write_json(char line[LINE_SIZE], const char *area, const char *text)
{
    struct timespec now;
    struct tm utc;
    char when[32];
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &utc));
    size_t used = (size_t)snprintf(line, LINE_SIZE,
                                   "{\"time\":\"%s.%03ldZ\",\"area\":\"%.40s\",\"message\":\"",
                                   when, now.tv_nsec / 1000000, area);
    used += escape(line + used, LINE_SIZE - used - 4, text);
    return used + (size_t)snprintf(line + used, LINE_SIZE - used, "\"}\n");
}

static size_t write_line(char line[LINE_SIZE], const char *area, const char *text)
{
    if (line_format == LOOP_LOG_JSON)
        return write_json(line, area, text);
    struct timespec now;
    struct tm local;
    char clock_text[16];
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    strftime(clock_text, sizeof clock_text, "%H:%M:%S", &local);
    int length = snprintf(line, LINE_SIZE, "%s.%03ld  %-8s %s\n", clock_text, now.tv_nsec / 1000000,
                          area, text);
    return length < (int)LINE_SIZE ? (size_t)length : LINE_SIZE - 1;
}

static bool confess(void)
{
    char line[LINE_SIZE], text[96];
    if (waiting.lost == 0)
        return true;
    snprintf(text, sizeof text, "%lu lines are missing here: nobody read them", waiting.lost);
    return keep(line, write_line(line, "log", text));
}

static void write_out(void *context, const char *area, const char *text)
{
    char line[LINE_SIZE];
    (void)context;
    fflush(stdout); /* whatever else was printed came first */
    drain();
    if (confess() && keep(line, write_line(line, area, text)))
        waiting.lost = 0;
    else
        waiting.lost++;
    drain();
}

void loop_log(struct event_base *base)
{
    if (waiting.writable)
        event_free(waiting.writable);
    waiting.writable = base ? event_new(base, STDOUT_FILENO, EV_WRITE, on_writable, NULL) : NULL;
    cloud_log_to(write_out, NULL);
    drain();
}

/* ---- for rooms shared with the device ------------------------------------------------------- */

otter_ms port_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (otter_ms)now.tv_sec * 1000 + (otter_ms)now.tv_nsec / 1000000;
}

void port_log_write(const char *line, size_t length)
{
    cloud_log("cloud", "%.*s", (int)length, line);
}
