/* Lines of the log: made here, written by whoever was asked to. */
#include "cloud/core/ground/log.h"

#include <stdarg.h>
#include <stdio.h>

static void write_plainly(void *context, const char *area, const char *text)
{
    (void)context;
    printf("%-8s %s\n", area, text);
    fflush(stdout);
}

static struct {
    void (*write)(void *context, const char *area, const char *text);
    void *context;
} writer = {write_plainly, NULL};

void cloud_log_to(void (*write)(void *context, const char *area, const char *text), void *context)
{
    writer.write = write ? write : write_plainly;
    writer.context = context;
}

void cloud_log(const char *area, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++) /* what devices send must not drive the terminal */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    writer.write(writer.context, area, text);
}
