/* The cloud's log on stdout: its own lines, and those of rooms that log through port/log.h. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "cloud/core/cloud.h"
#include "port/port.h"

void cloud_log(const char *area, const char *format, ...)
{
    struct timespec now;
    struct tm local;
    char text[1024], clock_text[16];
    va_list args;

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    strftime(clock_text, sizeof clock_text, "%H:%M:%S", &local);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++) /* what devices send must not drive the terminal */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    printf("%s.%03ld  %-8s %s\n", clock_text, now.tv_nsec / 1000000, area, text);
    fflush(stdout);
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
